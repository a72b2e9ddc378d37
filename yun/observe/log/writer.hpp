#pragma once
// Writer: the thread that makes lines of what is in the rings and writes them, and what it shares with those who log.
//
// It sleeps in two ways. After work it naps, for the little while in which more may come: only what is urgent ends a nap, so that a line costs its
// thread no system call. When nothing has come for a while it sleeps until somebody wakes it.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "yun/observe/log/line.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/observe/log/output.hpp"
#include "yun/observe/log/ring.hpp"

namespace yun::observe::log {

class Writer {
 public:
  /// Never destroyed: threads and destructors of statics may log until the very end.
  static Writer& instance();

  Result<void> start(Options options);
  void stop();

  /// A ring for a thread, of the size that start() was given.
  std::shared_ptr<Ring> make_ring();
  /// After commit(): sees to it that the line is written in its time.
  void committed(const Ring& ring, bool urgent) {
    // The compiler keeps the order of commit() and this look, the processor's is enforced by the writer before it sleeps for good (membarrier). A nap
    // that began just now and was not seen ends by itself.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const Sleep sleep = sleep_.load(std::memory_order_relaxed);
    if (urgent)
      hurry();
    else if (sleep == Sleep::Sound || (sleep == Sleep::Nap && ring.half_full()))
      wake();
  }
  /// Waits until the ring is written up to `end`.
  void wait_for(const Ring& ring, std::size_t end);
  /// By the caller, at once.
  void write_directly(std::string_view line);
  /// In a signal handler: gives the writer the time to write all there is, but no longer than `most`.
  void await_in_signal(std::chrono::milliseconds most);

  std::uint64_t count(Level level);
  /// The text of the service field as it was at the last start(); valid for good.
  std::string_view service() const {
    const std::string* text = service_.load(std::memory_order_acquire);
    return text ? std::string_view(*text) : std::string_view();
  }

  std::atomic<std::uint64_t> dropped{0};
  std::atomic<std::uint64_t> counts[4] = {};  ///< lines of threads that are gone and of direct writing

 private:
  enum class Sleep : std::uint32_t { Awake, Nap, Sound };
  using Rings = std::vector<std::shared_ptr<Ring>>;

  void run();
  bool round();
  bool read(Ring& ring);
  void emit_batch();
  void emit(std::string_view lines);
  void bury_orphans();
  void sleep(Duration idle);
  bool anything();
  void hurry();
  void wake();

  std::mutex mutex_;  ///< over what follows, and over direct writing
  Output output_;
  std::vector<std::shared_ptr<Sink>> sinks_;
  Rings rings_;
  std::size_t ring_size_ = 256 << 10;
  std::thread thread_;
  bool done_ = true;
  std::condition_variable written_;  ///< a round is over, or the writer has ended
  Duration stop_timeout_{};
  std::deque<std::string> services_;  ///< one a start(): who writes directly may still refer to the one before
  std::atomic<const std::string*> service_{nullptr};

  std::atomic<bool> alive_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> give_up_{false};
  std::atomic<Sleep> sleep_{Sleep::Awake};
  std::atomic<bool> hurry_{false};            ///< do not sleep before another round
  std::atomic<std::uint64_t> rounds_{0};      ///< begun and ended ones both count
  bool barrier_ = false;                      ///< membarrier() works here

  // The writing thread's own.
  Line batch_;
  Rings reading_;
  std::vector<std::pair<Ring*, std::size_t>> pending_;  ///< rings with lines in the batch, and up to where
};

}  // namespace yun::observe::log
