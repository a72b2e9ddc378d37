#pragma once
// Upload: a request body that is sent while its answer is read. It may outlive the call that started it by a turn of the loop, so it
// has a Context of its own, which is cancelled with the caller's.

#include <memory>
#include <optional>

#include "yun/http/message.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http::client {

/// Where an upload goes; finish() ends the body once the producer is done.
class UploadSink : public BodyWriter {
 public:
  virtual Task<Result<void>> finish(Context& ctx) = 0;
};

class Upload final : private Cancel::Waiter {
 public:
  /// With the caller's trace and ids.
  explicit Upload(Context& caller);

  /// Starts `producer` into `out`; `out` must live until ended(). Runs on the loop; `self` keeps this alive meanwhile.
  static void start(std::shared_ptr<Upload> self, std::unique_ptr<BodyProducer> producer, std::shared_ptr<UploadSink> out,
                    void (*on_end)(void* owner, const std::optional<Error>& error), std::shared_ptr<void> owner);
  /// Tells the producer to stop and no longer listens to the caller's Context.
  void stop();
  bool ended() const { return ended_.is_set(); }
  const std::optional<Error>& error() const { return error_; }
  /// Returns when the producer has returned.
  Task<void> join();

 private:
  void on_cancel() noexcept override;
  static Task<void> run(std::shared_ptr<Upload> self, std::unique_ptr<BodyProducer> producer, std::shared_ptr<UploadSink> out,
                        void (*on_end)(void* owner, const std::optional<Error>& error), std::shared_ptr<void> owner);

  Context* caller_;
  Context context_;
  runtime::Event ended_;
  std::optional<Error> error_;
};

/// What a request sends: its producer, or its body as one; null if it has no body.
std::unique_ptr<BodyProducer> take_producer(Request& request);

}  // namespace yun::http::client
