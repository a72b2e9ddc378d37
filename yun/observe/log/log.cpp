#include "yun/observe/log/log.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>

#include "yun/base/strings.hpp"
#include "yun/json/write.hpp"
#include "yun/observe/log/format.hpp"
#include "yun/observe/log/output.hpp"
#include "yun/observe/log/ring.hpp"

namespace yun::observe::log {

namespace detail {
std::atomic<Level> g_level{Level::Info};
}

namespace {

constexpr auto kGather = std::chrono::milliseconds(2);  // between two rounds of writing: what comes meanwhile goes out in one write

/// Everything shared. Never destroyed: threads and destructors of statics may log until the very end.
struct Shared {
  std::mutex mutex;  ///< over what follows, and over direct writing
  Output output;
  std::vector<std::shared_ptr<Sink>> sinks;
  std::vector<std::shared_ptr<Ring>> rings;
  std::thread writer;
  bool writer_done = true;
  std::condition_variable written;  ///< a round is over, or the writer has ended
  Duration stop_timeout{};

  std::atomic<bool> running{false};
  std::atomic<bool> stopping{false};
  std::atomic<bool> give_up{false};
  std::atomic<std::uint32_t> asleep{0};  ///< 1: the writer waits on it for work
  std::atomic<std::uint64_t> dropped{0};
  std::atomic<std::uint64_t> counts[4] = {};  ///< lines of threads that are gone and of direct writing
  std::deque<std::string> services;           ///< one a start(): a line being made may still refer to the one before
  std::atomic<const std::string*> service{nullptr};
  std::atomic<std::size_t> ring_size{256 << 10};
  std::atomic<std::size_t> max_text{8 << 10};
};

Shared& shared() {
  static Shared& instance = *new Shared;
  return instance;
}

/// This thread's ring and line buffer. After its destructor, late lines of the same thread are written directly.
struct Mine {
  std::shared_ptr<Ring> ring;
  Line line;
  ~Mine();
};
thread_local bool t_gone = false;
thread_local Mine t_mine;

Mine::~Mine() {
  t_gone = true;
  if (ring) ring->orphaned.store(true, std::memory_order_release);
}

Ring& my_ring() {
  if (!t_mine.ring) {
    Shared& all = shared();
    auto ring = std::make_shared<Ring>(all.ring_size);
    std::lock_guard lock(all.mutex);
    all.rings.push_back(ring);
    t_mine.ring = std::move(ring);
  }
  return *t_mine.ring;
}

std::uint64_t lines_of(std::string_view bytes) { return static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n')); }

void emit(Shared& all, std::string_view lines) {
  if (lines.empty()) return;
  if (!all.output.write(lines, all.give_up)) all.dropped.fetch_add(lines_of(lines), std::memory_order_relaxed);
  for (const auto& sink : all.sinks) sink->write(lines);
}

void write_directly(Shared& all, std::string_view line) {
  std::lock_guard lock(all.mutex);
  emit(all, line);
}

void wake_writer(Shared& all) {
  // The line was published before, `asleep` is read after, all in one total order: with the writer's mirror image of this, one of both
  // sees the other.
  if (all.asleep.load(std::memory_order_seq_cst) == 0) return;
  if (all.asleep.exchange(0, std::memory_order_relaxed) == 1) all.asleep.notify_one();
}

/// One round over all rings; true if there was anything. Rings of threads that have ended go when they are empty.
bool write_round(Shared& all, std::string& batch) {
  std::vector<std::shared_ptr<Ring>> rings;
  {
    std::lock_guard lock(all.mutex);
    rings = all.rings;
  }
  std::vector<std::pair<Ring*, std::size_t>> taken;
  batch.clear();
  for (const auto& ring : rings) {
    const auto parts = ring->peek();
    if (parts.size() == 0) continue;
    batch.append(parts.first).append(parts.second);
    taken.emplace_back(ring.get(), parts.size());
  }
  if (!taken.empty()) emit(all, batch);
  for (const auto& [ring, size] : taken) ring->pop(size);

  std::lock_guard lock(all.mutex);
  std::erase_if(all.rings, [&](const auto& ring) {
    if (!ring->orphaned.load(std::memory_order_acquire) || ring->peek().size() > 0) return false;
    for (std::size_t i = 0; i < 4; ++i) all.counts[i].fetch_add(ring->counts[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
    return true;
  });
  all.written.notify_all();
  return !taken.empty();
}

bool anything(Shared& all) {
  std::lock_guard lock(all.mutex);
  return std::any_of(all.rings.begin(), all.rings.end(), [](const auto& ring) { return ring->peek().size() > 0; });
}

void run_writer() {
  Shared& all = shared();
  std::string batch;
  for (;;) {
    const bool last = all.stopping.load();
    if (write_round(all, batch)) {
      if (batch.capacity() > (4 << 20)) batch = {};
      if (!last) std::this_thread::sleep_for(kGather);
      continue;
    }
    if (last) break;
    all.asleep.store(1, std::memory_order_seq_cst);
    if (anything(all) || all.stopping.load()) {
      all.asleep.store(0, std::memory_order_relaxed);
      continue;
    }
    all.asleep.wait(1);
  }
  for (const auto& sink : all.sinks) sink->flush();
  std::lock_guard lock(all.mutex);
  all.writer_done = true;
  all.written.notify_all();
}

}  // namespace

std::string_view name(Level level) {
  switch (level) {
    case Level::Debug: return "debug";
    case Level::Info: return "info";
    case Level::Warn: return "warn";
    case Level::Error: return "error";
    case Level::Off: return "off";
  }
  return "off";
}

Result<Level> parse_level(std::string_view text) {
  for (const Level level : {Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Off})
    if (text == name(level)) return level;
  return invalid_argument("unknown log level \"" + std::string(text) + "\": must be one of debug, info, warn, error, off");
}

Result<void> start(Options options) {
  Shared& all = shared();
  std::lock_guard lock(all.mutex);
  if (all.running.load() || !all.writer_done) return failed_precondition("the log is already running");
  auto opened = all.output.open(options.output);
  if (!opened) return opened;
  std::string& service = all.services.emplace_back();
  if (!options.service.empty()) {
    service = ",\"service\":";
    json::write(service, options.service);
  }
  all.service = &service;
  all.ring_size = options.ring_size;
  all.max_text = options.max_text;
  all.sinks = std::move(options.sinks);
  all.stop_timeout = options.stop_timeout;
  set_level(options.level);
  all.stopping = false;
  all.give_up = false;
  all.writer_done = false;
  all.writer = std::thread(run_writer);
  static const int at_exit = std::atexit(stop);
  (void)at_exit;
  all.running = true;
  return {};
}

void stop() {
  Shared& all = shared();
  std::unique_lock lock(all.mutex);
  if (!all.running.load()) return;
  all.running = false;
  all.stopping = true;
  all.asleep.store(0, std::memory_order_relaxed);
  all.asleep.notify_all();
  if (!all.written.wait_for(lock, all.stop_timeout, [&] { return all.writer_done; })) {
    all.give_up = true;
    all.written.wait_for(lock, all.stop_timeout, [&] { return all.writer_done; });
  }
  std::thread writer = std::move(all.writer);
  if (!all.writer_done) {
    writer.detach();  // a sink that never returns
    return;
  }
  lock.unlock();
  writer.join();
  std::string batch;
  (void)write_round(all, batch);  // what came in while the writer made its last round
  lock.lock();
  all.sinks.clear();
  all.output.close();
}

void flush() {
  Shared& all = shared();
  if (t_gone || !t_mine.ring) return;
  const auto ring = t_mine.ring;
  const std::size_t wanted = ring->pushed();
  std::unique_lock lock(all.mutex);
  all.written.wait(lock, [&] { return all.writer_done || ring->popped() >= wanted; });
}

void set_level(Level level) { detail::g_level.store(level, std::memory_order_relaxed); }

std::uint64_t dropped() { return shared().dropped.load(std::memory_order_relaxed); }

std::uint64_t count(Level level) {
  if (level >= Level::Off) return 0;
  Shared& all = shared();
  const auto index = static_cast<std::size_t>(level);
  std::lock_guard lock(all.mutex);
  std::uint64_t sum = all.counts[index].load(std::memory_order_relaxed);
  for (const auto& ring : all.rings) sum += ring->counts[index].load(std::memory_order_relaxed);
  return sum;
}

void write(Level level, Context* ctx, std::string_view message, std::span<const Field> fields) {
  if (level >= Level::Off) return;
  Shared& all = shared();
  const auto index = static_cast<std::size_t>(level);
  const bool running = all.running.load(std::memory_order_acquire);
  const std::size_t max_text = all.max_text.load(std::memory_order_relaxed);
  const std::string* service = running ? all.service.load(std::memory_order_relaxed) : nullptr;
  if (!running || t_gone) {
    Line line;
    format_line(line, now(), level, service ? std::string_view(*service) : std::string_view(), ctx, message, fields, max_text);
    all.counts[index].fetch_add(1, std::memory_order_relaxed);
    write_directly(all, line.view());
    return;
  }
  Line& line = t_mine.line;
  line.clear();
  format_line(line, now(), level, *service, ctx, message, fields, max_text);
  Ring& ring = my_ring();
  ring.counts[index].store(ring.counts[index].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (!ring.push(line.view())) {
    all.dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  wake_writer(all);
}

std::optional<std::uint64_t> Occasional::pass(TimePoint now) {
  const std::int64_t at = now.time_since_epoch().count();
  std::int64_t next = next_.load(std::memory_order_relaxed);
  if (at < next || !next_.compare_exchange_strong(next, at + every_.count(), std::memory_order_relaxed)) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  return refused_.exchange(0, std::memory_order_relaxed);
}

}  // namespace yun::observe::log
