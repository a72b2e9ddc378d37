#pragma once
// Passwords as argon2id hashes (RFC 9106): m = 19 MiB, t = 2, p = 1. At most two hashes are computed at once, so that memory stays
// bounded however many log in; 64 more wait their turn, and the rest are told to come again.

#include <string>

#include "yun/observe/context.hpp"
#include "yun/runtime/threads.hpp"

namespace shop {

class Passwords {
 public:
  Passwords();

  /// The encoded hash, with its parameters and a fresh salt. Unavailable with reason hashing_busy when the queue is full.
  yun::Task<yun::Result<std::string>> hash(yun::Context& ctx, std::string password);
  /// Whether `password` gives `hash`. An empty `hash` (no such user) costs the same time and is false.
  yun::Task<yun::Result<bool>> matches(yun::Context& ctx, std::string password, std::string hash);

 private:
  yun::runtime::BlockingPool pool_;
};

}  // namespace shop
