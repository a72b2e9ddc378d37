#pragma once
// One Consul agent's HTTP API. Private to the driver.

#include "yun/discovery/consul/consul.hpp"
#include "yun/http/client/client.hpp"

namespace yun::discovery {

/// What a read gave, and the index to wait behind.
struct ConsulAnswer {
  int status = 0;
  std::uint64_t index = 0;
  std::string body;
};

class ConsulApi {
 public:
  explicit ConsulApi(const ConsulTarget& target);
  /// A blocking query: gives what there is at once for index 0, else when that has changed or `wait` is over. `path` has its query already or none.
  Task<Result<ConsulAnswer>> read(Context& ctx, std::string path, std::uint64_t index, Duration wait);
  /// PUT within five seconds. NotFound for a 404, Unavailable for any other failure, with what Consul said.
  Task<Result<void>> put(Context& ctx, std::string path, std::string body);

 private:
  Task<Result<ConsulAnswer>> call(Context& ctx, http::Method method, std::string path, std::string body);
  const ConsulTarget& target_;
  http::Client client_;
};

/// The index to ask with next.
std::uint64_t next_index(std::uint64_t asked, std::uint64_t answered);

}  // namespace yun::discovery
