#include "yun/sql/sqlite.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <semaphore>
#include <stdexcept>

#include "yun/sql/conformance.hpp"
#include "yun/sql/fresh_path.hpp"

using namespace std::chrono_literals;

namespace yun::sql {
namespace conformance {
namespace {
Result<Pool> open_file() { return open("sqlite://" + fresh_path()); }
Result<Pool> open_memory() { return open("sqlite://:memory:"); }
INSTANTIATE_TEST_SUITE_P(SqliteFile, Conformance, testing::Values(&open_file));
INSTANTIATE_TEST_SUITE_P(SqliteMemory, Conformance, testing::Values(&open_memory));
}  // namespace
}  // namespace conformance

namespace {

class SqliteTest : public testing::Test {
 protected:
  SqliteTest() { reopen({}); }
  void reopen(PoolOptions options) {
    pool_ = Pool();
    auto opened = open("sqlite://" + path_, options);
    EXPECT_TRUE(opened) << opened.error().to_string();
    pool_ = *std::move(opened);
    run("create table if not exists t (id integer primary key, text text)");
  }
  template <typename T>
  static T wait(Task<T> task) {
    return runtime::block_on(std::move(task));
  }
  void run(std::string_view text) {
    auto done = wait(pool_.execute(ctx_, text));
    ASSERT_TRUE(done) << done.error().to_string();
  }
  std::int64_t count() { return wait(pool_.one<std::int64_t>(ctx_, "select count(*) from t")).value_or(-1); }

  const std::string path_ = fresh_path();
  Context ctx_;
  Pool pool_;
};

/// Holds the writer inside a transaction until it is let go.
struct Gate {
  std::binary_semaphore entered{0};
  std::binary_semaphore go{0};
  Task<void> hold(Pool pool, Context& ctx) {
    auto holding = pool.transaction(ctx, [this](Transaction&) -> Result<void> {
      entered.release();
      go.acquire();
      return {};
    });
    auto held = co_await std::move(holding);
    EXPECT_TRUE(held);
  }
};

using Body = std::function<Result<void>(Transaction&)>;

Task<void> keep(Pool pool, Context& ctx, Body body, Result<void>& outcome) {
  auto running = pool.transaction(ctx, std::move(body));
  outcome = co_await std::move(running);
}

/// Runs the bodies in one group: they queue up while the writer is held.
Task<void> run_together(Pool pool, Context& ctx, std::vector<Body> bodies, std::vector<Result<void>>& outcomes) {
  Gate gate;
  runtime::Scope scope;
  scope.spawn(gate.hold(pool, ctx));
  gate.entered.acquire();
  outcomes.resize(bodies.size());
  for (std::size_t i = 0; i < bodies.size(); ++i) scope.spawn(keep(pool, ctx, bodies[i], outcomes[i]));
  gate.go.release();
  auto joining = scope.join();
  (void)co_await std::move(joining);  // gives nothing
}

Body insert(std::int64_t id) {
  return [id](Transaction& tx) -> Result<void> {
    YUN_GET(done, tx.execute("insert into t (id) values (?)", id));
    EXPECT_EQ(done.rows, 1);
    return {};
  };
}

TEST_F(SqliteTest, TransactionsThatWaitShareOneCommit) {
  const std::uint64_t before = pool_.stats().commits;
  std::vector<Body> bodies;
  for (int id = 0; id < 100; ++id) bodies.push_back(insert(id));
  std::vector<Result<void>> outcomes;
  wait(run_together(pool_, ctx_, bodies, outcomes));
  for (const auto& outcome : outcomes) EXPECT_TRUE(outcome);
  EXPECT_EQ(count(), 100);
  EXPECT_EQ(pool_.stats().commits - before, 2U);  // that of the one which held the writer, and one for the hundred
}

TEST_F(SqliteTest, AFailureInAGroupTakesBackOnlyItsOwn) {
  std::vector<Body> bodies = {insert(1), insert(2),
                              [](Transaction& tx) -> Result<void> {
                                YUN_GET(done, tx.execute("insert into t (id) values (50)"));
                                EXPECT_EQ(done.rows, 1);
                                return failed_precondition("no");
                              },
                              insert(2), insert(3)};
  std::vector<Result<void>> outcomes;
  wait(run_together(pool_, ctx_, bodies, outcomes));
  EXPECT_TRUE(outcomes[0]);
  EXPECT_TRUE(outcomes[1]);
  EXPECT_EQ(outcomes[2].error().message(), "no");
  EXPECT_EQ(outcomes[3].error().code(), Code::AlreadyExists);
  EXPECT_TRUE(outcomes[4]);
  EXPECT_EQ(*wait(pool_.one<std::int64_t>(ctx_, "select sum(id) from t")), 6);
}

TEST_F(SqliteTest, AnOpenDeferredForeignKeyFailsOnlyTheTransactionThatLeftIt) {
  run("create table child (t_id integer references t (id) deferrable initially deferred)");
  std::vector<Body> bodies = {insert(1),
                              [](Transaction& tx) -> Result<void> {
                                YUN_GET(done, tx.execute("insert into child values (77)"));
                                EXPECT_EQ(done.rows, 1);
                                return {};
                              },
                              insert(2)};
  std::vector<Result<void>> outcomes;
  wait(run_together(pool_, ctx_, bodies, outcomes));
  EXPECT_TRUE(outcomes[0]);
  EXPECT_EQ(outcomes[1].error().code(), Code::FailedPrecondition);
  EXPECT_TRUE(outcomes[2]);
  EXPECT_EQ(count(), 2);
}

TEST_F(SqliteTest, AnExceptionRollsBackAndTheWriterLives) {
  auto done = wait(pool_.transaction(ctx_, [](Transaction& tx) -> Result<void> {
    (void)tx.execute("insert into t (id) values (1)");
    throw std::runtime_error("bug");
  }));
  EXPECT_EQ(done.error().code(), Code::Internal);
  EXPECT_EQ(count(), 0);
  run("insert into t (id) values (2)");
}

TEST_F(SqliteTest, AQueuedTransactionWhoseCallerLeftIsNeverRun) {
  Context child(ctx_);
  auto scenario = [](Pool pool, Context& root, Context& leaving) -> Task<Result<void>> {
    Gate gate;
    runtime::Scope scope;
    Result<void> outcome;
    scope.spawn(gate.hold(pool, root));
    gate.entered.acquire();
    scope.spawn(keep(pool, leaving, insert(1), outcome));
    leaving.cancel();
    gate.go.release();
    auto joining = scope.join();
    (void)co_await std::move(joining);  // gives nothing
    co_return outcome;
  };
  EXPECT_EQ(wait(scenario(pool_, ctx_, child)).error().code(), Code::Cancelled);
  run("insert into t (id) values (2)");  // the writer has been past the first by now
  EXPECT_EQ(*wait(pool_.one<std::int64_t>(ctx_, "select sum(id) from t")), 2);
  EXPECT_EQ(pool_.stats().skipped, 1U);
}

TEST_F(SqliteTest, AFullQueueRefusesAtOnceAndSaysWhenToComeBack) {
  reopen({.max_queued_writes = 2});
  auto scenario = [](Pool pool, Context& ctx) -> Task<std::vector<Result<void>>> {
    Gate gate;
    runtime::Scope scope;
    std::vector<Result<void>> outcomes(3);
    scope.spawn(gate.hold(pool, ctx));
    gate.entered.acquire();
    for (std::size_t i = 0; i < 3; ++i) scope.spawn(keep(pool, ctx, insert(static_cast<std::int64_t>(i)), outcomes[i]));
    gate.go.release();
    auto joining = scope.join();
    (void)co_await std::move(joining);  // gives nothing
    co_return outcomes;
  };
  auto outcomes = wait(scenario(pool_, ctx_));
  EXPECT_TRUE(outcomes[0]);
  EXPECT_TRUE(outcomes[1]);
  EXPECT_EQ(outcomes[2].error().code(), Code::Unavailable);
  EXPECT_EQ(outcomes[2].error().reason(), "sql_queue_full");
  EXPECT_EQ(outcomes[2].error().retry_after(), 1s);
  EXPECT_EQ(pool_.stats().refused, 1U);
}

TEST_F(SqliteTest, AReaderDoesNotWaitForTheWriterAndSeesWhatIsCommitted) {
  run("insert into t (id) values (1)");
  auto scenario = [](Pool pool, Context& ctx) -> Task<Result<std::int64_t>> {
    std::binary_semaphore entered{0};
    std::binary_semaphore go{0};
    runtime::Scope scope;
    Result<void> outcome;
    scope.spawn(keep(
        pool, ctx,
        [&entered, &go](Transaction& tx) -> Result<void> {
          (void)tx.execute("insert into t (id) values (2)");
          entered.release();
          go.acquire();
          return {};
        },
        outcome));
    entered.acquire();
    auto counting = pool.one<std::int64_t>(ctx, "select count(*) from t");
    auto counted = co_await std::move(counting);
    go.release();
    auto joining = scope.join();
    (void)co_await std::move(joining);  // gives nothing
    co_return counted;
  };
  EXPECT_EQ(*wait(scenario(pool_, ctx_)), 1);
  EXPECT_EQ(count(), 2);
}

TEST_F(SqliteTest, AQueryThatWritesGoesToTheWriter) {
  auto id = wait(pool_.one<std::int64_t>(ctx_, "insert into t (text) values ('a'), ('b') returning id"));
  ASSERT_TRUE(id) << id.error().to_string();
  EXPECT_EQ(*id, 1);
  EXPECT_EQ(count(), 2);
}

TEST_F(SqliteTest, ALongReadEndsWithItsDeadline) {
  Context brief(ctx_, 20ms);
  auto endless = wait(pool_.one<std::int64_t>(brief, "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n"));
  EXPECT_EQ(endless.error().code(), Code::DeadlineExceeded);
  reopen({});  // joins the readers: hangs if the query still ran
}

TEST_F(SqliteTest, UsersMayNotBeginOrCommitByHand) {
  for (const char* text : {"begin", "commit", "rollback", "savepoint x", "attach ':memory:' as other"}) {
    EXPECT_EQ(wait(pool_.execute(ctx_, text)).error().code(), Code::Internal) << text;
  }
  run("insert into t (id) values (1)");
  EXPECT_EQ(count(), 1);
}

TEST_F(SqliteTest, SeveralStatementsInOneCallAreRefusedWhole) {
  EXPECT_FALSE(wait(pool_.execute(ctx_, "insert into t (id) values (1); delete from t")));
  EXPECT_TRUE(wait(pool_.execute(ctx_, "insert into t (id) values (2); ")));
  EXPECT_EQ(count(), 1);
}

TEST_F(SqliteTest, ResultsAreBounded) {
  reopen({.max_rows = 10, .max_result_bytes = 100'000});
  const std::string series = "with recursive n(x) as (select 1 union all select x + 1 from n where x < ?) select x from n";
  EXPECT_TRUE(wait(pool_.all<std::int64_t>(ctx_, series, 10)));
  EXPECT_EQ(wait(pool_.all<std::int64_t>(ctx_, series, 11)).error().code(), Code::ResourceExhausted);
  EXPECT_EQ(wait(pool_.all<Blob>(ctx_, "select zeroblob(200000)")).error().code(), Code::ResourceExhausted);
}

TEST_F(SqliteTest, TheStatementCacheIsBoundedAndStatementsOutliveIt) {
  reopen({.max_statements = 2});
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i) {
      auto value = wait(pool_.one<std::int64_t>(ctx_, "select " + std::to_string(i)));
      ASSERT_TRUE(value);
      EXPECT_EQ(*value, i);
    }
  }
}

TEST_F(SqliteTest, AnotherProcessWithTheFileLockedIsAClearError) {
  pool_ = Pool();
  auto first = open("sqlite://" + path_, {.exclusive = true});
  ASSERT_TRUE(first);
  auto second = open("sqlite://" + path_, {.exclusive = true});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason(), "database_locked");
  EXPECT_NE(second.error().message().find(path_), std::string::npos);
  first = Pool();
  EXPECT_TRUE(open("sqlite://" + path_, {.exclusive = true}));
}

TEST_F(SqliteTest, AnotherConnectionsWriteIsAborted) {
  reopen({.busy_timeout = 1ms});
  auto other = *open("sqlite://" + path_);
  Context other_ctx;
  auto done = wait(other.transaction(other_ctx, [this](Transaction&) -> Result<void> {
    Context inner;
    auto refused = runtime::block_on(pool_.execute(inner, "insert into t (id) values (1)"));
    EXPECT_EQ(refused.error().code(), Code::Aborted);
    return {};
  }));
  EXPECT_TRUE(done);
}

TEST_F(SqliteTest, AFileThatIsNoDatabaseIsDataLoss) {
  const std::string path = fresh_path();
  FILE* file = std::fopen(path.c_str(), "w");
  for (int i = 0; i < 1000; ++i) std::fputs("this is no database\n", file);
  std::fclose(file);
  auto opened = open("sqlite://" + path);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code(), Code::DataLoss);
}

// ---- storage that is full ----

std::string large() { return std::string(20'000, 'x'); }

TEST_F(SqliteTest, AFullDatabaseIsStorageFullAndHealsByItself) {
  auto limit = wait(pool_.transaction(ctx_, [](Transaction& tx) { return tx.one<std::int64_t>("pragma max_page_count = 20"); }));
  ASSERT_TRUE(limit) << limit.error().to_string();
  Result<Changes> added;
  std::int64_t stored = 0;
  while ((added = wait(pool_.execute(ctx_, "insert into t (text) values (?)", large()))).ok()) ++stored;
  EXPECT_EQ(added.error().code(), Code::Unavailable);
  EXPECT_EQ(added.error().reason(), "storage_full");
  EXPECT_EQ(added.error().retry_after(), 1s);
  EXPECT_EQ(count(), stored);
  ASSERT_TRUE(wait(pool_.transaction(ctx_, [](Transaction& tx) { return tx.one<std::int64_t>("pragma max_page_count = 10000"); })));
  EXPECT_TRUE(wait(pool_.execute(ctx_, "insert into t (text) values (?)", large())));
  EXPECT_EQ(count(), stored + 1);
}

/// No file of this process may grow beyond `bytes`: writes fail as on a disk that is full (but with EFBIG).
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now = before_;
    now.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;

 private:
  rlimit before_{};
};

TEST_F(SqliteTest, ALogThatCannotGrowIsStorageFullReadsGoOnAndItHeals) {
  std::int64_t stored = 0;
  {
    FileLimit limit(200'000);
    // One failure is not the end: what is in the log moves to the database file, until that is full too.
    for (int failures = 0; failures < 10;) {
      auto added = wait(pool_.execute(ctx_, "insert into t (text) values (?)", large()));
      added ? ++stored : ++failures;
      if (!added) {
        EXPECT_EQ(added.error().reason(), "storage_full") << added.error().to_string();
      }
      ASSERT_EQ(count(), stored);
      ASSERT_LT(stored, 100);
    }
  }
  EXPECT_TRUE(wait(pool_.execute(ctx_, "insert into t (text) values (?)", large())));
  EXPECT_EQ(count(), stored + 1);
  EXPECT_EQ(*wait(pool_.one<std::string>(ctx_, "pragma integrity_check")), "ok");
}

TEST_F(SqliteTest, AGroupThatMeetsAFullDiskIsAnsweredTruthfully) {
  std::vector<Result<void>> outcomes;
  {
    FileLimit limit(200'000);
    std::vector<Body> bodies(30, [](Transaction& tx) -> Result<void> {
      YUN_GET(done, tx.execute("insert into t (text) values (?)", large()));
      EXPECT_EQ(done.rows, 1);
      return {};
    });
    wait(run_together(pool_, ctx_, bodies, outcomes));
  }
  std::int64_t acknowledged = 0;
  for (const auto& outcome : outcomes) {
    if (outcome) {
      ++acknowledged;
    } else {
      EXPECT_EQ(outcome.error().reason(), "storage_full") << outcome.error().to_string();
    }
  }
  EXPECT_LT(acknowledged, 30);
  EXPECT_EQ(count(), acknowledged);
}

}  // namespace
}  // namespace yun::sql
