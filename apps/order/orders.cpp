#include "apps/order/orders.hpp"

#include "apps/order/schema.hpp"
#include "yun/base/ids.hpp"
#include "yun/base/strings.hpp"
#include "yun/json/read.hpp"
#include "yun/json/write.hpp"

namespace shop {

using yun::Result;
using yun::Task;
using yun::sql::Transaction;

namespace {

struct ProductRow {
  std::string id, name;
  std::int64_t amount = 0;
  std::string currency;
  std::int64_t stock = 0;
};
struct OrderRow {
  std::string id, status;
  std::int64_t amount = 0;
  std::string currency;
  yun::Time created_at{};
};
struct ItemRow {
  std::string order_id, product_id;
  std::int64_t quantity = 0, amount = 0;
  std::string currency;
};
struct KeyRow {
  std::string body, order_json;
};

yun::Error no_order() { return yun::not_found("no such order").with_reason("order_not_found"); }

Order to_order(const OrderRow& row) { return {row.id, row.status, {}, {row.amount, row.currency}, row.created_at}; }
Item to_item(const ItemRow& row) { return {row.product_id, row.quantity, {row.amount, row.currency}}; }

constexpr auto kCached = std::chrono::minutes(10);

constexpr const char* kSelectKey = R"(select body, order_json from "keys" where user_id = ? and "key" = ? and created_at > ?)";
constexpr const char* kSelectOrder = "select id, status, amount, currency, created_at from orders where id = ? and user_id = ?";
constexpr const char* kSelectItems = "select order_id, product_id, quantity, amount, currency from items where order_id = ? order by position";

Result<std::optional<Order>> replayed(const std::optional<KeyRow>& row, const std::string& body) {
  if (!row) return std::optional<Order>();
  if (row->body != body) {
    return yun::invalid_argument("the idempotency key was used for another request")
        .with_violation("/items", "differs from the first request with this key")
        .with_reason("idempotency_key_reused");
  }
  YUN_GET(order, yun::json::read<Order>(row->order_json));
  return std::optional<Order>(std::move(order));
}

Result<Order> find_order(Transaction& tx, const std::string& user, const std::string& id) {
  YUN_GET(row, tx.maybe<OrderRow>(kSelectOrder, id, user));
  if (!row) return no_order();
  Order order = to_order(*row);
  YUN_GET(items, tx.all<ItemRow>(kSelectItems, id));
  for (const ItemRow& item : items) order.items.push_back(to_item(item));
  return order;
}

Result<void> add_event(Transaction& tx, const char* type, const std::string& user, const Order& order) {
  const std::string payload = yun::json::to_json(OrderEvent{type, user, order});
  YUN_GET(added, tx.execute("insert into outbox (payload, created_at) values (?, ?)", payload, yun::now()));
  (void)added;  // the event's number is of no interest here
  return {};
}

/// One item with its price, if there is such a product.
Result<Item> priced(Transaction& tx, const NewItem& wanted, std::size_t index) {
  YUN_GET(product, tx.maybe<ProductRow>("select id, name, amount, currency, stock from products where id = ?", wanted.product_id));
  if (!product) {
    return yun::invalid_argument("the order names an unknown product")
        .with_violation("/items/" + std::to_string(index) + "/product_id", "no such product")
        .with_reason("product_unknown");
  }
  return Item{product->id, wanted.quantity, {product->amount, product->currency}};
}

/// Takes one item out of the stock. Here the stock is decided on, whatever was read before.
Result<void> take(Transaction& tx, const Item& item) {
  YUN_GET(taken, tx.execute("update products set stock = stock - ? where id = ? and stock >= ?", item.quantity, item.product_id, item.quantity));
  if (taken.rows > 0) return {};
  YUN_GET(product, tx.maybe<ProductRow>("select id, name, amount, currency, stock from products where id = ?", item.product_id));
  return yun::Error(yun::Code::Aborted, "not enough of product '" + item.product_id + "' in stock: " + std::to_string(product ? product->stock : 0) + " left")
      .with_reason("out_of_stock");
}

/// Makes the key this transaction's own, or gives the order that it has made. Whoever comes with the same key meanwhile waits at the insert.
Result<std::optional<Order>> claim(Transaction& tx, const std::string& user, const std::string& key, const std::string& body, yun::Time time) {
  YUN_GET(expired, tx.execute(R"(delete from "keys" where user_id = ? and "key" = ? and created_at <= ?)", user, key, time - Orders::kKeyLife));
  (void)expired;
  auto claimed = tx.execute(R"(insert into "keys" (user_id, "key", body, order_json, created_at) values (?, ?, ?, '', ?))", user, key, body, time);
  if (claimed) return std::optional<Order>();
  if (claimed.error().code() != yun::Code::AlreadyExists) return std::move(claimed).error();
  YUN_GET(row, tx.maybe<KeyRow>(kSelectKey, user, key, time - Orders::kKeyLife));
  // Never go on without the key: that would be a second order.
  if (!row) return yun::Error(yun::Code::Aborted, "the idempotency key is being used by another request").with_reason("idempotency_key_busy");
  return replayed(row, body);
}

Result<Order> place_in(Transaction& tx, const std::string& user, const std::string& key, const NewOrder& wanted) {
  const std::string body = yun::json::to_json(wanted);
  const yun::Time time = yun::now();
  YUN_GET(before, claim(tx, user, key, body, time));
  if (before) return std::move(*before);

  Order order{.id = yun::new_id(), .status = "placed", .items = {}, .total = {}, .created_at = {}};
  order.created_at = yun::time_of_id(order.id);  // pages go by ids, and shall be sorted by time too
  for (std::size_t i = 0; i < wanted.items.size(); ++i) {
    YUN_GET(item, priced(tx, wanted.items[i], i));
    if (i > 0 && item.price.currency != order.total.currency) {
      return yun::invalid_argument("the items have different currencies")
          .with_violation("/items/" + std::to_string(i) + "/product_id", "is not sold in " + order.total.currency);
    }
    order.total.currency = item.price.currency;
    order.total.amount += item.price.amount * item.quantity;
    order.items.push_back(std::move(item));
  }

  YUN_GET(inserted, tx.execute("insert into orders (id, user_id, status, amount, currency, created_at) values (?, ?, ?, ?, ?, ?)", order.id, user,
                               order.status, order.total.amount, order.total.currency, order.created_at));
  (void)inserted;
  for (std::size_t i = 0; i < order.items.size(); ++i) {
    const Item& item = order.items[i];
    YUN_GET(added, tx.execute("insert into items (order_id, position, product_id, quantity, amount, currency) values (?, ?, ?, ?, ?, ?)", order.id,
                              static_cast<std::int64_t>(i), item.product_id, item.quantity, item.price.amount, item.price.currency));
    (void)added;
  }
  YUN_GET(kept, tx.execute(R"(update "keys" set order_json = ? where user_id = ? and "key" = ?)", yun::json::to_json(order), user, key));
  (void)kept;
  if (auto event = add_event(tx, "order.placed", user, order); !event) return std::move(event).error();
  // Last, since all orders of a product wait for its row until this one's commit.
  for (const Item& item : order.items) {
    if (auto taken = take(tx, item); !taken) return std::move(taken).error();
  }
  return order;
}

Result<Order> cancel_in(Transaction& tx, const std::string& user, const std::string& id) {
  YUN_GET(order, find_order(tx, user, id));
  // Of two at once, one changes it and gives the stock back.
  YUN_GET(changed, tx.execute("update orders set status = 'cancelled' where id = ? and status <> 'cancelled'", id));
  order.status = "cancelled";
  if (changed.rows == 0) return order;
  for (const Item& item : order.items) {
    YUN_GET(given, tx.execute("update products set stock = stock + ? where id = ?", item.quantity, item.product_id));
    (void)given;
  }
  if (auto event = add_event(tx, "order.cancelled", user, order); !event) return std::move(event).error();
  return order;
}

}  // namespace

Task<Result<void>> Orders::migrate(yun::Context& ctx) { co_return co_await yun::sql::migrate(ctx, pool_, migrations(pool_.dialect())); }

Task<Result<Products>> Orders::products(yun::Context& ctx) {
  YUN_TRY(rows, co_await pool_.all<ProductRow>(ctx, "select id, name, amount, currency, stock from products order by id"));
  Products list;
  for (const ProductRow& row : rows) list.products.push_back({row.id, row.name, {row.amount, row.currency}, row.stock});
  co_return list;
}

Task<Result<std::optional<Order>>> Orders::replay(yun::Context& ctx, std::string user, std::string key, NewOrder order) {
  const yun::Time since = yun::now() - kKeyLife;
  YUN_TRY(row, co_await pool_.maybe<KeyRow>(ctx, kSelectKey, user, key, since));
  co_return replayed(row, yun::json::to_json(order));
}

Task<Result<Order>> Orders::place(yun::Context& ctx, std::string user, std::string key, NewOrder order) {
  auto work = [user = std::move(user), key = std::move(key), order = std::move(order)](Transaction& tx) { return place_in(tx, user, key, order); };
  co_return co_await pool_.transaction(ctx, std::move(work));
}

Task<Result<Order>> Orders::find(yun::Context& ctx, std::string user, std::string id) {
  YUN_TRY(row, co_await pool_.maybe<OrderRow>(ctx, kSelectOrder, id, user));
  if (!row) co_return no_order();
  Order order = to_order(*row);
  auto loading = [this, id](yun::Context& load_ctx) { return items_of(load_ctx, id); };
  YUN_TRY(items, co_await cache_.get_or_load<std::vector<Item>>(ctx, "items:" + id, kCached, std::move(loading)));
  order.items = std::move(items);
  co_return order;
}

Task<Result<std::vector<Item>>> Orders::items_of(yun::Context& ctx, std::string order) {
  YUN_TRY(rows, co_await pool_.all<ItemRow>(ctx, kSelectItems, order));
  std::vector<Item> items;
  for (const ItemRow& row : rows) items.push_back(to_item(row));
  co_return items;
}

Task<Result<OrderPage>> Orders::list(yun::Context& ctx, std::string user, int page_size, std::string page_token) {
  std::string before = "~";  // above every id
  if (!page_token.empty()) {
    auto decoded = yun::from_base64url(page_token);
    if (!decoded) co_return yun::invalid_argument("the request has invalid fields").with_violation("/query/page_token", "is not one of ours");
    before = *decoded;
  }
  const std::int64_t wanted = page_size + 1;  // one more tells whether there is a next page
  YUN_TRY(rows, co_await pool_.all<OrderRow>(
                    ctx, "select id, status, amount, currency, created_at from orders where user_id = ? and id < ? order by id desc limit ?", user,
                    before, wanted));
  OrderPage page;
  if (rows.size() > static_cast<std::size_t>(page_size)) {
    rows.pop_back();
    page.next_page_token = yun::to_base64url(rows.back().id);
  }
  if (rows.empty()) co_return page;
  // Ids of a page are neighbours in the user's order, so one range query has all items.
  const std::string first = rows.back().id;
  const std::string last = rows.front().id;
  YUN_TRY(items, co_await pool_.all<ItemRow>(ctx,
                                             "select i.order_id, i.product_id, i.quantity, i.amount, i.currency from items i join orders o on o.id = "
                                             "i.order_id where o.user_id = ? and o.id between ? and ? order by o.id desc, i.position",
                                             user, first, last));
  std::size_t at = 0;
  for (const OrderRow& row : rows) {
    Order order = to_order(row);
    while (at < items.size() && items[at].order_id == row.id) order.items.push_back(to_item(items[at++]));
    page.orders.push_back(std::move(order));
  }
  co_return page;
}

Task<Result<Order>> Orders::cancel(yun::Context& ctx, std::string user, std::string id) {
  auto work = [user = std::move(user), id = std::move(id)](Transaction& tx) { return cancel_in(tx, user, id); };
  co_return co_await pool_.transaction(ctx, std::move(work));
}

Task<Result<std::vector<Orders::Event>>> Orders::unsent(yun::Context& ctx, int limit) {
  co_return co_await pool_.all<Event>(ctx, "select id, payload, created_at from outbox where sent_at is null order by id limit ?", limit);
}

Task<Result<void>> Orders::mark_sent(yun::Context& ctx, std::vector<std::int64_t> ids) {
  // Each by its id: a transaction that began earlier may commit later, and its event has a smaller one.
  auto work = [ids = std::move(ids)](Transaction& tx) -> Result<void> {
    for (const std::int64_t id : ids) {
      YUN_GET(marked, tx.execute("update outbox set sent_at = ? where id = ?", yun::now(), id));
      (void)marked;
    }
    return {};
  };
  co_return co_await pool_.transaction(ctx, std::move(work));
}

Task<Result<void>> Orders::purge(yun::Context& ctx) {
  const yun::Time keys_before = yun::now() - kKeyLife;
  const yun::Time sent_before = yun::now() - kSentLife;
  YUN_CHECK(co_await pool_.execute(ctx, "delete from \"keys\" where created_at <= ?", keys_before));
  YUN_CHECK(co_await pool_.execute(ctx, "delete from outbox where sent_at <= ?", sent_before));
  co_return Result<void>();
}

}  // namespace shop
