// How one call runs on the server.
#include <exception>
#include <memory>

#include "yun/http/problem.hpp"
#include "yun/rpc/server_state.hpp"
#include "yun/rpc/status.hpp"

namespace yun::rpc {
namespace {

class Call final : public ServerCall {
 public:
  Call(const Entry& entry, Context& parent, TimePoint deadline, const runtime::Address& peer, const http::Headers& headers)
      : ServerCall(parent, deadline, peer, headers) {
    path_ = entry.path;
    service_ = entry.service_name;
    method_ = entry.method.name;
  }
};

/// Holds the one answer of a client-streaming method.
class SingleWriter final : public MessageWriter {
 public:
  explicit SingleWriter(std::string& frame) : frame_(frame) {}
  Task<Result<void>> write(Context&, const MessageLite& message) override { co_return detail::append_frame(message, frame_); }

 private:
  std::string& frame_;
};

/// The answers of a stream, each one frame.
class StreamWriter final : public MessageWriter {
 public:
  StreamWriter(http::BodyWriter& out, bool compress, std::size_t compress_from) : out_(out), compress_(compress), compress_from_(compress_from) {}
  Task<Result<void>> write(Context& ctx, const MessageLite& message) override {
    YUN_CHECK(ctx.check());
    frame_.clear();
    YUN_CHECK(detail::append_frame(message, frame_));
    if (compress_ && frame_.size() >= compress_from_) compress_frame(frame_);
    co_return co_await out_.write(ctx, frame_);
  }

 private:
  http::BodyWriter& out_;
  bool compress_;
  std::size_t compress_from_;
  std::string frame_;
};

Error unary_body_error(Error error, std::size_t limit) {
  if (error.code() != Code::ResourceExhausted) return error;
  return resource_exhausted("message is over the limit of " + std::to_string(limit) + " bytes").with_reason("message_too_large");
}

/// What one call needs until it has answered. Its memory is that of a coroutine's frame: of this thread's free list.
struct Single {
  Single(const Entry& e, const ServerOptions& o, Context& parent, http::Request& q, http::Response& r, CallHead h)
      : entry(e), options(o), request(q), response(r), head(h), call(e, parent, h.deadline, q.peer, q.headers), telemetry(e.telemetry, call) {}
  static void* operator new(std::size_t size) { return runtime::detail::allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { runtime::detail::free_frame(memory, size); }

  const Entry& entry;
  const ServerOptions& options;
  http::Request& request;
  http::Response& response;
  CallHead head;
  Call call;
  MethodTelemetry::Scope telemetry;
};

/// The method itself, its exceptions still flying. The one message is all of `bytes`; the answer goes into `frame`. An empty task: done, and well.
Task<Result<void>> invoke_unary(Single& single, std::string_view bytes, std::string& frame) {
  const std::size_t limit = single.options.max_message;
  if (bytes.size() > limit + kFrameHead) return detail::give(unary_body_error(resource_exhausted("the request body is too large"), limit));
  FrameReader frames(limit, single.head.incoming);
  frames.feed_all(bytes);
  auto message = frames.next();
  if (!message) return detail::give(std::move(message).error());
  if (!*message) return detail::give(internal_error("the request has no whole message"));
  if (auto rest = frames.finish(); !rest) return detail::give(std::move(rest));
  return single.entry.method.unary(*single.entry.service, single.call, **message, frame);
}

/// The same for a body that is still to come, and for a stream of requests.
Task<Result<void>> invoke_waiting(Single& single, std::string& frame) {
  http::Body& body = single.request.body;
  const Entry& entry = single.entry;
  if (entry.method.kind == Kind::ClientStream) {
    RequestReader reader(body, single.options.max_message, single.head.incoming);
    SingleWriter writer(frame);
    co_return co_await entry.method.stream(*entry.service, single.call, reader, writer);
  }
  auto bytes = co_await body.all(single.call, single.options.max_message + kFrameHead);
  if (!bytes) co_return unary_body_error(std::move(bytes).error(), single.options.max_message);
  Task<Result<void>> method = invoke_unary(single, *bytes, frame);
  if (!method) co_return Result<void>();
  co_return co_await std::move(method);
}

/// An exception is a bug: INTERNAL to the caller, the words to the log.
Error from_exception(const Entry& entry, Context& ctx, std::exception_ptr exception) {
  std::string what = "unknown exception";
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
  entry.telemetry.log_exception(ctx, what);
  return internal_error("internal error").with_reason("exception");
}

/// A method that was told to stop often answers Cancelled; when it was the deadline that told it, that is the status.
Error final_error(Error error, Call& call) {
  if (error.code() != Code::Cancelled) return error;
  auto state = call.check();
  return state ? error : std::move(state).error();
}

}  // namespace

Result<CallHead> read_head(const http::Headers& headers, const ServerOptions& options) {
  CallHead head;
  const auto timeout = headers.get("grpc-timeout");
  if (timeout) {
    const auto duration = parse_timeout(*timeout);
    if (!duration) return invalid_argument("grpc-timeout \"" + std::string(*timeout) + "\" is malformed");
    const TimePoint now = Clock::now();
    if (*duration < TimePoint::max() - now) head.deadline = now + *duration;
  }
  const auto encoding = headers.get("grpc-encoding");
  if (encoding) {
    const auto known = parse_encoding(*encoding);
    if (!known) return unimplemented("grpc-encoding \"" + std::string(*encoding) + "\" is not supported");
    head.incoming = *known;
  }
  const bool wanted = options.compress == Compress::Always || (options.compress == Compress::Mirror && head.incoming == Encoding::Gzip);
  head.compress = wanted && accepts_gzip(headers.get("grpc-accept-encoding").value_or(""));
  return head;
}

Task<Result<bool>> RequestReader::read(Context& ctx, MessageLite& into) {
  while (true) {
    auto message = frames_.next();
    if (!message) co_return std::move(message).error();
    if (*message) {
      YUN_CHECK(detail::parse(**message, into));
      co_return true;
    }
    if (ended_) {
      YUN_CHECK(frames_.finish());
      co_return false;
    }
    auto piece = co_await body_.next(ctx);
    if (!piece) co_return std::move(piece).error();
    if (*piece) {
      frames_.feed(**piece);
    } else {
      ended_ = true;
    }
  }
}

void answer_status(http::Response& response, const Error& error) {
  response.reason = http::reason_of(error);
  put_status(response.headers, error);
}

namespace {

/// The answer of a call that has ended: `result`, or the exception that left the method.
void finish(Single& single, Result<void> result, std::exception_ptr exception) {
  Call& call = single.call;
  http::Response& response = single.response;
  if (exception) result = from_exception(single.entry, call, exception);
  if (!result) result = final_error(std::move(result).error(), call);
  single.telemetry.end(result);
  call.initial_metadata().append_to(response.headers);
  if (!result) {
    response.body.assign({});
    answer_status(response, result.error());
    call.trailing_metadata().append_to(response.headers);
    return;
  }
  if (single.head.compress && response.body.bytes().size() >= single.options.compress_from) {
    std::string frame(response.body.bytes());
    compress_frame(frame);
    response.body = http::Body(std::move(frame));
    response.headers.set("grpc-encoding", "gzip");
  }
  put_ok(response.trailers);
  call.trailing_metadata().append_to(response.trailers);
}

/// A method that waits.
Task<void> finish_later(std::unique_ptr<Single> single, Task<Result<void>> method) {
  Result<void> result;
  std::exception_ptr exception;
  try {
    result = co_await std::move(method);
  } catch (...) {
    exception = std::current_exception();
  }
  finish(*single, std::move(result), exception);
}

}  // namespace

Task<void> run_single(const Entry& entry, const ServerOptions& options, Context& ctx, http::Request& request, http::Response& response, CallHead head) {
  // The deadline to the response head is for calls that answer at once; a stream of requests has the caller's only.
  if (entry.method.kind == Kind::ClientStream) ctx.lift_deadline();
  std::unique_ptr<Single> single(new Single(entry, options, ctx, request, response, head));
  std::string& frame = response.body.fill();
  Result<void> result;
  std::exception_ptr exception;
  try {
    const bool is_here = entry.method.kind == Kind::Unary && request.body.is_whole();
    Task<Result<void>> method = is_here ? invoke_unary(*single, request.body.bytes(), frame) : invoke_waiting(*single, frame);
    if (method && !method.run()) return finish_later(std::move(single), std::move(method));
    if (method) result = std::move(method.result());
  } catch (...) {
    exception = std::current_exception();
  }
  finish(*single, std::move(result), exception);
  return {};
}

namespace {

/// A streaming call, run when the server asks for the body. Owns what it needs of the request.
class StreamingCall final : public http::BodyProducer {
 public:
  StreamingCall(const Entry& entry, const ServerOptions& options, http::Request& request, CallHead head)
      : entry_(entry), options_(options), headers_(request.headers), body_(std::move(request.body)), peer_(request.peer), head_(head) {}

  Task<Result<void>> produce(Context& ctx, http::BodyWriter& out) override {
    Call call(entry_, ctx, head_.deadline, peer_, headers_);
    MethodTelemetry::Scope telemetry(entry_.telemetry, call);
    RequestReader reader(body_, options_.max_message, head_.incoming);
    StreamWriter writer(out, head_.compress, options_.compress_from);
    Result<void> result;
    std::exception_ptr exception;
    try {
      result = co_await entry_.method.stream(*entry_.service, call, reader, writer);
    } catch (...) {
      exception = std::current_exception();
    }
    if (exception) result = from_exception(entry_, call, exception);
    if (!result) result = final_error(std::move(result).error(), call);
    telemetry.end(result);
    http::Headers trailers;
    if (result) {
      put_ok(trailers);
    } else {
      put_status(trailers, result.error());
    }
    call.trailing_metadata().append_to(trailers);
    for (const auto field : trailers) out.set_trailer(field.name, field.value);
    co_return Result<void>();
  }

 private:
  const Entry& entry_;
  const ServerOptions& options_;
  http::Headers headers_;
  http::Body body_;
  runtime::Address peer_;
  CallHead head_;
};

}  // namespace

void start_stream(const Entry& entry, const ServerOptions& options, Context& ctx, http::Request& request, http::Response& response, CallHead head) {
  ctx.lift_deadline();
  if (head.compress) response.headers.set("grpc-encoding", "gzip");
  response.stream = std::make_unique<StreamingCall>(entry, options, request, head);
}

}  // namespace yun::rpc
