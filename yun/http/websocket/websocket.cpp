#include "yun/http/websocket/websocket.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "yun/base/strings.hpp"
#include "yun/http/problem.hpp"

namespace yun::http {

namespace {

using websocket::FrameEvent;
using websocket::Opcode;

bool has_token(std::string_view list, std::string_view token) {
  return std::ranges::any_of(split(list, ','), [&](std::string_view each) { return iequals(each, token); });
}

std::string accept_key(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 1.3
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return to_base64(std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()));
}

bool is_allowed_origin(const Request& request, const WebSocketOptions& options) {
  const auto origin = request.headers.get("origin");
  if (!origin) return true;
  for (const auto& allowed : options.origins) {
    if (allowed == "*" || iequals(allowed, *origin)) return true;
  }
  const auto host = origin->find("://");
  return host != std::string_view::npos && iequals(origin->substr(host + 3), request.authority);
}

std::optional<Error> check_handshake(const Request& request, const WebSocketOptions& options) {
  const Headers& headers = request.headers;
  if (request.version == Version::Http10 || request.method != Method::Get) return invalid_argument("a websocket begins with GET over HTTP/1.1, or CONNECT over HTTP/2");
  if (!has_token(headers.joined("upgrade"), "websocket") || !has_token(headers.joined("connection"), "upgrade"))
    return invalid_argument("this is a websocket: upgrade: websocket is required").with_http_status(426).with_reason("upgrade_required");
  if (headers.get("sec-websocket-version") != "13")
    return invalid_argument("only websocket version 13 is spoken here").with_http_status(426).with_reason("websocket_version");
  if (request.version == Version::Http11) {  // HTTP/2 has no need of it: nothing but a websocket's client sends :protocol
    const auto key = from_base64(headers.get("sec-websocket-key").value_or(""));
    if (!key || key->size() != 16) return invalid_argument("sec-websocket-key must be 16 bytes in base64");
  }
  if (!is_allowed_origin(request, options)) return permission_denied("pages of this origin may not connect").with_reason("foreign_origin");
  return std::nullopt;
}

}  // namespace

WebSocket::WebSocket(Tunnel& tunnel, WebSocketOptions options, std::string protocol)
    : tunnel_(tunnel), options_(std::move(options)), protocol_(std::move(protocol)), decoder_(websocket::Side::Server, options_.max_message) {}

Task<Result<std::optional<WebSocket::Message>>> WebSocket::receive(Context& ctx) {
  using Kind = FrameEvent::Kind;
  for (;;) {
    if (got_close_) co_return std::optional<Message>();
    FrameEvent event = decoder_.next();
    switch (event.kind) {
      case Kind::NeedMore: {
        YUN_CHECK(co_await read_more(ctx));
        break;
      }
      case Kind::Text: co_return std::optional<Message>(Message{std::move(event.payload), Message::Kind::Text});
      case Kind::Binary: co_return std::optional<Message>(Message{std::move(event.payload), Message::Kind::Binary});
      case Kind::Ping: {
        if (sent_close_) break;
        YUN_CHECK(co_await write_frame(ctx, Opcode::Pong, std::move(event.payload)));
        break;
      }
      case Kind::Pong: break;
      case Kind::Close:
        got_close_ = true;
        close_code_ = event.code;
        close_reason_ = std::move(event.payload);
        break;
      case Kind::Failed: {
        got_close_ = true;  // nothing that follows can be understood
        close_code_ = event.code;
        auto told = co_await close(ctx, event.code, event.payload);
        (void)told;  // the fault itself matters more
        co_return invalid_argument("websocket: " + event.payload).with_reason("websocket_protocol");
      }
    }
  }
}

Task<Result<void>> WebSocket::read_more(Context& ctx) {
  std::array<char, 4096> bytes;
  for (bool pinged = false;; pinged = true) {
    Cancel until_ping(ctx, Clock::now() + options_.ping_interval);
    auto got = co_await tunnel_.read(until_ping, bytes);
    if (got) {
      if (*got == 0) co_return unavailable("websocket: the peer is gone");
      decoder_.feed(std::string_view(bytes.data(), *got));
      co_return Result<void>();
    }
    if (got.error().code() != Code::DeadlineExceeded || ctx.done()) co_return std::move(got).error();
    if (pinged) co_return unavailable("websocket: the peer does not answer");
    if (!sent_close_) YUN_CHECK(co_await write_frame(ctx, Opcode::Ping, std::string()));
  }
}

Task<Result<void>> WebSocket::send(Context& ctx, Message message) {
  if (sent_close_ || got_close_) co_return failed_precondition("websocket: it is closed");
  const Opcode opcode = message.kind == Message::Kind::Text ? Opcode::Text : Opcode::Binary;
  auto written = co_await write_frame(ctx, opcode, std::move(message.data));
  co_return written;
}

Task<Result<void>> WebSocket::close(Context& ctx, std::uint16_t code, std::string reason) {
  if (std::exchange(sent_close_, true)) co_return Result<void>();
  std::string payload = code == websocket::kNoCode ? std::string() : websocket::close_payload(code, reason);
  auto written = co_await write_frame(ctx, Opcode::Close, std::move(payload));
  co_return written;
}

Task<Result<void>> WebSocket::write_frame(Cancel& cancel, Opcode opcode, std::string payload) {
  std::string frame;
  frame.reserve(payload.size() + 10);
  websocket::append_frame(frame, opcode, payload);
  YUN_TRY(permit, co_await turn_.acquire(cancel));
  (void)permit;
  auto written = co_await tunnel_.write_all(cancel, frame);
  co_return written;
}

/// Within close_timeout, and even if the connection's own Context has ended: the peer should know that it was no accident.
Task<void> WebSocket::say_goodbye(Result<void> outcome) {
  Context closing(runtime::Loop::current().root(), Clock::now() + options_.close_timeout);
  if (!sent_close_) {
    std::uint16_t code = websocket::kNormal;
    if (got_close_) code = close_code_;
    else if (!outcome) code = outcome.error().code() == Code::Cancelled ? websocket::kGoingAway : websocket::kInternal;
    auto told = co_await close(closing, code);
    if (!told) co_return;
  }
  while (!got_close_) {
    auto rest = co_await receive(closing);
    if (!rest) co_return;
  }
}

struct WebSocketServer {
  static Task<void> serve(Context& ctx, Tunnel& tunnel, std::shared_ptr<WebSocketFunction> function, WebSocketOptions options, std::string protocol) {
    WebSocket socket(tunnel, std::move(options), std::move(protocol));
    Result<void> outcome;
    std::exception_ptr thrown;
    try {
      Task<Result<void>> running = (*function)(ctx, socket);
      outcome = co_await std::move(running);
    } catch (...) {
      thrown = std::current_exception();
      outcome = internal_error("a websocket's function threw");
    }
    Task<void> goodbye = socket.say_goodbye(std::move(outcome));
    (void)co_await std::move(goodbye);  // void
    if (thrown) std::rethrow_exception(thrown);
  }
};

Response accept_websocket(Context& ctx, const Request& request, WebSocketFunction function, WebSocketOptions options) {
  if (const auto fault = check_handshake(request, options)) {
    Response refused = problem(ctx, *fault);
    if (refused.status == 426) {
      refused.headers.set("upgrade", "websocket");
      refused.headers.set("connection", "upgrade");
      refused.headers.set("sec-websocket-version", "13");
    }
    return refused;
  }
  Response response;
  if (request.version == Version::Http11) {
    response.status = 101;
    response.headers.set("upgrade", "websocket");
    response.headers.set("connection", "upgrade");
    response.headers.set("sec-websocket-accept", accept_key(*request.headers.get("sec-websocket-key")));
  }
  std::string protocol;
  const std::string offered = request.headers.joined("sec-websocket-protocol");
  for (const auto each : split(offered, ',')) {
    if (std::ranges::find(options.protocols, each) == options.protocols.end()) continue;
    protocol = each;
    response.headers.set("sec-websocket-protocol", protocol);
    break;
  }
  response.upgrade = [function = std::make_shared<WebSocketFunction>(std::move(function)), options = std::move(options), protocol](Context& upgraded, Tunnel& tunnel) {
    return WebSocketServer::serve(upgraded, tunnel, function, options, protocol);
  };
  return response;
}

}  // namespace yun::http
