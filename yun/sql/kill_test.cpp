// What was acknowledged survives kill -9: this program starts itself again as a child that writes, and kills it.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "yun/runtime/threads.hpp"
#include "yun/sql/fresh_path.hpp"
#include "yun/sql/pool.hpp"

namespace yun::sql {
namespace {

constexpr const char* kChildPath = "YUN_SQL_KILL_TEST_PATH";
constexpr int kAcknowledge = 100;  // the child's end of the pipe: stdout has the test program's own words

Task<void> write_for_ever(Pool pool, Context& ctx, int first) {
  for (std::int64_t id = first;; id += 8) {
    auto writing = pool.execute(ctx, "insert into t (id) values (?)", id);
    auto written = co_await std::move(writing);
    if (!written) std::abort();
    if (::write(kAcknowledge, &id, sizeof id) != static_cast<ssize_t>(sizeof id)) std::abort();
  }
}

Task<Result<void>> write_from_eight(Pool pool) {
  Context ctx;
  auto creating = pool.execute(ctx, "create table if not exists t (id integer primary key)");
  YUN_CHECK(co_await std::move(creating));
  runtime::Scope scope;
  for (int i = 0; i < 8; ++i) scope.spawn(write_for_ever(pool, ctx, i));
  auto joining = scope.join();
  (void)co_await std::move(joining);  // never comes
  co_return Result<void>();
}

/// The child's whole life; nothing in an ordinary run of the tests.
TEST(SqliteKillChild, Writes) {
  const char* path = std::getenv(kChildPath);
  if (!path) return;
  (void)runtime::block_on(write_from_eight(*open(std::string("sqlite://") + path)));
}

struct Child {
  pid_t pid = -1;
  int acknowledged = -1;  ///< a pipe of ids
};

Child start_child(const std::string& path) {
  int pipe[2];
  if (::pipe(pipe) != 0) return {};
  const std::string variable = std::string(kChildPath) + "=" + path;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(pipe[1], kAcknowledge);
    ::close(pipe[0]);
    ::close(pipe[1]);
    const char* argv[] = {"sql_tests", "--gtest_filter=SqliteKillChild.*", "--gtest_brief=1", nullptr};
    const char* env[] = {variable.c_str(), nullptr};
    ::execve("/proc/self/exe", const_cast<char**>(argv), const_cast<char**>(env));
    ::_exit(127);
  }
  ::close(pipe[1]);
  return {.pid = pid, .acknowledged = pipe[0]};
}

TEST(SqliteKill, WhatWasAcknowledgedIsThereAfterKillNine) {
  const std::string path = fresh_path();
  for (int round = 0; round < 3; ++round) {
    const Child child = start_child(path);
    ASSERT_GT(child.pid, 0);
    std::string bytes;
    char buffer[4096];
    while (bytes.size() < 8000) {
      const ssize_t got = ::read(child.acknowledged, buffer, sizeof buffer);
      ASSERT_GT(got, 0) << "child ended by itself";
      bytes.append(buffer, static_cast<std::size_t>(got));
    }
    ::kill(child.pid, SIGKILL);
    for (ssize_t got; (got = ::read(child.acknowledged, buffer, sizeof buffer)) > 0;) bytes.append(buffer, static_cast<std::size_t>(got));
    ::close(child.acknowledged);
    int status = 0;
    ::waitpid(child.pid, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));

    Pool pool = *open("sqlite://" + path);
    Context ctx;
    EXPECT_EQ(*runtime::block_on(pool.one<std::string>(ctx, "pragma integrity_check")), "ok");
    std::size_t acknowledged = 0;
    for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
      std::int64_t id = 0;
      std::memcpy(&id, bytes.data() + at, sizeof id);
      auto found = runtime::block_on(pool.maybe<std::int64_t>(ctx, "select id from t where id = ?", id));
      ASSERT_TRUE(found);
      EXPECT_TRUE(found->has_value()) << "acknowledged row " << id << " is gone";
      ++acknowledged;
    }
    EXPECT_GE(acknowledged, 1000U);
    auto cleared = runtime::block_on(pool.execute(ctx, "delete from t"));
    EXPECT_TRUE(cleared);
  }
}

}  // namespace
}  // namespace yun::sql
