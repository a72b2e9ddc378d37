#include "yun/http/auth/verifier.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>

namespace yun::http {

using runtime::Loop;

constexpr Duration kFirstRefetch = std::chrono::milliseconds(100);

/// A least-recently-used map of one loop: token -> claims, as far as they were verified with key set `version`.
struct TokenVerifier::Remembered {
  struct Entry {
    std::string token;
    Claims claims;
  };
  std::uint64_t version = 0;
  std::list<Entry> order;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_token;

  const Claims* find(std::string_view token, std::uint64_t current, Time time, Duration leeway) {
    if (version != current) {
      by_token.clear();
      order.clear();
      version = current;
      return nullptr;
    }
    const auto found = by_token.find(token);
    if (found == by_token.end()) return nullptr;
    if (found->second->claims.expires + std::chrono::duration_cast<std::chrono::microseconds>(leeway) <= time) {
      const auto entry = found->second;
      by_token.erase(found);
      order.erase(entry);
      return nullptr;
    }
    order.splice(order.begin(), order, found->second);
    return &found->second->claims;
  }

  void keep(std::string_view token, const Claims& claims, std::size_t limit) {
    if (limit == 0 || by_token.contains(token)) return;
    while (order.size() >= limit) {
      by_token.erase(order.back().token);
      order.pop_back();
    }
    order.push_front({std::string(token), claims});
    by_token.emplace(order.front().token, order.begin());
  }
};

TokenVerifier::TokenVerifier(Options options, Fetch fetch) : options_(std::move(options)), fetch_(std::move(fetch)) {
  for (auto& slot : remembered_) slot = std::make_unique<Remembered>();
  if (options_.keep_in.empty()) return;
  std::ifstream file(options_.keep_in);
  std::ostringstream text;
  text << file.rdbuf();
  if (file) (void)adopt(text.str());  // a missing or broken file is as good as none: the source is asked anyway
}

TokenVerifier::~TokenVerifier() = default;

TokenVerifier::Remembered& TokenVerifier::remembered() { return *remembered_[Loop::current().index() % kLoops]; }

std::shared_ptr<const KeySet> TokenVerifier::keys() const {
  std::lock_guard lock(mutex_);
  return keys_;
}

Result<void> TokenVerifier::adopt(const std::string& text) {
  {
    std::lock_guard lock(mutex_);
    if (keys_ && text == text_) return {};
  }
  YUN_GET(parsed, KeySet::parse(text));
  auto shared = std::make_shared<const KeySet>(std::move(parsed));
  std::lock_guard lock(mutex_);
  keys_ = std::move(shared);
  text_ = text;
  version_.fetch_add(1, std::memory_order_release);
  return {};
}

namespace {
/// Whole or not at all: a new file takes the old one's name.
void keep(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  runtime::Fd file(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return;  // the keys in memory are good; the next change tries again
  const bool written = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file.get()) == 0;
  if (written) {
    (void)std::rename(fresh.c_str(), path.c_str());
  } else {
    ::unlink(fresh.c_str());
  }
}
}  // namespace

Task<void> TokenVerifier::run(Context& ctx) {
  {
    std::lock_guard lock(mutex_);
    home_ = &Loop::current();
  }
  while (!ctx.done()) {
    // Without any keys every request fails: ask often until there are some.
    Duration wait = has_keys() ? options_.min_refetch : std::min(options_.min_refetch, kFirstRefetch);
    {
      Context attempt(ctx, std::chrono::seconds(5));
      auto text = co_await fetch_(attempt);
      if (text) {
        const auto before = version_.load();
        if (adopt(*text)) {
          wait = options_.refresh_every;
          if (version_.load() != before && !options_.keep_in.empty()) keep(options_.keep_in, *text);
        }
      }
    }
    wanted_->reset();
    Context pause(ctx, wait);
    (void)co_await wanted_->wait(pause);  // told to hurry, or the time is over: both mean fetch again
  }
  std::lock_guard lock(mutex_);
  home_ = nullptr;
}

void TokenVerifier::ask_refetch() {
  const auto time = Clock::now().time_since_epoch().count();
  auto next = next_refetch_.load(std::memory_order_relaxed);
  const auto later = time + std::chrono::duration_cast<Clock::duration>(options_.min_refetch).count();
  if (time < next || !next_refetch_.compare_exchange_strong(next, later)) return;
  std::lock_guard lock(mutex_);
  if (home_) home_->post([wanted = wanted_] { wanted->set(); });
}

Result<Claims> TokenVerifier::verify_now(std::string_view token) {
  const auto version = version_.load(std::memory_order_acquire);
  if (version == 0) {
    ask_refetch();
    return unavailable("the keys to check tokens with are not available yet").with_reason("jwks_unavailable").with_retry_after(std::chrono::seconds(1));
  }
  Remembered& memory = remembered();
  const Time time = options_.clock();
  if (const Claims* known = memory.find(token, version, time, options_.expected.leeway)) return *known;
  auto claims = keys()->verify(token, options_.expected, time);
  if (claims) {
    memory.keep(token, *claims, options_.max_remembered);
  } else if (claims.error().reason() == "token_key_unknown") {
    ask_refetch();
  }
  return claims;
}

Task<Result<Claims>> TokenVerifier::verify(Context& ctx, std::string_view token) {
  const auto before = version_.load();
  auto claims = verify_now(token);
  if (claims || claims.error().reason() != "token_key_unknown") co_return claims;
  // The key may be newer than our set: a fetch was asked for, and its answer is waited for briefly.
  for (int i = 0; i < 20 && version_.load() == before; ++i) {
    YUN_CHECK(co_await runtime::sleep_for(ctx, std::chrono::milliseconds(10)));
  }
  co_return verify_now(token);
}

}  // namespace yun::http
