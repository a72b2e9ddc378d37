#include "yun/telemetry/logs/open.hpp"

#include <algorithm>

#include "yun/base/units.hpp"
#include "yun/telemetry/logs/fluentd.hpp"
#include "yun/telemetry/logs/loki.hpp"

namespace yun::telemetry::logs {
namespace {

struct Driver {
  std::string_view scheme;
  std::unique_ptr<Sender> (*make)(const Url& url, const std::string& service);
};
constexpr Driver kDrivers[] = {{"loki", &make_loki}, {"lokis", &make_loki}, {"fluentd", &make_fluentd}};

/// Takes the parameters that are the queue's out of the URL.
Result<PushOptions> options_of(Url& url) {
  PushOptions options;
  const auto take = [&url](std::string_view name) {
    std::string value(url.parameter(name));
    std::erase_if(url.parameters, [&](const auto& one) { return one.first == name; });
    return value;
  };
  if (const std::string text = take("max_queue"); !text.empty()) {
    YUN_GET(size, parse_size(text));
    options.max_queue = size.bytes;
  }
  if (const std::string text = take("max_batch"); !text.empty()) {
    YUN_GET(size, parse_size(text));
    options.max_batch = size.bytes;
  }
  if (const std::string text = take("linger"); !text.empty()) {
    YUN_GET(linger, parse_duration(text));
    options.linger = linger;
  }
  return options;
}

}  // namespace

Result<std::shared_ptr<Push>> open(std::string_view text, const std::string& service) {
  YUN_GET(url, parse_url(text));
  const auto driver = std::ranges::find(kDrivers, std::string_view(url.scheme), &Driver::scheme);
  if (driver == std::end(kDrivers)) return invalid_argument("no log sink is called \"" + url.scheme + "\"; there are loki, lokis and fluentd");
  YUN_GET(options, options_of(url));
  return std::make_shared<Push>(url.scheme + "://" + url.host, [make = driver->make, url, service] { return make(url, service); }, options);
}

}  // namespace yun::telemetry::logs
