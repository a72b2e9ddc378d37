#pragma once
// Users: the rows of the user database.

#include <optional>
#include <string>
#include <vector>

#include "yun/observe/context.hpp"
#include "yun/sql/sql.hpp"

namespace shop {

struct UserRow {
  std::string id, name, email;
  yun::Time created_at{};
};

class Users {
 public:
  explicit Users(yun::sql::Pool pool) : pool_(std::move(pool)) {}

  yun::Task<yun::Result<void>> migrate(yun::Context& ctx);

  /// AlreadyExists if the e-mail address is taken, in any letter case.
  yun::Task<yun::Result<UserRow>> create(yun::Context& ctx, std::string name, std::string email, std::string password_hash);
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
  yun::sql::Pool pool_;
};

}  // namespace shop
