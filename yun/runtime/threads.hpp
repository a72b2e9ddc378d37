#pragma once
// Threads of a program: the loops (one per usable core), the pool for calls that block, and signals.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "yun/runtime/loop.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::runtime {

/// min(CPUs of the affinity mask, ceil(cgroup v1 or v2 CPU quota)), at least 1.
unsigned usable_cores();

/// N loops, each on a thread of its own except loop 0, which runs on the thread that calls run().
class Runtime {
 public:
  /// 0 = usable_cores().
  explicit Runtime(unsigned loops = 0);
  ~Runtime();
  unsigned size() const { return static_cast<unsigned>(loops_.size()); }
  Loop& loop(unsigned index) { return *loops_[index]; }
  /// Starts the other loops, runs loop 0 here until stop(), then joins all.
  void run();
  /// Thread-safe.
  void stop();

 private:
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::thread> threads_;
};

/// Runs `task` on a loop made for it on this thread and gives its value. For tests, tools and main().
template <typename T>
T block_on(Task<T> task);

/// Threads for calls that block (SQLite, getaddrinfo, hashing). A thread is started when work comes that no other is free for, and the one that was free
/// last is taken first: what is seldom needed costs no memory, and what is needed finds its data in the cache. The queue is bounded: more work gets
/// ResourceExhausted at once.
class BlockingPool {
 public:
  struct Options {
    unsigned threads = 4;  ///< at most; 0: no work is ever taken
    std::size_t max_queued = 1024;
  };
  BlockingPool() : BlockingPool(Options{}) {}
  explicit BlockingPool(Options options);
  /// Finishes what runs, drops what is queued (its waiters get Cancelled).
  ~BlockingPool();

  /// Runs `work` (returns Result<T> or Result<void>) on a pool thread; the caller's loop goes on. `work` must own what it uses: when `cancel`
  /// ends first the caller gets its error at once, while work already started runs to its end unseen.
  template <typename F>
  auto run(Cancel& cancel, F work) -> Task<decltype(work())>;

  std::size_t queued() const;
  /// Threads that have been started so far, and those of them that wait for work.
  std::size_t started() const;
  std::size_t idle() const;

 private:
  struct Waiting {
    std::condition_variable wake;
    bool called = false;
  };
  bool submit(std::move_only_function<void()> work);
  bool start();  ///< another thread, under mutex_; false: there may be none
  void serve();
  Options options_;
  mutable std::mutex mutex_;
  std::vector<Waiting*> waiting_;  ///< each on the stack of its thread; the last to have worked is the last
  std::deque<std::move_only_function<void()>> queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

/// Runs `task` on `loop` and comes back to the caller's loop with its value. Both loops must outlive the call.
template <typename T>
Task<T> run_on(Loop& loop, Task<T> task);

/// Blocks SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGPIPE (ignored) in this thread and those it starts; call first thing in main().
void block_signals();
/// Signals as items on a loop: `co_await signals.next(ctx)` -> Result<int>.
class Signals {
 public:
  Signals();
  Task<Result<int>> next(Cancel& cancel);

 private:
  Fd fd_;
  Watch watch_;
};

// ---- detail ----

namespace detail {
/// A value that comes from another thread: set there, awaited here. Shared by both.
template <typename T>
struct Remote {
  Loop& home = Loop::current();
  Event done;
  std::optional<T> value;
  std::mutex mutex;
  bool abandoned = false;  ///< under mutex: nobody waits any more, and `home` may be gone

  void abandon() {
    std::lock_guard lock(mutex);
    abandoned = true;
  }
  bool is_abandoned() {
    std::lock_guard lock(mutex);
    return abandoned;
  }
};
template <typename T>
void deliver(std::shared_ptr<Remote<T>> remote, T value) {
  std::lock_guard lock(remote->mutex);
  if (remote->abandoned) return;
  remote->home.post([remote, value = std::move(value)]() mutable {
    remote->value.emplace(std::move(value));
    remote->done.set();
  });
}
template <typename T>
Task<void> run_remote(std::shared_ptr<Remote<T>> remote, Task<T> task) {
  T value = co_await std::move(task);
  deliver(std::move(remote), std::move(value));
}
template <typename T>
Task<void> run_to(Task<T> task, std::optional<T>& into) {
  into.emplace(co_await std::move(task));
  Loop::current().stop();
}
inline Task<void> run_to_void(Task<void> task) {
  (void)co_await Yield{};  // a turn later: the loop is running
  co_await std::move(task);
  Loop::current().stop();
}
}  // namespace detail

template <typename T>
T block_on(Task<T> task) {
  Loop loop;
  if constexpr (std::is_void_v<T>) {
    loop.post([&loop, &task] { loop.spawn(detail::run_to_void(std::move(task))); });
    loop.run();
  } else {
    std::optional<T> value;
    loop.post([&loop, &task, &value] { loop.spawn(detail::run_to<T>(std::move(task), value)); });
    loop.run();
    return std::move(*value);
  }
}

template <typename F>
auto BlockingPool::run(Cancel& cancel, F work) -> Task<decltype(work())> {
  using R = decltype(work());
  static_assert(is_result<R>, "work on the blocking pool returns a Result");
  auto remote = std::make_shared<detail::Remote<R>>();
  const bool taken = submit([remote, work = std::move(work)]() mutable {
    if (remote->is_abandoned()) return;
    detail::deliver<R>(remote, work());
  });
  if (!taken) co_return resource_exhausted("too much blocking work is queued").with_reason("blocking_pool_full");
  auto waited = co_await remote->done.wait(cancel);
  if (!waited) {
    remote->abandon();
    co_return std::move(waited).error();
  }
  co_return std::move(*remote->value);
}

template <typename T>
Task<T> run_on(Loop& loop, Task<T> task) {
  static_assert(!std::is_void_v<T>, "give a Result<void>");
  auto remote = std::make_shared<detail::Remote<T>>();
  loop.post([&loop, remote, task = std::move(task)]() mutable { loop.spawn(detail::run_remote<T>(std::move(remote), std::move(task))); });
  Cancel never;
  (void)co_await remote->done.wait(never);  // cannot fail: `never` has neither deadline nor parent
  co_return std::move(*remote->value);
}

}  // namespace yun::runtime
