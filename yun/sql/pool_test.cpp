#include "yun/sql/pool.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <memory>

#include "yun/observe/trace/trace.hpp"
#include "yun/runtime/threads.hpp"

namespace yun::sql {
namespace {

struct Row2 {
  std::int64_t id = 0;
  std::string name;
};

class PoolTest : public testing::Test {
 protected:
  PoolTest() { pool_ = *open("sqlite://:memory:", {.metrics = &registry_}); }
  template <typename T>
  static T wait(Task<T> task) {
    return runtime::block_on(std::move(task));
  }
  metrics::Registry registry_;
  Context ctx_;
  Pool pool_;
};

TEST_F(PoolTest, AFieldWithoutItsColumnIsNamed) {
  auto found = wait(pool_.one<Row2>(ctx_, "select 1 as id"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::Internal);
  EXPECT_NE(found.error().message().find("\"name\""), std::string::npos) << found.error().message();
}

TEST_F(PoolTest, AColumnOfTheWrongTypeIsNamedWithBothTypes) {
  auto found = wait(pool_.one<Row2>(ctx_, "select 'x' as id, 'n' as name"));
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().message(), "sql column \"id\" is text, the field wants integer");
}

TEST_F(PoolTest, ANullForAPlainFieldIsAnErrorThatSaysWhatToDo) {
  auto found = wait(pool_.one<std::string>(ctx_, "select null"));
  EXPECT_NE(found.error().message().find("optional"), std::string::npos);
}

TEST_F(PoolTest, ColumnsWithoutAFieldAreIgnoredAndOrderDoesNotMatter) {
  auto found = wait(pool_.one<Row2>(ctx_, "select 'n' as name, 9 as other, 1 as id"));
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(found->id, 1);
  EXPECT_EQ(found->name, "n");
}

TEST_F(PoolTest, ANumberThatDoesNotFitIsAnErrorInBothDirections) {
  EXPECT_EQ(wait(pool_.one<std::uint8_t>(ctx_, "select 256")).error().code(), Code::Internal);
  EXPECT_EQ(wait(pool_.one<bool>(ctx_, "select 2")).error().code(), Code::Internal);
  EXPECT_EQ(wait(pool_.one<std::int64_t>(ctx_, "select ?", std::numeric_limits<std::uint64_t>::max())).error().code(), Code::InvalidArgument);
  EXPECT_EQ(wait(pool_.one<double>(ctx_, "select ?", std::numeric_limits<double>::quiet_NaN())).error().code(), Code::InvalidArgument);
}

TEST_F(PoolTest, AScalarWantsOneColumn) { EXPECT_EQ(wait(pool_.one<std::int64_t>(ctx_, "select 1, 2")).error().code(), Code::Internal); }

TEST_F(PoolTest, MetricsCountByOperationAndCode) {
  ASSERT_TRUE(wait(pool_.execute(ctx_, "create table t (id integer primary key)")));
  ASSERT_TRUE(wait(pool_.execute(ctx_, "insert into t values (1)")));
  EXPECT_FALSE(wait(pool_.execute(ctx_, " INSERT into t values (1)")));
  ASSERT_TRUE(wait(pool_.all<std::int64_t>(ctx_, "select id from t")));
  const std::string text = registry_.render();
  for (const char* line : {"sql_queries_total{operation=\"insert\",code=\"OK\"} 1\n", "sql_queries_total{operation=\"insert\",code=\"ALREADY_EXISTS\"} 1\n",
                           "sql_query_duration_seconds_count{operation=\"select\"} 1\n", "sql_write_queue_length{pool=\"default\"} 0\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST_F(PoolTest, APoolThatGoesTakesItsGaugesWithIt) {
  pool_ = Pool();
  EXPECT_EQ(registry_.render().find("sql_write_queue_length{"), std::string::npos);
}

Task<Result<void>> query_in_span(Pool pool, trace::Tracer& tracer, Context& ctx) {
  trace::Span outer(tracer, ctx, "request");
  auto counting = pool.one<std::int64_t>(ctx, "select count(*) from sqlite_master where name = ?", "secret");
  YUN_CHECK(co_await std::move(counting));
  co_return Result<void>();
}

struct Kept final : trace::SpanSink {
  void on_end(const trace::SpanData& span) noexcept override {
    names.push_back(span.name);
    for (const auto& one : span.attributes) {
      if (const auto* text = std::get_if<std::string>(&one.value)) attributes[std::string(one.key)] = *text;
    }
  }
  std::vector<std::string> names;
  std::map<std::string, std::string> attributes;
};

TEST_F(PoolTest, EveryCallIsASpanBelowTheRequests) {
  auto kept = std::make_shared<Kept>();
  trace::Tracer tracer({.sampler = trace::Sampler::always(), .sinks = {kept}});
  ASSERT_TRUE(wait(query_in_span(pool_, tracer, ctx_)));
  EXPECT_EQ(kept->names, (std::vector<std::string>{"SELECT sqlite_master", "request"}));
  EXPECT_EQ(kept->attributes, (std::map<std::string, std::string>{{"db.system.name", "sqlite"},
                                                                  {"db.operation.name", "SELECT"},
                                                                  {"db.collection.name", "sqlite_master"},
                                                                  {"db.query.text", "select count(*) from sqlite_master where name = ?"}}));
}

TEST(Open, UrlsThatAreWrongAreErrors) {
  EXPECT_EQ(open("postgres://u:p@host/db").error().code(), Code::Unimplemented);
  EXPECT_EQ(open("mysql://host/db").error().code(), Code::InvalidArgument);
  EXPECT_EQ(open("oracle://x").error().code(), Code::InvalidArgument);
  EXPECT_EQ(open("shop.db").error().code(), Code::InvalidArgument);
  EXPECT_EQ(open("sqlite://").error().code(), Code::InvalidArgument);
  EXPECT_EQ(open("sqlite://a.db?mode=ro").error().code(), Code::InvalidArgument);
  auto nowhere = open("sqlite:///no/such/folder/a.db");
  ASSERT_FALSE(nowhere);
  EXPECT_NE(nowhere.error().message().find("/no/such/folder/a.db"), std::string::npos);
}

}  // namespace
}  // namespace yun::sql
