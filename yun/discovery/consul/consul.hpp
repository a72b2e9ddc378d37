#pragma once
// The consul:// driver: Consul's HTTP API (v1), proven on Consul 1.22.
//
//     consul://host:8500/users?tag=v2&dc=eu&token=..&stale=true     finds the instances of users that pass their checks
//     consul://host:8500?check=http&interval=5s                     registers this program
//     consul://host:8500/config/gateway.yaml                        a key as a config::Source
//
// Finding: a blocking query (index rules as Consul documents them: an index that goes back begins anew, never below 1), so a change is seen in
// milliseconds; stale=true lets any server answer. Known (known.hpp) keeps the last good set: guard=30s, keep=FILE.
// Registering: check=ttl (default: this program says every third of ttl=15s that it lives), http (GET /health) or grpc (grpc.health.v1), asked by
// Consul each interval=10s. An instance that is critical for critical_for=1m is dropped. tag= may be given several times.
// consuls:// is the same over TLS. A token may also come as CONSUL_HTTP_TOKEN.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "yun/balance/resolver.hpp"
#include "yun/config/source.hpp"
#include "yun/discovery/registry.hpp"

namespace yun::discovery {

struct ConsulTarget {
  enum class Check : std::uint8_t { Ttl, Http, Grpc };
  std::string url;   ///< as given, without a token
  std::string base;  ///< "http://host:8500"
  std::string path;  ///< service or key
  std::string token;
  std::string datacenter;
  std::vector<std::string> tags;
  bool stale = false;
  Duration guard = std::chrono::seconds(30);
  std::string keep_in;
  Check check = Check::Ttl;
  Duration ttl = std::chrono::seconds(15);
  Duration interval = std::chrono::seconds(10);
  Duration critical_for = std::chrono::minutes(1);
};

/// InvalidArgument that says what is wrong, never the token.
Result<ConsulTarget> parse_consul_url(std::string_view url);

/// For the current loop. Errors: parse_consul_url's, or no service in the path.
Result<std::unique_ptr<balance::Resolver>> open_consul_resolver(std::string_view url);
Result<std::unique_ptr<Registry>> open_consul_registry(std::string_view url);
/// The value of a key, and each change. A key that is not there is NotFound, said once. Errors: as above.
Result<std::unique_ptr<config::Source>> open_consul_source(std::string_view url);

}  // namespace yun::discovery
