#include "yun/observe/log/log.hpp"

#include <algorithm>
#include <cstdlib>

#include "yun/observe/log/crash.hpp"
#include "yun/observe/log/record.hpp"
#include "yun/observe/log/writer.hpp"
#include "yun/observe/ticks.hpp"

namespace yun::observe::log {

namespace detail {
constinit std::atomic<Level> g_level{Level::Info};
}

namespace {

constinit std::atomic<bool> g_running{false};
constinit std::atomic<std::size_t> g_max_text{8 << 10};

/// This thread's ring. After its destructor, late lines of the same thread are written directly.
struct Mine {
  std::shared_ptr<Ring> ring;
  ~Mine();
};
thread_local Mine t_mine;
constinit thread_local Ring* t_ring = nullptr;  // what t_mine holds: to be had without a look at whether that is made
constinit thread_local bool t_gone = false;

Mine::~Mine() {
  t_gone = true;
  t_ring = nullptr;
  if (ring) ring->orphaned.store(true, std::memory_order_release);
}

Ring* new_ring() {
  if (t_gone) return nullptr;
  t_mine.ring = Writer::instance().make_ring();
  return t_ring = t_mine.ring.get();
}

void write_directly(const Record& record, Level level) {
  Writer& writer = Writer::instance();
  std::vector<std::uint64_t> bytes(record.size() / 8);
  record.put(reinterpret_cast<char*>(bytes.data()), ticks::now());
  Line line;
  Record::format(line, {reinterpret_cast<const char*>(bytes.data()), record.size()}, now(), g_running.load(std::memory_order_acquire) ? writer.service() : std::string_view());
  writer.counts[static_cast<std::size_t>(level)].fetch_add(1, std::memory_order_relaxed);
  writer.write_directly(line.view());
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
  const Level level = options.level;
  const std::size_t max_text = options.max_text;
  auto started = Writer::instance().start(std::move(options));
  if (!started) return started;
  g_max_text = std::min<std::size_t>(max_text, 1 << 30);
  set_level(level);
  (void)ticks::now();  // the first one takes longer
  flush_on_crash();
  static const int at_exit = std::atexit(stop);
  (void)at_exit;
  g_running.store(true, std::memory_order_release);
  return {};
}

void stop() {
  if (!g_running.exchange(false)) return;
  Writer::instance().stop();
}

void flush() {
  if (t_ring) Writer::instance().wait_for(*t_ring, t_ring->end());
}

void set_level(Level level) { detail::g_level.store(level, std::memory_order_relaxed); }

std::uint64_t dropped() { return Writer::instance().dropped.load(std::memory_order_relaxed); }

std::uint64_t count(Level level) { return level >= Level::Off ? 0 : Writer::instance().count(level); }

void write(Level level, Context* ctx, std::string_view message, std::span<const Field> fields) {
  if (level >= Level::Off) return;
  const Record record(level, ctx, message, fields, g_max_text.load(std::memory_order_relaxed));
  if (record.has_error()) [[unlikely]] {
    std::vector<std::string> texts;
    const std::vector<Field> plain = Record::errors_as_text(fields, texts);
    return write(level, ctx, message, plain);
  }
  Ring* ring = t_ring;
  if (!g_running.load(std::memory_order_acquire) || (!ring && !(ring = new_ring()))) [[unlikely]]
    return write_directly(record, level);
  std::atomic<std::uint64_t>& count = ring->counts[static_cast<std::size_t>(level)];
  count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  char* place = ring->reserve(record.size());
  if (!place) [[unlikely]] {
    Writer::instance().dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  record.put(place, ticks::now());
  ring->commit();
  Writer::instance().committed(*ring, level >= Level::Warn);
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
