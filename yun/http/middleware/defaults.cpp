#include "yun/http/middleware/defaults.hpp"

namespace yun::http {

std::vector<std::shared_ptr<Middleware>> default_middleware(DefaultOptions options) {
  if (!options.overload.registry) options.overload.registry = &options.registry;
  return {trace(options.tracer, std::move(options.trace)), request_id(), metrics(options.registry), access_log(std::move(options.access_log)),
          overload(std::move(options.overload))};
}

}  // namespace yun::http
