// /debug/pools: what clients, databases and caches count of themselves.

#include "yun/app/debug/samples.hpp"
#include "yun/app/debug/sections/sections.hpp"

namespace yun::app::debug {

json::Value describe_pools(const Program& program) {
  return tables(read_samples(program.metrics), {"sql_", "cache_", "redis_", "http_client_", "rpc_client_"});
}

}  // namespace yun::app::debug
