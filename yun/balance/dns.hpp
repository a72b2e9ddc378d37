#pragma once
// Dns: names to addresses without blocking, by c-ares on the loop's own reactor. /etc/hosts and /etc/resolv.conf as everyone reads them.
//
//     balance::Dns dns;
//     YUN_TRY(found, co_await dns.lookup(ctx, "users.svc"));
//
// One loop. Lookups of the same kind run side by side; each is its own query (callers cache by `ttl`).

#include <memory>
#include <string>
#include <vector>

#include "yun/balance/endpoint.hpp"
#include "yun/base/result.hpp"
#include "yun/base/units.hpp"
#include "yun/observe/context.hpp"
#include "yun/runtime/task.hpp"

namespace yun::balance {

class Dns {
 public:
  struct Options {
    std::string server;  ///< "ip:port" of the one name server to ask; "" = those of /etc/resolv.conf
    Duration timeout = std::chrono::seconds(2);  ///< of one try
    int tries = 2;                               ///< at each name server
    Duration min_ttl = std::chrono::seconds(1);
    Duration max_ttl = std::chrono::minutes(5);
  };
  struct Found {
    std::vector<runtime::Address> addresses;  ///< port 0
    Duration ttl{};                           ///< the smallest of the records, within [min_ttl, max_ttl]
  };
  struct Service {
    std::string host;
    std::uint16_t port = 0;
    unsigned priority = 0;
    unsigned weight = 0;
  };
  struct FoundServices {
    std::vector<Service> services;  ///< those of the best (lowest) priority
    Duration ttl{};
  };

  Dns() : Dns(Options{}) {}
  explicit Dns(Options options) : options_(std::move(options)) {}

  /// A and AAAA records, also /etc/hosts; a literal address and "localhost" are answered at once. NotFound if the name does not exist or has no
  /// address, Unavailable (reason dns_failed) if no name server answered.
  Task<Result<Found>> lookup(Context& ctx, std::string host) const;
  /// SRV records of RFC 2782 ("_grpc._tcp.users.svc").
  Task<Result<FoundServices>> lookup_services(Context& ctx, std::string name) const;

 private:
  Options options_;
};

}  // namespace yun::balance
