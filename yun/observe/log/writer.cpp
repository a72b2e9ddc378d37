#include "yun/observe/log/writer.hpp"

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "yun/json/write.hpp"
#include "yun/observe/log/record.hpp"
#include "yun/observe/ticks.hpp"

namespace yun::observe::log {
namespace {

constexpr std::size_t kBatch = 128 << 10;                      // bytes of lines before they are written: they are still in the core's cache then
constexpr auto kGather = std::chrono::milliseconds(10);        // between two rounds that had something
constexpr auto kFirstNap = std::chrono::milliseconds(2);       // after a round that had nothing; each next one is twice as long
constexpr auto kLastNap = std::chrono::milliseconds(64);
constexpr auto kNoBarrier = std::chrono::milliseconds(100);    // the soundest sleep where membarrier() is refused

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(int) && std::atomic<std::uint32_t>::is_always_lock_free);

constinit thread_local bool t_writer = false;  // this is the writer's thread

template <typename Word>
void futex_wait(std::atomic<Word>& word, Word while_it_is, Duration most) {
  const timespec left{.tv_sec = most.count() / 1'000'000'000, .tv_nsec = most.count() % 1'000'000'000};
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, static_cast<std::uint32_t>(while_it_is), most == Duration::max() ? nullptr : &left, nullptr, 0);
}

template <typename Word>
void futex_wake(std::atomic<Word>& word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

bool membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

std::uint64_t lines_of(std::string_view bytes) { return static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n')); }

/// The time of a ring's next line. Where two reckonings of the same clock differ by a hair no line is before the one above it.
Time time_of(Ring& ring, std::string_view record) {
  std::int64_t time = ticks::wall(Record::tick(record)).time_since_epoch().count();
  if (time < ring.last_time && ring.last_time - time < 1000) time = ring.last_time;
  ring.last_time = time;
  return Time(std::chrono::microseconds(time));
}

}  // namespace

Writer& Writer::instance() {
  static Writer& instance = *new Writer;
  return instance;
}

Result<void> Writer::start(Options options) {
  std::lock_guard lock(mutex_);
  if (!done_ || thread_.joinable()) return failed_precondition("the log is already running");
  auto opened = output_.open(options.output);
  if (!opened) return opened;
  std::string& service = services_.emplace_back();
  if (!options.service.empty()) {
    service = ",\"service\":";
    json::write(service, options.service);
  }
  service_ = &service;
  ring_size_ = options.ring_size;
  sinks_ = std::move(options.sinks);
  stop_timeout_ = options.stop_timeout;
  stopping_ = false;
  give_up_ = false;
  done_ = false;
  barrier_ = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
  alive_ = true;
  thread_ = std::thread([this] { run(); });
  return {};
}

void Writer::stop() {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) return;
  stopping_ = true;
  hurry();
  if (!written_.wait_for(lock, stop_timeout_, [&] { return done_; })) {
    give_up_ = true;
    written_.wait_for(lock, stop_timeout_, [&] { return done_; });
  }
  std::thread thread = std::move(thread_);
  if (!done_) {
    thread.detach();  // a sink that never returns
    return;
  }
  lock.unlock();
  thread.join();
  (void)round();  // what came in while the writer made its last round
  lock.lock();
  sinks_.clear();
  output_.close();
}

std::shared_ptr<Ring> Writer::make_ring() {
  std::lock_guard lock(mutex_);
  return rings_.emplace_back(std::make_shared<Ring>(ring_size_));
}

void Writer::wait_for(const Ring& ring, std::size_t end) {
  std::unique_lock lock(mutex_);
  hurry();
  written_.wait(lock, [&] { return done_ || ring.written() >= end; });
}

void Writer::write_directly(std::string_view line) {
  std::lock_guard lock(mutex_);
  emit(line);
}

std::uint64_t Writer::count(Level level) {
  const auto index = static_cast<std::size_t>(level);
  std::lock_guard lock(mutex_);
  std::uint64_t sum = counts[index].load(std::memory_order_relaxed);
  for (const auto& ring : rings_) sum += ring->counts[index].load(std::memory_order_relaxed);
  return sum;
}

void Writer::run() {
  t_writer = true;
  Duration idle{};
  for (;;) {
    const bool last = stopping_.load();
    (void)hurry_.exchange(false, std::memory_order_seq_cst);  // this is the round that was asked for
    const bool worked = round();
    if (last && !worked) break;
    if (last) continue;
    sleep(worked ? kGather : idle);
    idle = worked ? kFirstNap : std::min<Duration>(2 * idle, 2 * kLastNap);
  }
  for (const auto& sink : sinks_) sink->flush();
  alive_ = false;
  std::lock_guard lock(mutex_);
  done_ = true;
  written_.notify_all();
}

/// All that the rings hold; true if there was anything.
bool Writer::round() {
  rounds_.fetch_add(1, std::memory_order_seq_cst);
  {
    std::lock_guard lock(mutex_);
    reading_ = rings_;
  }
  bool any = false;
  for (const auto& ring : reading_) any = read(*ring) || any;
  emit_batch();
  reading_.clear();
  bury_orphans();
  rounds_.fetch_add(1, std::memory_order_release);
  return any;
}

bool Writer::read(Ring& ring) {
  const std::string_view service = this->service();
  std::size_t at = ring.begin();
  const std::size_t end = ring.end();
  if (at == end) return false;
  while (at != end) {
    const std::string_view record = ring.take(at);
    Record::format(batch_, record, time_of(ring, record), service);
    if (batch_.size() < kBatch) continue;
    ring.give_back(at);
    pending_.emplace_back(&ring, at);
    emit_batch();
  }
  ring.give_back(at);
  pending_.emplace_back(&ring, at);
  return true;
}

void Writer::emit_batch() {
  emit(batch_.view());
  batch_.clear();
  for (const auto& [ring, end] : pending_) ring->set_written(end);
  pending_.clear();
}

void Writer::emit(std::string_view lines) {
  if (lines.empty()) return;
  if (!output_.write(lines, give_up_)) dropped.fetch_add(lines_of(lines), std::memory_order_relaxed);
  for (const auto& sink : sinks_) sink->write(lines);
}

/// Rings of threads that have ended go when they are empty.
void Writer::bury_orphans() {
  std::lock_guard lock(mutex_);
  std::erase_if(rings_, [&](const auto& ring) {
    if (!ring->orphaned.load(std::memory_order_acquire) || ring->begin() != ring->end()) return false;
    for (std::size_t i = 0; i < 4; ++i) counts[i].fetch_add(ring->counts[i].load(std::memory_order_relaxed), std::memory_order_relaxed);
    return true;
  });
  written_.notify_all();
}

/// A nap of `time`, or until woken if that is longer than naps are.
void Writer::sleep(Duration time) {
  const bool sound = time == Duration::zero() || time > kLastNap;
  sleep_.store(sound ? Sleep::Sound : Sleep::Nap, std::memory_order_seq_cst);
  // After this either those who log see that the writer sleeps, or it sees what they have logged.
  if (sound && barrier_) (void)membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  if (hurry_.exchange(false, std::memory_order_seq_cst) || (sound && anything())) {
    sleep_.store(Sleep::Awake, std::memory_order_relaxed);
    return;
  }
  futex_wait(sleep_, sound ? Sleep::Sound : Sleep::Nap, !sound ? time : barrier_ ? Duration::max() : kNoBarrier);
  sleep_.store(Sleep::Awake, std::memory_order_relaxed);
}

bool Writer::anything() {
  std::lock_guard lock(mutex_);
  return std::any_of(rings_.begin(), rings_.end(), [](const auto& ring) { return ring->begin() != ring->end(); });
}

/// Another round now, also if the writer is just about to sleep.
void Writer::hurry() {
  hurry_.store(true, std::memory_order_seq_cst);
  if (sleep_.load(std::memory_order_seq_cst) != Sleep::Awake) wake();
}

void Writer::wake() {
  if (sleep_.exchange(Sleep::Awake, std::memory_order_seq_cst) != Sleep::Awake) futex_wake(sleep_);
}

void Writer::await_in_signal(std::chrono::milliseconds most) {
  // A round that begins from now on writes all there is: of those under way and begun, the one after the next end is such a one.
  const std::uint64_t wanted = (rounds_.load(std::memory_order_seq_cst) + 1) / 2 * 2 + 2;
  for (auto waited = std::chrono::milliseconds(0); waited < most && alive_ && !t_writer; ++waited) {
    hurry();
    if (rounds_.load(std::memory_order_acquire) >= wanted) return;
    const timespec millisecond{.tv_sec = 0, .tv_nsec = 1'000'000};
    (void)::nanosleep(&millisecond, nullptr);
  }
}

}  // namespace yun::observe::log
