#pragma once
// EtcdClient: the calls of etcd's API v3 that the driver makes, in its own words. Private to the driver.
//
//     const EtcdKeys users{.key = "services/users/", .prefix = true};
//     YUN_TRY(found, co_await client.range(ctx, users));
//     YUN_TRY(watch, co_await client.watch(ctx, users, found.revision + 1));
//     YUN_TRY(changes, co_await watch->next(ctx));

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "yun/discovery/etcd/etcd.hpp"
#include "yun/rpc/call.hpp"
#include "yun/rpc/channel.hpp"
#include "yun/rpc/stub.hpp"

namespace yun::discovery {

struct EtcdKeys {
  std::string key;
  bool prefix = false;  ///< every key that begins with it
};
struct EtcdEntry {
  std::string key;
  std::string value;
};
struct EtcdFound {
  std::int64_t revision = 0;  ///< that all of it had
  std::vector<EtcdEntry> entries;
};
struct EtcdChange {
  bool deleted = false;
  std::int64_t revision = 0;
  EtcdEntry entry;
};

/// A stream and what it was opened with.
struct EtcdStream {
  Context life;
  rpc::ClientCall call{life};
  std::unique_ptr<rpc::CallStream> stream;
};

/// A watch that has begun. Ends with it.
class EtcdWatch {
 public:
  explicit EtcdWatch(std::unique_ptr<EtcdStream> stream);
  ~EtcdWatch();
  EtcdWatch(const EtcdWatch&) = delete;
  EtcdWatch& operator=(const EtcdWatch&) = delete;

  /// What happened since the last call, at least one change. Past the Context's end the watch goes on. OutOfRange with reason `registry_compacted` when changes
  /// are missing: etcd has dropped their revisions, or nobody asked for 10,000 changes; any other error ends the watch too.
  Task<Result<std::vector<EtcdChange>>> next(Context& ctx);

 private:
  struct Feed;
  static Task<void> pump(std::shared_ptr<Feed> feed);
  std::shared_ptr<Feed> feed_;
};

/// A stream on which one lease is renewed. Ends with it; after an error a new one is opened.
class EtcdKeepAlive {
 public:
  /// NotFound if there is no such lease any more.
  Task<Result<void>> renew(Context& ctx, std::int64_t lease);

 private:
  friend class EtcdClient;
  std::unique_ptr<EtcdStream> stream_;
};

class EtcdClient {
 public:
  /// `target` outlives the client. Bad files of certificates are each call's error.
  explicit EtcdClient(const EtcdTarget& target);

  /// Each within five seconds, at one of the servers or, when nothing came of that, at another. Unavailable with what etcd said otherwise.
  Task<Result<EtcdFound>> range(Context& ctx, EtcdKeys keys);
  Task<Result<void>> put(Context& ctx, EtcdEntry entry, std::int64_t lease);
  Task<Result<std::int64_t>> grant(Context& ctx, Duration ttl);
  /// A lease that is gone already is well too.
  Task<Result<void>> revoke(Context& ctx, std::int64_t lease);
  /// What happens from `revision` on.
  Task<Result<std::unique_ptr<EtcdWatch>>> watch(Context& ctx, EtcdKeys keys, std::int64_t revision);
  Task<Result<std::unique_ptr<EtcdKeepAlive>>> keep_alive(Context& ctx);

 private:
  template <typename Out, typename In>
  Task<Result<Out>> call(Context& ctx, const rpc::ClientMethod& method, In request);
  /// A token if there is a user and none is known.
  Task<Result<void>> sign_in(Context& ctx);
  Task<Result<std::unique_ptr<EtcdStream>>> open(Context& ctx, const rpc::ClientMethod& method);
  Result<rpc::Channel*> channel() const;

  const EtcdTarget& target_;
  Result<std::shared_ptr<rpc::Channel>> channel_;
  std::optional<std::string> token_;  ///< "": etcd asks for none
};

}  // namespace yun::discovery
