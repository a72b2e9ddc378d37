#pragma once
// Requests and responses, for servers and clients, HTTP/1 and HTTP/2 alike.
//
//     Response r = Response::json(201, R"({"id":"42"})");
//     r.headers.set("location", "/api/users/42");

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/http/headers.hpp"
#include "yun/observe/context.hpp"
#include "yun/runtime/net.hpp"
#include "yun/runtime/task.hpp"

namespace yun::http {

class Tunnel;

enum class Method : std::uint8_t { Get, Head, Post, Put, Delete, Patch, Options, Connect, Trace, Other };
std::string_view name(Method method);
/// Case-sensitive (RFC 9110 9.1); Other if not one of the above.
Method parse_method(std::string_view token);

enum class Version : std::uint8_t { Http10, Http11, Http2 };

/// Where a body's bytes come from. next() gives the next piece, nullopt at the end (trailers are complete then). A piece is valid until the next call.
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual Task<Result<std::optional<std::string_view>>> next(Context& ctx) = 0;
  virtual const Headers* trailers() const { return nullptr; }
  /// Tells the sender that no more is wanted (HTTP/2 RST_STREAM; an HTTP/1 connection closes).
  virtual void abandon() {}
};

/// A body in hand, or one that streams. Small bodies arrive whole before the handler runs (the server buffers up to its limit
/// `buffered_body`, 64 KiB, when Content-Length says so); larger or chunked ones stream with back-pressure.
class Body {
 public:
  Body() = default;
  Body(std::string bytes) : bytes_(std::move(bytes)) {}
  explicit Body(std::unique_ptr<BodySource> source) : source_(std::move(source)) {}

  /// All of it, however it comes. ResourceExhausted with HTTP status 413 and reason body_too_large past `limit` bytes.
  /// The view is valid as long as the Body; a second call gives the same again.
  Task<Result<std::string_view>> all(Context& ctx, std::size_t limit);
  /// Piece by piece; nullopt at the end. A piece is valid until the next call.
  Task<Result<std::optional<std::string_view>>> next(Context& ctx);
  /// True if all bytes are here already; bytes() then has them.
  bool is_whole() const { return !source_; }
  std::string_view bytes() const { return bytes_; }
  bool empty() const { return !source_ && bytes_.empty(); }
  const Headers* trailers() const { return source_ ? source_->trailers() : nullptr; }
  void abandon() {
    if (source_) source_->abandon();
  }
  void assign(std::string_view bytes) {
    source_.reset();
    given_ = false;
    bytes_.assign(bytes);
  }
  /// An empty whole body, to be filled in place: what it held before leaves its memory.
  std::string& fill() {
    assign({});
    return bytes_;
  }
  /// Empties it; keeps its memory for the next if that is no more than `keep`.
  void reset(std::size_t keep) {
    assign({});
    if (bytes_.capacity() > keep) bytes_ = std::string();
  }

 private:
  std::string bytes_;
  std::unique_ptr<BodySource> source_;
  bool given_ = false;
};

/// Where a streamed body's bytes go. write() waits when the peer is slow (back-pressure).
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  /// Cancelled or Unavailable when the peer is gone; stop producing then. Bytes are copied or sent before it returns.
  virtual Task<Result<void>> write(Context& ctx, std::string_view bytes) = 0;
  /// Sent behind the last byte (HTTP/2, and chunked HTTP/1 when the client said "te: trailers").
  virtual void set_trailer(std::string_view name, std::string_view value) = 0;
};

/// Produces a streamed body. An error breaks the stream off (HTTP/1: the connection closes without the last chunk; HTTP/2: RST_STREAM).
class BodyProducer {
 public:
  virtual ~BodyProducer() = default;
  virtual Task<Result<void>> produce(Context& ctx, BodyWriter& out) = 0;
};
/// From a function object that returns Task<Result<void>>; it is kept alive while the coroutine runs, so captures are safe here.
template <typename F>
std::unique_ptr<BodyProducer> make_producer(F function) {
  struct Producer final : BodyProducer {
    explicit Producer(F f) : function_(std::move(f)) {}
    Task<Result<void>> produce(Context& ctx, BodyWriter& out) override { return function_(ctx, out); }
    F function_;
  };
  return std::make_unique<Producer>(std::move(function));
}

struct FileBody {
  std::shared_ptr<const runtime::Fd> file;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::shared_ptr<const std::string> bytes = {};  ///< the whole file, if it is in memory already; null if not
};

/// A request as a handler sees it. `path` is normalised (dot segments and doubled slashes resolved, percent-decoding of unreserved
/// characters only) and is what was matched; `target` is what came.
struct Request {
  Method method = Method::Get;
  std::string method_text;  ///< as it came, for Method::Other
  Version version = Version::Http11;
  std::string scheme;     ///< "http" or "https"
  std::string authority;  ///< Host or :authority, lower-cased, with port if given
  std::string target;     ///< path and query as they came
  std::string path;
  std::string query;  ///< raw, without '?'
  Headers headers;
  Body body;
  /// For clients, instead of `body`: sent while it is produced.
  std::unique_ptr<BodyProducer> upload;
  runtime::Address peer;
  bool tls = false;
  /// Set by the router: the pattern that matched ("/api/users/{id}"), static for the router's life; "" if none.
  std::string_view route;

  /// A captured path parameter, percent-decoded; "" if there is none of that name.
  std::string_view param(std::string_view name) const;
  /// The first value of a query parameter, decoded ('+' is a space).
  std::optional<std::string> query_param(std::string_view name) const;

  struct Param {
    std::string_view name;
    std::string value;
  };
  std::vector<Param> params;
};

/// It may be done twice: its method says so (RFC 9110 9.2.2), or it carries an Idempotency-Key.
bool is_idempotent(const Request& request);

/// What a handler gives, or a client gets.
struct Response {
  int status = 200;
  Headers headers;
  Body body;
  /// Instead of `body`: sent while it is produced.
  std::unique_ptr<BodyProducer> stream;
  /// Instead of `body`: a piece of an open file (sendfile where the transport can).
  std::optional<FileBody> file;
  /// Sent behind a whole body (a gRPC answer). Streams use BodyWriter::set_trailer.
  Headers trailers;
  /// One word for a refusal or failure: the same in log, metric and X-Yun-Reason.
  std::string reason;
  /// With status 101, or 200 over HTTP/2: bytes both ways from here on (WebSocket). The tunnel lives until the task ends. See websocket.hpp.
  std::function<Task<void>(Context&, Tunnel&)> upgrade;

  static Response text(int status, std::string body);
  static Response json(int status, std::string body);
  static Response html(int status, std::string body);
  static Response no_content() { return text(204, ""); }
  static Response redirect(int status, std::string_view location);
};

/// How an exchange ended, for access log, metrics and spans.
struct Outcome {
  std::uint64_t bytes_received = 0;  ///< of the body, as far as it was read
  std::uint64_t bytes_sent = 0;      ///< of the body, before framing
  Duration duration{};               ///< from the parsed head to the last byte handed to the transport
  /// Set if the exchange broke off: the client went away, a stream failed, the deadline passed.
  const Error* error = nullptr;
};

/// Something that answers requests: a router, a gateway, a test. Called on the connection's loop. The request and context live until the returned task ends.
/// It may answer at once by filling `response` and returning an empty Task (no coroutine frame), or return a task that fills it.
class Handler {
 public:
  virtual ~Handler() = default;
  /// An empty task (default constructed) means: `response` is complete.
  virtual Task<void> handle(Context& ctx, Request& request, Response& response) = 0;
  /// Called exactly once for each handle(), when the response has left (or broke off). `response.body` may be moved out already.
  virtual void finished(Context& ctx, const Request& request, const Response& response, const Outcome& outcome) noexcept {
    (void)ctx, (void)request, (void)response, (void)outcome;
  }
};

}  // namespace yun::http
