#pragma once
// SigningKeys: the keys that sign tokens, kept in the user database so that replicas share them and a restart keeps them.
//
// A key is published in the JWK set some minutes before it signs (verifiers have fetched it by then) and stays there until the last token
// it signed has expired.

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "yun/http/auth/jwt.hpp"
#include "yun/observe/context.hpp"
#include "yun/sql/sql.hpp"

namespace shop {

class SigningKeys {
 public:
  struct Options {
    yun::Duration rotate_every = std::chrono::hours(24 * 30);
    yun::Duration publish_before_use = std::chrono::minutes(10);
    yun::Duration token_life = std::chrono::hours(1);
  };
  SigningKeys(yun::sql::Pool pool, Options options) : pool_(std::move(pool)), options_(options) {}

  /// Reads the keys, makes the first or the next one if it is time, drops those nobody needs. Called at start and each minute.
  yun::Task<yun::Result<void>> refresh(yun::Context& ctx);

  /// From any loop. FailedPrecondition before the first refresh().
  yun::Result<std::string> sign(const yun::http::Claims& claims) const;
  std::string jwks() const;
  yun::Duration token_life() const { return options_.token_life; }

 private:
  struct Set {
    std::vector<yun::http::SigningKey> published;
    std::size_t active = 0;
  };
  std::shared_ptr<const Set> current() const;

  yun::sql::Pool pool_;
  Options options_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Set> set_;
};

}  // namespace shop
