#include "yun/cache/redis/tiered.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "yun/cache/memory.hpp"
#include "yun/cache/redis/one_loop.hpp"
#include "yun/cache/redis/subscriber.hpp"

namespace yun::cache::redis {

namespace {

/// The memory, and what Redis says about it. Shared by all loops.
class Near final : public Listener {
 public:
  Near(const Options& options, TimePoint (*clock)()) : prefix_(options.prefix), memory_(open_memory(options.memory.bytes, clock)) {
    if (!options.metrics) return;
    hits_ = &options.metrics->counters("cache_memory_hits_total", "Lookups that the memory tier answered.", {"cache"}).with({options.name});
    changes_ = &options.metrics->counters("cache_invalidations_total", "Changes that Redis told the memory tier of.", {"cache"}).with({options.name});
  }

  /// What must not have changed between a look into Redis and keeping what was found there.
  struct Mark {
    std::uint64_t all;
    std::uint64_t key;
    bool operator==(const Mark&) const = default;
  };
  Mark mark(const std::string& key) const { return {epoch_.load(), versions_[slot(key)].load()}; }

  std::optional<std::string> get(Context& ctx, const std::string& key) {
    auto looking = memory_->get(ctx, name(key));
    (void)looking.run();  // memory never waits
    auto found = std::move(looking.result());
    if (!found || !*found) return std::nullopt;
    if (hits_) hits_->add();
    return *std::move(found);
  }

  void keep(Context& ctx, const std::string& key, const std::string& value, Duration ttl, const Mark& seen) {
    if (!up_.load()) ttl = std::min(ttl, kBlind);
    if (ttl <= Duration(0)) return;
    const std::string place = name(key);
    auto setting = memory_->set(ctx, place, value, ttl);
    (void)setting.run();  // what is too large for it is not kept
    // Who changes it counts first and drops then; so one of the two drops what came too late.
    if (mark(key) != seen) drop(ctx, place);
  }

  void forget(Context& ctx, const std::string& key) {
    versions_[slot(key)].fetch_add(1);
    drop(ctx, name(key));
  }

  void on_up() override {
    epoch_.fetch_add(1);
    up_.store(true);
  }
  void on_down() override {
    up_.store(false);
    epoch_.fetch_add(1);
  }
  void on_changed(std::string_view key) override {
    if (changes_) changes_->add();
    if (key.empty()) {
      epoch_.fetch_add(1);
    } else if (key.starts_with(prefix_)) {
      forget(ctx_, std::string(key.substr(prefix_.size())));
    }
  }

  Stats stats() const { return memory_->stats(); }

 private:
  static constexpr std::size_t kSlots = 4096;
  static std::size_t slot(const std::string& key) { return std::hash<std::string>()(key) % kSlots; }
  /// All that was kept in an earlier epoch is out of reach, and goes as the memory needs room.
  std::string name(const std::string& key) const { return std::to_string(epoch_.load()) + ":" + key; }
  void drop(Context& ctx, std::string place) {
    auto erasing = memory_->erase(ctx, std::move(place));
    (void)erasing.run();  // memory never waits
  }

  std::string prefix_;
  std::shared_ptr<Driver> memory_;
  std::atomic<bool> up_{false};
  std::atomic<std::uint64_t> epoch_{0};
  std::array<std::atomic<std::uint64_t>, kSlots> versions_{};
  Context ctx_;  ///< memory looks at none
  observe::metrics::Counter* hits_ = nullptr;
  observe::metrics::Counter* changes_ = nullptr;
};

/// For OneLoop: the process's subscriber.
class Watcher {
 public:
  Watcher(const Options& options, std::shared_ptr<Near> near) {
    Interests interests;
    interests.tracked.push_back(options.prefix);
    Options own = options;
    own.name += "_changes";
    subscriber_ = Subscriber::start(std::move(own), std::move(interests), std::move(near));
  }
  void close() { subscriber_->end(); }

 private:
  std::shared_ptr<Subscriber> subscriber_;
};

class Tiered final : public Driver {
 public:
  Tiered(Options options, TimePoint (*clock)()) : near_(std::make_shared<Near>(options, clock)), far_(std::move(options)) {}

  Task<Result<std::optional<std::string>>> get(Context& ctx, std::string key) override {
    watch();
    if (auto kept = near_->get(ctx, key)) co_return kept;
    const Near::Mark seen = near_->mark(key);
    auto getting = far_.get_entry(ctx, key);
    YUN_TRY(entry, co_await std::move(getting));
    if (!entry) co_return std::optional<std::string>();
    near_->keep(ctx, key, entry->value, entry->left, seen);
    co_return std::optional<std::string>(std::move(entry->value));
  }

  Task<Result<void>> set(Context& ctx, std::string key, std::string value, Duration ttl) override {
    watch();
    near_->forget(ctx, key);
    const Near::Mark seen = near_->mark(key);
    auto setting = far_.set(ctx, key, value, ttl);
    auto done = co_await std::move(setting);
    if (done) near_->forget(ctx, key);  // what another read meanwhile: one's own write is seen at once in this process
    // Redis will tell of this change too, after which a copy that was kept now would be gone: the next who asks brings it. Without Redis it is kept here.
    if (!done) near_->keep(ctx, key, value, std::min(ttl, kBlind), seen);
    co_return done;
  }

  Task<Result<bool>> erase(Context& ctx, std::string key) override {
    watch();
    near_->forget(ctx, key);
    auto erasing = far_.erase(ctx, key);
    auto done = co_await std::move(erasing);
    near_->forget(ctx, key);
    co_return done;
  }

  Stats stats() const override {
    Stats stats = near_->stats();
    const Stats far = far_.stats();
    stats.hits += far.hits;
    stats.misses = far.misses;
    return stats;
  }

 private:
  void watch() {
    watcher_.ensure([this] { return std::make_shared<Watcher>(far_.options(), near_); });
  }

  std::shared_ptr<Near> near_;
  Remote far_;
  OneLoop<Watcher> watcher_;
};

}  // namespace

std::shared_ptr<Driver> make_tiered(Options options, TimePoint (*clock)()) { return std::make_shared<Tiered>(std::move(options), clock); }

}  // namespace yun::cache::redis
