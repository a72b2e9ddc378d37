#pragma once
// Wire: a connection to Redis that has said HELLO: authenticated, in its database, RESP3 where the server has it. Private to the room.

#include <memory>

#include "yun/base/buffer.hpp"
#include "yun/cache/redis/options.hpp"
#include "yun/observe/context.hpp"
#include "yun/runtime/net.hpp"
#include "yun/runtime/task.hpp"

namespace yun::cache::redis {

class Wire {
 public:
  Wire(std::unique_ptr<runtime::Transport> transport, const Limits& limits) : transport_(std::move(transport)), decoder_(limits) {}

  /// The next reply or push. Unavailable if the server closed the connection; the Cancel's and the decoder's errors.
  Task<Result<Value>> read(Cancel& cancel);
  Task<Result<void>> write(Cancel& cancel, std::string_view bytes) { return transport_->write_all(cancel, bytes); }
  /// One command and its reply, when nothing else is under way. An Error reply is an Error.
  Task<Result<Value>> ask(Cancel& cancel, Command command);

  bool is_resp3() const { return resp3_; }
  /// When bytes last came.
  TimePoint heard() const { return heard_; }

 private:
  friend Task<Result<void>> hello(Cancel& cancel, Wire& wire, const Options& options);
  std::unique_ptr<runtime::Transport> transport_;
  Buffer in_;
  Decoder decoder_;
  bool resp3_ = false;
  TimePoint heard_ = Clock::now();
};

/// Resolves, connects and says HELLO within the options' connect_timeout. Unavailable (reason redis_connect) if nobody answers, Unauthenticated and
/// PermissionDenied as the server says; the Context's errors.
Task<Result<std::unique_ptr<Wire>>> dial(Context& ctx, const Options& options);

/// The pause before try number `failures` (from 1): full jitter, between nothing and the lesser of base * 2^(failures - 1) and the most.
Duration pause_before(const Options& options, unsigned failures);

}  // namespace yun::cache::redis
