#include <gtest/gtest.h>

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <set>

#include "yun/base/sanitizers.hpp"
#include "yun/runtime/net.hpp"
#include "yun/runtime/threads.hpp"

using namespace std::chrono_literals;
using namespace yun;
using namespace yun::runtime;

namespace {

Task<int> one() { co_return 1; }
Task<long> sum(int count) {
  long total = 0;
  for (int i = 0; i < count; ++i) total += co_await one();
  co_return total;
}

Task<Result<void>> nap(Cancel& cancel, Duration duration) { co_return co_await sleep_for(cancel, duration); }

}  // namespace

TEST(Task, ManyChildrenThatDoNotSuspendKeepTheStackFlat) { EXPECT_EQ(block_on(sum(1'000'000)), 1'000'000); }

TEST(Task, FramesComeFromTheFreeListOnceWarm) {
  block_on(sum(10));
  const auto before = frame_stats();
  block_on(sum(10));
  const auto after = frame_stats();
  EXPECT_EQ(after.made - before.made, 13U);  // sum, its ten children, and the two edges of block_on
  EXPECT_EQ(after.mapped - before.mapped, kSanitized ? 13U : 0U);  // none is used again under a sanitizer
}

namespace {
void work(Duration duration) {
  for (const TimePoint until = Clock::now() + duration; Clock::now() < until;) {
  }
}
struct Turns {
  Duration worked, slept, busy, all;
};
Task<Turns> watch_turns() {
  Loop& loop = Loop::current();
  Turns turns{};
  (void)co_await yield_now();  // gives nothing; from here on the loop runs
  const TimePoint began = loop.now();
  const Duration busy = loop.busy();
  work(5ms);
  (void)co_await yield_now();  // gives nothing
  turns.worked = loop.before();
  auto slept = co_await sleep_for(loop.root(), 100ms);
  EXPECT_TRUE(slept.ok());
  turns.slept = loop.before();
  turns.busy = loop.busy() - busy;
  turns.all = loop.now() - began;
  co_return turns;
}
}  // namespace

TEST(Loop, KnowsHowLongTheTurnBeforeWorkedAndWhatIsSleep) {
  const Turns turns = block_on(watch_turns());
  EXPECT_GE(turns.worked, 5ms);
  EXPECT_EQ(turns.slept, 0ms);
  EXPECT_GE(turns.busy, 5ms);
  EXPECT_GE(turns.all - turns.busy, 50ms);  // the sleep is not in it
}

namespace {
Task<void> answers(std::vector<std::string>& order, std::string name) {
  Loop& loop = Loop::current();
  (void)co_await yield_now();  // gives nothing; from here on all are in one turn
  order.push_back("work of " + name);
  (void)co_await loop.later(Phase::Answer);  // gives nothing
  order.push_back("answer of " + name);
  (void)co_await loop.later(Phase::Answer);  // gives nothing, and does not wait for itself
  order.push_back("more of " + name);
  (void)co_await loop.later(Phase::Rest);  // gives nothing
  order.push_back("rest of " + name);
}
Task<void> asks(std::vector<std::string>& order) {
  Loop& loop = Loop::current();
  (void)co_await yield_now();  // gives nothing
  order.push_back("work of a client");
  (void)co_await loop.later(Phase::Request);  // gives nothing
  order.push_back("request");
}
/// What happened in one turn that took less than anything may be put off: the machine may be busy with others.
Task<std::vector<std::string>> one_quick_turn() {
  std::vector<std::string> order;
  for (int tries = 0; tries < 1000; ++tries) {
    order.clear();
    Scope scope;
    scope.spawn(asks(order));
    scope.spawn(answers(order, "a"));
    scope.spawn(answers(order, "b"));
    (void)co_await yield_now();  // gives nothing; this is in the same turn, and the last of it to work
    const TimePoint began = Loop::current().now();
    co_await scope.join();
    if (Clock::now() - began < 200us) break;
  }
  co_return order;
}
Task<std::vector<std::string>> a_slow_turn() {
  std::vector<std::string> order;
  const auto slow = [](std::vector<std::string>& to) -> Task<void> {
    (void)co_await yield_now();  // gives nothing
    work(1ms);
    to.push_back("slow work");
    (void)co_await Loop::current().later(Phase::Answer);  // gives nothing
    to.push_back("its answer");
  };
  Scope scope;
  scope.spawn(answers(order, "a"));
  scope.spawn(slow(order));
  scope.spawn(answers(order, "b"));
  co_await scope.join();
  co_return order;
}
}  // namespace

TEST(Loop, WritesTheAnswersOfATurnBeforeItsRequestsAndDoesTheRestAfterThat) {
  EXPECT_EQ(block_on(one_quick_turn()), (std::vector<std::string>{"work of a client", "work of a", "work of b", "answer of a", "more of a", "answer of b", "more of b",
                                                                  "request", "rest of a", "rest of b"}));
}

TEST(Loop, PutsNothingOffOnceATurnTakesLong) {
  const auto order = block_on(a_slow_turn());
  ASSERT_EQ(order.size(), 10u);
  const auto at = [&](const char* what) { return std::ranges::find(order, what) - order.begin(); };
  EXPECT_EQ(at("its answer"), at("slow work") + 1);   // it waits for nobody
  EXPECT_LT(at("rest of a"), at("work of b"));        // and what waited goes on before the next one works
}

TEST(Loop, PutsNothingOffForWhatIsAloneInItsTurn) {
  std::vector<std::string> order;
  block_on(answers(order, "a"));
  EXPECT_EQ(order, (std::vector<std::string>{"work of a", "answer of a", "more of a", "rest of a"}));
}

namespace {
Task<void> throws() {
  throw std::runtime_error("bug");
  co_return;
}
Task<bool> catches() {
  try {
    co_await throws();
  } catch (const std::runtime_error&) {
    co_return true;
  }
  co_return false;
}
}  // namespace

TEST(Task, AnExceptionReachesTheAwaiter) { EXPECT_TRUE(block_on(catches())); }

namespace {
Task<Code> deadline_of_parent() {
  Cancel root;
  Cancel parent(root, Clock::now() + 5ms);
  Cancel child(parent, Clock::now() + 10s);
  auto result = co_await nap(child, 10s);
  co_return result ? Code::Ok : result.error().code();
}
Task<void> cancel_soon(Cancel& cancel) {
  (void)co_await yield_now();
  cancel.cancel();
}
Task<Code> cancelled_by_another_task() {
  Scope scope;
  Cancel root;
  Cancel child(root);
  scope.spawn(cancel_soon(root));
  auto result = co_await nap(child, 10s);
  co_await scope.join();
  co_return result ? Code::Ok : result.error().code();
}
}  // namespace

TEST(Cancel, AParentsDeadlineEndsTheChildsWait) { EXPECT_EQ(block_on(deadline_of_parent()), Code::DeadlineExceeded); }
TEST(Cancel, CancellingTheParentWakesTheChild) { EXPECT_EQ(block_on(cancelled_by_another_task()), Code::Cancelled); }
TEST(Cancel, AWaitOnADoneCancelFailsAtOnce) {
  EXPECT_EQ(block_on([]() -> Task<Code> {
              Cancel gone;
              gone.cancel();
              auto result = co_await nap(gone, 10s);
              co_return result ? Code::Ok : result.error().code();
            }()),
            Code::Cancelled);
}

namespace {
Task<void> hold(Semaphore& semaphore, Cancel& cancel, std::vector<int>& order, int number) {
  auto permit = co_await semaphore.acquire(cancel);
  if (!permit) co_return;
  order.push_back(number);
  (void)co_await yield_now();
}
Task<std::vector<int>> semaphore_order() {
  Semaphore semaphore(1, 2);
  Cancel cancel;
  Scope scope;
  std::vector<int> order;
  for (int i = 0; i < 5; ++i) scope.spawn(hold(semaphore, cancel, order, i));
  co_await scope.join();
  co_return order;
}
}  // namespace

TEST(Semaphore, ServesInOrderAndRefusesPastItsQueue) { EXPECT_EQ(block_on(semaphore_order()), (std::vector<int>{0, 1, 2})); }

namespace {
Task<void> produce(Channel<int>& channel, Cancel& cancel) {
  for (int i = 0; i < 100; ++i) {
    auto pushed = co_await channel.push(cancel, i);
    if (!pushed) co_return;
  }
  channel.close();
}
Task<int> consume() {
  Channel<int> channel(3);
  Cancel cancel;
  Scope scope;
  scope.spawn(produce(channel, cancel));
  int total = 0;
  for (;;) {
    auto item = co_await channel.pop(cancel);
    if (!item || !*item) break;
    total += **item;
    EXPECT_LE(channel.size(), 3U);
  }
  co_await scope.join();
  co_return total;
}
}  // namespace

TEST(Channel, DeliversEverythingThroughASmallBuffer) { EXPECT_EQ(block_on(consume()), 4950); }

namespace {
Task<Result<std::thread::id>> where(BlockingPool& pool) {
  Cancel cancel;
  auto work = []() -> Result<std::thread::id> { return std::this_thread::get_id(); };
  co_return co_await pool.run(cancel, work);
}
Task<Code> too_slow(BlockingPool& pool, std::mutex& gate) {
  Cancel root;
  Cancel cancel(root, Clock::now() + 5ms);
  auto work = [&gate]() -> Result<int> {
    std::lock_guard wait(gate);
    return 1;
  };
  auto result = co_await pool.run(cancel, work);
  co_return result ? Code::Ok : result.error().code();
}
}  // namespace

TEST(BlockingPool, RunsElsewhereAndComesBack) {
  BlockingPool pool;
  auto there = block_on(where(pool));
  ASSERT_TRUE(there);
  EXPECT_NE(*there, std::this_thread::get_id());
}

TEST(BlockingPool, TheDeadlineFreesTheCallerWhileTheWorkGoesOn) {
  std::mutex gate;
  BlockingPool pool;
  std::unique_lock lock(gate);
  EXPECT_EQ(block_on(too_slow(pool, gate)), Code::DeadlineExceeded);
  lock.unlock();
}

TEST(BlockingPool, AFullQueueIsAnErrorAtOnce) {
  BlockingPool pool({.threads = 0, .max_queued = 0});
  auto there = block_on(where(pool));
  ASSERT_FALSE(there);
  EXPECT_EQ(there.error().code(), Code::ResourceExhausted);
}

namespace {
Task<Result<int>> meet(BlockingPool& pool, std::barrier<>& there) {
  Cancel cancel;
  auto work = [&there]() -> Result<int> {
    there.arrive_and_wait();
    return 1;
  };
  co_return co_await pool.run(cancel, work);
}
/// `count` calls that are at work at the same time.
void meet_all(BlockingPool& pool, int count) {
  std::barrier<> there(count);
  std::vector<std::thread> callers;
  for (int i = 0; i < count; ++i) callers.emplace_back([&] { EXPECT_TRUE(block_on(meet(pool, there))); });
  for (auto& each : callers) each.join();
}
}  // namespace

TEST(BlockingPool, StartsAThreadOnlyForWorkThatNoneIsFreeFor) {
  BlockingPool pool({.threads = 3});
  EXPECT_EQ(pool.started(), 0U);
  EXPECT_TRUE(block_on(where(pool)));
  EXPECT_EQ(pool.started(), 1U);
  meet_all(pool, 3);
  EXPECT_EQ(pool.started(), 3U);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(block_on(where(pool)));
  EXPECT_EQ(pool.started(), 3U);
}

TEST(BlockingPool, TheThreadThatWasFreeLastIsTakenFirst) {
  BlockingPool pool({.threads = 3});
  meet_all(pool, 3);
  std::set<std::thread::id> seen;
  for (int i = 0; i < 20; ++i) {
    while (pool.idle() < 3) std::this_thread::yield();  // the answer comes before its thread waits again
    seen.insert(*block_on(where(pool)));
  }
  EXPECT_EQ(seen.size(), 1U);
}

namespace {
Task<Result<unsigned>> index_here() { co_return Loop::current().index(); }
}  // namespace

TEST(Runtime, RunOnAnotherLoopComesBackWithTheValue) {
  Runtime runtime(2);
  unsigned seen = 99;
  static Runtime* shared;
  static unsigned* out;
  shared = &runtime;
  out = &seen;
  runtime.loop(0).post([] {
    Loop::current().spawn([]() -> Task<void> {
      auto task = index_here();
      auto there = co_await run_on(shared->loop(1), std::move(task));
      if (there) *out = *there;
      shared->stop();
    }());
  });
  runtime.run();
  EXPECT_EQ(seen, 1U);
}

namespace {
Task<Result<void>> echo_once(Listener& listener, Cancel& cancel) {
  YUN_TRY(accepted, co_await listener.accept(cancel));
  Socket socket(std::move(accepted.fd), accepted.peer);
  std::array<char, 64> buffer;
  YUN_TRY(count, co_await socket.read(cancel, buffer));
  co_return co_await socket.write_all(cancel, std::string_view(buffer.data(), count));
}
Task<void> serve_echo(Listener& listener, Cancel& cancel) {
  auto result = co_await echo_once(listener, cancel);
  EXPECT_TRUE(result);
}
Task<Result<std::string>> ping() {
  Cancel cancel;
  Scope scope;
  auto listener = Listener::bind(*Address::parse("127.0.0.1:0"));
  if (!listener) co_return listener.error();
  scope.spawn(serve_echo(*listener, cancel));
  auto socket = co_await connect(cancel, listener->address());
  if (!socket) co_return socket.error();
  auto written = co_await (*socket)->write_all(cancel, "hello");
  if (!written) co_return written.error();
  std::array<char, 64> buffer;
  auto count = co_await (*socket)->read(cancel, buffer);
  if (!count) co_return count.error();
  co_await scope.join();
  co_return std::string(buffer.data(), *count);
}
Task<Code> refused() {
  Cancel cancel;
  Address address;
  {
    auto listener = Listener::bind(*Address::parse("127.0.0.1:0"));
    address = listener->address();
  }
  auto socket = co_await connect(cancel, address);
  co_return socket ? Code::Ok : socket.error().code();
}
}  // namespace

namespace {
/// A descriptor that becomes readable when told; counts the reads that are tried.
class Told final : public Transport {
 public:
  Told() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), watch_(fd_.get()) { watch_.block(Interest::Read); }
  Io try_read(std::span<char> into) override {
    ++tried;
    into[0] = 'x';
    return {Io::State::Done, 0, 1};
  }
  Io try_write(std::string_view bytes) override { return {Io::State::Done, 0, bytes.size()}; }
  void shutdown_write() override {}
  Watch& watch() override { return watch_; }
  const Address& peer() const override { return address_; }
  const Address& local() const override { return address_; }
  void tell() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(fd_.get(), &one, sizeof one), static_cast<ssize_t>(sizeof one));
  }
  int tried = 0;

 private:
  Fd fd_;
  Watch watch_;
  Address address_;
};

Task<void> read_one(Told& transport, Cancel& cancel) {
  std::array<char, 8> buffer;
  auto count = co_await transport.read(cancel, buffer);
  EXPECT_TRUE(count);
}
Task<std::pair<int, int>> reads_tried() {
  Cancel cancel;
  Told transport;
  Scope scope;
  scope.spawn(read_one(transport, cancel));
  const int before = transport.tried;
  transport.tell();
  co_await scope.join();
  co_return std::pair(before, transport.tried);
}
}  // namespace

TEST(Transport, AReadThatWouldFindNothingIsNotTried) { EXPECT_EQ(block_on(reads_tried()), std::pair(0, 1)); }

TEST(Socket, EchoesOverLoopback) {
  auto answer = block_on(ping());
  ASSERT_TRUE(answer) << answer.error().to_string();
  EXPECT_EQ(*answer, "hello");
}
TEST(Socket, AClosedPortIsUnavailable) { EXPECT_EQ(block_on(refused()), Code::Unavailable); }
TEST(Listener, APortInUseIsAlreadyExists) {
  auto first = Listener::bind(*Address::parse("127.0.0.1:0"));
  auto second = Listener::bind(first->address());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::AlreadyExists);
}
TEST(Address, ReadsAndWritesEveryForm) {
  for (std::string text : {"127.0.0.1:80", "[::1]:8080", "unix:/run/x.sock"}) {
    auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
  EXPECT_EQ(Address::parse(":8080")->to_string(), "0.0.0.0:8080");
  for (std::string text : {"", "127.0.0.1", "127.0.0.1:99999", "nohost:80", "[::1:80", "unix:"}) EXPECT_FALSE(Address::parse(text)) << text;
}
