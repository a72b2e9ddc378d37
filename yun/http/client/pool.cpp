#include "yun/http/client/pool.hpp"

namespace yun::http::client {

namespace {

/// A peer may go away several times in a row before it takes a request (a rolling restart, a server that ends its connections often).
constexpr int kMaxTries = 10;

enum class Speaks : std::uint8_t { Unknown, Http1, Http2 };

bool may_send_again(const Request& request, const Attempt& attempt, const Error& error) {
  if (attempt.started || attempt.answered || error.code() != Code::Unavailable) return false;
  if (attempt.unprocessed) return true;
  return attempt.reused && error.reason() == "upstream_reset" && is_idempotent(request);
}

}  // namespace

/// What is known of a destination and open to it.
struct Pool::Host final : Links1 {
  explicit Host(const ClientOptions& given)
      : options(given), permits(given.max_connections_per_host, given.max_waiting_per_host) {}

  void give_back(std::unique_ptr<Link1> link) override {
    if (closed || idle.size() >= options.max_idle_per_host) return;
    link->reused = true;
    link->idle_since = runtime::Loop::current().now();
    if (spare_in.capacity() == 0) link->in.swap(spare_in);
    link->in.shrink(0);
    idle.push_back(std::move(link));
  }
  /// The connection used last that still lives; null if there is none.
  std::unique_ptr<Link1> take() {
    while (!idle.empty()) {
      auto link = std::move(idle.back());
      idle.pop_back();
      if (link->is_reusable()) return link;
    }
    return nullptr;
  }
  void sweep(TimePoint now) {
    const TimePoint oldest = now - options.idle_timeout;
    std::erase_if(idle, [&](const auto& link) { return link->idle_since < oldest || !link->is_reusable(); });
    for (const auto& connection : http2) {
      if (connection->active() == 0 && connection->idle_since() < oldest) connection->drain();
    }
    std::erase_if(http2, [](const auto& connection) { return !connection->is_usable(); });
  }
  void close() {
    closed = true;
    idle.clear();
    for (const auto& connection : http2) connection->close(cancelled("the client is closed"));
    http2.clear();
  }
  bool is_unused() const { return idle.empty() && http2.empty() && !dialing && permits.available() == options.max_connections_per_host; }

  const ClientOptions& options;
  runtime::Semaphore permits;
  std::vector<std::unique_ptr<Link1>> idle;
  std::vector<std::shared_ptr<Connection2>> http2;
  Speaks speaks = Speaks::Unknown;
  bool closed = false;
  // One task dials for all that wait for a connection to share.
  bool dialing = false;
  runtime::Event dialled;
  std::uint64_t dials = 0;
  std::optional<Error> dial_error;
  std::size_t waiting = 0;
};

Pool::Pool(std::shared_ptr<const ClientOptions> options, std::shared_ptr<tls::TlsContext> tls)
    : options_(std::move(options)), dialer_(std::move(tls), options_->connect_timeout), stop_(runtime::Loop::current().root()) {}

void Pool::close() {
  closed_ = true;
  for (auto& [key, host] : hosts_) host->close();
  hosts_.clear();
  known_.fill(nullptr);
  stop_.cancel();
}

std::shared_ptr<Pool::Host> Pool::host(const std::string& key) {
  auto& host = hosts_[key];
  if (host) return host;
  host = std::make_shared<Host>(*options_);
  auto made = host;
  if (hosts_.size() == 1) runtime::Loop::current().spawn(sweep(shared_from_this()));
  if (hosts_.size() > options_->max_hosts) known_.fill(nullptr);  // no host is known that is not in hosts_
  if (hosts_.size() > options_->max_hosts) std::erase_if(hosts_, [&](const auto& entry) { return entry.second != made && entry.second->is_unused(); });
  return made;
}

/// Lives while there are hosts.
Task<void> Pool::sweep(std::shared_ptr<Pool> self) {
  const Duration period = std::max<Duration>(self->options_->idle_timeout / 4, std::chrono::milliseconds(10));
  while (!self->hosts_.empty()) {
    auto slept = co_await runtime::sleep_for(self->stop_, period);
    if (!slept) break;
    const TimePoint now = Clock::now();
    for (auto& [key, host] : self->hosts_) host->sweep(now);
  }
}

Task<Result<void>> Pool::send(Context& ctx, Destination to, Request& request, Response& response) {
  if (closed_) co_return cancelled("the client is closed");
  const auto host = this->host(to.key());
  co_return co_await send_to_host(ctx, to, request, response, host, nullptr);
}

std::shared_ptr<const Pool::Known>& Pool::slot(const runtime::Address& address) {
  const std::hash<std::string_view> hash;
  return known_[hash({static_cast<const char*>(address.data()), address.size()}) % known_.size()];
}

Task<Result<void>> Pool::send(Context& ctx, std::string_view scheme, std::string_view name, const runtime::Address& address, Request& request,
                              Response& response) {
  struct Once {
    static Task<Result<void>> give(Error error) { co_return error; }
  };
  if (closed_) return Once::give(cancelled("the client is closed"));
  std::shared_ptr<const Known> known = slot(address);
  if (!known || *known->to.address != address || known->name != name || known->to.url.scheme != scheme) {
    auto url = parse_authority(scheme, name);
    if (!url) return Once::give(std::move(url).error());
    auto fresh = std::make_shared<Known>();
    fresh->to.url = std::move(*url);
    fresh->to.address = address;
    fresh->name = name;
    fresh->host = host(fresh->to.key());
    slot(address) = known = fresh;
  }
  const Known& held = *known;
  return send_to_host(ctx, held.to, request, response, held.host, std::move(known));
}

/// `keep` holds what `to` is a part of.
Task<Result<void>> Pool::send_to_host(Context& ctx, const Destination& to, Request& request, Response& response, std::shared_ptr<Host> host,
                                      [[maybe_unused]] std::shared_ptr<const Known> keep) {
  const bool may_be_http2 = options_->http2 == Http2::PriorKnowledge || (options_->http2 == Http2::Negotiate && to.url.scheme == "https");
  bool sent_again = false;
  for (int tries = 1;; ++tries) {
    Attempt attempt;
    Task<Result<void>> task;
    if (may_be_http2 && host->speaks != Speaks::Http1) {
      task = try_once(ctx, to, request, response, host, attempt);
    } else {
      auto permit = host->permits.try_acquire();
      auto link = permit ? host->take() : nullptr;
      if (link) {
        task = exchange1(ctx, request, response, std::move(link), std::move(permit), *host, options_->max_response_head, attempt);
      } else {
        task = send_http1(ctx, to, request, response, host, nullptr, std::move(permit), attempt);
      }
    }
    auto sent = co_await std::move(task);
    if (sent || closed_ || tries == kMaxTries || !may_send_again(request, attempt, sent.error())) co_return std::move(sent);
    if (!attempt.unprocessed && std::exchange(sent_again, true)) co_return std::move(sent);
  }
}

Task<Result<void>> Pool::try_once(Context& ctx, const Destination& to, Request& request, Response& response, std::shared_ptr<Host> host, Attempt& attempt) {
  std::unique_ptr<runtime::Transport> transport;
  auto connection = co_await connection2(ctx, to, host, transport);
  if (!connection) co_return std::move(connection).error();
  if (*connection) {
    const std::shared_ptr<Connection2> shared = *connection;
    co_return co_await shared->exchange(ctx, request, response, attempt);
  }
  co_return co_await send_http1(ctx, to, request, response, host, std::move(transport), runtime::Semaphore::Permit(), attempt);
}

/// Over `transport`, a connection that waits, or a new one. `permit` may be empty.
Task<Result<void>> Pool::send_http1(Context& ctx, const Destination& to, Request& request, Response& response, std::shared_ptr<Host> host,
                                    std::unique_ptr<runtime::Transport> transport, runtime::Semaphore::Permit permit, Attempt& attempt) {
  if (!permit) {
    auto acquired = co_await host->permits.acquire(ctx);
    if (!acquired) {
      if (acquired.error().code() != Code::ResourceExhausted) co_return std::move(acquired).error();
      co_return resource_exhausted("too many requests wait for a connection to " + to.url.authority).with_reason("client_queue_full").with_http_status(503);
    }
    permit = std::move(*acquired);
  }
  std::unique_ptr<Link1> link;
  if (!transport) link = host->take();
  if (!link && !transport) {
    auto dialled = co_await dialer_.dial(ctx, to);
    if (!dialled) co_return std::move(dialled).error();
    transport = std::move(*dialled);
  }
  if (!link) {
    link = std::make_unique<Link1>();
    link->transport = std::move(transport);
  }
  co_return co_await exchange1(ctx, request, response, std::move(link), std::move(permit), *host, options_->max_response_head, attempt);
}

/// A connection with room for a stream; null with `http1` set (or with a host known to speak HTTP/1) if the peer chose HTTP/1.
Task<Result<std::shared_ptr<Connection2>>> Pool::connection2(Context& ctx, const Destination& to, std::shared_ptr<Host> host,
                                                             std::unique_ptr<runtime::Transport>& http1) {
  std::shared_ptr<Connection2> none;
  for (;;) {
    std::erase_if(host->http2, [](const auto& connection) { return !connection->is_usable(); });
    std::shared_ptr<Connection2> best;
    for (const auto& connection : host->http2) {
      if (connection->has_room() && (!best || connection->active() < best->active())) best = connection;
    }
    if (best) co_return best;
    if (host->closed) co_return cancelled("the client is closed");
    if (host->speaks == Speaks::Http1) co_return none;

    const bool may_dial = !host->dialing && host->http2.size() < options_->max_http2_connections_per_host;
    if (!may_dial) {
      if (host->waiting >= options_->max_waiting_per_host)
        co_return resource_exhausted("too many requests wait for a stream to " + to.url.authority).with_reason("client_queue_full").with_http_status(503);
      const std::uint64_t dial = host->dials;
      const bool for_dial = host->dialing;
      runtime::Event& event = for_dial ? host->dialled : host->http2.front()->changed();
      const auto held = for_dial ? nullptr : host->http2.front();
      event.reset();
      ++host->waiting;
      auto waited = co_await event.wait(ctx);
      --host->waiting;
      if (!waited) co_return std::move(waited).error();
      if (for_dial && host->dials == dial + 1 && host->dial_error) co_return *host->dial_error;
      continue;
    }

    host->dialing = true;
    auto dialled = co_await dialer_.dial(ctx, to);
    host->dialing = false;
    ++host->dials;
    host->dial_error.reset();
    // What only this caller's Context said is no news for the others.
    if (!dialled && dialled.error().reason() == "upstream_connect") host->dial_error = dialled.error();
    host->dialled.set();
    if (!dialled) co_return std::move(dialled).error();
    if (host->closed) co_return cancelled("the client is closed");
    const bool is_http2 = (*dialled)->is_tls() ? (*dialled)->alpn() == "h2" : options_->http2 == Http2::PriorKnowledge;
    if (!is_http2) {
      if (options_->http2 == Http2::PriorKnowledge)
        co_return unavailable(to.url.authority + " does not speak HTTP/2").with_reason("upstream_protocol").with_http_status(502);
      host->speaks = Speaks::Http1;
      http1 = std::move(*dialled);
      co_return none;
    }
    host->speaks = Speaks::Http2;
    Connection2::Options options;
    options.max_response_head = options_->max_response_head;
    options.max_streams = options_->max_streams_per_connection;
    options.stream_window = options_->stream_window;
    options.connection_window = options_->connection_window;
    options.ping_interval = options_->ping_interval;
    options.ping_timeout = options_->ping_timeout;
    auto started = Connection2::start(std::move(*dialled), options);
    // Or this would connect again and again, as fast as the peer closes.
    if (!started->is_usable()) co_return no_connection(to.url.authority + " closed a new connection at once");
    host->http2.push_back(std::move(started));
  }
}

}  // namespace yun::http::client
