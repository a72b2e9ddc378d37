#include "yun/balance/dns.hpp"

#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "yun/base/strings.hpp"
#include "yun/runtime/loop.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::balance {

namespace {

using runtime::Interest;

/// One query: a c-ares channel whose sockets are watched by this loop. Sockets are watched through a duplicate, since c-ares closes its own
/// from within its calls.
class Query {
 public:
  Query() = default;
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query() {
    if (channel_) ares_destroy(channel_);
  }

  Result<void> start(const Dns::Options& options) {
    ares_options given{};
    given.timeout = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options.timeout).count());
    given.tries = options.tries;
    given.sock_state_cb = &Query::on_socket;
    given.sock_state_cb_data = this;
    const int status = ares_init_options(&channel_, &given, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status != ARES_SUCCESS) return internal_error(std::string("c-ares: ") + ares_strerror(status)).with_reason("dns_failed");
    if (!options.server.empty() && ares_set_servers_ports_csv(channel_, options.server.c_str()) != ARES_SUCCESS)
      return invalid_argument("'" + options.server + "' is not a name server's address").with_reason("dns_failed");
    return {};
  }

  ares_channel channel() { return channel_; }
  void finish(int status) {
    status_ = status;
    done_.set();
  }
  int status() const { return status_; }

  /// Until the callback has said finish(), or `ctx` ends.
  Task<Result<void>> run(Context& ctx) {
    tasks_.spawn(tick(this));
    auto waited = co_await done_.wait(ctx);
    ending_ = true;
    ares_destroy(std::exchange(channel_, nullptr));  // ends what is still open, closes the sockets
    stop_.cancel();
    co_await tasks_.join();
    co_return waited;
  }

 private:
  struct Watched {
    runtime::Fd copy;
    runtime::Watch watch;
    int fd;
    bool open = true;
    bool writing = false;
    Cancel closed;
    Watched(int original, Cancel& parent) : copy(::dup(original)), watch(copy.get()), fd(original), closed(parent) {
      watch.block(Interest::Read);  // epoll tells of what is there already; c-ares must not be entered from its own callback
      watch.block(Interest::Write);
    }
  };

  static void on_socket(void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<Query*>(self)->on_socket(fd, readable != 0, writable != 0);
  }

  void on_socket(int fd, bool readable, bool writable) {
    auto& watched = sockets_[fd];
    if (!readable && !writable) {
      if (watched) {
        watched->open = false;
        watched->closed.cancel();
      }
      sockets_.erase(fd);
      return;
    }
    if (!watched) {
      watched = std::make_shared<Watched>(fd, stop_);
      tasks_.spawn(serve(this, watched, Interest::Read));
    }
    if (writable && !watched->writing) {
      watched->writing = true;
      tasks_.spawn(serve(this, watched, Interest::Write));
    }
  }

  static Task<void> serve(Query* self, std::shared_ptr<Watched> socket, Interest interest) {
    const short wanted = interest == Interest::Read ? POLLIN : POLLOUT;
    while (socket->open) {
      auto ready = co_await socket->watch.ready(socket->closed, interest);
      if (!ready || !socket->open || self->ending_) break;
      socket->watch.block(interest);
      for (int round = 0; round < 64 && socket->open && !self->ending_; ++round) {
        const ares_socket_t none = ARES_SOCKET_BAD;
        ares_process_fd(self->channel_, interest == Interest::Read ? socket->fd : none, interest == Interest::Write ? socket->fd : none);
        if (interest == Interest::Write || !socket->open) break;
        pollfd state{socket->fd, wanted, 0};
        if (::poll(&state, 1, 0) <= 0 || (state.revents & wanted) == 0) break;
      }
      if (socket->open && socket->watch.hung_up()) {
        auto slept = co_await runtime::sleep_for(socket->closed, std::chrono::milliseconds(10));
        if (!slept) break;
      }
    }
    if (interest == Interest::Write) socket->writing = false;
  }

  static Task<void> tick(Query* self) {
    while (!self->ending_) {
      timeval room{};
      const timeval* left = ares_timeout(self->channel_, nullptr, &room);
      const Duration wait = left ? std::chrono::seconds(left->tv_sec) + std::chrono::microseconds(left->tv_usec) : Duration(std::chrono::seconds(1));
      auto slept = co_await runtime::sleep_for(self->stop_, std::max(wait, Duration(std::chrono::milliseconds(1))));
      if (!slept || self->ending_) break;
      ares_process_fd(self->channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
  }

  ares_channel channel_ = nullptr;
  std::map<int, std::shared_ptr<Watched>> sockets_;
  Cancel stop_;
  runtime::Event done_;
  runtime::Scope tasks_;
  int status_ = ARES_ENODATA;
  bool ending_ = false;
};

Error dns_error(const std::string& name, int status) {
  std::string message = "look up '" + name + "': " + ares_strerror(status);
  if (status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME)
    return not_found(std::move(message)).with_reason("dns_failed");
  return unavailable(std::move(message)).with_reason("dns_failed").with_retry_after(std::chrono::seconds(1));
}

struct Lookup {
  Query query;
  Dns::Found found;
};

void on_addresses(void* argument, int status, int, ares_addrinfo* result) {
  auto& lookup = *static_cast<Lookup*>(argument);
  if (status == ARES_SUCCESS && result) {
    int ttl = INT32_MAX;
    for (auto* node = result->nodes; node; node = node->ai_next) {
      ttl = std::min(ttl, node->ai_ttl);
      const auto address = runtime::Address::from_sockaddr(node->ai_addr, node->ai_addrlen).with_port(0);
      if (std::ranges::find(lookup.found.addresses, address) == lookup.found.addresses.end()) lookup.found.addresses.push_back(address);
    }
    lookup.found.ttl = std::chrono::seconds(ttl);
  }
  if (result) ares_freeaddrinfo(result);
  lookup.query.finish(status);
}

struct ServiceLookup {
  Query query;
  Dns::FoundServices found;
};

/// The TTL of the first answer; c-ares 1.18 parses SRV records without it.
std::int64_t first_ttl(const unsigned char* answer, int size) {
  const auto u16 = [&](int at) { return at + 2 <= size ? answer[at] << 8 | answer[at + 1] : 0; };
  int at = 12;
  const auto skip_name = [&] {
    while (at < size) {
      const int length = answer[at];
      if (length >= 0xC0) {
        at += 2;
        return;
      }
      at += length + 1;
      if (length == 0) return;
    }
  };
  for (int question = u16(4); question > 0 && at < size; --question) {
    skip_name();
    at += 4;
  }
  if (u16(6) == 0) return 0;
  skip_name();
  return static_cast<std::int64_t>(u16(at + 4)) << 16 | u16(at + 6);
}

void on_services(void* argument, int status, int, unsigned char* answer, int size) {
  auto& lookup = *static_cast<ServiceLookup*>(argument);
  ares_srv_reply* records = nullptr;
  if (status == ARES_SUCCESS) status = ares_parse_srv_reply(answer, size, &records);
  if (status == ARES_SUCCESS) {
    unsigned best = UINT16_MAX;
    for (auto* record = records; record; record = record->next) best = std::min<unsigned>(best, record->priority);
    for (auto* record = records; record; record = record->next) {
      if (record->priority != best) continue;
      lookup.found.services.push_back({record->host, record->port, record->priority, record->weight});
    }
    lookup.found.ttl = std::chrono::seconds(first_ttl(answer, size));
  }
  if (records) ares_free_data(records);
  lookup.query.finish(status);
}

Result<void> start_library() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  if (status != ARES_SUCCESS) return internal_error(std::string("c-ares: ") + ares_strerror(status));
  return {};
}

}  // namespace

Task<Result<Dns::Found>> Dns::lookup(Context& ctx, std::string host) const {
  Found at_once;
  at_once.ttl = options_.max_ttl;
  if (auto literal = runtime::Address::parse((host.find(':') == std::string::npos ? host : "[" + host + "]") + ":0"); literal && !host.empty()) {
    at_once.addresses.push_back(*literal);
    co_return at_once;
  }
  if (iequals(host, "localhost")) {
    at_once.addresses.push_back(*runtime::Address::parse("127.0.0.1:0"));
    co_return at_once;
  }
  YUN_CHECK(start_library());
  auto lookup = std::make_unique<Lookup>();
  YUN_CHECK(lookup->query.start(options_));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(lookup->query.channel(), host.c_str(), nullptr, &hints, &on_addresses, lookup.get());
  YUN_CHECK(co_await lookup->query.run(ctx));
  if (lookup->query.status() != ARES_SUCCESS) co_return dns_error(host, lookup->query.status());
  if (lookup->found.addresses.empty()) co_return dns_error(host, ARES_ENODATA);
  // IPv4 first: the address that works in more networks; dialling goes on to the others.
  std::ranges::stable_sort(lookup->found.addresses, {}, [](const runtime::Address& address) { return address.family() != AF_INET; });
  lookup->found.ttl = std::clamp(lookup->found.ttl, options_.min_ttl, options_.max_ttl);
  co_return std::move(lookup->found);
}

Task<Result<Dns::FoundServices>> Dns::lookup_services(Context& ctx, std::string name) const {
  YUN_CHECK(start_library());
  auto lookup = std::make_unique<ServiceLookup>();
  YUN_CHECK(lookup->query.start(options_));
  ares_query(lookup->query.channel(), name.c_str(), ns_c_in, ns_t_srv, &on_services, lookup.get());
  YUN_CHECK(co_await lookup->query.run(ctx));
  if (lookup->query.status() != ARES_SUCCESS) co_return dns_error(name, lookup->query.status());
  lookup->found.ttl = std::clamp(lookup->found.ttl, options_.min_ttl, options_.max_ttl);
  co_return std::move(lookup->found);
}

}  // namespace yun::balance
