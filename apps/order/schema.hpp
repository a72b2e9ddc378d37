#pragma once
// The order database's tables and first products, for each kind of database.

#include "yun/sql/sql.hpp"

namespace shop {

const std::vector<yun::sql::Migration>& migrations(yun::sql::Dialect dialect);

}  // namespace shop
