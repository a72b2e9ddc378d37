#include "yun/runtime/threads.hpp"

#include <sched.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <csignal>
#include <fstream>
#include <sstream>
#include <system_error>

#include "yun/base/strings.hpp"

namespace yun::runtime {

namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

unsigned ceil_quota(double quota, double period) { return static_cast<unsigned>(std::max(1.0, std::ceil(quota / period))); }

/// The CPU quota of this process's cgroup, from v2's cpu.max or v1's cfs files; 0 if there is none.
unsigned cgroup_quota() {
  std::ifstream groups("/proc/self/cgroup");
  std::string line;
  unsigned least = 0;
  const auto take = [&least](unsigned cores) {
    if (cores && (!least || cores < least)) least = cores;
  };
  while (std::getline(groups, line)) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    for (const std::string& suffix : {group, std::string()}) {
      if (controllers.empty()) {
        std::istringstream text(first_line("/sys/fs/cgroup" + suffix + "/cpu.max"));
        std::string quota;
        double period = 0;
        if (text >> quota >> period && period > 0) {
          if (auto value = parse_u64(quota)) take(ceil_quota(static_cast<double>(*value), period));
        }
      } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
        const auto quota = parse_i64(first_line("/sys/fs/cgroup/cpu" + suffix + "/cpu.cfs_quota_us"));
        const auto period = parse_i64(first_line("/sys/fs/cgroup/cpu" + suffix + "/cpu.cfs_period_us"));
        if (quota && period && *quota > 0 && *period > 0) take(ceil_quota(static_cast<double>(*quota), static_cast<double>(*period)));
      }
    }
  }
  return least;
}

}  // namespace

unsigned usable_cores() {
  unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) == 0) cores = static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  const unsigned quota = cgroup_quota();
  return quota ? std::min(cores, quota) : cores;
}

Runtime::Runtime(unsigned loops) {
  if (loops == 0) loops = usable_cores();
  for (unsigned i = 0; i < loops; ++i) loops_.push_back(std::make_unique<Loop>(i));
}

Runtime::~Runtime() {
  stop();
  for (auto& thread : threads_) thread.join();
}

void Runtime::run() {
  for (unsigned i = 1; i < size(); ++i) threads_.emplace_back([this, i] { loops_[i]->run(); });
  loops_[0]->run();
  stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void Runtime::stop() {
  for (auto& loop : loops_) loop->stop();
}

BlockingPool::BlockingPool(Options options) : options_(options) {}

BlockingPool::~BlockingPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.clear();
    for (Waiting* each : waiting_) each->wake.notify_one();
  }
  // stopping_ is set: nothing starts another one.
  for (auto& thread : threads_) thread.join();
}

std::size_t BlockingPool::queued() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

std::size_t BlockingPool::started() const {
  std::lock_guard lock(mutex_);
  return threads_.size();
}

std::size_t BlockingPool::idle() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

bool BlockingPool::submit(std::move_only_function<void()> work) {
  std::lock_guard lock(mutex_);
  if (stopping_ || queue_.size() >= options_.max_queued) return false;
  if (waiting_.empty() && !start() && threads_.empty()) return false;
  queue_.push_back(std::move(work));
  if (waiting_.empty()) return true;  // a new thread looks by itself, and so does each when it is done
  Waiting* last = waiting_.back();
  waiting_.pop_back();
  last->called = true;
  last->wake.notify_one();  // under the lock: it is on the stack of a thread that may end
  return true;
}

bool BlockingPool::start() {
  if (threads_.size() >= options_.threads) return false;
  try {
    threads_.emplace_back([this] { serve(); });
    return true;
  } catch (const std::system_error&) {
    return false;  // no more threads for this process: those that are there do the work
  }
}

void BlockingPool::serve() {
  Waiting self;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (queue_.empty()) {
      self.called = false;
      waiting_.push_back(&self);
      self.wake.wait(lock, [&] { return self.called || stopping_; });
      continue;
    }
    auto work = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    work();
    work = nullptr;  // what it owns ends here, not under the lock
    lock.lock();
  }
}

void block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

namespace {
Fd open_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&set, number);
  return Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}
}  // namespace

Signals::Signals() : fd_(open_signals()), watch_(fd_.get()) {}

Task<Result<int>> Signals::next(Cancel& cancel) {
  for (;;) {
    signalfd_siginfo info{};
    if (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) co_return static_cast<int>(info.ssi_signo);
    watch_.block(Interest::Read);
    YUN_CHECK(co_await watch_.ready(cancel, Interest::Read));
  }
}

}  // namespace yun::runtime
