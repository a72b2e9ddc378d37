#include "apps/user/users.hpp"

#include "yun/base/ids.hpp"
#include "yun/base/strings.hpp"

namespace shop {

using yun::Result;
using yun::Task;

namespace {

const std::vector<yun::sql::Migration>& sqlite_migrations() {
  static const std::vector<yun::sql::Migration> list = {
      {"0001_users", R"(
        create table users (
          id text primary key, name text not null, email text not null, email_key text not null unique, password_hash text not null,
          created_at integer not null);)"},
      {"0002_signing_keys", "create table signing_keys (id text primary key, pem text not null, created_at integer not null);"},
  };
  return list;
}

/// Compared byte by byte, as SQLite does: names of people are not ids that a collation may take for each other.
const std::vector<yun::sql::Migration>& mysql_migrations() {
  static const std::vector<yun::sql::Migration> list = {
      {"0001_users", R"(
        create table users (
          id varchar(64) primary key, name varchar(400) not null, email varchar(400) not null, email_key varchar(400) not null unique,
          password_hash varchar(200) not null, created_at bigint not null) character set utf8mb4 collate utf8mb4_bin;)"},
      {"0002_signing_keys", R"(
        create table signing_keys (id varchar(64) primary key, pem varchar(2000) not null, created_at bigint not null)
          character set utf8mb4 collate utf8mb4_bin;)"},
  };
  return list;
}

constexpr std::size_t kLongestId = 64;
constexpr auto kCached = std::chrono::minutes(1);

yun::Error no_user() { return yun::not_found("no such user").with_reason("user_not_found"); }

constexpr const char* kSelect = "select id, name, email, created_at from users where id = ?";

}  // namespace

Task<Result<void>> Users::migrate(yun::Context& ctx) { co_return co_await yun::sql::migrate(ctx, pool_, pool_.dialect() == yun::sql::Dialect::Mysql ? mysql_migrations() : sqlite_migrations()); }

Task<Result<UserRow>> Users::create(yun::Context& ctx, std::string name, std::string email, std::string password_hash) {
  UserRow row{yun::new_id(), std::move(name), std::move(email), {}};
  row.created_at = yun::time_of_id(row.id);  // pages go by ids, and shall be sorted by time too
  const std::string key = yun::to_lower(row.email);
  auto inserted =
      co_await pool_.execute(ctx, "insert into users (id, name, email, email_key, password_hash, created_at) values (?, ?, ?, ?, ?, ?)", row.id,
                             row.name, row.email, key, password_hash, row.created_at);
  if (!inserted && inserted.error().code() == yun::Code::AlreadyExists)
    co_return yun::already_exists("the email address is taken").with_reason("email_taken");
  if (!inserted) co_return std::move(inserted).error();
  co_return row;
}

Task<Result<UserRow>> Users::find(yun::Context& ctx, std::string id) {
  if (id.size() > kLongestId) co_return no_user();  // none of ours, and no key for a cache
  auto loading = [this, id](yun::Context& load_ctx) { return load(load_ctx, id); };
  auto found = co_await cache_.get_or_load<UserRow>(ctx, "user:" + id, kCached, std::move(loading));
  if (!found && found.error().code() == yun::Code::NotFound) co_return no_user();
  co_return found;
}

Task<Result<UserRow>> Users::load(yun::Context& ctx, std::string id) {
  YUN_TRY(row, co_await pool_.maybe<UserRow>(ctx, kSelect, id));
  if (!row) co_return no_user();
  co_return std::move(*row);
}

Task<Result<std::vector<UserRow>>> Users::find_all(yun::Context& ctx, std::vector<std::string> ids) {
  std::vector<UserRow> found;
  for (const std::string& id : ids) {
    YUN_TRY(row, co_await pool_.maybe<UserRow>(ctx, kSelect, id));
    if (row) found.push_back(std::move(*row));
  }
  co_return found;
}

Task<Result<Users::Page>> Users::list(yun::Context& ctx, int page_size, std::string page_token) {
  std::string after;
  if (!page_token.empty()) {
    auto decoded = yun::from_base64url(page_token);
    if (!decoded) co_return yun::invalid_argument("page_token is not one of ours").with_violation("/page_token", "is not one of ours");
    after = *decoded;
  }
  const std::int64_t wanted = page_size + 1;  // one more tells whether there is a next page
  Page page;
  YUN_TRY(rows, co_await pool_.all<UserRow>(ctx, "select id, name, email, created_at from users where id > ? order by id limit ?", after, wanted));
  page.users = std::move(rows);
  if (page.users.size() > static_cast<std::size_t>(page_size)) {
    page.users.pop_back();
    page.next_page_token = yun::to_base64url(page.users.back().id);
  }
  co_return page;
}

Task<Result<std::optional<Users::Credentials>>> Users::credentials(yun::Context& ctx, std::string email) {
  const std::string key = yun::to_lower(email);
  co_return co_await pool_.maybe<Credentials>(ctx, "select id, password_hash from users where email_key = ?", key);
}

}  // namespace shop
