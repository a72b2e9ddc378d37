#include "yun/telemetry/exporter.hpp"

#include <gtest/gtest.h>

#include "yun/telemetry/collector_for_tests.hpp"

using namespace std::chrono_literals;

namespace yun::telemetry {
namespace {

/// Everything is sampled, batches go at once, pauses are short.
ExporterOptions options_for(const std::string& url) {
  ExporterOptions options;
  options.resource = {{"service.name", "order"}, {"deployment.environment", "test"}};
  options.traces.url = url.empty() ? "" : url + "/v1/traces";
  options.spans = {.max_queue = 64, .max_batch = 8, .delay = 20ms};
  options.retry_base = 10ms;
  options.retry_max_pause = 20ms;
  options.retry_limit = 5s;
  return options;
}

struct Exporting {
  explicit Exporting(ExporterOptions options) : exporter(std::move(options)), tracer({.sampler = trace::Sampler::always(), .sinks = {exporter.span_sink()}}) {
    exporter.start();
  }
  void spans(int count) {
    for (int i = 0; i < count; ++i) {
      Context ctx;
      trace::Span span(tracer, ctx, "work", trace::Kind::Internal);
    }
  }
  Exporter::Stats stats() const { return exporter.stats(Signal::Traces); }
  std::uint64_t lost(Loss loss) const { return stats().lost[static_cast<std::size_t>(loss)]; }
  /// Waits for what the exporter's thread will count, ten seconds at most.
  template <typename F>
  bool comes_true(F condition) const {
    const TimePoint until = Clock::now() + 10s;
    while (!condition()) {
      if (Clock::now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  }

  Exporter exporter;
  trace::Tracer tracer;
};

void unavailable_now(http::Response& response) { response.status = 503; }

TEST(Exporter, SendsASpanWithAllItKnows) {
  Collector collector;
  Exporting setup(options_for(collector.url()));
  trace::SpanContext root;
  {
    Context ctx;
    trace::Span span(setup.tracer, ctx, "GET /api/orders/{id}", trace::Kind::Server, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "v=1");
    root = span.context();
    span.set("http.request.method", "GET");
    span.set("http.response.status_code", 500);
    span.set("retried", true);
    span.fail("no database");
    trace::Span child(ctx, "select orders", trace::Kind::Client);
  }
  const auto got = collector.wait_for(1);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].path, "/v1/traces");
  EXPECT_EQ(got[0].headers.get("content-type"), "application/x-protobuf");
  const Decoded resource = Decoded(got[0].body).message(1).message(1);
  EXPECT_EQ(resource.attribute(1, "service.name"), "order");
  EXPECT_EQ(resource.attribute(1, "deployment.environment"), "test");
  const auto spans = Collector::spans(got);
  ASSERT_EQ(spans.size(), 2u);  // as they ended: the child first
  const Decoded& child = spans[0];
  const Decoded& span = spans[1];
  EXPECT_EQ(span.text(1), std::string("\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c", 16));
  EXPECT_EQ(span.text(4), "\xb7\xad\x6b\x71\x69\x20\x33\x31");
  EXPECT_EQ(span.text(3), "v=1");
  EXPECT_EQ(child.text(1), span.text(1));
  EXPECT_EQ(child.text(4), span.text(2));
  EXPECT_EQ(span.text(5), "GET /api/orders/{id}");
  EXPECT_EQ(span.number(6), 2u);
  EXPECT_EQ(child.number(6), 3u);
  EXPECT_EQ(span.attribute(9, "http.request.method"), "GET");
  EXPECT_EQ(span.attribute(9, "http.response.status_code"), "500");
  EXPECT_EQ(span.attribute(9, "retried"), "true");
  EXPECT_EQ(span.message(15).number(3), 2u);
  EXPECT_EQ(span.message(15).text(2), "no database");
  EXPECT_EQ(child.text(15), "");
  EXPECT_EQ(span.fixed(16), 1u);
  const auto wall = static_cast<std::uint64_t>(std::chrono::nanoseconds(now().time_since_epoch()).count());
  EXPECT_LT(wall - span.fixed(7), 60'000'000'000u);
  EXPECT_GE(span.fixed(8), span.fixed(7));
  EXPECT_LT(span.fixed(8) - span.fixed(7), 10'000'000'000u);
  EXPECT_TRUE(setup.comes_true([&] { return setup.stats().exported == 2; }));
}

TEST(Exporter, SendsNoMoreThanABatchAtOnceAndDoesNotWaitForItsDelay) {
  Collector collector;
  auto options = options_for(collector.url());
  options.spans.delay = 1h;
  Exporting setup(options);
  setup.spans(8);
  EXPECT_EQ(Collector::spans(collector.wait_for(1)).size(), 8u);
  setup.spans(20);
  setup.exporter.stop(5s);
  const auto got = collector.got();
  EXPECT_EQ(Collector::spans(got).size(), 28u);
  for (const auto& one : got) EXPECT_LE(Collector::spans({one}).size(), 8u);
}

TEST(Exporter, PacksAndGivesItsHeaders) {
  Collector collector;
  auto options = options_for(collector.url());
  options.traces.coding = Coding::Gzip;
  options.traces.headers = {{"authorization", "Bearer t"}};
  Exporting setup(options);
  setup.spans(3);
  setup.exporter.stop(5s);
  const auto got = collector.got();
  ASSERT_GE(got.size(), 1u);
  EXPECT_EQ(got[0].headers.get("authorization"), "Bearer t");
  EXPECT_EQ(got[0].headers.get("content-encoding"), "gzip");
  EXPECT_EQ(Collector::spans(got).size(), 3u);
}

TEST(Exporter, TriesAgainWhatMayPass) {
  Collector collector({unavailable_now, [](http::Response& response) { response.status = 429; }, [](http::Response& response) { response.status = 502; },
                       [](http::Response& response) { response.status = 504; }});
  Exporting setup(options_for(collector.url()));
  setup.spans(1);
  EXPECT_TRUE(setup.comes_true([&] { return setup.stats().exported == 1; }));
  const auto got = collector.got();
  EXPECT_EQ(got.size(), 5u);
  for (const auto& one : got) EXPECT_EQ(one.body, got[0].body);
  EXPECT_EQ(setup.stats().failures, 4u);
}

TEST(Exporter, WaitsAsLongAsRetryAfterAsks) {
  Collector collector({[](http::Response& response) {
    response.status = 503;
    response.headers.set("retry-after", "1");
  }});
  Exporting setup(options_for(collector.url()));
  const TimePoint before = Clock::now();
  setup.spans(1);
  EXPECT_TRUE(setup.comes_true([&] { return setup.stats().exported == 1; }));
  EXPECT_GE(Clock::now() - before, 1s);  // its own pauses are 20 ms
}

TEST(Exporter, GivesUpAtOnceWhatNeverPasses) {
  Collector collector({[](http::Response& response) { response.status = 400; }});
  Exporting setup(options_for(collector.url()));
  setup.spans(1);
  EXPECT_TRUE(setup.comes_true([&] { return setup.lost(Loss::Undelivered) == 1; }));
  setup.spans(1);
  EXPECT_TRUE(setup.comes_true([&] { return setup.stats().exported == 1; }));
  EXPECT_EQ(collector.got().size(), 2u);
}

TEST(Exporter, CountsWhatACollectorTookOnlyInPart) {
  Collector collector({[](http::Response& response) { response.body = http::Body(std::string("\x0a\x06\x08\x02\x12\x02no", 8)); }});
  auto options = options_for(collector.url());
  options.spans.delay = 1h;
  Exporting setup(options);
  setup.spans(8);
  EXPECT_TRUE(setup.comes_true([&] { return setup.lost(Loss::Rejected) == 2; }));
  EXPECT_EQ(setup.stats().exported, 6u);
}

TEST(Exporter, DropsAndCountsWhileNobodyAnswers) {
  auto options = options_for("http://127.0.0.1:1");  // nobody listens on it
  options.retry_limit = 100ms;
  Exporting setup(options);
  setup.spans(1000);
  EXPECT_GT(setup.lost(Loss::QueueFull), 0u);
  EXPECT_TRUE(setup.comes_true([&] { return setup.stats().queued == 0; }));
  EXPECT_TRUE(setup.comes_true([&] { return setup.lost(Loss::QueueFull) + setup.lost(Loss::Undelivered) == 1000; })) << setup.lost(Loss::Undelivered);
  EXPECT_EQ(setup.stats().exported, 0u);
}

TEST(Exporter, StopsInItsTimeThoughTheCollectorHangs) {
  http::server::TestServer silent([](Context& ctx, http::Request&, http::Response&) -> Task<void> {
    (void)co_await runtime::sleep_for(ctx, 1h);
  });
  auto options = options_for("http://" + silent.address.to_string());
  options.spans.delay = 1h;
  Exporting setup(options);
  setup.spans(5);
  const TimePoint before = Clock::now();
  setup.exporter.stop(200ms);
  EXPECT_LT(Clock::now() - before, 5s);
  EXPECT_EQ(setup.lost(Loss::Shutdown), 5u);
  setup.spans(1);  // late ones harm nobody
  EXPECT_EQ(setup.lost(Loss::Shutdown), 6u);
}

TEST(Exporter, SaysWhatItLostInMetrics) {
  metrics::Registry registry;
  auto options = options_for("http://127.0.0.1:1");
  options.spans.max_queue = options.spans.max_batch = 2;
  options.spans.delay = 1h;
  Exporting setup(options);
  setup.exporter.add_metrics(registry);
  EXPECT_NE(registry.render().find("telemetry_dropped_total{signal=\"traces\",reason=\"queue_full\"} 0"), std::string::npos) << registry.render();
  setup.spans(100);
  setup.exporter.stop(0s);
  const std::string page = registry.render();
  EXPECT_EQ(page.find("telemetry_dropped_total{signal=\"traces\",reason=\"queue_full\"} 0"), std::string::npos) << page;
  EXPECT_NE(page.find("telemetry_exported_total{signal=\"traces\"} 0"), std::string::npos) << page;
}

TEST(Exporter, WithACertificateFileThatIsNotThereServesTheOtherSignals) {
  auto options = options_for("https://127.0.0.1:1");
  options.traces.ca_file = "/nowhere/ca.pem";
  Exporter exporter(options);
  exporter.start();
  EXPECT_EQ(exporter.span_sink(), nullptr);
}

}  // namespace
}  // namespace yun::telemetry
