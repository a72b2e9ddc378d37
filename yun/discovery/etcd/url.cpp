#include <cstdlib>

#include "yun/discovery/driver_url.hpp"
#include "yun/discovery/etcd/etcd.hpp"

namespace yun::discovery {

namespace {

constexpr std::string_view kKnown[] = {"tag", "ttl", "guard", "keep", "tls", "ca", "cert", "key"};

Result<void> read_parameter(EtcdTarget& target, const DriverUrl::Parameter& parameter) {
  if (parameter.name == "tag") {
    target.tags.push_back(parameter.value);
  } else if (parameter.name == "keep") {
    target.keep_in = parameter.value;
  } else if (parameter.name == "ca") {
    target.ca_file = parameter.value;
  } else if (parameter.name == "cert") {
    target.certificate_file = parameter.value;
  } else if (parameter.name == "key") {
    target.key_file = parameter.value;
  } else if (parameter.name == "guard") {
    YUN_GET(guard, duration_of(parameter));
    target.guard = guard;
  } else if (parameter.name == "ttl") {
    YUN_GET(ttl, duration_of(parameter, std::chrono::seconds(2)));
    target.ttl = ttl;
  } else if (parameter.name == "tls") {
    YUN_GET(tls, flag_of(parameter));
    target.tls = tls;
  } else {
    return unknown_parameter(parameter, kKnown);
  }
  return {};
}

Result<EtcdTarget> read(std::string_view url) {
  YUN_GET(parsed, parse_driver_url(url, 2379));
  if (parsed.scheme != "etcd" && parsed.scheme != "etcds") return invalid_argument("the scheme is etcd:// or etcds://");
  EtcdTarget target;
  target.tls = parsed.scheme == "etcds";
  for (const DriverUrl::Parameter& each : parsed.parameters) {
    if (auto known = read_parameter(target, each); !known) return std::move(known).error();
  }
  const bool has_files = !target.ca_file.empty() || !target.certificate_file.empty() || !target.key_file.empty();
  if (has_files && !target.tls) return invalid_argument("ca, cert and key are for etcds://");
  if (target.certificate_file.empty() != target.key_file.empty()) return invalid_argument("cert and key go together");
  target.url = std::move(parsed.bare);
  target.hosts = std::move(parsed.hosts);
  target.path = std::move(parsed.path);
  target.user = std::move(parsed.user);
  target.password = std::move(parsed.password);
  if (const char* user = std::getenv("ETCD_USERNAME"); user && target.user.empty()) target.user = user;
  if (const char* password = std::getenv("ETCD_PASSWORD"); password && target.password.empty()) target.password = password;
  return target;
}

}  // namespace

Result<EtcdTarget> parse_etcd_url(std::string_view url) {
  auto target = read(url);
  if (!target) return invalid_argument("etcd url: " + std::string(target.error().message()) + "; write etcd://host:2379/service");
  return target;
}

}  // namespace yun::discovery
