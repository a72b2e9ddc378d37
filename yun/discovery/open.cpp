#include "yun/discovery/open.hpp"

#include <array>

#include "yun/base/strings.hpp"
#include "yun/discovery/consul.hpp"

namespace yun::discovery {

namespace {

struct Driver {
  std::string_view scheme;
  Result<std::unique_ptr<balance::Resolver>> (*resolver)(std::string_view url);
  Result<std::unique_ptr<Registry>> (*registry)(std::string_view url);
};

Error not_built(std::string_view url) {
  const auto scheme = url.substr(0, url.find("://"));
  return unimplemented("'" + std::string(url) + "': the " + std::string(scheme) + " driver is not in this build").with_reason("driver_not_built");
}
Result<std::unique_ptr<balance::Resolver>> no_resolver(std::string_view url) { return not_built(url); }
Result<std::unique_ptr<Registry>> no_registry(std::string_view url) { return not_built(url); }
Result<std::unique_ptr<Registry>> static_registry(std::string_view) { return std::unique_ptr<Registry>(std::make_unique<StaticRegistry>()); }
Result<std::unique_ptr<Registry>> nothing_to_register(std::string_view url) {
  return invalid_argument("'" + std::string(url) + "' only finds services: nothing can be registered there");
}

constexpr Driver kDrivers[] = {
    {"static", &balance::open, &static_registry},
    {"dns", &balance::open, &nothing_to_register},
    {"http", &balance::open, &nothing_to_register},
    {"https", &balance::open, &nothing_to_register},
    {"consul", &open_consul_resolver, &open_consul_registry},
    {"consuls", &open_consul_resolver, &open_consul_registry},
    {"etcd", &no_resolver, &no_registry},
    {"nacos", &no_resolver, &no_registry},
    {"kubernetes", &no_resolver, &no_registry},
};

Result<const Driver*> driver_of(std::string_view url) {
  const auto at = url.find("://");
  if (at == std::string_view::npos)
    return invalid_argument("'" + std::string(url) + "' is not a service URL such as static://127.0.0.1:8080 or dns://users:8080");
  const auto scheme = url.substr(0, at);
  std::array<std::string_view, std::size(kDrivers)> known;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (kDrivers[i].scheme == scheme) return &kDrivers[i];
    known[i] = kDrivers[i].scheme;
  }
  std::string message = "'" + std::string(url) + "': unknown scheme '" + std::string(scheme) + "'";
  if (const auto near = nearest(scheme, known)) message += "; did you mean '" + std::string(*near) + "'?";
  return invalid_argument(std::move(message));
}

}  // namespace

Result<std::unique_ptr<balance::Resolver>> open(std::string_view url) {
  YUN_GET(driver, driver_of(url));
  return driver->resolver(url);
}

Result<std::unique_ptr<Registry>> open_registry(std::string_view url) {
  YUN_GET(driver, driver_of(url));
  return driver->registry(url);
}

}  // namespace yun::discovery
