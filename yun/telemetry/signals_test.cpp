// Metrics and logs on their way to a collector, and OTLP over gRPC.
#include <gtest/gtest.h>

#include "yun/telemetry/collector_for_tests.hpp"
#include "yun/telemetry/exporter.hpp"
#include "yun/telemetry/otlp_logs.hpp"
#include "yun/telemetry/otlp_metrics.hpp"

using namespace std::chrono_literals;

namespace yun::telemetry {
namespace {

double real(const Decoded& message, std::uint32_t field) { return std::bit_cast<double>(message.fixed(field)); }

Decoded encoded(const metrics::Registry& registry) {
  otlp::MetricsEncoder encoder(now(), now());
  registry.read(encoder);
  return Decoded(encoder.take());
}

Decoded metric(const Decoded& scope, std::string_view name) {
  for (const Decoded& one : scope.all(2)) {
    if (one.text(1) == name) return one;
  }
  return Decoded("");
}

TEST(OtlpMetrics, HasCountersGaugesAndHistogramsAsTheyAre) {
  metrics::Registry registry;
  registry.counters("requests_total", "Requests.", {"method"}).with({"GET"}).add(3);
  registry.gauge("queue_bytes", "Waiting.").set(1.5);
  auto& histogram = registry.histogram("wait_seconds", "Time.", {0.1, 1});
  histogram.observe(0.05);
  histogram.observe(5.0, trace::SpanContext{1, 2, 3, true});
  const Decoded scope = encoded(registry);
  ASSERT_TRUE(scope.ok);

  const Decoded requests = metric(scope, "requests");
  EXPECT_EQ(requests.text(2), "Requests.");
  const Decoded sum = requests.message(7);
  EXPECT_EQ(sum.number(2), 2u);  // cumulative
  EXPECT_EQ(sum.number(3), 1u);  // monotonic
  EXPECT_EQ(real(sum.message(1), 4), 3);
  EXPECT_EQ(sum.message(1).attribute(7, "method"), "GET");

  EXPECT_EQ(metric(scope, "queue_bytes").text(3), "By");
  EXPECT_EQ(real(metric(scope, "queue_bytes").message(5).message(1), 4), 1.5);

  const Decoded waits = metric(scope, "wait_seconds");
  EXPECT_EQ(waits.text(3), "s");
  const Decoded point = waits.message(9).message(1);
  EXPECT_EQ(point.fixed(4), 2u);
  EXPECT_EQ(real(point, 5), 5.05);
  EXPECT_EQ(point.text(6), std::string("\1\0\0\0\0\0\0\0" "\0\0\0\0\0\0\0\0" "\1\0\0\0\0\0\0\0", 24));
  EXPECT_EQ(point.text(7).size(), 16u);
  EXPECT_EQ(point.message(8).text(4), std::string("\0\0\0\0\0\0\0\3", 8));
  EXPECT_EQ(real(point.message(8), 3), 5);
}

TEST(OtlpLogs, PutEachPartOfALineInItsPlace) {
  std::string out;
  otlp::append_line(out,
                    R"({"ts":"2026-11-23T12:00:00.000001Z","level":"warn","msg":"slow","service":"order","trace_id":"0af7651916cd43dd8448eb211c80319c",)"
                    R"("span_id":"b7ad6b7169203331","request_id":"r","seconds":1.5,"items":2,"ok":true})",
                    1024);
  const Decoded record = Decoded(out).message(2);
  EXPECT_EQ(record.fixed(1), 1'795'435'200'000'001'000u);
  EXPECT_GT(record.fixed(11), 0u);
  EXPECT_EQ(record.number(2), 13u);
  EXPECT_EQ(record.text(3), "warn");
  EXPECT_EQ(record.message(5).text(1), "slow");
  EXPECT_EQ(record.text(9), std::string("\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c", 16));
  EXPECT_EQ(record.text(10), "\xb7\xad\x6b\x71\x69\x20\x33\x31");
  EXPECT_EQ(record.attribute(6, "request_id"), "r");
  EXPECT_EQ(record.attribute(6, "items"), "2");
  EXPECT_EQ(record.attribute(6, "ok"), "true");
  EXPECT_EQ(record.attribute(6, "service"), "(none)");  // the resource says it
}

TEST(OtlpLogs, KeepWhatIsNoLineAsItsText) {
  std::string out;
  otlp::append_line(out, "Segmentation fault", 12);
  EXPECT_EQ(Decoded(out).message(2).message(5).text(1), "Segmentation");
}

TEST(Exporter, SendsMetricsEachIntervalAndOnceMoreAtTheEnd) {
  Collector collector;
  metrics::Registry registry;
  ExporterOptions options{.resource = {{"service.name", "order"}}, .metrics = {.url = collector.url() + "/v1/metrics"}};
  options.metric_interval = 20ms;
  auto& counter = registry.counter("things_total", "Things.");
  Exporter exporter(options);
  exporter.add_metrics(registry);
  exporter.start();
  collector.wait_for(2);
  counter.add(7);
  exporter.stop(5s);
  const auto got = collector.got();
  ASSERT_GE(got.size(), 3u);
  EXPECT_EQ(got.back().path, "/v1/metrics");
  const Decoded of_resource = Decoded(got.back().body).message(1);
  EXPECT_EQ(of_resource.message(1).attribute(1, "service.name"), "order");
  EXPECT_EQ(real(metric(of_resource.message(2), "things").message(7).message(1), 4), 7);
  EXPECT_EQ(exporter.span_sink(), nullptr);
}

TEST(Exporter, SendsTheLinesOfTheLog) {
  Collector collector;
  ExporterOptions options{.resource = {{"service.name", "order"}}, .logs = {.url = collector.url() + "/v1/logs"}};
  options.lines.delay = 10ms;
  Exporter exporter(options);
  exporter.start();
  ASSERT_TRUE(log::start({.service = "order", .output = "none", .sinks = {exporter.log_sink()}}));
  Context ctx;
  log::info(ctx, "order placed", {{"order", "7"}});
  log::error("no more", {});
  log::stop();
  exporter.stop(5s);
  std::vector<Decoded> records;
  for (const auto& one : collector.got()) {
    EXPECT_EQ(one.path, "/v1/logs");
    for (const Decoded& record : Decoded(one.body).message(1).message(2).all(2)) records.push_back(record);
  }
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].message(5).text(1), "order placed");
  EXPECT_EQ(records[0].attribute(6, "order"), "7");
  EXPECT_EQ(records[0].text(9).size(), 16u);
  EXPECT_EQ(records[1].number(2), 17u);
}

/// A gRPC server by hand: the answer is `status`, with its message if it is 0.
Collector::Answer grpc_status(const char* status) {
  return [status](http::Response& response) {
    response.headers.set("content-type", "application/grpc");
    if (std::string_view(status) == "0") response.body = http::Body(std::string(5, '\0'));
    response.trailers.set("grpc-status", status);
  };
}

TEST(Exporter, SpeaksGrpcAndTriesAgainWhatMayPass) {
  Collector collector({grpc_status("14"), grpc_status("4"), grpc_status("0"), grpc_status("3")});
  ExporterOptions options;
  options.traces = {.url = collector.url(), .protocol = Protocol::Grpc, .headers = {{"x-tenant", "blue"}}};
  options.spans = {.max_queue = 64, .max_batch = 8, .delay = 10ms};
  options.retry_base = 10ms;
  Exporter exporter(options);
  exporter.start();
  trace::Tracer tracer({.sampler = trace::Sampler::always(), .sinks = {exporter.span_sink()}});
  {
    Context ctx;
    trace::Span span(tracer, ctx, "work");
  }
  const auto got = collector.wait_for(3);
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[2].path, "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
  EXPECT_EQ(got[2].headers.get("x-tenant"), "blue");
  EXPECT_EQ(got[2].headers.get("te"), "trailers");
  const Decoded span = Decoded(got[2].body.substr(5)).message(1).message(2).message(2);
  EXPECT_EQ(span.text(5), "work");
  {
    Context ctx;
    trace::Span span_refused(tracer, ctx, "refused for good");
  }
  exporter.stop(5s);
  EXPECT_EQ(exporter.stats(Signal::Traces).exported, 1u);
  EXPECT_EQ(exporter.stats(Signal::Traces).failures, 3u);
  EXPECT_EQ(exporter.stats(Signal::Traces).lost[static_cast<std::size_t>(Loss::Undelivered)], 1u);
}

}  // namespace
}  // namespace yun::telemetry
