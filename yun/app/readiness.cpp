#include "yun/app/readiness.hpp"

#include "yun/observe/log/log.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::app {

using namespace std::chrono_literals;

namespace {
constexpr Duration kAskAgain = 10ms;  // what is waited for takes round trips
constexpr Duration kAskLate = 1s;     // only for the log now
}  // namespace

void Readiness::add(std::string name, std::function<std::string()> missing) {
  checks_.push_back({std::move(name), "not asked yet"});
  asks_.push_back(std::move(missing));
}

Task<void> Readiness::run(Context& ctx, Duration timeout, std::function<void()> ready) {
  const TimePoint until = Clock::now() + timeout;
  bool is_late = false;
  while (!ask()) {
    if (!is_late && Clock::now() >= until) {
      observe::log::warn(ctx, "ready without all that is needed", {{"missing", all_missing()}, {"ready_timeout_seconds", std::chrono::duration<double>(timeout).count()}});
      is_late = true;
      ready();
    }
    auto slept = co_await runtime::sleep_for(ctx, is_late ? kAskLate : kAskAgain);
    if (!slept) co_return;
  }
  if (is_late) {
    observe::log::info(ctx, "all that is needed is there now");
  } else {
    ready();
  }
}

std::vector<Readiness::Check> Readiness::checks() const {
  std::lock_guard lock(mutex_);
  return checks_;
}

bool Readiness::ask() {
  bool all = true;
  for (std::size_t i = 0; i < asks_.size(); ++i) {
    if (!asks_[i]) continue;
    std::string missing = asks_[i]();
    if (missing.empty()) {
      asks_[i] = nullptr;
    } else {
      all = false;
    }
    std::lock_guard lock(mutex_);
    checks_[i].missing = std::move(missing);
  }
  return all;
}

std::string Readiness::all_missing() const {
  std::string all;
  for (const Check& check : checks()) {
    if (check.missing.empty()) continue;
    if (!all.empty()) all += "; ";
    all += check.name + ": " + check.missing;
  }
  return all;
}

}  // namespace yun::app
