// The mysql driver on a real MariaDB: the conformance suite, and what happens when the server is slow, killed or away.
#include "yun/sql/mysql.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "yun/sql/conformance.hpp"
#include "yun/testing/peer.hpp"

using namespace std::chrono_literals;

namespace yun::sql {

namespace {

/// One server for all tests of this program.
testing::Peer& server() {
  static Result<testing::Peer> peer = testing::Peer::start("mariadb");
  if (!peer) {
    ADD_FAILURE() << peer.error().to_string();
    std::exit(1);
  }
  return *peer;
}

std::string url(std::string_view database, const runtime::Address& address = server().address()) {
  return "mysql://yun:yun@" + address.to_string() + "/" + std::string(database);
}

template <typename T>
T wait(Task<T> task) {
  return runtime::block_on(std::move(task));
}

template <typename F>
std::invoke_result_t<F&, Context&> limited(Duration limit, F call) {
  Context root;
  Context ctx(root, limit);
  auto task = call(ctx);
  auto result = co_await std::move(task);
  co_return result;
}
/// What `call(ctx)` gives, whose Context has that deadline and ends before its loop.
template <typename F>
auto within(Duration limit, F call) {
  return runtime::block_on(limited(limit, std::move(call)));
}

/// An empty database of its own.
std::string fresh_database(const runtime::Address& address = server().address()) {
  static int count = 0;
  const std::string name = "test_" + std::to_string(++count);
  Context ctx;
  auto admin = open(url("yun", address), {});
  for (const std::string& text : {"drop database if exists " + name, "create database " + name + " character set utf8mb4"}) {
    auto done = wait(admin->execute(ctx, text));
    EXPECT_TRUE(done) << done.error().to_string();
  }
  return name;
}

Result<Pool> open_empty_database() { return open(url(fresh_database()), {}); }

}  // namespace

namespace conformance {
INSTANTIATE_TEST_SUITE_P(Mysql, Conformance, ::testing::Values(&open_empty_database));
}

namespace {

class MysqlTest : public ::testing::Test {
 protected:
  void SetUp() override { reopen({}); }
  void reopen(const PoolOptions& options) {
    if (database_.empty()) database_ = fresh_database();
    pool_ = *open(url(database_), options);
  }
  template <typename... A>
  void run(std::string_view text, const A&... args) {
    auto done = wait(pool_.execute(ctx_, text, args...));
    ASSERT_TRUE(done) << done.error().to_string();
  }
  /// How many calls with that text the server is at work on.
  std::int64_t at_work(const std::string& text) {
    return wait(pool_.one<std::int64_t>(ctx_, "select count(*) from information_schema.processlist where info like ? and id <> connection_id()", text + "%")).value_or(-1);
  }
  /// Until `condition` holds, for five seconds at the most.
  template <typename F>
  static bool eventually(F condition) {
    for (int i = 0; i < 500; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }

  std::string database_;
  Context ctx_;
  Pool pool_;
};

struct Kinds {
  std::uint64_t large = 0;
  std::string price;
  Time at{};
  Time day{};
  std::string text;
  Blob bytes;
  std::optional<std::string> nothing;
  std::int64_t total = 0;
};

TEST_F(MysqlTest, ItsOwnKindsOfColumnsAreReadExactly) {
  run("create table kinds (large bigint unsigned, price decimal(20,4), at datetime(6), day date, text varchar(40), bytes varbinary(10), nothing text)");
  run("insert into kinds values (?, ?, '2026-11-24 10:20:30.123456', '2026-11-24', ?, ?, null)", std::numeric_limits<std::uint64_t>::max(), "1234567890123456.7890", "云 🍵",
      Blob{std::string("\0\xff", 2)});
  auto found = wait(pool_.one<Kinds>(ctx_, "select *, (select sum(n) from (select 9007199254740993 n union all select 1) s) total from kinds"));
  ASSERT_TRUE(found) << found.error().to_string();
  EXPECT_EQ(found->large, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(found->price, "1234567890123456.7890");
  EXPECT_EQ(format_time(found->at), "2026-11-24T10:20:30.123456Z");
  EXPECT_EQ(format_time(found->day), "2026-11-24T00:00:00.000000Z");
  EXPECT_EQ(found->text, "云 🍵");
  EXPECT_EQ(found->bytes.bytes, std::string("\0\xff", 2));
  EXPECT_FALSE(found->nothing);
  EXPECT_EQ(found->total, 9007199254740994);
}

TEST_F(MysqlTest, WhatDoesNotFitAColumnIsRefusedAndNotCutOff) {
  run("create table short (name varchar(3))");
  EXPECT_EQ(wait(pool_.execute(ctx_, "insert into short values (?)", "four")).error().code(), Code::InvalidArgument);
}

TEST_F(MysqlTest, AResultOverTheLimitIsAnErrorAndThePoolGoesOn) {
  reopen({.max_connections = 1, .max_rows = 10});
  EXPECT_EQ(wait(pool_.all<std::int64_t>(ctx_, "select seq from seq_1_to_1000000")).error().code(), Code::ResourceExhausted);
  EXPECT_EQ(wait(pool_.all<std::int64_t>(ctx_, "select seq from seq_1_to_10"))->size(), 10u);
}

TEST_F(MysqlTest, ACallThatIsGivenUpLeavesNothingRunning) {
  const TimePoint begun = Clock::now();
  auto found = within(200ms, [this](Context& ctx) { return pool_.one<std::int64_t>(ctx, "select sleep(60)"); });
  EXPECT_EQ(found.error().code(), Code::DeadlineExceeded);
  EXPECT_LT(Clock::now() - begun, 2s);
  EXPECT_TRUE(eventually([this] { return at_work("select sleep(60)") == 0; })) << "the server still sleeps for it";
}

TEST_F(MysqlTest, ATransactionThatIsGivenUpLetsItsLocksGo) {
  run("create table rows_ (id int primary key, n int)");
  run("insert into rows_ values (1, 0)");
  const auto hold = [](Transaction& tx) -> Result<void> {
    YUN_GET(locked, tx.execute("update rows_ set n = 1 where id = 1"));
    EXPECT_EQ(locked.rows, 1);
    return tx.one<std::int64_t>("select sleep(60)").ok() ? Result<void>() : internal_error("cut off");
  };
  auto held = within(300ms, [&](Context& ctx) { return pool_.transaction(ctx, hold); });
  EXPECT_EQ(held.error().code(), Code::DeadlineExceeded);
  auto next = within(10s, [this](Context& ctx) { return pool_.execute(ctx, "update rows_ set n = n + 10 where id = 1"); });
  ASSERT_TRUE(next) << next.error().to_string();
  EXPECT_EQ(*wait(pool_.one<std::int64_t>(ctx_, "select n from rows_")), 10) << "what was given up is undone";
}

TEST_F(MysqlTest, ATransactionWhoseProgramStandsStillIsRolledBackByTheServer) {
  run("create table rows_ (id int primary key, n int)");
  run("insert into rows_ values (1, 0)");
  Pool standing = *open(url(database_) + "?idle_transaction=1s", {});
  std::atomic<bool> holds{false};
  std::atomic<bool> over{false};
  const auto stand_still = [&](Transaction& tx) -> Result<void> {
    YUN_GET(locked, tx.execute("update rows_ set n = 1 where id = 1"));
    EXPECT_EQ(locked.rows, 1);
    holds = true;
    while (!over) std::this_thread::sleep_for(5ms);
    return internal_error("it is over");
  };
  std::thread frozen([&] { (void)within(60s, [&](Context& ctx) { return standing.transaction(ctx, stand_still); }); });
  EXPECT_TRUE(eventually([&] { return holds.load(); }));
  auto next = within(20s, [this](Context& ctx) { return pool_.execute(ctx, "update rows_ set n = n + 10 where id = 1"); });
  EXPECT_TRUE(next) << next.error().to_string();
  EXPECT_EQ(*wait(pool_.one<std::int64_t>(ctx_, "select n from rows_")), 10) << "what stood still is undone";
  over = true;
  frozen.join();
}

TEST_F(MysqlTest, ADeadlockIsTriedAgainUntilBothHaveTheirWay) {
  run("create table rows_ (id int primary key, n int)");
  run("insert into rows_ values (1, 0), (2, 0)");
  std::atomic<int> inside{0};
  std::atomic<int> runs{0};
  const auto both = [&](int first, int second) {
    const auto add = [&inside, &runs, first, second](Transaction& tx) -> Result<void> {
      ++runs;
      YUN_GET(one, tx.execute("update rows_ set n = n + 1 where id = ?", first));
      EXPECT_EQ(one.rows, 1);
      ++inside;
      for (int i = 0; i < 200 && inside < 2; ++i) std::this_thread::sleep_for(5ms);  // both hold one before either wants the other
      YUN_GET(two, tx.execute("update rows_ set n = n + 1 where id = ?", second));
      EXPECT_EQ(two.rows, 1);
      return {};
    };
    auto done = within(20s, [&](Context& ctx) { return pool_.transaction(ctx, add); });
    EXPECT_TRUE(done) << done.error().to_string();
  };
  std::thread other([&] { both(2, 1); });
  both(1, 2);
  other.join();
  EXPECT_GE(runs, 3) << "there was no deadlock to try again";
  EXPECT_EQ(*wait(pool_.one<std::int64_t>(ctx_, "select sum(n) from rows_")), 4);
}

TEST_F(MysqlTest, AStatementThatCommitsByItselfWithinATransactionIsAnError) {
  run("create table a (id int)");
  auto done = wait(pool_.transaction(ctx_, [](Transaction& tx) -> Result<void> {
    YUN_GET(made, tx.execute("create table b (id int)"));
    (void)made;
    return {};
  }));
  EXPECT_EQ(done.error().code(), Code::Internal);
}

TEST_F(MysqlTest, MigrationsOfThreeReplicasAtOnceRunOnce) {
  const std::vector<Migration> steps = {{"0001_a", "create table a (id int primary key); insert into a values (1); create index a_id on a (id)"}, {"0002_b", "insert into a values (2)"}};
  std::vector<std::thread> replicas;
  for (int i = 0; i < 3; ++i) {
    replicas.emplace_back([&] {
      auto pool = open(url(database_), {});
      Context ctx;
      auto migrated = wait(migrate(ctx, *pool, steps));
      EXPECT_TRUE(migrated) << migrated.error().to_string();
    });
  }
  for (std::thread& each : replicas) each.join();
  EXPECT_EQ(*wait(pool_.one<std::int64_t>(ctx_, "select count(*) from a")), 2);
  EXPECT_EQ(*wait(pool_.one<std::int64_t>(ctx_, "select count(*) from yun_migrations")), 2);
}

TEST_F(MysqlTest, AMigrationThatFailedIsTakenUpWhereItStopped) {
  const std::string good = "create table a (id int primary key); insert into a values (1); create table b (id int); insert into a values (2)";
  run("create table b (other int)");  // in the way
  auto failed = wait(migrate(ctx_, pool_, {{"0001_a", good}}));
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message().find("0001_a"), std::string::npos) << failed.error().message();
  EXPECT_NE(failed.error().message().find("statement 3"), std::string::npos) << failed.error().message();
  EXPECT_EQ(wait(migrate(ctx_, pool_, {{"0001_a", good + ";"}})).error().reason(), "migration_changed") << "half of another text has run";
  run("drop table b");
  auto migrated = wait(migrate(ctx_, pool_, {{"0001_a", good}}));
  ASSERT_TRUE(migrated) << migrated.error().to_string();
  EXPECT_EQ(*wait(pool_.one<std::int64_t>(ctx_, "select count(*) from a")), 2) << "each row once";
}

TEST_F(MysqlTest, AStatementThatWasDoneBeforeItsNoteIsNotAFailure) {
  const std::vector<Migration> steps = {{"0001_a", "create table a (id int primary key); insert into a values (1)"}};
  ASSERT_TRUE(wait(migrate(ctx_, pool_, steps)));
  // As it stands if the program dies between create table and its note.
  const auto sum = wait(pool_.one<std::string>(ctx_, "select checksum from yun_migrations"));
  run("delete from yun_migrations");
  run("delete from a");
  run("insert into yun_migration_progress values ('0001_a', ?, 0, true)", *sum);
  auto migrated = wait(migrate(ctx_, pool_, steps));
  ASSERT_TRUE(migrated) << migrated.error().to_string();
  EXPECT_EQ(*wait(pool_.one<std::int64_t>(ctx_, "select count(*) from a")), 1);
}

TEST_F(MysqlTest, AConnectionKilledInMidQueryIsAnErrorAndThePoolHeals) {
  std::thread killer([this] {
    ASSERT_TRUE(eventually([this] { return at_work("select sleep(50)") == 1; }));
    const auto id = wait(pool_.one<std::int64_t>(ctx_, "select id from information_schema.processlist where info like 'select sleep(50)%' and id <> connection_id()"));
    ASSERT_TRUE(id) << id.error().to_string();
    ASSERT_TRUE(wait(pool_.execute(ctx_, "kill " + std::to_string(*id))));
  });
  Context ctx;
  auto found = wait(pool_.one<std::int64_t>(ctx, "select sleep(50)"));
  killer.join();
  EXPECT_EQ(found.error().code(), Code::Unavailable) << found.error().to_string();
  EXPECT_TRUE(wait(pool_.one<std::int64_t>(ctx_, "select 1")));
}

TEST_F(MysqlTest, WrongAccountsAndDatabasesSayWhat) {
  auto denied = wait(open("mysql://yun:wrong@" + server().address().to_string() + "/yun", {})->one<std::int64_t>(ctx_, "select 1"));
  EXPECT_EQ(denied.error().reason(), "sql_refused");
  EXPECT_EQ(denied.error().message().find("wrong"), std::string::npos) << denied.error().message();
  auto nowhere = wait(open(url("no_such_database"), {})->one<std::int64_t>(ctx_, "select 1"));
  EXPECT_NE(nowhere.error().message().find("no_such_database"), std::string::npos) << nowhere.error().message();
}

/// A CA, and a server's certificate by it for 127.0.0.1, in a folder that goes with the test.
struct Certificates {
  Certificates() {
    folder = std::filesystem::temp_directory_path() / ("yun_mysql_tls_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    const std::string at = folder.string();
    const std::string script = "cd " + at + " && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem && "
        "openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out req.pem && "
        "openssl x509 -req -in req.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out cert.pem";
    EXPECT_EQ(std::system(("{ " + script + "; } >" + at + "/log 2>&1").c_str()), 0);
  }
  ~Certificates() { std::filesystem::remove_all(folder); }
  std::string file(std::string_view name) const { return (folder / name).string(); }
  std::filesystem::path folder;
};

TEST(MysqlTls, IsRequiredAndVerifiedAsTheUrlSays) {
  const Certificates made;
  auto peer = testing::Peer::start("mariadb", {"--ssl-cert=" + made.file("cert.pem"), "--ssl-key=" + made.file("key.pem"), "--ssl-ca=" + made.file("ca.pem")});
  ASSERT_TRUE(peer) << peer.error().to_string();
  const auto cipher = [&](const testing::Peer& of, const std::string& parameters) -> std::string {
    Context ctx;
    auto pool = open(url("yun", of.address()) + parameters, {});
    if (!pool) return pool.error().to_string();
    auto found = wait(pool->one<std::string>(ctx, "select variable_value from information_schema.session_status where variable_name = 'SSL_CIPHER'"));
    return found ? (found->empty() ? "plain" : "encrypted") : found.error().reason();
  };
  EXPECT_EQ(cipher(*peer, ""), "plain");
  EXPECT_EQ(cipher(*peer, "?tls=required"), "encrypted");
  EXPECT_EQ(cipher(*peer, "?tls=verify&ca=" + made.file("ca.pem")), "encrypted");
  EXPECT_EQ(cipher(*peer, "?tls=verify"), "sql_unavailable") << "a CA that nobody here knows";
  EXPECT_EQ(cipher(server(), "?tls=required"), "sql_unavailable") << "a server without TLS";
}

/// A server of its own, to be killed and frozen.
class MysqlAwayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = testing::Peer::start("mariadb");
    ASSERT_TRUE(started) << started.error().to_string();
    peer_.emplace(*std::move(started));
    pool_ = *open(url("yun", peer_->address()), {.max_connections = 4});
    ASSERT_TRUE(ask(10s));
  }
  Result<std::int64_t> ask(Duration limit) {
    return within(limit, [this](Context& ctx) { return pool_.one<std::int64_t>(ctx, "select 1"); });
  }
  std::optional<testing::Peer> peer_;
  Pool pool_;
};

TEST_F(MysqlAwayTest, AKilledServerIsAnErrorAtOnceAndIsUsedAgainWhenItIsBack) {
  peer_->kill();
  const TimePoint begun = Clock::now();
  for (int i = 0; i < 20; ++i) {
    auto found = ask(10s);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code(), Code::Unavailable) << found.error().to_string();
    EXPECT_EQ(found.error().reason(), "sql_unavailable");
    EXPECT_TRUE(found.error().retry_after());
  }
  EXPECT_LT(Clock::now() - begun, 5s);
  ASSERT_TRUE(peer_->restart());
  Result<std::int64_t> found = ask(10s);
  for (int i = 0; i < 100 && !found; ++i) {
    std::this_thread::sleep_for(50ms);
    found = ask(10s);
  }
  EXPECT_TRUE(found) << found.error().to_string();
}

TEST_F(MysqlAwayTest, AFrozenServerHoldsNobodyPastItsDeadlineAndAllGoesOnAfterwards) {
  peer_->freeze();
  for (int i = 0; i < 8; ++i) {  // more than there are connections
    const TimePoint begun = Clock::now();
    auto found = ask(200ms);
    EXPECT_EQ(found.error().code(), Code::DeadlineExceeded) << found.error().to_string();
    EXPECT_LT(Clock::now() - begun, 1s);
  }
  peer_->resume();
  auto found = ask(15s);
  EXPECT_TRUE(found) << found.error().to_string();
}

}  // namespace
}  // namespace yun::sql
