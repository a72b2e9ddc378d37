#pragma once
// Migrations: the steps that make the schema, each run once, in order, in a transaction of its own.
//
//     const std::vector<sql::Migration> migrations = {
//         {"0001_users", "create table users (id text primary key, email text not null unique);"},
//         {"0002_orders", "create table orders (...); create index ...;"},
//     };
//     auto migrated = co_await sql::migrate(ctx, pool, migrations);
//
// Where statements such as create table commit by themselves (MySQL) all of it runs under a lock of the database, statement by statement with a note
// of each in yun_migration_progress: a program that died in the middle is taken up where it stopped.
//
// What has run is recorded with a checksum of its text in the table yun_migrations. Safe to run from several processes at once: each step is
// looked up again inside its own transaction. Steps of a newer program that are recorded but unknown here are left alone.

#include <string>
#include <vector>

#include "yun/sql/pool.hpp"

namespace yun::sql {

struct Migration {
  std::string name;        ///< unique; never changes once released
  std::string statements;  ///< one or several, separated by ';'
};

/// Runs those that have not run yet. FailedPrecondition that names the migration whose text is not what was run; InvalidArgument for a name
/// given twice; the database's own error, with the name in front, when a step fails (that step has changed
/// nothing; in MySQL: its statements before the one that failed stay, and are not run again).
Task<Result<void>> migrate(Context& ctx, Pool pool, std::vector<Migration> migrations);

}  // namespace yun::sql
