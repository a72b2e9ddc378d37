// rediss:// against a real Redis with a certificate of one's own.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "yun/cache/redis/live_for_tests.hpp"
#include "yun/cache/store.hpp"

namespace yun::cache::redis {
namespace {

using namespace std::chrono_literals;

/// A certificate for localhost and 127.0.0.1, signed by itself, in a folder that goes with it.
class Certificate {
 public:
  Certificate() {
    std::string pattern = (std::filesystem::temp_directory_path() / "yun-rediss-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    const std::string command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
                                " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout '" + key() + "' -out '" + file() + "' 2>/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0);
  }
  ~Certificate() { std::filesystem::remove_all(folder_); }
  std::string file() const { return folder_ + "/cert.pem"; }
  std::string key() const { return folder_ + "/key.pem"; }

 private:
  std::string folder_;
};

/// A port that nobody has now: the server's own is plain.
std::string free_port() {
  auto listener = runtime::Listener::bind(*runtime::Address::parse("127.0.0.1:0"));
  return std::to_string(listener->address().port());
}

Task<Result<void>> round_trip(std::string url) {
  Context ctx;
  YUN_TRY(cache, open(url));
  const std::string large(300'000, 'x');
  YUN_CHECK(co_await cache.set(ctx, "key", large, 1min));
  YUN_TRY(got, co_await cache.get(ctx, "key"));
  EXPECT_EQ(got, large);
  co_return Result<void>();
}

TEST(RedisTls, IsVerified) {
  const Certificate certificate;
  const std::string port = free_port();
  auto redis = testing::Peer::start("redis", {"--tls-port", port, "--tls-cert-file", certificate.file(), "--tls-key-file", certificate.key(), "--tls-auth-clients", "no"});
  ASSERT_TRUE(redis) << redis.error().to_string();
  run(round_trip("rediss://127.0.0.1:" + port + "?timeout=5s&ca=" + certificate.file()));
  run(round_trip("rediss://localhost:" + port + "?timeout=5s&memory=1MiB&ca=" + certificate.file()));

  const auto unknown = runtime::block_on(round_trip("rediss://localhost:" + port + "?timeout=5s"));
  ASSERT_FALSE(unknown) << "nobody known has signed it";
  EXPECT_NE(unknown.error().message().find("self-signed"), std::string::npos) << unknown.error().to_string();
  const auto plain = runtime::block_on(round_trip("rediss://" + redis->address().to_string() + "?timeout=5s&ca=" + certificate.file()));
  ASSERT_FALSE(plain) << "its plain port speaks no TLS";
  EXPECT_EQ(plain.error().reason(), "redis_unavailable");
}

}  // namespace
}  // namespace yun::cache::redis
