// The order service: REST over SQLite. It checks tokens itself and asks the user service by gRPC whether the user is there.
//
//     order --listen 127.0.0.1:8082 --data ./data --users static://127.0.0.1:8081 --jwks http://127.0.0.1:8081/.well-known/jwks.json

#include "apps/backends.hpp"
#include "apps/order/orders.hpp"
#include "apps/order/relay.hpp"
#include "shop/v1/user.pb.h"
#include "shop/v1/user.yun.hpp"
#include "yun/base/strings.hpp"
#include "yun/http/auth/verifier.hpp"
#include "yun/yun.hpp"

namespace {

using namespace std::chrono_literals;
using namespace yun;
using shop::NewOrder;
using shop::Order;
using shop::Orders;

struct Settings {
  std::string data = "./data";
  std::string users = "static://127.0.0.1:8081";
  std::string jwks = "";
  static constexpr std::string_view kSummary = "The shop's order service: REST on the service port.";
  static constexpr config::Doc kDocs[] = {
      {"data", "folder of the database and the last key set"},
      {"users", "where the user service is: static://, dns://, consul://, etcd://, nacos://; CONSUL_ADDR and DISCOVERY_URL go before"},
      {"jwks", "URL of the keys that tokens are checked with; default: those of the user service"},
  };
};

/// The one question that the user service is asked: is there such a user? Away or slow means "come again", within two seconds.
class Directory {
 public:
  explicit Directory(rpc::Channel& channel) : users_(channel) {}

  Task<Result<void>> require(Context& ctx, std::string id) {
    Context child(ctx, 1500ms);
    shop::v1::GetUserRequest request;
    request.set_id(id);
    auto user = co_await users_.get_user(child, request);
    if (user) co_return Result<void>();
    if (user.error().code() == Code::NotFound) co_return unauthenticated("the token's user is gone").with_reason("user_unknown");
    if (ctx.done()) co_return std::move(user).error();
    co_return unavailable("the user service is away").with_reason("users_unavailable").with_retry_after(1s).caused_by(std::move(user).error());
  }

 private:
  shop::v1::UserService::Stub users_;
};

struct Shop {
  Orders& orders;
  Directory& directory;
  http::TokenVerifier& tokens;

  /// The user a request comes from.
  Task<Result<std::string>> caller(Context& ctx, const http::Request& request) {
    auto token = http::bearer_token(request.headers.get("authorization"));
    if (!token) co_return std::move(token).error();
    YUN_TRY(claims, co_await tokens.verify(ctx, *token));
    ctx.set_subject(claims.subject);
    co_return claims.subject;
  }

  static Created<Order> created(Order order) {
    std::string location = "/api/orders/" + order.id;
    return {std::move(order), std::move(location)};
  }

  Task<Result<Created<Order>>> place(Context& ctx, const http::Request& request, std::optional<std::string> key, NewOrder order) {
    YUN_TRY(user, co_await caller(ctx, request));
    if (!key || key->empty() || key->size() > 200)
      co_return invalid_argument("an Idempotency-Key header of 1 to 200 bytes is required").with_reason("idempotency_key_required");
    // A repeat is answered without asking anybody.
    YUN_TRY(before, co_await orders.replay(ctx, user, *key, order));
    if (before) co_return created(std::move(*before));
    YUN_CHECK(co_await directory.require(ctx, user));
    YUN_TRY(placed, co_await orders.place(ctx, user, *key, std::move(order)));
    co_return created(std::move(placed));
  }

  Task<Result<Order>> find(Context& ctx, const http::Request& request, std::string id) {
    YUN_TRY(user, co_await caller(ctx, request));
    co_return co_await orders.find(ctx, user, id);
  }

  Task<Result<shop::OrderPage>> list(Context& ctx, const http::Request& request, int page_size, std::string page_token) {
    YUN_TRY(user, co_await caller(ctx, request));
    if (page_size < 1 || page_size > 100) co_return invalid_argument("the request has invalid fields").with_violation("/query/page_size", "must be from 1 to 100");
    co_return co_await orders.list(ctx, user, page_size, page_token);
  }

  Task<Result<Order>> cancel(Context& ctx, const http::Request& request, std::string id) {
    YUN_TRY(user, co_await caller(ctx, request));
    co_return co_await orders.cancel(ctx, user, id);
  }
};

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  App app("order", argc, argv, settings);
  const std::string users = shop::registry_url("user-service", "keep=" + percent_encode(settings.data + "/users.json"));
  if (!users.empty()) settings.users = users;
  if (auto made = shop::make_data_folder(settings.data); !made) return app.fail(made.error());

  auto url = shop::database_url("sqlite://" + settings.data + "/order.db");
  if (!url) return app.fail(url.error());
  auto pool = app.open_sql(*url);
  if (!pool) return app.fail(pool.error());
  auto cache = app.open_cache(shop::cache_url(), "orders");
  if (!cache) return app.fail(cache.error());
  Orders orders(*pool, *cache);
  // A user service that has stopped without a word costs an order half a second, not its user.
  auto channel = app.open_rpc(settings.users, {.try_timeout = 500ms});
  if (!channel) return app.fail(channel.error());
  Directory directory(**channel);
  auto key_channel = app.open_http(settings.users);
  if (!key_channel) return app.fail(key_channel.error());
  http::TokenVerifier tokens({.expected = {.issuer = "shop", .audience = "shop"}, .keep_in = settings.data + "/jwks.json"}, [&](Context& ctx) {
    return settings.jwks.empty() ? app.fetch_text(ctx, **key_channel, "/.well-known/jwks.json") : app.fetch_text(ctx, settings.jwks);
  });
  auto& events = app.metrics().counter("shop_order_events_total", "Order events delivered from the outbox.");
  shop::Relay relay(orders, [&](const std::vector<Orders::Event>& batch) -> Result<void> {
    const std::uint64_t lost = log::dropped();
    for (const Orders::Event& event : batch) log::info("order event", {{"event", event.payload}});
    // A line that waits to be written would be gone with a kill.
    log::flush();
    if (log::dropped() != lost) return unavailable("the log has dropped lines");
    events.add(batch.size());
    return {};
  });
  const auto lag = app.metrics().callback("shop_outbox_lag_seconds", "Age of the oldest order event that is not known to be delivered.", metrics::Kind::Gauge,
                                          [&relay] { return std::chrono::duration<double>(relay.lag()).count(); });

  app.before_serving([&](Context& ctx) { return orders.migrate(ctx); });
  app.background([&](Context& ctx) { return tokens.run(ctx); });
  app.ready_when("tokens", [&] { return tokens.has_keys() ? std::string() : "the key set of " + (settings.jwks.empty() ? settings.users : settings.jwks); });
  if (const std::string registry = shop::registry_url(); !registry.empty()) {
    if (auto known = app.register_service(registry, "order-service"); !known) return app.fail(known.error());
  }
  app.background([&](Context& ctx) { return relay.run(ctx); });

  Shop shop{orders, directory, tokens};
  app.get("/api/products", [&](Context& ctx) { return orders.products(ctx); });
  app.post("/api/orders", [&](Context& ctx, http::Request& request, Header<"idempotency-key", std::optional<std::string>> key, Json<NewOrder> order) {
    return shop.place(ctx, request, *key, std::move(*order));
  });
  app.get("/api/orders/{id}", [&](Context& ctx, http::Request& request, Path<"id"> id) { return shop.find(ctx, request, *id); });
  app.get("/api/orders", [&](Context& ctx, http::Request& request, Query<"page_size", int, 20> size, Query<"page_token", std::optional<std::string>> token) {
    return shop.list(ctx, request, *size, token->value_or(""));
  });
  app.post("/api/orders/{id}/cancel", [&](Context& ctx, http::Request& request, Path<"id"> id) { return shop.cancel(ctx, request, *id); });
  return app.run();
}
