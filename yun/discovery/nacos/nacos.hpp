#pragma once
// The nacos:// driver: Nacos's HTTP API v1 (servers 1.x and 2.x), proven on r-nacos 0.8, a server of the same protocol.
//
//     nacos://h1:8848,h2:8848/users?namespace=prod&group=shop     finds the healthy instances of users
//     nacos://h1:8848?group=shop&beat=5s                          registers this program
//     nacos://h1:8848/gateway.yaml?group=shop                     a configuration (dataId) as a config::Source
//
// Finding: the list is asked for each interval=1s. Known (known.hpp) keeps the last good set: guard=30s, keep=FILE. Registering: an ephemeral instance that says
// each beat=5s that it lives; it is unhealthy after three that are missing and gone after six, where the server lets instances say so. A server that has forgotten
// it is told again. Configuration: a long poll, answered when the text changes.
// group= is DEFAULT_GROUP, namespace= is public, cluster= is DEFAULT (registering) or all (finding). nacos://user:password@.. signs in, and again when the token is
// over; NACOS_USERNAME and NACOS_PASSWORD stand for them. tls=true speaks HTTPS, ca=FILE says who may sign the server's certificate.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "yun/balance/resolver.hpp"
#include "yun/config/source.hpp"
#include "yun/discovery/registry.hpp"

namespace yun::discovery {

struct NacosTarget {
  std::string url;  ///< without user, password and parameters
  std::vector<std::string> hosts;
  std::string path;  ///< service or dataId
  std::string user;
  std::string password;
  std::string name_space;
  std::string group = "DEFAULT_GROUP";
  std::string cluster;
  bool tls = false;
  std::string ca_file;
  Duration beat = std::chrono::seconds(5);
  Duration interval = std::chrono::seconds(1);
  Duration guard = std::chrono::seconds(30);
  std::string keep_in;
};

/// InvalidArgument that says what is wrong, never the password.
Result<NacosTarget> parse_nacos_url(std::string_view url);

/// For the current loop. Errors: parse_nacos_url's, or no service in the path.
Result<std::unique_ptr<balance::Resolver>> open_nacos_resolver(std::string_view url);
Result<std::unique_ptr<Registry>> open_nacos_registry(std::string_view url);
/// The text of a configuration, and each change. One that is not there is NotFound, said once. Errors: as above.
Result<std::unique_ptr<config::Source>> open_nacos_source(std::string_view url);

}  // namespace yun::discovery
