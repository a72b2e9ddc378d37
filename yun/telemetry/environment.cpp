#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "yun/base/ids.hpp"
#include "yun/base/strings.hpp"
#include "yun/http/client/url.hpp"
#include "yun/telemetry/options.hpp"

namespace yun::telemetry {

namespace {

constexpr std::string_view kUpper[] = {"TRACES", "METRICS", "LOGS"};
constexpr std::string_view kPaths[] = {"v1/traces", "v1/metrics", "v1/logs"};

/// Looks variables up and keeps what it cannot make sense of.
class Reader {
 public:
  Reader(const Variables& variables, std::vector<std::string>& complaints) : variables_(variables), complaints_(complaints) {}

  /// "" if it is not set; the specification takes an empty value for none.
  std::string text(const std::string& name) const {
    const char* value = variables_(name.c_str());
    return std::string(trim(value ? std::string_view(value) : std::string_view()));
  }
  bool is_true(const std::string& name) const { return iequals(text(name), "true"); }

  void milliseconds(const std::string& name, Duration& into) {
    std::uint64_t count = 0;
    if (number(name, count)) into = std::chrono::milliseconds(count);
  }
  void count(const std::string& name, std::size_t& into) {
    std::uint64_t number_given = 0;
    if (number(name, number_given)) into = number_given;
  }
  /// "key=value,key2=value2", percent-encoded (W3C Baggage without its properties).
  Attributes pairs(const std::string& name) {
    Attributes found;
    const std::string whole = text(name);
    for (const std::string_view part : split(whole, ',')) {
      if (part.empty()) continue;
      const auto equals = part.find('=');
      const std::string_view key = trim(part.substr(0, equals));
      const auto value = equals == std::string_view::npos ? std::nullopt : percent_decode(trim(part.substr(equals + 1)));
      if (key.empty() || !value) {
        complain(name, "is no list of key=value");  // its values may be secrets: none is shown
        continue;
      }
      found.emplace_back(key, *value);
    }
    return found;
  }
  void complain(const std::string& name, std::string_view what) { complaints_.push_back(name + " " + std::string(what)); }

 private:
  bool number(const std::string& name, std::uint64_t& into) {
    const std::string given = text(name);
    if (given.empty()) return false;
    const auto parsed = parse_u64(given);
    constexpr std::uint64_t kMost = 1'000'000'000;  // of milliseconds 11 days
    if (!parsed || *parsed == 0 || *parsed > kMost) {
      complain(name, "is no number above zero");
      return false;
    }
    into = *parsed;
    return true;
  }

  const Variables& variables_;
  std::vector<std::string>& complaints_;
};

/// OTEL_EXPORTER_OTLP_TRACES_<what> before OTEL_EXPORTER_OTLP_<what>: the first that is set.
std::string chosen(const Reader& read, std::size_t signal, std::string_view what) {
  std::string own = "OTEL_EXPORTER_OTLP_" + std::string(kUpper[signal]) + "_" + std::string(what);
  return read.text(own).empty() ? "OTEL_EXPORTER_OTLP_" + std::string(what) : own;
}

void read_protocol(Reader& read, std::size_t signal, Target& target) {
  const std::string variable = chosen(read, signal, "PROTOCOL");
  const std::string protocol = read.text(variable);
  if (protocol == "grpc") {
    target.protocol = Protocol::Grpc;
  } else if (!protocol.empty() && protocol != "http/protobuf") {
    read.complain(variable, "is neither http/protobuf nor grpc; http/protobuf is taken");
  }
}

void read_url(Reader& read, std::size_t signal, Target& target) {
  const std::string variable = chosen(read, signal, "ENDPOINT");
  std::string url = read.text(variable);
  if (url.empty()) return;
  const std::string exporter = read.text("OTEL_" + std::string(kUpper[signal]) + "_EXPORTER");
  if (exporter == "none") return;
  if (!exporter.empty() && exporter != "otlp") read.complain("OTEL_" + std::string(kUpper[signal]) + "_EXPORTER", "is neither otlp nor none; otlp is taken");
  if (target.protocol == Protocol::Grpc && url.find("://") == std::string::npos) url = "http://" + url;
  const bool is_common = variable == "OTEL_EXPORTER_OTLP_ENDPOINT";
  if (target.protocol == Protocol::HttpProtobuf && is_common) {
    if (!url.ends_with('/')) url += '/';
    url += kPaths[signal];
  }
  if (!http::parse_url(url)) {
    read.complain(variable, "is no http:// or https:// URL; nothing is exported there");
    return;
  }
  target.url = std::move(url);
}

Target read_target(Reader& read, std::size_t signal) {
  Target target;
  read_protocol(read, signal, target);
  read_url(read, signal, target);
  target.headers = read.pairs(chosen(read, signal, "HEADERS"));
  for (auto& [key, value] : target.headers) key = to_lower(key);
  read.milliseconds(chosen(read, signal, "TIMEOUT"), target.timeout);
  const std::string variable = chosen(read, signal, "COMPRESSION");
  const std::string coding = read.text(variable);
  if (coding == "gzip") target.coding = Coding::Gzip;
  if (!coding.empty() && coding != "gzip" && coding != "none") read.complain(variable, "is neither gzip nor none; none is taken");
  target.ca_file = read.text(chosen(read, signal, "CERTIFICATE"));
  target.certificate_file = read.text(chosen(read, signal, "CLIENT_CERTIFICATE"));
  target.key_file = read.text(chosen(read, signal, "CLIENT_KEY"));
  return target;
}

void read_batch(Reader& read, std::string_view prefix, Batch& batch) {
  const std::string stem(prefix);
  read.count(stem + "_MAX_QUEUE_SIZE", batch.max_queue);
  read.count(stem + "_MAX_EXPORT_BATCH_SIZE", batch.max_batch);
  read.milliseconds(stem + "_SCHEDULE_DELAY", batch.delay);
  batch.max_batch = std::min(batch.max_batch, batch.max_queue);
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

Attributes read_resource(Reader& read, std::string_view service, std::string_view version) {
  Attributes given = read.pairs("OTEL_RESOURCE_ATTRIBUTES");
  const auto is_given = [&](std::string_view key) { return std::ranges::any_of(given, [&](const auto& one) { return one.first == key; }); };
  Attributes resource;
  const std::string service_name = read.text("OTEL_SERVICE_NAME");
  if (!service_name.empty()) {
    std::erase_if(given, [](const auto& one) { return one.first == "service.name"; });
    resource.emplace_back("service.name", service_name);
  } else if (!is_given("service.name")) {
    resource.emplace_back("service.name", service);
  }
  if (!version.empty() && !is_given("service.version")) resource.emplace_back("service.version", version);
  if (!is_given("service.instance.id")) resource.emplace_back("service.instance.id", new_id());
  if (const std::string host = host_name(); !host.empty() && !is_given("host.name")) resource.emplace_back("host.name", host);
  if (!is_given("process.pid")) resource.emplace_back("process.pid", std::to_string(::getpid()));
  resource.emplace_back("telemetry.sdk.name", "yun");
  resource.emplace_back("telemetry.sdk.language", "cpp");
  resource.insert(resource.end(), given.begin(), given.end());
  std::ranges::stable_partition(resource, [](const auto& one) { return one.first == "service.name"; });
  return resource;
}

std::optional<observe::trace::Sampler> read_sampler(Reader& read) {
  using observe::trace::Sampler;
  const std::string sampler = read.text("OTEL_TRACES_SAMPLER");
  if (sampler.empty()) return std::nullopt;
  double ratio = 1;
  if (const std::string given = read.text("OTEL_TRACES_SAMPLER_ARG"); !given.empty() && sampler.ends_with("traceidratio")) {
    char* end = nullptr;
    const double parsed = std::strtod(given.c_str(), &end);
    if (*end == '\0' && parsed >= 0 && parsed <= 1) {
      ratio = parsed;
    } else {
      read.complain("OTEL_TRACES_SAMPLER_ARG", "is no number from 0 to 1; 1 is taken");
    }
  }
  if (sampler == "always_on") return Sampler::always();
  if (sampler == "always_off") return Sampler::never();
  if (sampler == "traceidratio") return Sampler::by_ratio(ratio);
  if (sampler == "parentbased_always_on") return Sampler::parent_based(1);
  if (sampler == "parentbased_always_off") return Sampler::parent_based(0);
  if (sampler == "parentbased_traceidratio") return Sampler::parent_based(ratio);
  read.complain("OTEL_TRACES_SAMPLER", "is none of always_on, always_off, traceidratio and the same with parentbased_ before; it is passed over");
  return std::nullopt;
}

}  // namespace

std::string_view name(Signal signal) {
  constexpr std::string_view kNames[] = {"traces", "metrics", "logs"};
  return kNames[static_cast<std::size_t>(signal)];
}

Environment read_environment(std::string_view service, std::string_view version, const Variables& variables) {
  Environment environment;
  Reader read(variables, environment.complaints);
  ExporterOptions& options = environment.options;
  environment.sampler = read_sampler(read);
  options.resource = read_resource(read, service, version);
  if (read.is_true("OTEL_SDK_DISABLED")) return environment;
  options.traces = read_target(read, 0);
  options.metrics = read_target(read, 1);
  options.logs = read_target(read, 2);
  read_batch(read, "OTEL_BSP", options.spans);
  read_batch(read, "OTEL_BLRP", options.lines);
  read.milliseconds("OTEL_METRIC_EXPORT_INTERVAL", options.metric_interval);
  return environment;
}

Environment read_environment(std::string_view service, std::string_view version) {
  return read_environment(service, version, [](const char* variable) -> const char* { return std::getenv(variable); });
}

}  // namespace yun::telemetry
