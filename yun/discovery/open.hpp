#pragma once
// open: the resolver, registry or configuration of a URL. The one table of drivers is in all/open.cpp; a new driver is one file and one line there.
//
//   static://  dns://  http://  https://    as balance::open takes them
//   consul://  consuls://                    Consul (consul.hpp)
//   etcd://  etcds://                        etcd (etcd/etcd.hpp)
//   nacos://                                 Nacos (nacos/nacos.hpp)
//   kubernetes://                            not in this build: a clear error

#include <memory>
#include <string_view>

#include "yun/balance/resolver.hpp"
#include "yun/config/source.hpp"
#include "yun/discovery/registry.hpp"

namespace yun::discovery {

/// A resolver for the current loop. InvalidArgument for a bad URL or an unknown scheme (with the nearest known one), Unimplemented for a driver that
/// is not in this build.
Result<std::unique_ptr<balance::Resolver>> open(std::string_view url);

/// Where a program makes itself known. static:// does nothing (whoever lists the addresses knows it already); errors as open().
Result<std::unique_ptr<Registry>> open_registry(std::string_view url);

/// A configuration that is kept there (a key, a dataId), and each change. InvalidArgument for a URL that keeps none; errors as open().
Result<std::unique_ptr<config::Source>> open_source(std::string_view url);

}  // namespace yun::discovery
