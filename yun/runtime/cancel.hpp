#pragma once
// Cancel: a deadline and a way to be told to stop, handed down the call tree (yun::Context is one). Lives on one loop; not thread-safe.
//
//     Cancel child(parent, Clock::now() + 1s);
//     auto r = co_await sleep_for(child, 10s);   // Error DeadlineExceeded after a second, Cancelled when the parent is cancelled
//
// A child must end before its parent. Nothing is armed until something waits: a request that never suspends costs no timer.

#include <cstddef>
#include <optional>

#include "yun/base/error.hpp"
#include "yun/base/result.hpp"
#include "yun/base/units.hpp"

namespace yun {

namespace runtime {
class Loop;

/// An entry in the loop's timer heap. Fires once, on its loop; destroying it disarms it.
class Timer {
 public:
  virtual void on_timer() noexcept = 0;
  bool armed() const { return index_ != kUnarmed; }

 protected:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { disarm(); }
  /// On the current loop.
  void arm(TimePoint when);
  void disarm();

 private:
  friend class Loop;
  static constexpr std::size_t kUnarmed = static_cast<std::size_t>(-1);
  Loop* loop_ = nullptr;
  TimePoint when_;
  std::size_t index_ = kUnarmed;
};
}  // namespace runtime

class Cancel : private runtime::Timer {
 public:
  /// Whoever waits: told at most once, then off the list. on_cancel must not run user code: it makes a coroutine ready.
  class Waiter {
   public:
    virtual void on_cancel() noexcept = 0;

   protected:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter() { unlink(); }
    void unlink();
    bool linked() const { return list_ != nullptr; }

   private:
    friend class Cancel;
    Cancel* list_ = nullptr;
    Waiter* previous_ = nullptr;
    Waiter* next_ = nullptr;
  };

  /// Never ends by itself.
  Cancel() = default;
  /// Ends with its parent or at `deadline`, whichever is first.
  explicit Cancel(Cancel& parent, TimePoint deadline = TimePoint::max());
  Cancel(const Cancel&) = delete;
  Cancel& operator=(const Cancel&) = delete;
  virtual ~Cancel();

  /// Wakes all that wait here and below. Only the first reason counts.
  void cancel(Error why);
  void cancel() { cancel(cancelled("cancelled")); }
  /// True once cancelled or past the deadline.
  bool done();
  /// Ok, or why it ended (Cancelled or DeadlineExceeded).
  Result<void> check();
  TimePoint deadline() const { return deadline_; }
  /// Time left; Duration::max() without a deadline, never negative.
  Duration remaining() const;
  /// A new deadline, only ever an earlier one; for a server that learns it from a header.
  void shorten(TimePoint deadline);
  /// Takes this one's own deadline away (the parent's stays): a server's, once the response head is out and a stream goes on.
  void lift_deadline();

  /// Links a waiter; if already done (as of the loop's last look at the clock), calls on_cancel at once.
  void add(Waiter& waiter);

 private:
  struct Link : Waiter {
    Cancel* self = nullptr;
    void on_cancel() noexcept override;
  };
  void on_timer() noexcept override;
  void add(Waiter& waiter, TimePoint now);
  bool has_ended(TimePoint now);
  void arm_deadline();

  Cancel* parent_ = nullptr;
  Link link_;
  TimePoint deadline_ = TimePoint::max();
  std::optional<Error> why_;
  Waiter* first_ = nullptr;
};

}  // namespace yun
