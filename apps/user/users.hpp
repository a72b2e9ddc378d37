#pragma once
// Users: the rows of the user database, those that are asked for by id through a cache: a user never changes once made.

#include <optional>
#include <string>
#include <vector>

#include "yun/cache/cache.hpp"
#include "yun/observe/context.hpp"
#include "yun/sql/sql.hpp"

namespace shop {

struct UserRow {
  std::string id, name, email;
  yun::Time created_at{};
};

class Users {
 public:
  Users(yun::sql::Pool pool, yun::cache::Cache cache) : pool_(std::move(pool)), cache_(std::move(cache)) {}

  yun::Task<yun::Result<void>> migrate(yun::Context& ctx);

  /// AlreadyExists if the e-mail address is taken, in any letter case.
  yun::Task<yun::Result<UserRow>> create(yun::Context& ctx, std::string name, std::string email, std::string password_hash);
  /// NotFound for an id of any form that is not there; that is remembered for a few seconds.
  yun::Task<yun::Result<UserRow>> find(yun::Context& ctx, std::string id);
  /// Those that exist, in the order asked for.
  yun::Task<yun::Result<std::vector<UserRow>>> find_all(yun::Context& ctx, std::vector<std::string> ids);

  struct Page {
    std::vector<UserRow> users;
    std::string next_page_token;
  };
  /// Oldest first. `page_token` is what the last page gave, "" for the first.
  yun::Task<yun::Result<Page>> list(yun::Context& ctx, int page_size, std::string page_token);

  struct Credentials {
    std::string id, password_hash;
  };
  /// nullopt if nobody has the address.
  yun::Task<yun::Result<std::optional<Credentials>>> credentials(yun::Context& ctx, std::string email);

 private:
  yun::Task<yun::Result<UserRow>> load(yun::Context& ctx, std::string id);

  yun::sql::Pool pool_;
  yun::cache::Cache cache_;
};

}  // namespace shop
