#include "yun/telemetry/logs/push.hpp"

#include <signal.h>

#include <algorithm>

namespace yun::telemetry::logs {
namespace {

std::uint64_t lines_of(std::string_view text) { return static_cast<std::uint64_t>(std::ranges::count(text, '\n')); }

}  // namespace

Push::Push(std::string name, std::function<std::unique_ptr<Sender>()> make, Options options)
    : name_(std::move(name)), make_(std::move(make)), options_(options), thread_([this] { serve(); }) {}

Push::~Push() {
  close(Duration::zero());
  thread_.join();
}

void Push::write(std::string_view lines) noexcept {
  std::lock_guard lock(mutex_);
  if (queue_.size() + lines.size() > options_.max_queue || closing_.load()) {
    dropped_.fetch_add(lines_of(lines), std::memory_order_relaxed);
  } else {
    queue_ += lines;
  }
}

void Push::flush() noexcept {
  close(options_.flush_timeout);
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return done_; });
}

void Push::close(Duration grace) noexcept {
  {
    std::lock_guard lock(mutex_);
    give_up_ = std::min(give_up_, Clock::now() + grace);
    closing_.store(true);
  }
  loop_.post([this, until = give_up_] {
    stop_.shorten(until);
    wake_.set();
  });
}

Push::Counts Push::counts() const {
  std::lock_guard lock(mutex_);
  return {sent_.load(), dropped_.load(), failures_.load(), queue_.size()};
}

void Push::serve() {
  sigset_t all;
  ::sigfillset(&all);
  (void)::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are for the program's own threads
  loop_.post([this] { loop_.spawn(run()); });
  loop_.run();
}

std::string Push::take() {
  std::lock_guard lock(mutex_);
  if (queue_.size() <= options_.max_batch) return std::exchange(queue_, {});
  std::size_t end = queue_.rfind('\n', options_.max_batch);
  if (end == std::string::npos) end = queue_.find('\n');  // one line that is longer than a batch
  std::string batch = queue_.substr(0, end + 1);
  queue_.erase(0, batch.size());
  return batch;
}

Task<void> Push::run() {
  sender_ = make_();
  for (bool last = false; !last;) {
    last = closing_.load();
    if (!last) {
      Context nap(stop_, options_.linger);
      (void)co_await wake_.wait(nap);  // either is what it waits for
    }
    for (;;) {
      std::string batch = take();
      if (batch.empty()) break;
      (void)co_await deliver(std::move(batch));  // gives nothing: it counts
    }
  }
  sender_.reset();
  {
    std::lock_guard lock(mutex_);
    done_ = true;
    ended_.notify_all();
  }
  loop_.stop();
}

Task<void> Push::deliver(std::string batch) {
  const std::uint64_t lines = lines_of(batch);
  Duration pause = options_.first_pause;
  while (!is_over()) {
    Context limited(stop_, options_.timeout);
    auto sent = co_await sender_->send(limited, batch);
    if (sent) {
      sent_.fetch_add(lines, std::memory_order_relaxed);
      co_return;
    }
    failures_.fetch_add(1, std::memory_order_relaxed);
    if (sent.error().code() == Code::InvalidArgument) break;
    (void)co_await runtime::sleep_for(stop_, closing_.load() ? options_.first_pause : pause);  // cut short when it is over
    pause = std::min(2 * pause, options_.longest_pause);
  }
  dropped_.fetch_add(lines, std::memory_order_relaxed);
}

}  // namespace yun::telemetry::logs
