#include "yun/discovery/etcd/client.hpp"

#include "yun/discovery/etcd/messages.pb.h"
#include "yun/discovery/servers.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::discovery {

namespace {

using namespace std::chrono_literals;

constexpr Duration kShortCall = 5s;

// etcd's own names for what messages.proto describes.
constexpr rpc::ClientMethod kRange{"etcdserverpb.KV", "Range", "/etcdserverpb.KV/Range", rpc::Kind::Unary, true};
constexpr rpc::ClientMethod kPut{"etcdserverpb.KV", "Put", "/etcdserverpb.KV/Put", rpc::Kind::Unary, true};
constexpr rpc::ClientMethod kGrant{"etcdserverpb.Lease", "LeaseGrant", "/etcdserverpb.Lease/LeaseGrant", rpc::Kind::Unary, true};
constexpr rpc::ClientMethod kRevoke{"etcdserverpb.Lease", "LeaseRevoke", "/etcdserverpb.Lease/LeaseRevoke", rpc::Kind::Unary, true};
constexpr rpc::ClientMethod kKeepAlive{"etcdserverpb.Lease", "LeaseKeepAlive", "/etcdserverpb.Lease/LeaseKeepAlive", rpc::Kind::Bidi};
constexpr rpc::ClientMethod kWatch{"etcdserverpb.Watch", "Watch", "/etcdserverpb.Watch/Watch", rpc::Kind::Bidi};
constexpr rpc::ClientMethod kAuthenticate{"etcdserverpb.Auth", "Authenticate", "/etcdserverpb.Auth/Authenticate", rpc::Kind::Unary, true};

rpc::ChannelOptions options_of(const EtcdTarget& target) {
  rpc::ChannelOptions options;
  options.max_message = 16_MiB;
  // Not below ten seconds: etcd takes more than one PING in five for an attack.
  options.ping_interval = 10s;
  options.ping_timeout = 5s;
  options.balance.policy = balance::Policy::RoundRobin;
  options.balance.max_consecutive_failures = 1;
  options.balance.max_consecutive_connect_failures = 1;
  options.tls.ca_file = target.ca_file;
  options.tls.certificate_file = target.certificate_file;
  options.tls.key_file = target.key_file;
  options.resolver = [hosts = target.hosts, tls = target.tls] { return open_servers(hosts, tls); };
  return options;
}

/// The first key behind all that begin with `prefix` (etcd's API: range_end).
std::string end_of(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (prefix.empty()) return std::string(1, '\0');
  ++prefix.back();
  return prefix;
}

template <typename Request>
void set_keys(Request& request, const EtcdKeys& keys) {
  request.set_key(keys.key);
  if (keys.prefix) request.set_range_end(end_of(keys.key));
}

/// The token is over, or was given before users changed; or etcd asks for one since it was asked last.
bool wants_token(const Error& error) {
  if (error.code() == Code::Unauthenticated) return true;
  return error.code() == Code::InvalidArgument &&
         (error.message().find("revision of auth store is old") != std::string_view::npos || error.message().find("user name is empty") != std::string_view::npos);
}

Error compacted(std::int64_t revision) {
  return Error(Code::OutOfRange, "etcd has compacted up to revision " + std::to_string(revision)).with_reason("registry_compacted");
}

Result<void> begun(const etcd::WatchResponse& answer) {
  if (answer.compact_revision() != 0) return compacted(answer.compact_revision());
  if (answer.canceled()) return unavailable("etcd ends the watch: " + answer.cancel_reason()).with_reason("registry_refused");
  return {};
}

}  // namespace

EtcdClient::EtcdClient(const EtcdTarget& target) : target_(target), channel_(rpc::Channel::open(servers_url(target.hosts, target.tls), options_of(target))) {}

Result<rpc::Channel*> EtcdClient::channel() const {
  if (!channel_) return channel_.error();
  return channel_->get();
}

Task<Result<void>> EtcdClient::sign_in(Context& ctx) {
  if (target_.user.empty() || token_) co_return Result<void>();
  YUN_TRY(channel, this->channel());
  etcd::AuthenticateRequest request;
  request.set_name(target_.user);
  request.set_password(target_.password);
  Context limited(ctx, kShortCall);
  auto answer = co_await rpc::detail::call_unary<etcd::AuthenticateResponse>(*channel, limited, kAuthenticate, request);
  if (answer) {
    token_ = answer->token();
  } else if (answer.error().code() == Code::FailedPrecondition) {
    token_ = "";  // authentication is not enabled
  } else {
    co_return std::move(answer).error().with_context("signing in at " + target_.url);
  }
  co_return Result<void>();
}

template <typename Out, typename In>
Task<Result<Out>> EtcdClient::call(Context& ctx, const rpc::ClientMethod& method, In request) {
  YUN_TRY(channel, this->channel());
  for (bool again = false;; again = true) {
    YUN_CHECK(co_await sign_in(ctx));
    rpc::ClientCall call(ctx, kShortCall);
    if (token_ && !token_->empty()) YUN_CHECK(call.metadata().add("token", *token_));
    auto answer = co_await rpc::detail::call_unary<Out>(*channel, call, method, request);
    if (answer) co_return answer;
    const bool outdated = wants_token(answer.error());
    if (outdated) token_.reset();
    if (!outdated || again || target_.user.empty()) co_return std::move(answer).error().with_context("etcd at " + target_.url);
  }
}

Task<Result<EtcdFound>> EtcdClient::range(Context& ctx, EtcdKeys keys) {
  etcd::RangeRequest request;
  set_keys(request, keys);
  YUN_TRY(answer, co_await call<etcd::RangeResponse>(ctx, kRange, std::move(request)));
  EtcdFound found{.revision = answer.header().revision(), .entries = {}};
  for (etcd::Entry& each : *answer.mutable_kvs()) found.entries.push_back({std::move(*each.mutable_key()), std::move(*each.mutable_value())});
  co_return found;
}

Task<Result<void>> EtcdClient::put(Context& ctx, EtcdEntry entry, std::int64_t lease) {
  etcd::PutRequest request;
  request.set_key(std::move(entry.key));
  request.set_value(std::move(entry.value));
  request.set_lease(lease);
  YUN_CHECK(co_await call<etcd::PutResponse>(ctx, kPut, std::move(request)));
  co_return Result<void>();
}

Task<Result<std::int64_t>> EtcdClient::grant(Context& ctx, Duration ttl) {
  etcd::LeaseGrantRequest request;
  request.set_ttl(std::chrono::ceil<std::chrono::seconds>(ttl).count());
  YUN_TRY(answer, co_await call<etcd::LeaseGrantResponse>(ctx, kGrant, std::move(request)));
  co_return answer.id();
}

Task<Result<void>> EtcdClient::revoke(Context& ctx, std::int64_t lease) {
  etcd::LeaseRevokeRequest request;
  request.set_id(lease);
  auto done = co_await call<etcd::LeaseRevokeResponse>(ctx, kRevoke, std::move(request));
  if (!done && done.error().code() != Code::NotFound) co_return std::move(done).error();
  co_return Result<void>();
}

Task<Result<std::unique_ptr<EtcdStream>>> EtcdClient::open(Context& ctx, const rpc::ClientMethod& method) {
  YUN_TRY(channel, this->channel());
  YUN_CHECK(co_await sign_in(ctx));
  auto opened = std::make_unique<EtcdStream>();
  rpc::Metadata& metadata = opened->call.metadata();
  if (token_ && !token_->empty()) YUN_CHECK(metadata.add("token", *token_));
  // A server that has lost its cluster's leader ends the stream, instead of staying silent for as long as that lasts.
  YUN_CHECK(metadata.add("hasleader", "true"));
  YUN_TRY(stream, co_await rpc::detail::open(*channel, opened->call, method, nullptr));
  opened->stream = std::move(stream);
  co_return opened;
}

Task<Result<std::unique_ptr<EtcdWatch>>> EtcdClient::watch(Context& ctx, EtcdKeys keys, std::int64_t revision) {
  YUN_TRY(opened, co_await open(ctx, kWatch));
  etcd::WatchRequest request;
  set_keys(*request.mutable_create_request(), keys);
  request.mutable_create_request()->set_start_revision(revision);
  Context limited(ctx, kShortCall);
  YUN_CHECK(co_await opened->stream->write(limited, request));
  etcd::WatchResponse answer;
  YUN_TRY(more, co_await opened->stream->read(limited, answer));
  if (!more) co_return unavailable("etcd at " + target_.url + " ends the watch").with_reason("registry_refused");
  YUN_CHECK(begun(answer));
  co_return std::make_unique<EtcdWatch>(std::move(opened));
}

/// What a task of its own reads: a read that is cut short would cost the stream (http::Body).
struct EtcdWatch::Feed {
  std::unique_ptr<EtcdStream> opened;
  std::vector<EtcdChange> changes;
  std::optional<Error> end;
  runtime::Event news;
};

EtcdWatch::EtcdWatch(std::unique_ptr<EtcdStream> stream) : feed_(std::make_shared<Feed>()) {
  feed_->opened = std::move(stream);
  runtime::Loop::current().spawn(pump(feed_));
}

EtcdWatch::~EtcdWatch() { feed_->opened->call.cancel(); }

Task<void> EtcdWatch::pump(std::shared_ptr<Feed> feed) {
  constexpr std::size_t kMostChanges = 10'000;
  while (!feed->end) {
    etcd::WatchResponse answer;
    auto more = co_await feed->opened->stream->read(feed->opened->call, answer);
    if (!more) {
      feed->end = std::move(more).error();
    } else if (!*more) {
      feed->end = unavailable("etcd has ended the watch").with_reason("registry_refused");
    } else if (auto good = begun(answer); !good) {
      feed->end = std::move(good).error();
    } else if (feed->changes.size() > kMostChanges) {
      feed->end = Error(Code::OutOfRange, "nobody has asked for the changes").with_reason("registry_compacted");
    } else {
      for (etcd::Event& each : *answer.mutable_events()) {
        etcd::Entry& entry = *each.mutable_kv();
        feed->changes.push_back({.deleted = each.type() == etcd::Event::DELETE, .revision = entry.mod_revision(), .entry = {std::move(*entry.mutable_key()), std::move(*entry.mutable_value())}});
      }
    }
    if (feed->end || !feed->changes.empty()) feed->news.set();
  }
}

Task<Result<std::vector<EtcdChange>>> EtcdWatch::next(Context& ctx) {
  const auto feed = feed_;
  while (feed->changes.empty() && !feed->end) {
    feed->news.reset();
    YUN_CHECK(co_await feed->news.wait(ctx));
  }
  if (feed->end) co_return *feed->end;
  co_return std::exchange(feed->changes, {});
}

Task<Result<std::unique_ptr<EtcdKeepAlive>>> EtcdClient::keep_alive(Context& ctx) {
  YUN_TRY(opened, co_await open(ctx, kKeepAlive));
  auto alive = std::make_unique<EtcdKeepAlive>();
  alive->stream_ = std::move(opened);
  co_return alive;
}

Task<Result<void>> EtcdKeepAlive::renew(Context& ctx, std::int64_t lease) {
  etcd::LeaseKeepAliveRequest request;
  request.set_id(lease);
  etcd::LeaseKeepAliveResponse answer;
  YUN_CHECK(co_await stream_->stream->write(ctx, request));
  YUN_TRY(more, co_await stream_->stream->read(ctx, answer));
  if (!more) co_return unavailable("etcd has ended the renewals").with_reason("registry_refused");
  if (answer.ttl() <= 0) co_return not_found("the lease is gone");
  co_return Result<void>();
}

}  // namespace yun::discovery
