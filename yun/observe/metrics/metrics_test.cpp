#include <gtest/gtest.h>

#include <stdexcept>
#include <thread>

#include "yun/observe/metrics/process.hpp"
#include "yun/observe/metrics/registry.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::observe::metrics {
namespace {

/// One of each kind, with what the formats must escape.
void fill(Registry& registry) {
  registry.counter("cache_hits_total", "Lookups answered\nfrom the \"cache\" \\o/.").add(3);
  auto& requests = registry.counters("http_requests_total", "Requests.", {"method", "path"});
  requests.with({"POST", "/b\"\\\n"}).add();
  requests.with({"GET", "/a"}).add(2);
  registry.gauge("temperature_celsius", "Now.").set(-1.5);
  registry.up_down_counter("in_flight", "Requests being answered.").add(7);
  auto& durations = registry.histograms("request_duration_seconds", "How long.", {"path"}, {0.1, 1});
  durations.with({"/a"}).observe(0.05);
  durations.with({"/a"}).observe(1);
  durations.with({"/a"}).observe(std::chrono::seconds(3));
  registry.callback("up_seconds_total", "By callback.", Kind::Counter, [] { return 12.25; }).release();
}

TEST(Metrics, RendersPrometheusText) {
  Registry registry;
  fill(registry);
  EXPECT_EQ(registry.render(Format::Text),
            "# HELP cache_hits_total Lookups answered\\nfrom the \"cache\" \\\\o/.\n"
            "# TYPE cache_hits_total counter\n"
            "cache_hits_total 3\n"
            "# HELP http_requests_total Requests.\n"
            "# TYPE http_requests_total counter\n"
            "http_requests_total{method=\"GET\",path=\"/a\"} 2\n"
            "http_requests_total{method=\"POST\",path=\"/b\\\"\\\\\\n\"} 1\n"
            "# HELP in_flight Requests being answered.\n"
            "# TYPE in_flight gauge\n"
            "in_flight 7\n"
            "# HELP request_duration_seconds How long.\n"
            "# TYPE request_duration_seconds histogram\n"
            "request_duration_seconds_bucket{path=\"/a\",le=\"0.1\"} 1\n"
            "request_duration_seconds_bucket{path=\"/a\",le=\"1\"} 2\n"
            "request_duration_seconds_bucket{path=\"/a\",le=\"+Inf\"} 3\n"
            "request_duration_seconds_sum{path=\"/a\"} 4.05\n"
            "request_duration_seconds_count{path=\"/a\"} 3\n"
            "# HELP temperature_celsius Now.\n"
            "# TYPE temperature_celsius gauge\n"
            "temperature_celsius -1.5\n"
            "# HELP up_seconds_total By callback.\n"
            "# TYPE up_seconds_total counter\n"
            "up_seconds_total 12.25\n");
}

TEST(Metrics, RendersOpenMetrics) {
  Registry registry;
  fill(registry);
  EXPECT_EQ(registry.render(Format::OpenMetrics),
            "# HELP cache_hits Lookups answered\\nfrom the \\\"cache\\\" \\\\o/.\n"
            "# TYPE cache_hits counter\n"
            "cache_hits_total 3\n"
            "# HELP http_requests Requests.\n"
            "# TYPE http_requests counter\n"
            "http_requests_total{method=\"GET\",path=\"/a\"} 2\n"
            "http_requests_total{method=\"POST\",path=\"/b\\\"\\\\\\n\"} 1\n"
            "# HELP in_flight Requests being answered.\n"
            "# TYPE in_flight gauge\n"
            "in_flight 7\n"
            "# HELP request_duration_seconds How long.\n"
            "# TYPE request_duration_seconds histogram\n"
            "request_duration_seconds_bucket{path=\"/a\",le=\"0.1\"} 1\n"
            "request_duration_seconds_bucket{path=\"/a\",le=\"1.0\"} 2\n"
            "request_duration_seconds_bucket{path=\"/a\",le=\"+Inf\"} 3\n"
            "request_duration_seconds_sum{path=\"/a\"} 4.05\n"
            "request_duration_seconds_count{path=\"/a\"} 3\n"
            "# HELP temperature_celsius Now.\n"
            "# TYPE temperature_celsius gauge\n"
            "temperature_celsius -1.5\n"
            "# HELP up_seconds By callback.\n"
            "# TYPE up_seconds counter\n"
            "up_seconds_total 12.25\n"
            "# EOF\n");
}

TEST(Metrics, KeepsAnExemplarOnlyOfASampledTrace) {
  Registry registry;
  auto& histogram = registry.histogram("h_seconds", "H.", {0.1});
  trace::SpanContext sampled{0x0af7651916cd43dd, 0x8448eb211c80319c, 1, true};
  trace::SpanContext unsampled = sampled;
  unsampled.sampled = false;
  histogram.observe(0.05, unsampled);
  EXPECT_EQ(registry.render(Format::OpenMetrics).find("trace_id"), std::string::npos);
  histogram.observe(0.5, sampled);
  const std::string page = registry.render(Format::OpenMetrics);
  EXPECT_NE(page.find("h_seconds_bucket{le=\"0.1\"} 1\n"), std::string::npos) << page;
  const auto at = page.find("h_seconds_bucket{le=\"+Inf\"} 2 # {trace_id=\"0af7651916cd43dd8448eb211c80319c\"} 0.5 1");
  EXPECT_NE(at, std::string::npos) << page;
  EXPECT_EQ(registry.render(Format::Text).find("trace_id"), std::string::npos);
}

TEST(Metrics, AddsUpWhatManyThreadsCounted) {
  Registry registry;
  auto& counter = registry.counter("c_total", "C.");
  auto& histogram = registry.histogram("h_seconds", "H.");
  auto& family = registry.counters("f_total", "F.", {"n"});
  for (int round = 0; round < 2; ++round) {  // the second round's threads take over the first one's slots
    std::vector<std::thread> threads;
    for (int t = 0; t < 40; ++t)  // more than there are slots
      threads.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          counter.add();
          histogram.observe(0.02);
          family.with({std::to_string(i % 50)}).add();
        }
      });
    for (auto& thread : threads) thread.join();
  }
  EXPECT_EQ(counter.value(), 40000);
  EXPECT_EQ(histogram.snapshot().count, 40000u);
  EXPECT_EQ(family.series().size(), 50u);
  for (const Series* series : family.series()) EXPECT_EQ(static_cast<const Counter*>(series)->value(), 800);
}

TEST(Metrics, PutsWhatIsBeyondTheCapIntoOneOverflowSeries) {
  Registry registry({.max_series = 3});
  auto& family = registry.counters("f_total", "F.", {"a", "b"});
  for (int i = 0; i < 10; ++i) family.with({std::to_string(i), "x"}).add();
  family.with({"1", "x"}).add();
  EXPECT_EQ(family.series().size(), 4u);
  EXPECT_EQ(family.with({"overflow", "overflow"}).value(), 7);
  EXPECT_EQ(family.with({"1", "x"}).value(), 2);
  EXPECT_EQ(family.overflows(), 7u);
}

TEST(Metrics, MakesLabelValuesUtf8) {
  Registry registry;
  auto& family = registry.counters("f_total", "F.", {"a"});
  family.with({"x\xff"}).add();
  family.with({"x\xff"}).add();
  EXPECT_NE(registry.render().find("f_total{a=\"x\xef\xbf\xbd\"} 2\n"), std::string::npos);
}

TEST(Metrics, GivesTheSameMetricForTheSameNameAndRefusesAnother) {
  Registry registry;
  EXPECT_EQ(&registry.counter("c_total", "C."), &registry.counter("c_total", "C."));
  EXPECT_THROW((void)registry.gauge("c_total", "C."), std::logic_error);
  EXPECT_THROW((void)registry.counters("c_total", "C.", {"a"}), std::logic_error);
  EXPECT_THROW((void)registry.counter("bad-name", "C."), std::logic_error);
  EXPECT_THROW((void)registry.histograms("h", "H.", {"le"}), std::logic_error);
  EXPECT_THROW((void)registry.counters("f_total", "F.", {"a"}).with({}), std::logic_error);
}

TEST(Metrics, ACallbackGoesWithItsRegistration) {
  Registry registry;
  {
    auto one = registry.callback("pool_size", "P.", Kind::Gauge, {"pool"}, [](const Sample& sample) { sample({"a"}, 1); });
    auto two = registry.callback("pool_size", "P.", Kind::Gauge, {"pool"}, [](const Sample& sample) { sample({"b"}, 2); });
    EXPECT_EQ(registry.render(), "# HELP pool_size P.\n# TYPE pool_size gauge\npool_size{pool=\"a\"} 1\npool_size{pool=\"b\"} 2\n");
  }
  EXPECT_EQ(registry.render(), "");
}

TEST(Metrics, HasPrometheussDefaultBuckets) {
  EXPECT_EQ(default_buckets(), (std::vector<double>{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}));
  EXPECT_EQ(exponential_buckets(1, 2, 4), (std::vector<double>{1, 2, 4, 8}));
}

TEST(Metrics, ChoosesTheFormatByAccept) {
  EXPECT_EQ(negotiate(""), Format::Text);
  EXPECT_EQ(negotiate("*/*"), Format::Text);
  EXPECT_EQ(negotiate("application/openmetrics-text; version=1.0.0; charset=utf-8"), Format::OpenMetrics);
  EXPECT_EQ(negotiate("application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
                      "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"),
            Format::OpenMetrics);
  EXPECT_EQ(negotiate("application/openmetrics-text;version=0.0.1"), Format::Text);
  EXPECT_EQ(negotiate("application/openmetrics-text;q=0, text/plain"), Format::Text);
  EXPECT_EQ(negotiate("text/plain, application/openmetrics-text;q=0.5"), Format::Text);
}

TEST(Metrics, ShowsTheProcess) {
  Registry registry;
  add_process_metrics(registry);
  add_log_metrics(registry);
  runtime::Runtime loops(2);
  auto kept = add_runtime_metrics(registry, loops);
  const std::string page = registry.render();
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_open_fds",
                           "process_max_fds", "process_threads", "process_start_time_seconds"}) {
    const auto at = page.find("\n" + std::string(name) + " ");
    ASSERT_NE(at, std::string::npos) << name << "\n" << page;
    EXPECT_GT(std::strtod(page.c_str() + at + 2 + std::string(name).size(), nullptr), 0) << name;
  }
  EXPECT_NE(page.find("log_lines_total{level=\"error\"} "), std::string::npos);
  EXPECT_NE(page.find("runtime_loops 2\n"), std::string::npos);
  EXPECT_NE(page.find("runtime_loop_load{loop=\"1\"} 0\n"), std::string::npos);
}

Task<void> work_for(Registry& registry, Duration time) {
  Cancel watching;
  runtime::Scope scope;
  scope.spawn(watch_loop(watching, registry));
  Cancel never;
  (void)co_await runtime::sleep_for(never, std::chrono::milliseconds(10));  // nothing cancels it
  for (const TimePoint until = Clock::now() + time; Clock::now() < until;) {
  }
  (void)co_await runtime::sleep_for(never, std::chrono::milliseconds(1));  // nothing cancels it
  watching.cancel();
  co_await scope.join();
}

TEST(Metrics, ShowsHowMuchALoopWorksAndHowLateItIs) {
  Registry registry;
  runtime::block_on(work_for(registry, std::chrono::milliseconds(500)));
  const std::string page = registry.render();
  const auto value = [&](const std::string& name) {
    const auto at = page.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::strtod(page.c_str() + at + 2 + name.size(), nullptr);
  };
  // What was due 200 ms after the start came at 510 ms at the earliest.
  EXPECT_EQ(value("runtime_loop_delay_seconds_count"), 1) << page;
  EXPECT_GE(value("runtime_loop_delay_seconds_sum"), 0.3);
  EXPECT_GE(value("runtime_loop_busy_seconds_total{loop=\"0\"}"), 0.4) << page;
}

}  // namespace
}  // namespace yun::observe::metrics
