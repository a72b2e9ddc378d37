#pragma once
// Servers: the servers of one registry as endpoints of a channel, so that a call goes to another when one is away. Private to the room's drivers.

#include <memory>
#include <string>
#include <vector>

#include "yun/balance/resolver.hpp"

namespace yun::discovery {

/// For the current loop: all addresses of all `hosts` ("host:port"; names are looked up again when they fail). InvalidArgument for what is no host.
Result<std::unique_ptr<balance::Resolver>> open_servers(const std::vector<std::string>& hosts, bool tls);

/// The same as one text, for a channel's URL: "https://a:1,b:2".
std::string servers_url(const std::vector<std::string>& hosts, bool tls);

}  // namespace yun::discovery
