#pragma once
// Health: what grpc.health.v1 answers. Thread-safe; watchers on every loop are told of changes.
//
//     server.health().set_serving(false);                        // while draining: readiness
//     server.health().set("shop.v1.UserService", false);         // one service of several

#include <memory>
#include <string>
#include <string_view>

#include "yun/rpc/service.hpp"

namespace yun::rpc {

class Health {
 public:
  Health();
  ~Health();
  Health(const Health&) = delete;
  Health& operator=(const Health&) = delete;

  /// The whole program (service ""); false overrides every service. True at first.
  void set_serving(bool serving);
  /// One service; makes it known if it was not.
  void set(std::string_view service, bool serving);
  /// The gRPC service that answers from this.
  Service& service();

  struct State;

 private:
  std::shared_ptr<State> state_;
  std::unique_ptr<Service> service_;
};

}  // namespace yun::rpc
