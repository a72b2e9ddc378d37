#include <cstdlib>

#include "yun/discovery/driver_url.hpp"
#include "yun/discovery/nacos/nacos.hpp"

namespace yun::discovery {

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kKnown[] = {"namespace", "group", "cluster", "beat", "interval", "guard", "keep", "tls", "ca"};

Result<void> read_parameter(NacosTarget& target, const DriverUrl::Parameter& parameter) {
  if (parameter.name == "namespace") {
    target.name_space = parameter.value == "public" ? "" : parameter.value;
  } else if (parameter.name == "group") {
    target.group = parameter.value;
  } else if (parameter.name == "cluster") {
    target.cluster = parameter.value;
  } else if (parameter.name == "keep") {
    target.keep_in = parameter.value;
  } else if (parameter.name == "ca") {
    target.ca_file = parameter.value;
  } else if (parameter.name == "beat") {
    YUN_GET(beat, duration_of(parameter, 1s));
    target.beat = beat;
  } else if (parameter.name == "interval") {
    YUN_GET(interval, duration_of(parameter, 100ms));
    target.interval = interval;
  } else if (parameter.name == "guard") {
    YUN_GET(guard, duration_of(parameter));
    target.guard = guard;
  } else if (parameter.name == "tls") {
    YUN_GET(tls, flag_of(parameter));
    target.tls = tls;
  } else {
    return unknown_parameter(parameter, kKnown);
  }
  return {};
}

Result<NacosTarget> read(std::string_view url) {
  YUN_GET(parsed, parse_driver_url(url, 8848));
  if (parsed.scheme != "nacos") return invalid_argument("the scheme is nacos://");
  NacosTarget target;
  for (const DriverUrl::Parameter& each : parsed.parameters) {
    if (auto known = read_parameter(target, each); !known) return std::move(known).error();
  }
  if (target.group.empty()) return invalid_argument("group is empty");
  if (!target.ca_file.empty() && !target.tls) return invalid_argument("ca goes with tls=true");
  target.url = std::move(parsed.bare);
  target.hosts = std::move(parsed.hosts);
  target.path = std::move(parsed.path);
  target.user = std::move(parsed.user);
  target.password = std::move(parsed.password);
  if (const char* user = std::getenv("NACOS_USERNAME"); user && target.user.empty()) target.user = user;
  if (const char* password = std::getenv("NACOS_PASSWORD"); password && target.password.empty()) target.password = password;
  return target;
}

}  // namespace

Result<NacosTarget> parse_nacos_url(std::string_view url) {
  auto target = read(url);
  if (!target) return invalid_argument("nacos url: " + std::string(target.error().message()) + "; write nacos://host:8848/service");
  return target;
}

}  // namespace yun::discovery
