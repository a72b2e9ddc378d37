// The user service: gRPC over SQLite, with /health and the JWK set on the same port.
//
//     user --listen 127.0.0.1:8081 --data ./data

#include "apps/backends.hpp"
#include "apps/user/service.hpp"
#include "shop/v1/user.pb.h"
#include "yun/yun.hpp"

namespace {

using namespace std::chrono_literals;
using namespace yun;

struct Settings {
  std::string data = "./data";
  Duration key_rotation = std::chrono::hours(24 * 30);
  static constexpr std::string_view kSummary = "The shop's user service: gRPC (shop.v1.UserService), key set and /health on the service port.";
  static constexpr config::Doc kDocs[] = {
      {"data", "folder of the database"},
      {"key_rotation", "how often a new signing key takes over; tokens of the one before stay good"},
  };
};

/// Sees each minute whether the signing keys are due, and what other replicas made.
Task<void> keep_keys(Context& ctx, shop::SigningKeys& keys) {
  while (!ctx.done()) {
    (void)co_await runtime::sleep_for(ctx, 1min);  // cancelled: the condition sees it
    auto refreshed = co_await keys.refresh(ctx);
    if (!refreshed && !ctx.done()) log::error(ctx, "signing keys were not refreshed", {{"error", refreshed.error()}});
  }
}

Task<Result<void>> prepare(Context& ctx, shop::Users& users, shop::SigningKeys& keys) {
  YUN_CHECK(co_await users.migrate(ctx));
  co_return co_await keys.refresh(ctx);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  App app("user", argc, argv, settings);
  if (auto made = shop::make_data_folder(settings.data); !made) return app.fail(made.error());

  auto url = shop::database_url("sqlite://" + settings.data + "/user.db");
  if (!url) return app.fail(url.error());
  // Serializable: of two replicas that find no signing key, one makes it.
  auto pool = app.open_sql(*url, {.isolation = sql::Isolation::Serializable});
  if (!pool) return app.fail(pool.error());
  auto cache = app.open_cache(shop::cache_url(), "users");
  if (!cache) return app.fail(cache.error());
  shop::Users users(*pool, *cache);
  shop::Passwords passwords;
  shop::SigningKeys keys(*pool, {.rotate_every = settings.key_rotation});
  shop::UserService service(users, passwords, keys);

  app.before_serving([&](Context& ctx) { return prepare(ctx, users, keys); });
  app.background([&](Context& ctx) { return keep_keys(ctx, keys); });
  app.grpc().add(service);
  if (const std::string registry = shop::registry_url(); !registry.empty()) {
    if (auto known = app.register_service(registry, "user-service"); !known) return app.fail(known.error());
  }
  app.get("/.well-known/jwks.json", [&] { return http::Response::json(200, keys.jwks()); });
  return app.run();
}
