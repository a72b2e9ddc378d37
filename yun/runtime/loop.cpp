#include "yun/runtime/loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstdio>

namespace yun::runtime {

namespace {
thread_local Loop* current_loop = nullptr;
constexpr std::size_t kEventsPerTurn = 256;  // at first: a turn should see all that is ready, or nobody knows how long the rest has waited
constexpr std::size_t kMostEventsPerTurn = 8192;
constexpr Duration kNoSleep = std::chrono::microseconds(50);  // an epoll_wait that found something at once takes less

void print_unhandled(std::exception_ptr exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "unhandled exception in a task: %s\n", e.what());
  } catch (...) {
    std::fprintf(stderr, "unhandled exception in a task\n");
  }
}
void (*unhandled_handler)(std::exception_ptr) = &print_unhandled;
}  // namespace

void set_unhandled(void (*handler)(std::exception_ptr)) { unhandled_handler = handler; }
void on_unhandled(std::exception_ptr exception) noexcept { unhandled_handler(exception); }

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

// ---- timers: a binary heap of intrusive entries, each knowing its place ----

void Timer::arm(TimePoint when) {
  assert(!armed());
  loop_ = &Loop::current();
  when_ = when;
  index_ = loop_->timers_.size();
  loop_->timers_.push_back(this);
  loop_->sift_up(index_);
}

void Timer::disarm() {
  if (index_ == kUnarmed) return;
  auto& heap = loop_->timers_;
  const std::size_t hole = index_;
  Timer* last = heap.back();
  heap.pop_back();
  index_ = kUnarmed;
  if (last == this) return;
  heap[hole] = last;
  last->index_ = hole;
  loop_->sift_up(hole);
  loop_->sift_down(last->index_);
}

void Loop::sift_up(std::size_t index) {
  Timer* timer = timers_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (timers_[parent]->when_ <= timer->when_) break;
    timers_[index] = timers_[parent];
    timers_[index]->index_ = index;
    index = parent;
  }
  timers_[index] = timer;
  timer->index_ = index;
}

void Loop::sift_down(std::size_t index) {
  Timer* timer = timers_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= timers_.size()) break;
    if (child + 1 < timers_.size() && timers_[child + 1]->when_ < timers_[child]->when_) ++child;
    if (timer->when_ <= timers_[child]->when_) break;
    timers_[index] = timers_[child];
    timers_[index]->index_ = index;
    index = child;
  }
  timers_[index] = timer;
  timer->index_ = index;
}

void Loop::fire_timers() {
  while (!timers_.empty() && timers_.front()->when_ <= now_) {
    Timer* timer = timers_.front();
    timer->disarm();
    timer->on_timer();
  }
}

int Loop::wait_milliseconds(TimePoint now) const {
  if (timers_.empty()) return -1;
  const auto left = timers_.front()->when_ - now;
  if (left <= Duration::zero()) return 0;
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return static_cast<int>(std::min<long long>(milliseconds, 60'000));
}

// ---- watches ----

Watch::Watch(int fd) : loop_(&Loop::current()), fd_(fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = this;
  ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_ADD, fd, &event);
}

Watch::~Watch() {
  assert(!reader_ && !writer_);
  ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr);
  for (std::size_t i = loop_->event_at_; i < loop_->event_end_; ++i) {
    if (loop_->events_[i].data.ptr == this) loop_->events_[i].data.ptr = nullptr;
  }
}

void Watch::block(Interest interest) {
  if (interest == Interest::Read) {
    if (!hung_up_) readable_ = false;
  } else {
    writable_ = false;
  }
}

Watch::Ready Watch::ready(Cancel& cancel, Interest interest) { return {*this, cancel, interest}; }

void Watch::on_events(std::uint32_t events) {
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hung_up_ = true;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
    readable_ = true;
    if (reader_) reader_->wake();
  }
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
    writable_ = true;
    if (writer_) writer_->wake();
  }
}

Watch::Ready::~Ready() {
  if (watch_.reader_ == this) watch_.reader_ = nullptr;
  if (watch_.writer_ == this) watch_.writer_ = nullptr;
}

void Watch::Ready::await_suspend(std::coroutine_handle<> waiting) {
  waiting_ = waiting;
  Ready*& slot = interest_ == Interest::Read ? watch_.reader_ : watch_.writer_;
  assert(!slot && "one waiter an interest");
  slot = this;
  cancel_.add(*this);
}

void Watch::Ready::wake() {
  unlink();
  (interest_ == Interest::Read ? watch_.reader_ : watch_.writer_) = nullptr;
  watch_.loop_->ready(waiting_);
}

void Watch::Ready::on_cancel() noexcept { wake(); }

Result<void> Watch::Ready::await_resume() {
  if (watch_.is_ready(interest_)) return {};
  if (auto why = cancel_.check(); !why) return why;
  return {};  // an edge and its consumption crossed: the caller tries again and waits again
}

// ---- the loop ----

Loop::Loop(unsigned index)
    : index_(index),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      now_(Clock::now()),
      latest_(now_),
      events_(kEventsPerTurn) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = nullptr;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event);
}

Loop::~Loop() {
  // What was posted and never ran is destroyed here, with this loop current, since it may own watches and timers.
  Loop* before = std::exchange(current_loop, this);
  std::vector<std::move_only_function<void()>> left;
  {
    std::lock_guard lock(posted_mutex_);
    closed_ = true;
    left.swap(posted_);
  }
  left.clear();
  current_loop = before;
}

Loop& Loop::current() {
  assert(current_loop && "no loop runs on this thread");
  return *current_loop;
}
Loop* Loop::current_or_null() { return current_loop; }

void Loop::run() {
  Loop* before = std::exchange(current_loop, this);
  now_ = tick();
  while (!stopping_.load(std::memory_order_acquire)) turn(true);
  root_.cancel(cancelled("the loop stops"));
  while (spawned_ > 0) turn(true);
  turn(false);
  current_loop = before;
}

void Loop::stop() {
  stopping_.store(true, std::memory_order_release);
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void Loop::post(std::move_only_function<void()> work) {
  bool signal = false;
  {
    std::lock_guard lock(posted_mutex_);
    if (closed_) return;
    posted_.push_back(std::move(work));
    signal = !std::exchange(posted_signalled_, true);
  }
  if (!signal) return;
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void Loop::turn(bool may_wait) {
  const bool waits = ready_.empty() && may_wait;
  const TimePoint worked_until = waits ? Clock::now() : TimePoint::max();
  const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), waits ? wait_milliseconds(worked_until) : 0);
  const TimePoint woken = tick();
  const bool slept = waits && woken - worked_until > kNoSleep;
  before_ = (slept ? worked_until : woken) - now_;
  busy_ += before_;
  if (slept) before_ = Duration::zero();
  now_ = woken;
  bool posted = false;
  event_end_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  for (event_at_ = 0; event_at_ < event_end_;) {
    const epoll_event event = events_[event_at_++];
    if (event.data.ptr) {
      static_cast<Watch*>(event.data.ptr)->on_events(event.events);
    } else {
      posted = true;
    }
  }
  if (event_end_ == events_.size() && event_end_ < kMostEventsPerTurn) events_.resize(2 * event_end_);
  event_at_ = event_end_ = 0;
  fire_timers();
  if (posted) {
    std::uint64_t drained = 0;
    (void)!::read(wake_.get(), &drained, sizeof drained);
    run_posted();
  }
  run_ready();
}

void Loop::run_ready() {
  running_.swap(ready_);
  const bool gathers = running_.size() > 1;
  for (std::coroutine_handle<> coroutine : running_) {
    if (gathers && phase_ == Phase::Rest) {
      phase_ = Phase::Work;
      gathers_until_ = latest_ + kMostPutOff;
    }
    coroutine.resume();
    if (gathers && latest_ >= gathers_until_) run_later();
  }
  running_.clear();
  run_later();
}

/// Those of one phase may put off something for the next ones, never for their own: this ends.
void Loop::run_later() {
  for (const Phase phase : {Phase::Answer, Phase::Request, Phase::Rest}) {
    phase_ = phase;
    auto& waiting = later_[static_cast<std::size_t>(phase) - 1];
    for (std::coroutine_handle<> coroutine : waiting) coroutine.resume();
    waiting.clear();
  }
}

void Loop::run_posted() {
  std::vector<std::move_only_function<void()>> work;
  {
    std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
    posted_signalled_ = false;
  }
  for (auto& item : work) item();
}

namespace {
detail::Detached run_spawned(Task<void> task, std::size_t& count) {
  try {
    co_await std::move(task);
  } catch (...) {
    on_unhandled(std::current_exception());
  }
  --count;
}
}  // namespace

void Loop::spawn(Task<void> task) {
  ++spawned_;
  run_spawned(std::move(task), spawned_);
}

}  // namespace yun::runtime
