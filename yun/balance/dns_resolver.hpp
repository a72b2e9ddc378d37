#pragma once
// DnsResolver: the endpoints of a name, looked up again when their time to live is over or when they fail; the last known good ones
// while the name server is away.

#include "yun/balance/dns.hpp"
#include "yun/balance/resolver.hpp"

namespace yun::balance {

class DnsResolver final : public Resolver {
 public:
  struct Options {
    std::string name;       ///< for messages
    std::string host;       ///< "users.svc"; with srv "_grpc._tcp.users.svc"
    std::uint16_t port = 0;
    bool srv = false;
    std::string authority;  ///< "" = host:port
    Dns::Options dns;
    Duration min_refresh = std::chrono::seconds(1);   ///< never asked more often, whatever refresh() says
    Duration max_backoff = std::chrono::seconds(30);  ///< between tries while the name server is away
  };
  explicit DnsResolver(Options options) : options_(std::move(options)), dns_(options_.dns) {}
  Task<Result<EndpointSet>> resolve(Context& ctx) override;
  Task<Result<EndpointSet>> next(Context& ctx, std::uint64_t revision) override;
  void refresh() override;
  std::string_view name() const override { return options_.name; }

 private:
  Task<Result<void>> look(Context& ctx);
  Task<Result<std::vector<Endpoint>>> addresses(Context& ctx, Duration& ttl);
  Task<Result<std::vector<Endpoint>>> services(Context& ctx, Duration& ttl);
  TimePoint due() const;

  Options options_;
  Dns dns_;
  EndpointSet set_;
  TimePoint looked_;
  TimePoint expires_;
  Duration backoff_{};
  runtime::Event wanted_;
};

}  // namespace yun::balance
