#pragma once
// Orders: everything that touches the order database. What an order holds never changes once it is placed, so that is read through a cache; status and stock do,
// and are always the database's. Placing an order writes order, items, stock, outbox event and idempotency key in
// one transaction, so that whatever dies in between, each is there or none.

#include <optional>
#include <string>

#include "apps/order/model.hpp"
#include "yun/cache/cache.hpp"
#include "yun/observe/context.hpp"
#include "yun/sql/sql.hpp"

namespace shop {

class Orders {
 public:
  /// How long an Idempotency-Key is remembered.
  static constexpr auto kKeyLife = std::chrono::hours(24);
  /// How long an event stays in the outbox after it was delivered.
  static constexpr auto kSentLife = std::chrono::hours(1);

  Orders(yun::sql::Pool pool, yun::cache::Cache cache) : pool_(std::move(pool)), cache_(std::move(cache)) {}

  /// Creates the tables and the first products.
  yun::Task<yun::Result<void>> migrate(yun::Context& ctx);

  yun::Task<yun::Result<Products>> products(yun::Context& ctx);

  /// The order that `key` made before, if it did. InvalidArgument (422) if it was for another body.
  yun::Task<yun::Result<std::optional<Order>>> replay(yun::Context& ctx, std::string user, std::string key, NewOrder order);
  /// Places the order once: the same key again gives the same order. Aborted (409) with the product's id when the stock does not suffice,
  /// InvalidArgument (422) for an unknown product.
  yun::Task<yun::Result<Order>> place(yun::Context& ctx, std::string user, std::string key, NewOrder order);
  /// NotFound for another's order as for none.
  yun::Task<yun::Result<Order>> find(yun::Context& ctx, std::string user, std::string id);
  /// Newest first. `page_token` is what the last page gave, "" for the first.
  yun::Task<yun::Result<OrderPage>> list(yun::Context& ctx, std::string user, int page_size, std::string page_token);
  /// Gives the stock back, once; a cancelled order stays as it is.
  yun::Task<yun::Result<Order>> cancel(yun::Context& ctx, std::string user, std::string id);

  struct Event {
    std::int64_t id = 0;
    std::string payload;  ///< an OrderEvent as JSON
    yun::Time created_at;
  };
  /// Events not yet delivered, oldest first, at most `limit`.
  yun::Task<yun::Result<std::vector<Event>>> unsent(yun::Context& ctx, int limit);
  /// Marks these as delivered.
  yun::Task<yun::Result<void>> mark_sent(yun::Context& ctx, std::vector<std::int64_t> ids);
  /// Forgets delivered events and idempotency keys that are past their life.
  yun::Task<yun::Result<void>> purge(yun::Context& ctx);

 private:
  yun::Task<yun::Result<std::vector<Item>>> items_of(yun::Context& ctx, std::string order);

  yun::sql::Pool pool_;
  yun::cache::Cache cache_;
};

}  // namespace shop
