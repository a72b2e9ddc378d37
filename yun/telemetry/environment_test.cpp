#include <gtest/gtest.h>

#include <map>

#include "yun/telemetry/options.hpp"

using namespace std::chrono_literals;

namespace yun::telemetry {
namespace {

Environment read(std::map<std::string, std::string> variables) {
  return read_environment("order", "1.2.3", [&](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
}

std::string attribute(const Environment& environment, std::string_view key) {
  std::string all;
  for (const auto& [name, value] : environment.options.resource) {
    if (name == key) all += (all.empty() ? "" : "|") + value;
  }
  return all;
}

TEST(TelemetryEnvironment, WithoutAnEndpointExportsNothing) {
  EXPECT_FALSE(read({}).options.any());
  EXPECT_FALSE(read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"}, {"OTEL_SDK_DISABLED", "True"}}).options.any());
}

TEST(TelemetryEnvironment, MakesTheSignalsPathsOfTheCommonEndpointOnly) {
  const auto common = read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/base/"}}).options;
  EXPECT_EQ(common.traces.url, "http://c:4318/base/v1/traces");
  EXPECT_EQ(common.metrics.url, "http://c:4318/base/v1/metrics");
  EXPECT_EQ(common.logs.url, "http://c:4318/base/v1/logs");
  const auto own = read({{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t/x"}}).options;
  EXPECT_EQ(own.traces.url, "https://t/x");
  EXPECT_EQ(own.logs.url, "");
}

TEST(TelemetryEnvironment, TakesASignalsOwnVariablesBeforeTheCommonOnes) {
  const auto options = read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"},
                             {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "l:4317"},
                             {"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc"},
                             {"OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20a,x-tenant=blue"},
                             {"OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x=1"},
                             {"OTEL_EXPORTER_OTLP_TIMEOUT", "2500"},
                             {"OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"},
                             {"OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"},
                             {"OTEL_METRICS_EXPORTER", "none"}})
                           .options;
  EXPECT_EQ(options.logs.url, "http://l:4317");
  EXPECT_EQ(options.logs.protocol, Protocol::Grpc);
  EXPECT_EQ(options.traces.protocol, Protocol::HttpProtobuf);
  EXPECT_EQ(options.logs.headers, (Attributes{{"authorization", "Bearer a"}, {"x-tenant", "blue"}}));
  EXPECT_EQ(options.traces.headers, (Attributes{{"x", "1"}}));
  EXPECT_EQ(options.traces.timeout, 2500ms);
  EXPECT_EQ(options.traces.coding, Coding::Gzip);
  EXPECT_EQ(options.metrics.coding, Coding::None);
  EXPECT_EQ(options.metrics.url, "");
}

TEST(TelemetryEnvironment, NamesTheServiceByItsOwnVariableFirst) {
  EXPECT_EQ(attribute(read({}), "service.name"), "order");
  EXPECT_EQ(attribute(read({}), "service.version"), "1.2.3");
  EXPECT_EQ(attribute(read({}), "service.instance.id").size(), 36u);
  const auto given = read({{"OTEL_RESOURCE_ATTRIBUTES", "service.name=a,service.version=2,deployment.environment=prod%2Ceu"}});
  EXPECT_EQ(attribute(given, "service.name"), "a");
  EXPECT_EQ(attribute(given, "service.version"), "2");
  EXPECT_EQ(attribute(given, "deployment.environment"), "prod,eu");
  EXPECT_EQ(attribute(read({{"OTEL_SERVICE_NAME", "b"}, {"OTEL_RESOURCE_ATTRIBUTES", "service.name=a"}}), "service.name"), "b");
}

TEST(TelemetryEnvironment, ReadsTheBatchesAndIntervals) {
  const auto options = read({{"OTEL_BSP_MAX_QUEUE_SIZE", "100"},
                             {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "200"},
                             {"OTEL_BSP_SCHEDULE_DELAY", "250"},
                             {"OTEL_BLRP_SCHEDULE_DELAY", "50"},
                             {"OTEL_METRIC_EXPORT_INTERVAL", "1000"}})
                           .options;
  EXPECT_EQ(options.spans.max_queue, 100u);
  EXPECT_EQ(options.spans.max_batch, 100u);  // no batch is larger than the queue
  EXPECT_EQ(options.spans.delay, 250ms);
  EXPECT_EQ(options.lines.delay, 50ms);
  EXPECT_EQ(options.metric_interval, 1s);
}

TEST(TelemetryEnvironment, KnowsTheSamplers) {
  using observe::trace::SpanContext;
  const SpanContext sampled{1, 0x00ffffffffffffff, 1, true};
  const SpanContext unsampled{1, 0x00ffffffffffffff, 1, false};
  const auto decisions = [&](const char* sampler, const char* argument) {
    const auto made = read({{"OTEL_TRACES_SAMPLER", sampler}, {"OTEL_TRACES_SAMPLER_ARG", argument}}).sampler;
    if (!made) return std::string("none");
    return std::string() + (made->sample_root(unsampled) ? 'y' : 'n') + (made->sample_child(sampled) ? 'y' : 'n') + (made->sample_child(unsampled) ? 'y' : 'n');
  };
  EXPECT_EQ(decisions("always_on", ""), "yyy");
  EXPECT_EQ(decisions("always_off", ""), "nnn");
  EXPECT_EQ(decisions("traceidratio", "0.5"), "nnn");  // by this trace id, whatever the parent was
  EXPECT_EQ(decisions("traceidratio", "1"), "yyy");
  EXPECT_EQ(decisions("parentbased_always_on", ""), "yyn");
  EXPECT_EQ(decisions("parentbased_always_off", ""), "nyn");
  EXPECT_EQ(decisions("parentbased_traceidratio", "0.5"), "nyn");
  EXPECT_EQ(decisions("jaeger_remote", ""), "none");
}

TEST(TelemetryEnvironment, PassesOverWhatMeansNothingAndSaysSo) {
  const auto environment = read({{"OTEL_EXPORTER_OTLP_ENDPOINT", "c:4318"},
                                 {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"},
                                 {"OTEL_BSP_SCHEDULE_DELAY", "soon"},
                                 {"OTEL_EXPORTER_OTLP_HEADERS", "secret"},
                                 {"OTEL_TRACES_SAMPLER_ARG", "2"},
                                 {"OTEL_TRACES_SAMPLER", "traceidratio"}});
  EXPECT_FALSE(environment.options.any());
  EXPECT_EQ(environment.options.spans.delay, 5s);
  std::string all;
  for (const auto& one : environment.complaints) all += one + "\n";
  for (const char* name : {"OTEL_EXPORTER_OTLP_ENDPOINT ", "OTEL_EXPORTER_OTLP_PROTOCOL ", "OTEL_BSP_SCHEDULE_DELAY ", "OTEL_EXPORTER_OTLP_HEADERS ", "OTEL_TRACES_SAMPLER_ARG "})
    EXPECT_NE(all.find(name), std::string::npos) << name << all;
  EXPECT_EQ(all.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace yun::telemetry
