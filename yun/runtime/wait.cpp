#include "yun/runtime/wait.hpp"

#include <cassert>

namespace yun::runtime {

namespace detail {

void ListWaiter::List::push(ListWaiter& waiter) {
  waiter.in_ = this;
  waiter.before_ = last;
  waiter.after_ = nullptr;
  (last ? last->after_ : first) = &waiter;
  last = &waiter;
}

void ListWaiter::List::remove(ListWaiter& waiter) {
  (waiter.before_ ? waiter.before_->after_ : first) = waiter.after_;
  (waiter.after_ ? waiter.after_->before_ : last) = waiter.before_;
  waiter.in_ = nullptr;
  waiter.before_ = waiter.after_ = nullptr;
}

ListWaiter* ListWaiter::List::pop() {
  ListWaiter* waiter = first;
  if (waiter) remove(*waiter);
  return waiter;
}

void ListWaiter::suspend(List& list, Cancel& cancel, std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  list.push(*this);
  cancel.add(*this);
}

void ListWaiter::wake() {
  if (in_) in_->remove(*this);
  unlink();
  ok_ = true;
  Loop::current().ready(waiting_);
}

void ListWaiter::on_cancel() noexcept {
  if (in_) in_->remove(*this);
  Loop::current().ready(waiting_);
}

ListWaiter::~ListWaiter() {
  if (in_) in_->remove(*this);
}

}  // namespace detail

void Sleep::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  arm(until_);
  cancel_.add(*this);
}

void Sleep::on_timer() noexcept {
  ok_ = true;
  unlink();
  Loop::current().ready(waiting_);
}

void Sleep::on_cancel() noexcept {
  disarm();
  Loop::current().ready(waiting_);
}

Result<void> Sleep::await_resume() {
  if (ok_) return {};
  return cancel_.check();
}

void Event::set() {
  set_ = true;
  while (detail::ListWaiter* waiter = waiters_.pop()) waiter->wake();
}

Result<void> Event::Wait::await_resume() {
  if (event_.set_ || woken_ok()) return {};
  return cancel_.check();
}

bool Semaphore::Acquire::await_ready() {
  if (semaphore_.permits_ > 0 && semaphore_.waiters_.empty()) {
    --semaphore_.permits_;
    return got_ = true;
  }
  return full_ = semaphore_.waiting_count_ >= semaphore_.max_waiting_;
}

void Semaphore::Acquire::await_suspend(std::coroutine_handle<> waiting) {
  ++semaphore_.waiting_count_;
  counted_ = true;
  suspend(semaphore_.waiters_, cancel_, waiting);
}

Result<Semaphore::Permit> Semaphore::Acquire::await_resume() {
  if (std::exchange(counted_, false)) --semaphore_.waiting_count_;
  if (got_ || woken_ok()) return Permit(&semaphore_);
  if (full_) return resource_exhausted("too many wait already").with_reason("queue_full");
  auto why = cancel_.check();
  return why ? cancelled("cancelled") : std::move(why).error();
}

Semaphore::Acquire::~Acquire() {
  if (counted_) --semaphore_.waiting_count_;
}

void Semaphore::release() {
  if (detail::ListWaiter* next = waiters_.pop()) {
    next->wake();  // the permit passes straight on
  } else {
    ++permits_;
  }
}

namespace {
detail::Detached run_in_scope(Task<void> task, std::size_t& running, Event& idle) {
  try {
    co_await std::move(task);
  } catch (...) {
    on_unhandled(std::current_exception());
  }
  if (--running == 0) idle.set();
}
}  // namespace

Scope::~Scope() { assert(running_ == 0 && "a scope must be joined before it goes"); }

void Scope::spawn(Task<void> task) {
  ++running_;
  idle_.reset();
  run_in_scope(std::move(task), running_, idle_);
}

Task<void> Scope::join() {
  Cancel never;
  while (running_ > 0) {
    (void)co_await idle_.wait(never);  // cannot fail: `never` has neither deadline nor parent
  }
}

}  // namespace yun::runtime
