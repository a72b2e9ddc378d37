#pragma once
// Push: a log::Sink that sends lines on from a thread of its own: bounded, never blocking, tried again until they are taken.
//
// The log's writer only appends to a queue; what does not fit is dropped and counted. A batch that is not taken is sent again with a growing pause, while newer
// lines wait; one that is refused for what it is (InvalidArgument) is dropped and counted. On flush() what waits is sent, for no longer than `flush_timeout`.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "yun/observe/context.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::telemetry::logs {

/// Where a batch goes: one protocol. Made, used and destroyed on the push's own loop; it may block there. Must not log.
class Sender {
 public:
  virtual ~Sender() = default;
  /// `lines`: whole ones, each with its '\n'; valid until the task ends. InvalidArgument: never to be tried again; any other error: later.
  virtual Task<Result<void>> send(Context& ctx, std::string_view lines) = 0;
};

struct PushOptions {
  std::size_t max_queue = std::size_t{4} << 20;    ///< bytes that wait; more are dropped
  std::size_t max_batch = std::size_t{512} << 10;  ///< bytes of one send
  Duration linger = std::chrono::milliseconds(500);  ///< how long lines wait for company
  Duration timeout = std::chrono::seconds(5);        ///< of one send
  Duration first_pause = std::chrono::milliseconds(250);
  Duration longest_pause = std::chrono::seconds(15);
  Duration flush_timeout = std::chrono::milliseconds(1500);
};

class Push final : public observe::log::Sink {
 public:
  using Options = PushOptions;
  /// `name` is for metrics: the URL without its secrets.
  Push(std::string name, std::function<std::unique_ptr<Sender>()> make, Options options = {});
  /// Gives up what has not been sent.
  ~Push() override;

  void write(std::string_view lines) noexcept override;
  void flush() noexcept override;

  struct Counts {
    std::uint64_t sent = 0;      ///< lines
    std::uint64_t dropped = 0;   ///< lines: no room, refused, or left at the end
    std::uint64_t failures = 0;  ///< sends that were not taken
    std::size_t queued = 0;      ///< bytes
  };
  Counts counts() const;
  const std::string& name() const { return name_; }

 private:
  void serve();
  Task<void> run();
  Task<void> deliver(std::string batch);
  std::string take();
  void close(Duration grace) noexcept;
  bool is_over() const { return closing_.load() && Clock::now() >= give_up_; }

  const std::string name_;
  const std::function<std::unique_ptr<Sender>()> make_;
  const Options options_;
  std::unique_ptr<Sender> sender_;  ///< the loop's
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  std::string queue_;
  bool done_ = false;
  TimePoint give_up_ = TimePoint::max();  ///< written before closing_
  std::atomic<bool> closing_{false};
  std::atomic<std::uint64_t> sent_{0}, dropped_{0}, failures_{0};
  runtime::Loop loop_;
  runtime::Event wake_;
  Context stop_;  ///< the loop's: cancelled when there is no time left
  std::thread thread_;
};

}  // namespace yun::telemetry::logs
