#pragma once
// sql: a database behind a URL, rows into plain structs, transactions that share their commits, migrations.
//
//     YUN_TRY(pool, yun::sql::open("sqlite:///var/lib/shop/user.db"));
//     YUN_CHECK(co_await yun::sql::migrate(ctx, pool, migrations));
//     auto user = co_await pool.one<User>(ctx, "select id, name from users where id = ?", id);
//     auto done = co_await pool.execute(ctx, "update users set name = ? where id = ?", name, id);
//
// pool.hpp     open(), Pool (all, one, maybe, execute, transaction, stats), Transaction, PoolOptions
// value.hpp    Blob, Value, Args
// rows.hpp     Rows, Changes
// mysql.hpp    the mysql:// URL and what that driver does
// migrate.hpp  Migration, migrate()
// driver.hpp   Driver, Session, Stats: for those who write a driver; conformance.hpp is the suite it must pass

#include "yun/sql/migrate.hpp"
#include "yun/sql/pool.hpp"
