#include "yun/http/client/dial.hpp"

#include "yun/base/buffer.hpp"
#include "yun/base/units.hpp"
#include "yun/http/client/response_parser.hpp"

namespace yun::http::client {

Error no_connection(std::string message) {
  return unavailable(std::move(message)).with_reason("upstream_connect").with_retry_after(std::chrono::seconds(1));
}

std::string Destination::key() const {
  std::string key = url.scheme + "://" + url.host + ":" + std::to_string(url.port);
  if (address) key += "@" + address->to_string();
  if (proxy) key += " by " + proxy->authority;
  return key;
}

Task<Result<std::unique_ptr<runtime::Transport>>> Dialer::dial(Context& ctx, Destination to) {
  Context within(ctx, timeout_);
  auto dialled = co_await dial_within(within, to);
  if (dialled) co_return std::move(dialled);
  YUN_CHECK(ctx.check());
  Error why = std::move(dialled).error();
  if (why.reason() == "upstream_certificate") co_return why;
  const std::string name = to.address ? to.address->to_string() : to.url.host + ":" + std::to_string(to.url.port);
  if (why.code() == Code::DeadlineExceeded) co_return no_connection("connect to " + name + " took longer than " + format_duration(timeout_));
  std::string message = why.message();
  co_return no_connection(std::move(message)).caused_by(std::move(why));
}

Task<Result<std::unique_ptr<runtime::Transport>>> Dialer::dial_within(Context& ctx, const Destination& to) {
  YUN_TRY(addresses, co_await find(ctx, to));
  Result<std::unique_ptr<runtime::Socket>> socket = unavailable("'" + to.url.host + "' has no address");
  for (const runtime::Address& address : addresses) {
    socket = co_await runtime::connect(ctx, address);
    if (socket || ctx.done()) break;
  }
  if (!socket) co_return std::move(socket).error();
  if (to.proxy && to.url.scheme == "https") YUN_CHECK(co_await tunnel(ctx, **socket, to));
  if (to.url.scheme != "https") co_return std::unique_ptr<runtime::Transport>(std::move(*socket));
  if (!tls_) co_return failed_precondition("TLS is not set up");
  auto transport = tls_->connect(std::move(*socket), to.url.host);
  auto shaken = co_await tls::handshake(ctx, *transport);
  if (shaken) co_return std::move(transport);
  if (shaken.error().code() == Code::Unauthenticated) co_return std::move(shaken).error().with_reason("upstream_certificate").with_http_status(502);
  co_return std::move(shaken).error();
}

Task<Result<std::vector<runtime::Address>>> Dialer::find(Context& ctx, const Destination& to) {
  if (to.address) co_return std::vector<runtime::Address>{*to.address};
  const Url& url = to.proxy ? *to.proxy : to.url;
  const auto known = known_.find(url.host);
  std::vector<runtime::Address> addresses;
  if (known != known_.end() && known->second.expires > Clock::now()) {
    addresses = known->second.addresses;
  } else {
    auto found = co_await dns_.lookup(ctx, url.host);
    if (!found) {
      // The last known good addresses are better than none while the name server is away.
      const auto last = known_.find(url.host);
      if (last == known_.end() || found.error().code() == Code::NotFound) co_return std::move(found).error();
      addresses = last->second.addresses;
    } else {
      if (known_.size() >= kMaxKnown) known_.clear();
      known_[url.host] = {found->addresses, Clock::now() + found->ttl};
      addresses = std::move(found->addresses);
    }
  }
  for (runtime::Address& address : addresses) address = address.with_port(url.port);
  co_return addresses;
}

Task<Result<void>> Dialer::tunnel(Context& ctx, runtime::Socket& socket, const Destination& to) {
  const bool v6 = to.url.host.find(':') != std::string::npos;
  const std::string name = (v6 ? "[" + to.url.host + "]" : to.url.host) + ":" + std::to_string(to.url.port);
  const std::string request = "CONNECT " + name + " HTTP/1.1\r\nhost: " + name + "\r\n\r\n";
  YUN_CHECK(co_await socket.write_all(ctx, request));
  // Nothing may come behind the head: TLS begins with us.
  Buffer in;
  Headers headers;
  for (;;) {
    auto room = in.prepare(4_KiB);
    YUN_TRY(count, co_await socket.read(ctx, room));
    if (count == 0) co_return unavailable("proxy " + to.proxy->authority + " closed the connection");
    in.commit(count);
    YUN_TRY(head, parse_response_head(in.view(), Method::Connect, 16_KiB, headers));
    if (head.size == 0) continue;
    if (head.status / 100 != 2) co_return unavailable("proxy " + to.proxy->authority + " answered CONNECT with " + std::to_string(head.status));
    if (in.size() != head.size) co_return unavailable("proxy " + to.proxy->authority + " sent bytes before TLS began");
    co_return Result<void>();
  }
}

}  // namespace yun::http::client
