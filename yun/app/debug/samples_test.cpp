#include "yun/app/debug/samples.hpp"

#include <gtest/gtest.h>

#include "yun/observe/metrics/registry.hpp"

using namespace yun;
using namespace yun::app::debug;

TEST(Samples, AreAllThatARegistryHolds) {
  observe::metrics::Registry registry;
  registry.counters("calls_total", "Calls.", {"path", "status"}).with({"/a\"b\\c\nd", "200"}).add(3);
  registry.gauge("depth", "Depth.").set(0.25);
  auto& durations = registry.histograms("took_seconds", "Took.", {"path"}, {0.1, 1.0});
  durations.with({"/a"}).observe(0.05);
  durations.with({"/a"}).observe(0.5);
  durations.with({"/b"}).observe(5.0);
  const auto families = read_samples(registry);
  ASSERT_EQ(families.size(), 3u);

  EXPECT_EQ(families[0].help, "Calls.");
  ASSERT_EQ(families[0].series.size(), 1u);
  EXPECT_EQ(families[0].series[0].label("path"), "/a\"b\\c\nd");
  EXPECT_EQ(families[0].series[0].label("status"), "200");
  EXPECT_EQ(families[0].series[0].value, 3);
  EXPECT_EQ(find_family(families, "depth")->series[0].value, 0.25);

  const MetricFamily& took = *find_family(families, "took_seconds");
  ASSERT_EQ(took.series.size(), 2u);
  EXPECT_EQ(took.series[0].label("path"), "/a");
  EXPECT_EQ(took.series[0].buckets.count, 2);
  EXPECT_NEAR(took.series[0].buckets.sum, 0.55, 1e-9);
  const std::vector<std::pair<double, double>> upto = {{0.1, 1}, {1.0, 2}, {std::numeric_limits<double>::infinity(), 2}};
  EXPECT_EQ(took.series[0].buckets.upto, upto);
  EXPECT_EQ(find_family(families, "nothing"), nullptr);
}

TEST(Samples, AQuantileIsInterpolatedWithinItsBucket) {
  const double infinite = std::numeric_limits<double>::infinity();
  const Buckets buckets{{{0.1, 50}, {0.2, 100}, {infinite, 100}}, 10, 100};
  EXPECT_NEAR(buckets.quantile(0.5), 0.1, 1e-9);
  EXPECT_NEAR(buckets.quantile(0.75), 0.15, 1e-9);
  EXPECT_EQ(Buckets({{0.1, 0}, {infinite, 10}}, 50, 10).quantile(0.99), 0.1);
  EXPECT_EQ(Buckets().quantile(0.99), 0);
}

TEST(Samples, OnlyWhatCameSinceALookCounts) {
  const Buckets before{{{0.1, 100}, {0.2, 100}}, 1, 100};
  const Buckets now{{{0.1, 100}, {0.2, 110}}, 3, 110};
  EXPECT_EQ(now.since(before).count, 10);
  EXPECT_GT(now.since(before).quantile(0.5), 0.1);
  EXPECT_EQ(now.since(Buckets()).count, 110);
}
