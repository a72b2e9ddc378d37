#include "apps/user/signing_keys.hpp"

namespace shop {

using yun::Result;
using yun::Task;
using yun::sql::Transaction;

namespace {

struct KeyRow {
  std::string id, pem;
  yun::Time created_at{};
};

constexpr const char* kSelect = "select id, pem, created_at from signing_keys order by created_at, id";

std::chrono::microseconds micros(yun::Duration duration) { return std::chrono::duration_cast<std::chrono::microseconds>(duration); }

/// In one serializable transaction, so that two replicas do not both make the next key.
Result<std::vector<KeyRow>> update(Transaction& tx, const SigningKeys::Options& options, yun::Time time) {
  YUN_GET(rows, tx.all<KeyRow>(kSelect));
  // A key is needed until every token that it signed has expired: it signs until its successor takes over.
  while (rows.size() > 1 && rows[1].created_at + micros(options.publish_before_use + options.token_life + std::chrono::minutes(1)) < time) {
    YUN_GET(deleted, tx.execute("delete from signing_keys where id = ?", rows.front().id));
    (void)deleted;
    rows.erase(rows.begin());
  }
  if (rows.empty() || rows.back().created_at + micros(options.rotate_every) <= time) {
    YUN_GET(key, yun::http::SigningKey::generate());
    YUN_GET(added, tx.execute("insert into signing_keys (id, pem, created_at) values (?, ?, ?)", key.id(), key.to_pem(), time));
    (void)added;
    rows.push_back({key.id(), key.to_pem(), time});
  }
  return rows;
}

}  // namespace

Task<Result<void>> SigningKeys::refresh(yun::Context& ctx) {
  const yun::Time time = yun::now();
  auto work = [options = options_, time](Transaction& tx) { return update(tx, options, time); };
  YUN_TRY(rows, co_await pool_.transaction(ctx, std::move(work)));
  auto set = std::make_shared<Set>();
  for (const KeyRow& row : rows) {
    auto key = yun::http::SigningKey::from_pem(row.pem);
    if (!key) co_return std::move(key).error().with_context("signing key " + row.id);
    set->published.push_back(std::move(*key));
    // The first key signs at once, a later one when verifiers have had time to fetch it.
    if (row.created_at + micros(options_.publish_before_use) <= time) set->active = set->published.size() - 1;
  }
  std::lock_guard lock(mutex_);
  set_ = std::move(set);
  co_return Result<void>();
}

std::shared_ptr<const SigningKeys::Set> SigningKeys::current() const {
  std::lock_guard lock(mutex_);
  return set_;
}

Result<std::string> SigningKeys::sign(const yun::http::Claims& claims) const {
  const auto set = current();
  if (!set) return yun::failed_precondition("no signing key is loaded yet");
  return set->published[set->active].sign(claims);
}

std::string SigningKeys::jwks() const {
  const auto set = current();
  return set ? yun::http::jwks(set->published) : R"({"keys":[]})";
}

}  // namespace shop
