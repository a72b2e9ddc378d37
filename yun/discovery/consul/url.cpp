#include <cstdlib>

#include "yun/base/strings.hpp"
#include "yun/discovery/consul/consul.hpp"

namespace yun::discovery {

namespace {

Error wrong(std::string_view what) { return invalid_argument("consul url: " + std::string(what) + "; write consul://host:8500/service"); }

Result<void> read_duration(std::string_view name, std::string_view text, Duration& into) {
  auto duration = parse_duration(text);
  if (!duration) return wrong(std::string(name) + ": " + std::string(duration.error().message()));
  into = *duration;
  return {};
}

Result<void> read_parameter(ConsulTarget& target, std::string_view parameter) {
  const auto equals = parameter.find('=');
  const std::string_view name = parameter.substr(0, equals);
  const auto decoded = percent_decode(equals == std::string_view::npos ? "" : parameter.substr(equals + 1));
  if (!decoded) return wrong("bad %-encoding of " + std::string(name));
  const std::string& value = *decoded;
  if (name == "token") {
    target.token = value;
  } else if (name == "dc") {
    target.datacenter = value;
  } else if (name == "tag") {
    target.tags.push_back(value);
  } else if (name == "keep") {
    target.keep_in = value;
  } else if (name == "guard") {
    return read_duration(name, value, target.guard);
  } else if (name == "ttl") {
    return read_duration(name, value, target.ttl);
  } else if (name == "interval") {
    return read_duration(name, value, target.interval);
  } else if (name == "critical_for") {
    return read_duration(name, value, target.critical_for);
  } else if (name == "stale" && (value == "true" || value == "false")) {
    target.stale = value == "true";
  } else if (name == "check" && (value == "ttl" || value == "http" || value == "grpc")) {
    target.check = value == "ttl" ? ConsulTarget::Check::Ttl : value == "http" ? ConsulTarget::Check::Http : ConsulTarget::Check::Grpc;
  } else if (name == "stale" || name == "check") {
    return wrong(std::string(name) + " is " + (name == "stale" ? "true or false" : "ttl, http or grpc") + ", not \"" + value + "\"");
  } else {
    return wrong("unknown parameter \"" + std::string(name) + "\", known: token, dc, tag, stale, guard, keep, check, ttl, interval, critical_for");
  }
  return {};
}

}  // namespace

Result<ConsulTarget> parse_consul_url(std::string_view url) {
  ConsulTarget target;
  const auto scheme_end = url.find("://");
  const std::string_view scheme = url.substr(0, scheme_end);
  if (scheme_end == std::string_view::npos || (scheme != "consul" && scheme != "consuls")) return wrong("the scheme is consul:// or consuls://");
  std::string_view rest = url.substr(scheme_end + 3);
  const auto question = rest.find('?');
  target.url = url.substr(0, question == std::string_view::npos ? url.size() : scheme_end + 3 + question);
  if (const char* token = std::getenv("CONSUL_HTTP_TOKEN")) target.token = token;
  if (question != std::string_view::npos) {
    for (const std::string_view each : split(rest.substr(question + 1), '&')) {
      if (auto read = read_parameter(target, each); !read) return std::move(read).error();
    }
    rest = rest.substr(0, question);
  }
  if (target.ttl < std::chrono::seconds(1) || target.interval < std::chrono::seconds(1)) return wrong("ttl and interval are at least 1s");
  const auto slash = rest.find('/');
  const std::string_view host = rest.substr(0, slash);
  if (host.empty()) return wrong("no host");
  target.base = (scheme == "consul" ? "http://" : "https://") + std::string(host);
  if (host.find(':', host.starts_with('[') ? host.find(']') : 0) == std::string_view::npos) target.base += scheme == "consul" ? ":8500" : ":8501";
  if (slash != std::string_view::npos) target.path = rest.substr(slash + 1);
  return target;
}

}  // namespace yun::discovery
