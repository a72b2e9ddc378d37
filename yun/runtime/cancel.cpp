#include "yun/runtime/cancel.hpp"

#include <cassert>

#include "yun/runtime/loop.hpp"

namespace yun {

void Cancel::Waiter::unlink() {
  if (!list_) return;
  if (previous_) {
    previous_->next_ = next_;
  } else {
    list_->first_ = next_;
  }
  if (next_) next_->previous_ = previous_;
  list_ = nullptr;
  previous_ = next_ = nullptr;
}

Cancel::Cancel(Cancel& parent, TimePoint deadline) : parent_(&parent), deadline_(std::min(deadline, parent.deadline_)) {
  if (parent.why_) why_ = parent.why_;
}

Cancel::~Cancel() {
  while (first_) first_->unlink();
}

void Cancel::cancel(Error why) {
  if (why_) return;
  why_ = std::move(why);
  disarm();
  link_.unlink();
  while (Waiter* waiter = first_) {
    waiter->unlink();
    waiter->on_cancel();
  }
}

bool Cancel::done() { return !check().ok(); }

Result<void> Cancel::check() {
  if (why_) return *why_;
  if (parent_ && !link_.linked()) {
    if (auto above = parent_->check(); !above) {
      cancel(above.error());
      return *why_;
    }
  }
  if (deadline_ != TimePoint::max() && Clock::now() >= deadline_) {
    cancel(deadline_exceeded("deadline exceeded"));
    return *why_;
  }
  return {};
}

Duration Cancel::remaining() const {
  if (deadline_ == TimePoint::max()) return Duration::max();
  return std::max(Duration::zero(), std::chrono::duration_cast<Duration>(deadline_ - Clock::now()));
}

void Cancel::shorten(TimePoint deadline) {
  if (deadline >= deadline_) return;
  deadline_ = deadline;
  disarm();
  if (first_ && !why_) arm_deadline();
}

void Cancel::lift_deadline() {
  deadline_ = parent_ ? parent_->deadline_ : TimePoint::max();
  disarm();
}

/// check() as of a time that is at hand.
bool Cancel::has_ended(TimePoint now) {
  if (why_) return true;
  if (parent_ && !link_.linked() && parent_->has_ended(now)) {
    cancel(*parent_->why_);
    return true;
  }
  if (now < deadline_) return false;
  cancel(deadline_exceeded("deadline exceeded"));
  return true;
}

void Cancel::add(Waiter& waiter) {
  const runtime::Loop* loop = runtime::Loop::current_or_null();
  add(waiter, loop ? loop->latest() : Clock::now());
}

void Cancel::add(Waiter& waiter, TimePoint now) {
  if (has_ended(now)) {
    waiter.on_cancel();
    return;
  }
  // The chain upwards and the timer are made only now, when something really waits.
  if (parent_ && !link_.linked()) {
    link_.self = this;
    parent_->add(link_, now);
    if (why_) {
      waiter.on_cancel();
      return;
    }
  }
  waiter.list_ = this;
  waiter.previous_ = nullptr;
  waiter.next_ = first_;
  if (first_) first_->previous_ = &waiter;
  first_ = &waiter;
  arm_deadline();
}

void Cancel::Link::on_cancel() noexcept {
  auto above = self->parent_->check();
  self->cancel(above ? cancelled("cancelled") : above.error());
}

void Cancel::on_timer() noexcept { cancel(deadline_exceeded("deadline exceeded")); }

void Cancel::arm_deadline() {
  // A parent with the same deadline has its own timer already.
  if (deadline_ == TimePoint::max() || (parent_ && parent_->deadline_ <= deadline_)) return;
  if (!armed()) arm(deadline_);
}

}  // namespace yun
