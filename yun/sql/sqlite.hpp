#pragma once
// SQLite 3 as a driver: WAL, synchronous=FULL, one writer thread with group commit, and readers that never wait for it.
//
// Write transactions that queue up while a commit is on its way to the disk run together in the next one, each in a SAVEPOINT of
// its own, so that one which fails takes back only what it did. All are answered after that one COMMIT, the failed ones too: what
// they saw is on disk by then. When the disk is full (or fails) a write gives Unavailable, reason storage_full, Retry-After 1 s;
// reads go on, and so do writes as soon as there is room. A file that does not exist is made, readable by its owner alone.

#include <memory>
#include <string_view>

#include "yun/sql/driver.hpp"
#include "yun/sql/pool.hpp"

namespace yun::sql {

/// `path` is what stands after "sqlite://": "/var/lib/a.db", "relative.db" or ":memory:" (one private database a pool; reads
/// share its one connection).
Result<std::shared_ptr<Driver>> open_sqlite(std::string_view path, const PoolOptions& options);

}  // namespace yun::sql
