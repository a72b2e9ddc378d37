#include "yun/cache/redis/wire.hpp"

#include <algorithm>

#include "yun/balance/dns.hpp"
#include "yun/base/ids.hpp"
#include "yun/tls/context.hpp"

namespace yun::cache::redis {

namespace {

using runtime::Interest;
constexpr std::size_t kRead = 16 << 10;
constexpr std::size_t kKeep = 64 << 10;

/// True for what a server before version 6 says to HELLO, and one that has renamed it away or does not speak RESP3.
bool knows_no_hello(const Error& error) {
  const std::string& text = error.message();
  return text.starts_with("redis: ERR unknown command") || text.starts_with("redis: NOPROTO");
}

Task<Result<std::unique_ptr<runtime::Transport>>> connect(Context& ctx, const Options& options) {
  const balance::Dns dns;
  auto finding = dns.lookup(ctx, options.host);
  YUN_TRY(found, co_await std::move(finding));
  Result<std::unique_ptr<runtime::Socket>> socket = unavailable("'" + options.host + "' has no address");
  for (const runtime::Address& address : found.addresses) {
    auto connecting = runtime::connect(ctx, address.with_port(options.port));
    socket = co_await std::move(connecting);
    if (socket || ctx.done()) break;
  }
  if (!socket) co_return std::move(socket).error();
  if (!options.tls) co_return std::unique_ptr<runtime::Transport>(std::move(*socket));
  auto transport = options.tls->connect(std::move(*socket), options.host);
  auto shaking = tls::handshake(ctx, *transport);
  YUN_CHECK(co_await std::move(shaking));
  co_return std::move(transport);
}

}  // namespace

Task<Result<Value>> Wire::read(Cancel& cancel) {
  for (;;) {
    YUN_TRY(reply, decoder_.decode(in_));
    if (reply) co_return std::move(*reply);
    in_.shrink(kKeep);
    // The last read took all there was: a try now would be a system call that says so.
    const Interest read = transport_->wanted(Interest::Read);
    if (!transport_->has_pending() && !transport_->watch().is_ready(read)) YUN_CHECK(co_await transport_->watch().ready(cancel, read));
    const auto room = in_.prepare(kRead);
    auto reading = transport_->read(cancel, room);
    YUN_TRY(count, co_await std::move(reading));
    if (count == 0) co_return unavailable("redis closed the connection").with_reason("redis_closed");
    in_.commit(count);
    heard_ = Clock::now();
  }
}

Task<Result<Value>> Wire::ask(Cancel& cancel, Command command) {
  Buffer out;
  command.append_to(out);
  auto writing = write(cancel, out.view());
  YUN_CHECK(co_await std::move(writing));
  for (;;) {
    auto reading = read(cancel);
    YUN_TRY(reply, co_await std::move(reading));
    if (reply.is(Value::Kind::Push)) continue;
    if (reply.is(Value::Kind::Error)) co_return to_error(reply);
    co_return std::move(reply);
  }
}

Task<Result<void>> hello(Cancel& cancel, Wire& wire, const Options& options) {
  Command command{"HELLO", "3"};
  if (!options.password.empty()) command.add("AUTH").add(options.user.empty() ? "default" : options.user).add(options.password);
  auto asking = wire.ask(cancel, std::move(command));
  auto greeted = co_await std::move(asking);
  wire.resp3_ = greeted.ok();
  if (!greeted && !knows_no_hello(greeted.error())) co_return std::move(greeted).error();
  if (!greeted && !options.password.empty()) {
    Command auth{"AUTH"};
    if (!options.user.empty()) auth.add(options.user);
    auth.add(options.password);
    auto authenticating = wire.ask(cancel, std::move(auth));
    YUN_CHECK(co_await std::move(authenticating));
  }
  Command select{"SELECT"};
  select.add(static_cast<std::int64_t>(options.database));
  // Also for database 0: it shows that the connection may be used at all.
  auto selecting = wire.ask(cancel, std::move(select));
  YUN_CHECK(co_await std::move(selecting));
  co_return Result<void>();
}

Task<Result<std::unique_ptr<Wire>>> dial(Context& ctx, const Options& options) {
  Context within(ctx, options.connect_timeout);
  auto connecting = connect(within, options);
  auto transport = co_await std::move(connecting);
  Result<void> greeted;
  std::unique_ptr<Wire> wire;
  if (transport) {
    wire = std::make_unique<Wire>(std::move(*transport), options.limits);
    auto greeting = hello(within, *wire, options);
    greeted = co_await std::move(greeting);
    if (greeted) co_return std::move(wire);
  }
  YUN_CHECK(ctx.check());
  Error why = transport ? std::move(greeted).error() : std::move(transport).error();
  if (why.code() == Code::Unauthenticated || why.code() == Code::PermissionDenied) co_return why;
  if (why.code() == Code::DeadlineExceeded) {
    co_return unavailable("redis at " + options.where() + " did not answer within " + format_duration(options.connect_timeout)).with_reason("redis_connect");
  }
  co_return unavailable(why.message()).with_reason("redis_connect").caused_by(std::move(why));
}

Duration pause_before(const Options& options, unsigned failures) {
  const unsigned doublings = std::min(failures > 0 ? failures - 1 : 0U, 20U);
  const Duration highest = std::min(options.backoff_max, options.backoff_base * (std::int64_t{1} << doublings));
  return Duration(static_cast<Duration::rep>(static_cast<double>(highest.count()) * random_unit()));
}

}  // namespace yun::cache::redis
