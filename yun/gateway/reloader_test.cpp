// A gateway on a file that changes, in one process: the program's own parts, with clients of its own.
#include "yun/gateway/reloader.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "yun/base/sanitizers.hpp"
#include "yun/gateway/snapshot.hpp"
#include "yun/http/client/client.hpp"
#include "yun/http/server/server.hpp"
#include "yun/observe/metrics/registry.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::gateway;
namespace fs = std::filesystem;

namespace {

/// The upstream: knows from how many connections it was asked.
struct Echo final : http::Handler {
  Task<void> handle(Context&, http::Request& request, http::Response& response) override {
    std::lock_guard lock(mutex);
    peers.insert(request.peer.to_string());
    response = http::Response::text(200, request.path);
    return {};
  }
  std::size_t connections() {
    std::lock_guard lock(mutex);
    return peers.size();
  }
  std::mutex mutex;
  std::set<std::string> peers;
};

/// CPU time of this thread.
Duration thread_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

struct ReloaderTest : ::testing::Test {
  ReloaderTest() { fs::create_directories(folder); }
  ~ReloaderTest() override { fs::remove_all(folder); }

  std::string text(int marker, int routes, const std::string& more = "") const {
    std::string all = "upstreams:\n  a: { to: \"static://" + upstream_at.to_string() + "\" }\nroutes:\n";
    for (int i = 0; i < routes; ++i) all += "  - { name: r" + std::to_string(i) + ", match: path(/r/" + std::to_string(i) + "), to: a }\n";
    all += "  - { name: limited, match: path(/limited), to: a, use: [ limit: 1000/h by address ] }\n";
    all += "  - { name: marker, match: path(/marker-" + std::to_string(marker) + "), to: a }\n" + more;
    return all;
  }
  void write(const std::string& content) const { std::ofstream(path) << content; }
  void replace(const std::string& content) const {
    std::ofstream(path + ".new") << content;
    fs::rename(path + ".new", path);
  }
  Task<int> get(Context& ctx, std::string target) {
    auto answer = co_await client.get(ctx, "http://" + gateway_at.to_string() + target);
    if (!answer) co_return 0;
    auto body = co_await answer->body.all(ctx, 1 << 20);
    co_return body ? answer->status : 0;
  }
  /// Asks until the marker of that version answers.
  Task<bool> in_force(Context& ctx, int marker) {
    for (;;) {
      const int status = co_await get(ctx, "/marker-" + std::to_string(marker));
      if (status == 200) co_return true;
      auto slept = co_await runtime::sleep_for(ctx, 500us);
      if (!slept) co_return false;
    }
  }
  std::string value_of(const std::string& metric) {
    std::string all = metrics.render();
    const std::size_t at = all.find("\n" + metric + " ");
    return at == std::string::npos ? "none" : all.substr(at + metric.size() + 2, all.find('\n', at + 1) - at - metric.size() - 2);
  }

  using Body = Task<void> (*)(ReloaderTest&, Context&);
  void run(Body body, const std::string& first) {
    write(first);
    reloader.emplace(gateway, path);
    ASSERT_TRUE(reloader->load());
    upstream_server.start();
    gateway_server.start();
    runtime.loop(0).post([&] { runtime.loop(0).spawn(drive(*this, body)); });
    runtime.run();
  }
  static Task<void> drive(ReloaderTest& test, Body body) {
    Context root;
    Context ctx(root, 60s);
    Context background(root);
    runtime::Scope scope;
    scope.spawn(test.gateway.run(background));
    scope.spawn(test.reloader->run(background));
    co_await body(test, ctx);
    background.cancel();
    co_await scope.join();
    co_await test.gateway_server.drain(1s);
    co_await test.upstream_server.drain(1s);
    test.runtime.stop();
  }

  std::string folder = ::testing::TempDir() + "yun_reloader_" + std::to_string(::getpid());
  std::string path = folder + "/gateway.yaml";
  Echo echo;
  observe::metrics::Registry metrics;
  http::Client client;
  Gateway gateway{{.client = &client, .metrics = &metrics, .state_folder = ""}};
  std::optional<Reloader> reloader;
  runtime::Runtime runtime{2};
  http::Server upstream_server{runtime, echo};
  http::Server gateway_server{runtime, gateway};
  runtime::Address upstream_at = *upstream_server.listen(*runtime::Address::parse("127.0.0.1:0"));
  runtime::Address gateway_at = *gateway_server.listen(*runtime::Address::parse("127.0.0.1:0"));
};

// ---- under load ----

struct Load {
  bool over = false;
  int sent = 0;
  int failed = 0;
};
Task<void> ask(ReloaderTest& test, Context& ctx, Load& load) {
  while (!load.over) {
    const int status = co_await test.get(ctx, "/r/7");
    ++load.sent;
    if (status != 200) ++load.failed;
  }
}

Task<void> changes_under_load(ReloaderTest& test, Context& ctx) {
  Load load;
  runtime::Scope scope;
  for (int i = 0; i < 4; ++i) scope.spawn(ask(test, ctx, load));
  for (int marker = 1; marker <= 20; ++marker) {
    test.replace(test.text(marker, 500));
    const bool there = co_await test.in_force(ctx, marker);
    EXPECT_TRUE(there) << marker;
    const int gone = co_await test.get(ctx, "/marker-" + std::to_string(marker - 1));
    EXPECT_EQ(gone, 404);
  }
  load.over = true;
  co_await scope.join();
  EXPECT_EQ(load.failed, 0);
  EXPECT_GT(load.sent, 20);
  EXPECT_EQ(test.value_of("gateway_config_applied_total"), "21");
  EXPECT_EQ(test.value_of("gateway_routes"), "502");
}

// ---- how long loop 0 is held ----

Task<void> many_routes(ReloaderTest& test, Context& ctx) {
  std::vector<Duration> held;
  for (int marker = 1; marker <= 5; ++marker) {
    test.replace(test.text(marker, 5000));
    const Duration before = thread_time();
    while (test.value_of("gateway_config_applied_total") != std::to_string(marker + 1)) {
      auto slept = co_await runtime::sleep_for(ctx, 5ms);
      EXPECT_TRUE(slept);
      if (!slept) co_return;
    }
    held.push_back(thread_time() - before);
  }
  // Reading 5,000 routes and making them ready would be some 10 ms and more; all that loop 0 does meanwhile, this test's own asking included, is less
  // than a millisecond.
  EXPECT_LT(*std::min_element(held.begin(), held.end()), kSanitized ? 20ms : 1ms);
}

// ---- bad, half and missing files ----

Task<void> keeps_the_old_one(ReloaderTest& test, Context& ctx) {
  int faults = 0;
  const std::string whole = test.text(1, 3);
  const std::vector<std::string> bad_files = {"", "\n", whole + "  - { name: r0, match: path(/x), to: a }\n", whole + "  - { name: x, match: path(/x), to: nowhere }\n",
                                              "upstreams: [", whole.substr(0, 20)};
  for (const std::string& bad : bad_files) {
    test.replace(bad);
    ++faults;
    while (test.value_of("gateway_config_refused_total") != std::to_string(faults)) {
      auto slept = co_await runtime::sleep_for(ctx, 1ms);
      EXPECT_TRUE(slept) << "never refused: " << bad;
      if (!slept) co_return;
    }
    const int status = co_await test.get(ctx, "/marker-0");
    EXPECT_EQ(status, 200) << bad;
  }
  fs::remove(test.path);
  while (test.value_of("gateway_config_refused_total") != std::to_string(faults + 1)) {
    auto slept = co_await runtime::sleep_for(ctx, 1ms);
    EXPECT_TRUE(slept);
    if (!slept) co_return;
  }
  const int status = co_await test.get(ctx, "/marker-0");
  EXPECT_EQ(status, 200);
  test.write(test.text(2, 3));
  const bool there = co_await test.in_force(ctx, 2);
  EXPECT_TRUE(there);
}

Task<void> waits_for_the_writer(ReloaderTest& test, Context& ctx) {
  const std::string whole = test.text(1, 50);
  const std::size_t half = whole.find("  - { name: r20");  // a good file by itself
  const int fd = ::open(test.path.c_str(), O_WRONLY | O_TRUNC);
  EXPECT_EQ(::write(fd, whole.data(), half), static_cast<ssize_t>(half));
  for (int i = 0; i < 20; ++i) {
    auto slept = co_await runtime::sleep_for(ctx, 5ms);
    EXPECT_TRUE(slept);
    test.reloader->again();  // SIGHUP does not change that
    EXPECT_EQ(test.value_of("gateway_config_applied_total"), "1");
    EXPECT_EQ(test.value_of("gateway_config_refused_total"), "0");
  }
  EXPECT_EQ(::write(fd, whole.data() + half, whole.size() - half), static_cast<ssize_t>(whole.size() - half));
  ::close(fd);
  const bool there = co_await test.in_force(ctx, 1);
  EXPECT_TRUE(there);
  const int last = co_await test.get(ctx, "/r/49");
  EXPECT_EQ(last, 200);
  EXPECT_EQ(test.value_of("gateway_config_applied_total"), "2");
}

// ---- what goes on ----

Task<std::string> left(ReloaderTest& test, Context& ctx) {
  auto answer = co_await test.client.get(ctx, "http://" + test.gateway_at.to_string() + "/limited");
  if (!answer) co_return "failed";
  co_return std::string(answer->headers.get("ratelimit-remaining").value_or("none"));
}

Task<void> goes_on(ReloaderTest& test, Context& ctx) {
  std::string remaining = co_await left(test, ctx);
  EXPECT_EQ(remaining, "999");
  test.replace(test.text(1, 3));
  bool there = co_await test.in_force(ctx, 1);
  EXPECT_TRUE(there);
  remaining = co_await left(test, ctx);
  EXPECT_EQ(remaining, "998");
  std::string other = test.text(2, 3);
  other.replace(other.find("1000/h"), 6, "2000/h");
  test.replace(other);
  there = co_await test.in_force(ctx, 2);
  EXPECT_TRUE(there);
  remaining = co_await left(test, ctx);
  EXPECT_EQ(remaining, "1999");
}

Task<void> keeps_connections(ReloaderTest& test, Context& ctx) {
  for (int marker = 1; marker <= 5; ++marker) {
    test.replace(test.text(marker, 3));
    const bool there = co_await test.in_force(ctx, marker);
    EXPECT_TRUE(there);
  }
  EXPECT_EQ(test.echo.connections(), 1U);
  std::string other = test.text(6, 3);
  other.replace(other.find(" }"), 2, ", connect_timeout: 2s }");
  test.replace(other);
  const bool there = co_await test.in_force(ctx, 6);
  EXPECT_TRUE(there);
  EXPECT_EQ(test.echo.connections(), 2U);
}

}  // namespace

TEST_F(ReloaderTest, AChangedRouteUnderLoadIsInForceAndFailsNobody) { run(&changes_under_load, text(0, 500)); }

TEST_F(ReloaderTest, LoopZeroIsNotHeldWhileFiveThousandRoutesAreRead) { run(&many_routes, text(0, 5000)); }

TEST_F(ReloaderTest, ABadAnEmptyAndAMissingFileLeaveTheOldOneInForce) { run(&keeps_the_old_one, text(0, 3)); }

TEST_F(ReloaderTest, AFileThatIsHalfWrittenIsNotTakenForAWholeOne) { run(&waits_for_the_writer, text(0, 3)); }

TEST_F(ReloaderTest, ALimitGoesOnWhereItIsTheSameAndBeginsAnewWhereItIsNot) { run(&goes_on, text(0, 3)); }

TEST_F(ReloaderTest, ConnectionsToAnUpstreamThatIsTheSameGoOn) { run(&keeps_connections, text(0, 3)); }

TEST_F(ReloaderTest, AFileWithFaultsIsNoStart) {
  write("upstreams: {}\n");
  reloader.emplace(gateway, path);
  const auto loaded = reloader->load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message(), Config::load(path).error().message());
}
