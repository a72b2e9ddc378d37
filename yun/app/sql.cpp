// App::open_sql, apart so that a program without a database links none.

#include "yun/sql/sql.hpp"

#include "yun/app/state.hpp"
#include "yun/config/mask.hpp"

namespace yun {

Result<sql::Pool> App::open_sql(const std::string& url) { return open_sql(url, {}); }

Result<sql::Pool> App::open_sql(const std::string& url, sql::PoolOptions options) {
  options.metrics = &state_->metrics;
  state_->parts.push_back({"sql", config::masked_url(url)});
  return sql::open(url, std::move(options));
}

}  // namespace yun
