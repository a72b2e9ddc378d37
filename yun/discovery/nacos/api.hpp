#pragma once
// NacosApi: Nacos's HTTP API v1. Private to the driver.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "yun/discovery/nacos/nacos.hpp"
#include "yun/http/client/channel.hpp"

namespace yun::discovery {

struct NacosAnswer {
  int status = 0;
  std::string body;
};

class NacosApi {
 public:
  /// Of a query or a form; sent encoded.
  using Parameters = std::vector<std::pair<std::string_view, std::string>>;

  /// `target` outlives the client.
  explicit NacosApi(const NacosTarget& target);

  /// `path` is below /nacos/v1. Within five seconds, at one of the servers, at another if nothing came of that (but for a POST that was sent). Gives 200
  /// and 404; any other status is Unavailable with what the server said.
  Task<Result<NacosAnswer>> call(Context& ctx, http::Method method, std::string path, Parameters query);
  /// Waits up to `wait` until the configuration differs from `text` (null: from being absent). True if it does.
  Task<Result<bool>> listen(Context& ctx, const std::string* text, Duration wait);

 private:
  struct Call {
    http::Method method;
    std::string path;
    std::string query;  ///< encoded
    std::string form = {};
    Duration listen_for = {};
  };
  Task<Result<NacosAnswer>> send(Context& ctx, Call call);
  Task<Result<NacosAnswer>> once(Context& ctx, const Call& call);
  Task<Result<void>> sign_in(Context& ctx);

  const NacosTarget& target_;
  Result<std::unique_ptr<http::Channel>> channel_;
  std::string token_;
};

}  // namespace yun::discovery
