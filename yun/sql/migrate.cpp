#include "yun/sql/migrate.hpp"

#include <set>

#include "yun/base/strings.hpp"

namespace yun::sql {

namespace {

/// FNV-1a, 64 bit: it shall notice an edit, not withstand an enemy.
std::string checksum(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((hash >> shift) & 0xff));
  return to_hex(bytes);
}

Result<void> apply(Transaction& transaction, const Migration& migration) {
  const std::string sum = checksum(migration.statements);
  YUN_GET(recorded, transaction.maybe<std::string>("select checksum from yun_migrations where name = ?", migration.name));
  if (recorded) {
    if (*recorded == sum) return {};
    return failed_precondition("its text is not the one that was run (add a new migration instead)").with_reason("migration_changed");
  }
  Result<void> done = transaction.session().script(migration.statements);
  if (!done) return done;
  YUN_GET(added, transaction.execute("insert into yun_migrations (name, checksum, applied_at) values (?, ?, ?)", migration.name, sum, now()));
  (void)added;
  return {};
}

}  // namespace

Task<Result<void>> migrate(Context& ctx, Pool pool, std::vector<Migration> migrations) {
  std::set<std::string_view> names;
  for (const Migration& migration : migrations) {
    if (!names.insert(migration.name).second) co_return invalid_argument("migration \"" + migration.name + "\" is given twice");
  }
  auto creating = pool.execute(
      ctx, "create table if not exists yun_migrations (name varchar(255) primary key, checksum varchar(16) not null, applied_at bigint not null)");
  YUN_CHECK(co_await std::move(creating));
  for (const Migration& migration : migrations) {
    auto step = [migration](Transaction& transaction) { return apply(transaction, migration); };
    auto applying = pool.transaction(ctx, std::move(step));
    auto applied = co_await std::move(applying);
    if (!applied) co_return std::move(applied).error().with_context("migration \"" + migration.name + "\"");
  }
  co_return Result<void>();
}

}  // namespace yun::sql
