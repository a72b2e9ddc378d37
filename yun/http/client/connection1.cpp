#include "yun/http/client/connection1.hpp"

#include "yun/base/strings.hpp"
#include "yun/http/client/response_parser.hpp"
#include "yun/http/client/upload.hpp"
#include "yun/http/codec1/chunked.hpp"
#include "yun/http/codec1/writer.hpp"

namespace yun::http::client {

namespace {

using runtime::Io;
using Kind = ResponseHead::BodyKind;

/// Whole bodies up to this size are written before the answer is read; larger ones meanwhile, since a server may refuse early.
constexpr std::size_t kWriteFirst = 64_KiB;
constexpr std::size_t kReadSize = 16_KiB;

Error reset(std::string message) { return unavailable(std::move(message)).with_reason("upstream_reset").with_retry_after(std::chrono::seconds(1)); }

/// The Context's own errors pass; everything else of a transport is a reset.
Error as_reset(Error error) {
  if (error.code() == Code::Cancelled || error.code() == Code::DeadlineExceeded || !error.reason().empty()) return error;
  std::string message = error.message();
  return reset(std::move(message)).caused_by(std::move(error));
}

enum class Sending : std::uint8_t { Nothing, Whole, Length, Chunked, Tunnel };

/// How a request's body goes out, and what its head says of it.
struct Outgoing {
  Sending sending = Sending::Nothing;
  codec1::HeadFraming framing;
  std::uint64_t length = 0;
};

Outgoing plan(const Request& request) {
  Outgoing plan;
  const bool streams = request.upload || !request.body.is_whole();
  if (request.method == Method::Connect || request.headers.has("upgrade")) {
    plan.framing.connection = codec1::HeadFraming::Connection::Upgrade;
    plan.sending = Sending::Tunnel;
  } else if (streams) {
    const auto announced = request.headers.get("content-length");
    plan.framing.content_length = announced ? parse_u64(*announced) : std::nullopt;
    plan.framing.chunked = !plan.framing.content_length;
    plan.sending = plan.framing.chunked ? Sending::Chunked : Sending::Length;
    plan.length = plan.framing.content_length.value_or(0);
  } else if (!request.body.empty()) {
    plan.framing.content_length = plan.length = request.body.bytes().size();
    plan.sending = plan.length > kWriteFirst ? Sending::Length : Sending::Whole;
  } else if (request.method == Method::Post || request.method == Method::Put || request.method == Method::Patch) {
    plan.framing.content_length = 0;
  }
  return plan;
}

/// A head at the front of what was read, if it is whole and not a 1xx: those are passed over. Size 0: it is not here yet.
Result<ResponseHead> take_head(Link1& link, Method method, std::size_t limit, Headers& headers, Attempt& attempt) {
  while (!link.in.empty()) {
    attempt.answered = true;
    auto head = parse_response_head(link.in.view(), method, limit, headers);
    if (!head || head->size == 0) return head;
    link.in.consume(head->size);
    if (head->status >= 200 || head->status == 101) return head;
  }
  return ResponseHead();
}

Error closed_too_early(const Link1& link, const Attempt& attempt) {
  const std::string peer = link.transport->peer().to_string();
  return reset(attempt.answered ? peer + " closed within the response head" : peer + " closed before it answered");
}

class Exchange1 : public std::enable_shared_from_this<Exchange1> {
 public:
  Exchange1(std::unique_ptr<Link1> link, runtime::Semaphore::Permit permit, std::shared_ptr<Links1> home)
      : link_(std::move(link)), permit_(std::move(permit)), home_(std::move(home)) {}
  ~Exchange1() { release(); }

  /// For a body that is sent while the answer is read. `self` is this, held while the task runs.
  Task<Result<void>> begin(std::shared_ptr<Exchange1> self, Context& ctx, Request& request, Response& response, Outgoing outgoing, std::size_t max_head,
                           Attempt& attempt);
  /// The head was read: the body comes from here.
  void begin_body(const ResponseHead& head, bool keep_alive) { kind_ = head.body, left_ = head.length, keep_alive_ = keep_alive; }
  Task<Result<std::optional<std::string_view>>> next(Context& ctx);
  const Headers* trailers() const { return kind_ == Kind::Chunked ? &chunks_.trailers() : nullptr; }
  /// Nobody reads on.
  void drop();

 private:
  class Sink;

  void start_upload(Context& ctx, std::unique_ptr<BodyProducer> producer, Sending sending, std::uint64_t length);
  static void on_upload_end(void* self, const std::optional<Error>& error);
  Task<Result<ResponseHead>> read_head(Context& ctx, Method method, std::size_t limit, Headers& headers, Attempt& attempt);
  Task<Result<std::size_t>> read(Context& ctx, std::size_t size);
  std::optional<Result<std::string_view>> take_piece();
  Error fail(Error error);
  void release();

  std::unique_ptr<Link1> link_;
  runtime::Semaphore::Permit permit_;
  std::shared_ptr<Links1> home_;
  std::shared_ptr<Upload> upload_;
  Cancel* reading_ = nullptr;
  bool write_failed_ = false;

  Kind kind_ = Kind::None;
  std::uint64_t left_ = 0;
  codec1::ChunkedDecoder chunks_;
  std::size_t taken_ = 0;  // bytes of link_->in that the last piece covers
  bool complete_ = false;
  bool keep_alive_ = false;
};

/// Writes the upload's bytes to the connection, chunked or as many as were announced.
class Exchange1::Sink final : public UploadSink {
 public:
  Sink(std::shared_ptr<Exchange1> exchange, Sending sending, std::uint64_t length)
      : exchange_(std::move(exchange)), sending_(sending), left_(length) {}

  Task<Result<void>> write(Context& ctx, std::string_view bytes) override {
    if (bytes.empty()) co_return Result<void>();
    if (sending_ == Sending::Length) {
      if (bytes.size() > left_) co_return invalid_argument("a request body is longer than its content-length");
      left_ -= bytes.size();
    }
    if (sending_ == Sending::Chunked) {
      out_.clear();
      codec1::write_chunk(out_, bytes);
      bytes = out_.view();
    }
    co_return co_await send(ctx, bytes);
  }
  void set_trailer(std::string_view name, std::string_view value) override { trailers_.add(name, value); }
  Task<Result<void>> finish(Context& ctx) override {
    if (sending_ == Sending::Length && left_ > 0) co_return invalid_argument("a request body is shorter than its content-length");
    if (sending_ == Sending::Tunnel) exchange_->link_->transport->shutdown_write();
    if (sending_ != Sending::Chunked) co_return Result<void>();
    out_.clear();
    codec1::write_last_chunk(out_, trailers_);
    co_return co_await send(ctx, out_.view());
  }

 private:
  Task<Result<void>> send(Context& ctx, std::string_view bytes) {
    auto written = co_await exchange_->link_->transport->write_all(ctx, bytes);
    if (written) co_return Result<void>();
    exchange_->write_failed_ = true;
    co_return as_reset(std::move(written).error());
  }

  std::shared_ptr<Exchange1> exchange_;
  Sending sending_;
  std::uint64_t left_;
  Buffer out_;
  Headers trailers_;
};

class Body1 final : public BodySource {
 public:
  explicit Body1(std::shared_ptr<Exchange1> exchange) : exchange_(std::move(exchange)) {}
  ~Body1() override { exchange_->drop(); }
  Task<Result<std::optional<std::string_view>>> next(Context& ctx) override { return exchange_->next(ctx); }
  const Headers* trailers() const override { return exchange_->trailers(); }
  void abandon() override { exchange_->drop(); }

 private:
  std::shared_ptr<Exchange1> exchange_;
};

Task<Result<void>> Exchange1::begin(std::shared_ptr<Exchange1> self, Context& ctx, Request& request, Response& response, Outgoing outgoing,
                                    std::size_t max_head, Attempt& attempt) {
  Buffer out;
  codec1::write_request_head(out, request, outgoing.framing);
  auto written = co_await link_->transport->write_all(ctx, out.view());
  if (!written && (written.error().code() == Code::Cancelled || written.error().code() == Code::DeadlineExceeded))
    co_return fail(std::move(written).error());
  if (written && (outgoing.sending == Sending::Length || outgoing.sending == Sending::Chunked)) {
    attempt.started = true;
    start_upload(ctx, take_producer(request), outgoing.sending, outgoing.length);
  }
  auto head = co_await read_head(ctx, request.method, max_head, response.headers, attempt);
  if (!head) {
    response.headers.clear();
    if (!written) co_return fail(as_reset(std::move(written).error()));
    if (upload_ && upload_->error() && !write_failed_) co_return fail(*upload_->error());
    co_return fail(std::move(head).error());
  }
  response.status = head->status;
  begin_body(*head, head->keep_alive && written);
  if (kind_ == Kind::Tunnel && (request.upload || !request.body.is_whole())) {
    attempt.started = true;
    start_upload(ctx, take_producer(request), Sending::Tunnel, 0);
  }
  if (kind_ == Kind::None) complete_ = true;
  response.body = Body(std::make_unique<Body1>(std::move(self)));
  co_return Result<void>();
}

void Exchange1::start_upload(Context& ctx, std::unique_ptr<BodyProducer> producer, Sending sending, std::uint64_t length) {
  upload_ = std::make_shared<Upload>(ctx);
  auto sink = std::make_shared<Sink>(shared_from_this(), sending, length);
  Upload::start(upload_, std::move(producer), std::move(sink), &Exchange1::on_upload_end, shared_from_this());
}

void Exchange1::on_upload_end(void* self, const std::optional<Error>& error) {
  auto& exchange = *static_cast<Exchange1*>(self);
  if (!error) return;
  exchange.keep_alive_ = false;
  // The producer gave up: there will be no answer. After a failed write there may be one: a refusal sent before the body was read.
  if (!exchange.write_failed_ && exchange.reading_) exchange.reading_->cancel(*error);
}

Task<Result<ResponseHead>> Exchange1::read_head(Context& ctx, Method method, std::size_t limit, Headers& headers, Attempt& attempt) {
  for (;;) {
    auto head = take_head(*link_, method, limit, headers, attempt);
    if (!head || head->size > 0) co_return std::move(head);
    YUN_TRY(count, co_await read(ctx, kReadSize));
    if (count == 0) co_return closed_too_early(*link_, attempt);
  }
}

Task<Result<std::size_t>> Exchange1::read(Context& ctx, std::size_t size) {
  Cancel broken(ctx);
  reading_ = &broken;
  if (upload_ && upload_->error() && !write_failed_) broken.cancel(*upload_->error());
  auto room = link_->in.prepare(size);
  auto count = co_await link_->transport->read(broken, room);
  reading_ = nullptr;
  if (!count) co_return as_reset(std::move(count).error());
  link_->in.commit(*count);
  co_return *count;
}

Task<Result<std::optional<std::string_view>>> Exchange1::next(Context& ctx) {
  for (;;) {
    if (link_) link_->in.consume(std::exchange(taken_, 0));
    if (complete_ || !link_) {
      if (upload_ && !upload_->ended()) {
        keep_alive_ = false;  // the answer came before the request was all sent: the connection is of no more use
        upload_->stop();
        co_await upload_->join();
      }
      if (!complete_) co_return reset("the response was abandoned");
      release();
      co_return std::nullopt;
    }
    if (!link_->in.empty()) {
      auto piece = take_piece();
      if (piece && !*piece) co_return fail(std::move(*piece).error());
      if (piece) co_return std::optional<std::string_view>(**piece);
      if (complete_) continue;
    }
    auto count = co_await read(ctx, left_ > kReadSize ? 4 * kReadSize : kReadSize);
    if (!count) co_return fail(std::move(count).error());
    if (*count > 0) continue;
    if (kind_ != Kind::UntilClose && kind_ != Kind::Tunnel) co_return fail(reset(link_->transport->peer().to_string() + " broke the response off"));
    complete_ = true;
  }
}

/// The next piece of what is buffered; nullopt if there is none in it.
std::optional<Result<std::string_view>> Exchange1::take_piece() {
  const std::string_view in = link_->in.view();
  if (kind_ == Kind::Length) {
    taken_ = static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), left_));
    left_ -= taken_;
    complete_ = left_ == 0;
    return in.substr(0, taken_);
  }
  if (kind_ != Kind::Chunked) {
    taken_ = in.size();
    return in;
  }
  for (;;) {
    const auto step = chunks_.decode(link_->in.view());
    switch (step.state) {
      case codec1::ChunkedDecoder::Step::State::Data:
        taken_ = step.consumed;
        return step.data;
      case codec1::ChunkedDecoder::Step::State::NeedMore: link_->in.consume(step.consumed); return std::nullopt;
      case codec1::ChunkedDecoder::Step::State::Done:
        link_->in.consume(step.consumed);
        complete_ = true;
        return std::nullopt;
      case codec1::ChunkedDecoder::Step::State::Failed:
        return unavailable("bad response from upstream: " + std::string(chunks_.error().detail))
            .with_reason("upstream_protocol")
            .with_http_status(502);
    }
  }
}

Error Exchange1::fail(Error error) {
  keep_alive_ = false;
  if (upload_) upload_->stop();
  if (!upload_ || upload_->ended()) release();
  return error;
}

void Exchange1::drop() {
  if (complete_ && (!upload_ || upload_->ended())) {
    if (link_) link_->in.consume(std::exchange(taken_, 0));
  } else {
    keep_alive_ = false;
  }
  if (upload_ && !upload_->ended()) {
    upload_->stop();  // it holds this exchange, and with it the connection, until it has ended
    return;
  }
  release();
}

void Exchange1::release() {
  if (!link_) return;
  auto link = std::move(link_);
  if (keep_alive_ && complete_ && link->in.empty()) home_->give_back(std::move(link));
  permit_ = runtime::Semaphore::Permit();
}

/// The usual exchange: the request goes out at once, and most often the answer is whole when it is seen. One frame, no object of its own.
Task<Result<void>> exchange_whole(Context& ctx, Request& request, Response& response, std::unique_ptr<Link1> link, runtime::Semaphore::Permit permit,
                                  Links1& home, std::size_t max_head, codec1::HeadFraming framing, Attempt& attempt) {
  runtime::Transport& transport = *link->transport;
  (void)co_await runtime::Loop::current().later(runtime::Phase::Request);  // gives nothing; what is put off holds no buffer yet
  Buffer out;
  out.swap(home.spare_out);
  codec1::write_request_head(out, request, framing);
  out.append(request.body.bytes());
  const Io sent = transport.try_write(out.view());
  if (sent.state == Io::State::Done) out.consume(sent.bytes);
  Result<void> written;
  if (!out.empty()) written = co_await transport.write_all(ctx, out.view());
  if (!written && (written.error().code() == Code::Cancelled || written.error().code() == Code::DeadlineExceeded)) co_return std::move(written).error();
  out.clear();
  out.shrink(kReadSize);
  out.swap(home.spare_out);

  ResponseHead head;
  Result<void> read;
  while (read && head.size == 0) {
    auto taken = take_head(*link, request.method, max_head, response.headers, attempt);
    if (taken) head = *taken;
    if (!taken) read = std::move(taken).error();
    if (!read || head.size > 0) break;
    if (!transport.has_pending()) read = co_await transport.watch().ready(ctx, transport.wanted(runtime::Interest::Read));
    if (!read) break;
    if (link->in.capacity() == 0) link->in.swap(home.spare_in);
    const Io io = transport.try_read(link->in.prepare(kReadSize));
    if (io.state == Io::State::Done) link->in.commit(io.bytes);
    if (io.state == Io::State::Closed) read = closed_too_early(*link, attempt);
    if (io.state == Io::State::Failed) read = as_reset(from_errno(io.error, "read from " + transport.peer().to_string()));
  }
  if (!read) {
    response.headers.clear();
    if (!written) co_return as_reset(std::move(written).error());
    co_return as_reset(std::move(read).error());
  }

  response.status = head.status;
  const bool keep_alive = head.keep_alive && written;
  const bool is_whole = head.body == Kind::None || (head.body == Kind::Length && link->in.size() >= head.length);
  if (!is_whole) {
    auto rest = std::make_shared<Exchange1>(std::move(link), std::move(permit), home.shared_from_this());
    rest->begin_body(head, keep_alive);
    response.body = Body(std::make_unique<Body1>(std::move(rest)));
    co_return Result<void>();
  }
  response.body.assign(link->in.view().substr(0, head.length));
  link->in.consume(head.length);
  if (keep_alive && link->in.empty()) home.give_back(std::move(link));
  link.reset();
  permit = runtime::Semaphore::Permit();
  co_return Result<void>();
}

}  // namespace

bool Link1::is_reusable() {
  if (transport->watch().hung_up()) return false;
  if (!transport->watch().is_ready(runtime::Interest::Read) && !transport->has_pending()) return true;
  char byte = 0;
  return transport->try_read(std::span<char>(&byte, 1)).state == Io::State::WouldBlock;
}

Task<Result<void>> exchange1(Context& ctx, Request& request, Response& response, std::unique_ptr<Link1> link, runtime::Semaphore::Permit permit,
                             Links1& home, std::size_t max_head, Attempt& attempt) {
  attempt.reused = link->reused;
  const Outgoing outgoing = plan(request);
  if (outgoing.sending == Sending::Nothing || outgoing.sending == Sending::Whole)
    return exchange_whole(ctx, request, response, std::move(link), std::move(permit), home, max_head, outgoing.framing, attempt);
  auto exchange = std::make_shared<Exchange1>(std::move(link), std::move(permit), home.shared_from_this());
  Exchange1& begun = *exchange;
  return begun.begin(std::move(exchange), ctx, request, response, outgoing, max_head, attempt);
}

}  // namespace yun::http::client
