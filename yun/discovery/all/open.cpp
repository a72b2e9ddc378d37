#include "yun/discovery/open.hpp"

#include <array>

#include "yun/base/strings.hpp"
#include "yun/discovery/consul/consul.hpp"
#include "yun/discovery/etcd/etcd.hpp"
#include "yun/discovery/nacos/nacos.hpp"

namespace yun::discovery {

namespace {

struct Driver {
  std::string_view scheme;
  Result<std::unique_ptr<balance::Resolver>> (*resolver)(std::string_view url);
  Result<std::unique_ptr<Registry>> (*registry)(std::string_view url);
  Result<std::unique_ptr<config::Source>> (*source)(std::string_view url);
};

Error not_built(std::string_view url) {
  const auto scheme = url.substr(0, url.find("://"));
  return unimplemented("'" + std::string(url) + "': the " + std::string(scheme) + " driver is not in this build").with_reason("driver_not_built");
}
Result<std::unique_ptr<balance::Resolver>> no_resolver(std::string_view url) { return not_built(url); }
Result<std::unique_ptr<Registry>> no_registry(std::string_view url) { return not_built(url); }
Result<std::unique_ptr<config::Source>> source_not_built(std::string_view url) { return not_built(url); }
Result<std::unique_ptr<Registry>> static_registry(std::string_view) { return std::unique_ptr<Registry>(std::make_unique<StaticRegistry>()); }
Result<std::unique_ptr<Registry>> nothing_to_register(std::string_view url) {
  return invalid_argument("'" + std::string(url) + "' only finds services: nothing can be registered there");
}
Result<std::unique_ptr<config::Source>> no_source(std::string_view url) {
  return invalid_argument("'" + std::string(url) + "' only finds services: it has no configuration");
}

constexpr Driver kDrivers[] = {
    {"static", &balance::open, &static_registry, &no_source},
    {"dns", &balance::open, &nothing_to_register, &no_source},
    {"http", &balance::open, &nothing_to_register, &no_source},
    {"https", &balance::open, &nothing_to_register, &no_source},
    {"consul", &open_consul_resolver, &open_consul_registry, &open_consul_source},
    {"consuls", &open_consul_resolver, &open_consul_registry, &open_consul_source},
    {"etcd", &open_etcd_resolver, &open_etcd_registry, &open_etcd_source},
    {"etcds", &open_etcd_resolver, &open_etcd_registry, &open_etcd_source},
    {"nacos", &open_nacos_resolver, &open_nacos_registry, &open_nacos_source},
    {"kubernetes", &no_resolver, &no_registry, &source_not_built},
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

Result<std::unique_ptr<config::Source>> open_source(std::string_view url) {
  YUN_GET(driver, driver_of(url));
  return driver->source(url);
}

}  // namespace yun::discovery
