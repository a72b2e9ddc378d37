#include "yun/sql/migrate.hpp"

#include <set>

#include "yun/base/strings.hpp"
#include "yun/sql/statements.hpp"

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

Error changed() {
  return failed_precondition("its text is not the one that was run (add a new migration instead)").with_reason("migration_changed");
}

/// True if it has run.
Result<bool> has_run(Transaction& transaction, const Migration& migration, const std::string& sum) {
  YUN_GET(recorded, transaction.maybe<std::string>("select checksum from yun_migrations where name = ?", migration.name));
  if (recorded && *recorded != sum) return changed();
  return recorded.has_value();
}

Result<void> record(Transaction& transaction, const Migration& migration, const std::string& sum) {
  YUN_GET(added, transaction.execute("insert into yun_migrations (name, checksum, applied_at) values (?, ?, ?)", migration.name, sum, now()));
  (void)added;
  return {};
}

Result<void> apply(Transaction& transaction, const Migration& migration) {
  const std::string sum = checksum(migration.statements);
  YUN_GET(done, has_run(transaction, migration, sum));
  if (done) return {};
  if (auto run = transaction.session().script(migration.statements); !run) return run;
  return record(transaction, migration, sum);
}

// ---- where statements such as create table commit by themselves ----

/// How far a migration came that was broken off.
struct Progress {
  std::string checksum;
  std::int64_t steps = 0;  ///< done
  bool begun = false;      ///< the next one was begun, and may be done
};

bool changes_rows_only(std::string_view statement) {
  for (const std::string_view word : {"insert", "update", "delete", "replace"}) {
    if (iequals(statement.substr(0, word.size()), word)) return true;
  }
  return false;
}

/// One statement and the note that it is done, both or neither.
Result<void> step_of_rows(Transaction& transaction, const Migration& migration, std::string_view statement, std::int64_t done) {
  Session& session = transaction.session();
  if (auto begun = session.script("start transaction"); !begun) return begun;
  Result<void> outcome = session.script(statement);
  if (outcome) {
    auto noted = transaction.execute("update yun_migration_progress set steps = ?, begun = ? where name = ?", done, false, migration.name);
    if (!noted) outcome = std::move(noted).error();
  }
  Result<void> ended = session.script(outcome ? "commit" : "rollback");
  return outcome ? ended : outcome;
}

/// A statement that commits by itself. If it was begun before and is refused now because what it makes is there already, it was done then.
Result<void> step_of_schema(Transaction& transaction, const Migration& migration, std::string_view statement, std::int64_t done, bool begun_before) {
  YUN_GET(begun, transaction.execute("update yun_migration_progress set begun = ? where name = ?", true, migration.name));
  (void)begun;
  Result<void> outcome = transaction.session().script(statement);
  if (!outcome && !(begun_before && outcome.error().reason() == "sql_schema_there")) return outcome;
  YUN_GET(noted, transaction.execute("update yun_migration_progress set steps = ?, begun = ? where name = ?", done, false, migration.name));
  (void)noted;
  return {};
}

Result<void> apply_by_steps(Transaction& transaction, const Migration& migration) {
  const std::string sum = checksum(migration.statements);
  YUN_GET(done, has_run(transaction, migration, sum));
  if (done) return {};
  YUN_GET(found, transaction.maybe<Progress>("select checksum, steps, begun from yun_migration_progress where name = ?", migration.name));
  if (found && found->checksum != sum) return changed();
  Progress progress = found.value_or(Progress{.checksum = sum});
  if (!found) {
    YUN_GET(noted, transaction.execute("insert into yun_migration_progress (name, checksum, steps, begun) values (?, ?, 0, ?)", migration.name, sum, false));
    (void)noted;
  }
  const std::vector<std::string_view> statements = split_statements(migration.statements);
  for (auto i = static_cast<std::size_t>(progress.steps); i < statements.size(); ++i) {
    const auto next = static_cast<std::int64_t>(i + 1);
    Result<void> step = changes_rows_only(statements[i]) ? step_of_rows(transaction, migration, statements[i], next)
                                                         : step_of_schema(transaction, migration, statements[i], next, std::exchange(progress.begun, false));
    if (!step) return std::move(step).error().with_context("statement " + std::to_string(i + 1));
  }
  Session& session = transaction.session();
  if (auto begun = session.script("start transaction"); !begun) return begun;
  if (auto recorded = record(transaction, migration, sum); !recorded) return recorded;
  YUN_GET(cleared, transaction.execute("delete from yun_migration_progress where name = ?", migration.name));
  (void)cleared;
  return session.script("commit");
}

Result<void> apply_all_by_steps(Session& session, const std::vector<Migration>& migrations) {
  const Result<void> made = session.script(
      "create table if not exists yun_migration_progress (name varchar(255) primary key, checksum varchar(16) not null, steps int not null, begun boolean not null)");
  if (!made) return made;
  Transaction transaction(session);
  for (const Migration& migration : migrations) {
    Result<void> applied = apply_by_steps(transaction, migration);
    if (!applied) return std::move(applied).error().with_context("migration \"" + migration.name + "\"");
  }
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
  if (pool.dialect() == Dialect::Mysql) {
    Work work = [migrations = std::move(migrations)](Session& session) { return apply_all_by_steps(session, migrations); };
    auto applying = pool.driver().exclusively(ctx, "yun_migrations", std::move(work));
    co_return co_await std::move(applying);
  }
  for (const Migration& migration : migrations) {
    auto step = [migration](Transaction& transaction) { return apply(transaction, migration); };
    auto applying = pool.transaction(ctx, std::move(step));
    auto applied = co_await std::move(applying);
    if (!applied) co_return std::move(applied).error().with_context("migration \"" + migration.name + "\"");
  }
  co_return Result<void>();
}

}  // namespace yun::sql
