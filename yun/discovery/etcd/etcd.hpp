#pragma once
// The etcd:// driver: etcd's API v3 over our own gRPC client, proven on etcd 3.6.
//
//     etcd://h1:2379,h2:2379/users?tag=v2                finds the instances of users: the keys below services/users/
//     etcd://h1:2379/shop/users                          the same below shop/users/
//     etcd://h1:2379?ttl=15s   etcd://h1:2379/shop       registers this program as services/SERVICE/ID, or shop/SERVICE/ID
//     etcd://h1:2379/config/gateway.yaml                 a key as a config::Source
//
// An instance is a key with a JSON value, {"address":"10.0.0.1:8080","weight":1,"meta":{..},"tags":[..]}, under a lease: renewed every third of ttl=15s,
// granted anew with the key put again when etcd has lost it, revoked by deregister(). Finding: the keys at one revision, then a watch from the next one, so that
// a change is seen in milliseconds; a watch whose revision was compacted begins anew. Known (known.hpp) keeps the last good set: guard=30s, keep=FILE.
// Of several servers another is asked when one fails. etcds:// (or tls=true) is TLS: ca=FILE, cert=FILE, key=FILE. etcd://user:password@.. signs in, and again
// when the token is over; ETCD_USERNAME and ETCD_PASSWORD stand for them. tag= may be given several times: an instance must have all of them.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "yun/balance/resolver.hpp"
#include "yun/config/source.hpp"
#include "yun/discovery/registry.hpp"

namespace yun::discovery {

struct EtcdTarget {
  std::string url;  ///< without user, password and parameters
  std::vector<std::string> hosts;
  std::string path;  ///< prefix, service or key
  std::string user;
  std::string password;
  bool tls = false;
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  std::vector<std::string> tags;
  Duration ttl = std::chrono::seconds(15);
  Duration guard = std::chrono::seconds(30);
  std::string keep_in;
};

/// InvalidArgument that says what is wrong, never the password.
Result<EtcdTarget> parse_etcd_url(std::string_view url);

/// For the current loop. Errors: parse_etcd_url's, or no service in the path.
Result<std::unique_ptr<balance::Resolver>> open_etcd_resolver(std::string_view url);
Result<std::unique_ptr<Registry>> open_etcd_registry(std::string_view url);
/// The value of a key, and each change. A key that is not there is NotFound, said once. Errors: as above.
Result<std::unique_ptr<config::Source>> open_etcd_source(std::string_view url);

}  // namespace yun::discovery
