#pragma once
// Loop: one thread's reactor (epoll, edge-triggered), timers and the queue of coroutines that are ready.
// Everything here but post() and stop() belongs to the loop's own thread.

#include <array>
#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "yun/runtime/cancel.hpp"
#include "yun/runtime/task.hpp"

struct epoll_event;

namespace yun::runtime {

enum class Interest { Read, Write };

/// What a turn of the loop does one after the other, for all that became ready together; see Loop::later().
enum class Phase : std::uint8_t { Work, Answer, Request, Rest };

/// Move-only owner of a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// A non-blocking descriptor in the loop's epoll set. Try the system call first; on EAGAIN say block(interest) and await ready().
class Watch {
 public:
  /// Registers with the current loop; `fd` stays the caller's and must outlive the Watch.
  explicit Watch(int fd);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  int fd() const { return fd_; }
  /// The last call gave EAGAIN, or took all there was: wait for the next edge.
  void block(Interest interest);
  bool is_ready(Interest interest) const { return interest == Interest::Read ? readable_ : writable_; }
  /// The peer has closed its side or the socket failed: seen without a read (for idle pooled connections).
  bool hung_up() const { return hung_up_; }

  class Ready;
  /// `auto r = co_await watch.ready(ctx, Interest::Read);` -> Result<void>. At most one waiter an interest. Cancellation-safe.
  Ready ready(Cancel& cancel, Interest interest);

 private:
  friend class Loop;
  void on_events(std::uint32_t events);
  Loop* loop_;
  int fd_;
  bool readable_ = true;
  bool writable_ = true;
  bool hung_up_ = false;
  Ready* reader_ = nullptr;
  Ready* writer_ = nullptr;
};

class Watch::Ready final : private Cancel::Waiter {
 public:
  Ready(Watch& watch, Cancel& cancel, Interest interest) : watch_(watch), cancel_(cancel), interest_(interest) {}
  ~Ready();
  bool await_ready() { return watch_.is_ready(interest_); }
  void await_suspend(std::coroutine_handle<> waiting);
  Result<void> await_resume();

 private:
  friend class Watch;
  void on_cancel() noexcept override;
  void wake();
  Watch& watch_;
  Cancel& cancel_;
  Interest interest_;
  std::coroutine_handle<> waiting_;
};

class Loop {
 public:
  explicit Loop(unsigned index = 0);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// The loop that runs on this thread; current() without one is a bug (asserts).
  static Loop& current();
  static Loop* current_or_null();

  /// Runs until stop(). Then what was spawned with spawn() is cancelled through root() and joined.
  void run();
  /// Thread-safe and async-signal-unsafe. run() returns after the current turn.
  void stop();
  /// Thread-safe: runs `work` on this loop soon. Work posted after the loop ended is destroyed unrun.
  void post(std::move_only_function<void()> work);
  /// Makes a coroutine ready: it runs in this turn, after what is ready already.
  void ready(std::coroutine_handle<> coroutine) { ready_.push_back(coroutine); }
  class Later;
  /// `(void)co_await loop.later(Phase::Answer);  // gives nothing`. Goes on when the turn comes to that phase: before answers are written, before requests are
  /// sent, before what need not be done until then. Sends that stand behind each other cost less than sends with other work between (docs/decisions/gateway-path.md).
  /// Does not wait where nothing else is ready, where the turn is in that phase or past it, or once it has gone on for kMostPutOff: nothing is
  /// put off for longer than that and one coroutine's run. No event, timer or cancellation comes between.
  Later later(Phase phase);
  /// Starts a task that the loop itself joins when it ends. Its exceptions go to on_unhandled.
  void spawn(Task<void> task);

  /// The Cancel above everything on this loop: cancelled when the loop is told to stop.
  Cancel& root() { return root_; }
  unsigned index() const { return index_; }
  /// The time at the beginning of this turn: cheap, at most a turn old.
  TimePoint now() const { return now_; }
  /// Reads the clock; latest() gives that again for nothing, to whoever runs next.
  TimePoint tick() { return latest_ = Clock::now(); }
  TimePoint latest() const { return latest_; }
  /// How long the turn before this one worked; zero if the loop slept in between. What became ready in that time is seen in this turn only.
  Duration before() const { return before_; }
  /// The time spent working, not sleeping, up to now(); since the loop was made.
  Duration busy() const { return busy_; }
  /// Connections and tasks, for choosing the least loaded loop; read from any thread.
  std::atomic<int>& load() { return load_; }

 private:
  friend class Timer;
  friend class Watch;
  void turn(bool may_wait);
  void run_ready();
  void run_later();
  void run_posted();
  void fire_timers();
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);
  int wait_milliseconds(TimePoint now) const;

  unsigned index_;
  Fd epoll_;
  Fd wake_;
  Cancel root_;
  TimePoint now_;
  TimePoint latest_;
  Duration before_{};
  Duration busy_{};
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> running_;
  static constexpr Duration kMostPutOff = std::chrono::microseconds(200);
  std::array<std::vector<std::coroutine_handle<>>, 3> later_;  ///< of the phases behind Work
  Phase phase_ = Phase::Rest;                                   ///< what is put off is for a phase behind this one
  TimePoint gathers_until_;
  std::vector<Timer*> timers_;
  std::vector<epoll_event> events_;
  std::size_t event_at_ = 0;
  std::size_t event_end_ = 0;
  std::size_t spawned_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> load_{0};
  std::mutex posted_mutex_;
  std::vector<std::move_only_function<void()>> posted_;
  bool posted_signalled_ = false;
  bool closed_ = false;
};

class Loop::Later {
 public:
  Later(Loop& loop, Phase phase) : loop_(loop), phase_(phase) {}
  bool await_ready() const { return phase_ <= loop_.phase_ || (phase_ != Phase::Rest && loop_.tick() >= loop_.gathers_until_); }
  void await_suspend(std::coroutine_handle<> waiting) { loop_.later_[static_cast<std::size_t>(phase_) - 1].push_back(waiting); }
  void await_resume() const {}

 private:
  Loop& loop_;
  Phase phase_;
};
inline Loop::Later Loop::later(Phase phase) { return {*this, phase}; }

/// Called with what escaped from a spawned task; the default prints it to stderr. Set once, before loops run.
void set_unhandled(void (*handler)(std::exception_ptr));
void on_unhandled(std::exception_ptr exception) noexcept;

}  // namespace yun::runtime
