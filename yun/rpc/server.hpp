#pragma once
// Server: gRPC as a content type on an http server: it is an http::Handler for POST requests of application/grpc.
//
//     Users users(pool);                               // : shop::v1::UserService::Service
//     rpc::Server server;
//     server.add(users);
//     router.fallback / http::Server ...               // give it requests for which rpc::is_grpc(request) holds
//
// Health (grpc.health.v1) and reflection (v1 and v1alpha) are on by default. Add services before the first request; afterwards the server is
// immutable and shared by all loops.

#include <memory>
#include <string_view>

#include "yun/base/units.hpp"
#include "yun/http/message.hpp"
#include "yun/observe/metrics/registry.hpp"
#include "yun/rpc/health.hpp"
#include "yun/rpc/options.hpp"
#include "yun/rpc/service.hpp"

namespace yun::rpc {

/// True if the content type is application/grpc or application/grpc+proto (with or without parameters).
bool is_grpc(const http::Request& request);

struct ServerOptions {
  /// A message over this (compressed or after decompression) ends the call with RESOURCE_EXHAUSTED.
  std::size_t max_message = 4_MiB;
  Compress compress = Compress::Mirror;
  /// Smaller answers are never compressed.
  std::size_t compress_from = 1_KiB;
  bool health = true;
  bool reflection = true;
  /// Where rpc_server_* are counted; null: nowhere. Must outlive the server.
  observe::metrics::Registry* registry = nullptr;
};

class Server final : public http::Handler {
 public:
  explicit Server(ServerOptions options = {});
  ~Server() override;

  /// `service` must outlive the server. Two of one name are a bug: std::logic_error.
  void add(Service& service);
  /// What grpc.health.v1 answers: tie it to readiness with set_serving().
  Health& health();

  /// 415 for another content type; every other outcome is HTTP 200 with a grpc-status.
  Task<void> handle(Context& ctx, http::Request& request, http::Response& response) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace yun::rpc
