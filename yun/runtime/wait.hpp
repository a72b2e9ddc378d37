#pragma once
// What a task can wait for on its loop: time, an event, a permit, an item. All are single-loop, bounded and cancellation-safe.

#include <coroutine>
#include <deque>
#include <optional>
#include <utility>

#include "yun/runtime/cancel.hpp"
#include "yun/runtime/loop.hpp"
#include "yun/runtime/task.hpp"

namespace yun::runtime {

namespace detail {
/// The heart of every awaitable below: a place in a list, woken once, by what it waits for or by its Cancel.
class ListWaiter : public Cancel::Waiter {
 public:
  bool woken_ok() const { return ok_; }
  void wake();
  struct List {
    ListWaiter* first = nullptr;
    ListWaiter* last = nullptr;
    bool empty() const { return !first; }
    void push(ListWaiter& waiter);
    void remove(ListWaiter& waiter);
    ListWaiter* pop();
  };
  void suspend(List& list, Cancel& cancel, std::coroutine_handle<> waiting);
  ~ListWaiter();

 private:
  void on_cancel() noexcept override;
  List* in_ = nullptr;
  ListWaiter* before_ = nullptr;
  ListWaiter* after_ = nullptr;
  std::coroutine_handle<> waiting_;
  bool ok_ = false;
};
}  // namespace detail

/// `auto r = co_await sleep_for(ctx, 100ms);` -> Result<void>: ok when the time is over, else why the Cancel ended.
class Sleep final : private Timer, private Cancel::Waiter {
 public:
  Sleep(Cancel& cancel, TimePoint until) : cancel_(cancel), until_(until) {}
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> waiting);
  Result<void> await_resume();

 private:
  void on_timer() noexcept override;
  void on_cancel() noexcept override;
  Cancel& cancel_;
  TimePoint until_;
  std::coroutine_handle<> waiting_;
  bool ok_ = false;
};
inline Sleep sleep_until(Cancel& cancel, TimePoint until) { return {cancel, until}; }
inline Sleep sleep_for(Cancel& cancel, Duration duration) { return {cancel, Clock::now() + duration}; }

/// Lets everything else that is ready run first: `co_await yield_now();`
struct Yield {
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> waiting) { Loop::current().ready(waiting); }
  void await_resume() {}
};
inline Yield yield_now() { return {}; }

/// Set once or many times; wait() passes at once while it is set.
class Event {
 public:
  void set();
  void reset() { set_ = false; }
  bool is_set() const { return set_; }

  class Wait final : private detail::ListWaiter {
   public:
    Wait(Event& event, Cancel& cancel) : event_(event), cancel_(cancel) {}
    bool await_ready() { return event_.set_; }
    void await_suspend(std::coroutine_handle<> waiting) { suspend(event_.waiters_, cancel_, waiting); }
    Result<void> await_resume();

   private:
    friend class Event;
    Event& event_;
    Cancel& cancel_;
  };
  /// -> Result<void>
  Wait wait(Cancel& cancel) { return {*this, cancel}; }

 private:
  bool set_ = false;
  detail::ListWaiter::List waiters_;
};

/// Permits, given first come first served; at most `max_waiting` wait, more get ResourceExhausted at once.
class Semaphore {
 public:
  explicit Semaphore(std::size_t permits, std::size_t max_waiting = static_cast<std::size_t>(-1))
      : permits_(permits), max_waiting_(max_waiting) {}

  /// Gives its permit back when it goes.
  class Permit {
   public:
    Permit() = default;
    explicit Permit(Semaphore* owner) : owner_(owner) {}
    Permit(Permit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Permit& operator=(Permit&& other) noexcept {
      std::swap(owner_, other.owner_);
      return *this;
    }
    ~Permit() {
      if (owner_) owner_->release();
    }
    explicit operator bool() const { return owner_ != nullptr; }

   private:
    Semaphore* owner_ = nullptr;
  };

  class Acquire final : private detail::ListWaiter {
   public:
    Acquire(Semaphore& semaphore, Cancel& cancel) : semaphore_(semaphore), cancel_(cancel) {}
    bool await_ready();
    void await_suspend(std::coroutine_handle<> waiting);
    Result<Permit> await_resume();
    ~Acquire();

   private:
    friend class Semaphore;
    Semaphore& semaphore_;
    Cancel& cancel_;
    bool got_ = false;
    bool full_ = false;
    bool counted_ = false;
  };
  /// -> Result<Permit>
  Acquire acquire(Cancel& cancel) { return {*this, cancel}; }
  /// One that is free now; an empty one if none is.
  Permit try_acquire() {
    if (permits_ == 0 || !waiters_.empty()) return Permit();
    --permits_;
    return Permit(this);
  }
  std::size_t available() const { return permits_; }
  std::size_t waiting() const { return waiting_count_; }

 private:
  void release();
  std::size_t permits_;
  std::size_t max_waiting_;
  std::size_t waiting_count_ = 0;
  detail::ListWaiter::List waiters_;
};

/// A bounded queue between tasks of one loop. close() lets readers drain what is there, then gives them nullopt.
template <typename T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity) {}

  /// False if full or closed: the caller says what happens then.
  bool try_push(T item) {
    if (closed_ || items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    not_empty_.set();
    return true;
  }
  /// Waits for room. Unavailable once closed.
  Task<Result<void>> push(Cancel& cancel, T item) {
    while (!closed_ && items_.size() >= capacity_) {
      not_full_.reset();
      YUN_CHECK(co_await not_full_.wait(cancel));
    }
    if (closed_) co_return unavailable("channel is closed");
    items_.push_back(std::move(item));
    not_empty_.set();
    co_return Result<void>();
  }
  /// The next item, or nullopt when closed and drained.
  Task<Result<std::optional<T>>> pop(Cancel& cancel) {
    while (items_.empty() && !closed_) {
      not_empty_.reset();
      YUN_CHECK(co_await not_empty_.wait(cancel));
    }
    if (items_.empty()) co_return std::optional<T>();
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    not_full_.set();
    co_return item;
  }
  std::optional<T> try_pop() {
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    not_full_.set();
    return item;
  }
  void close() {
    closed_ = true;
    not_empty_.set();
    not_full_.set();
  }
  bool closed() const { return closed_; }
  std::size_t size() const { return items_.size(); }

 private:
  std::size_t capacity_;
  std::deque<T> items_;
  Event not_empty_;
  Event not_full_;
  bool closed_ = false;
};

/// Joins what it spawned. join() must have been awaited (or nothing be running) before it goes; asserts.
class Scope {
 public:
  Scope() = default;
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope();
  /// Starts `task` now, on this loop; it runs until its first suspension before spawn returns.
  void spawn(Task<void> task);
  std::size_t running() const { return running_; }
  /// Returns when everything spawned has ended. Does not cancel it: cancel the Cancel that the tasks were given.
  Task<void> join();

 private:
  std::size_t running_ = 0;
  Event idle_;
};

}  // namespace yun::runtime
