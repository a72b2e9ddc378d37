#include "yun/testing/peer.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

namespace yun::testing {
namespace {

/// What Redis answers to PING within 300 ms; "" if nothing.
std::string ping(const runtime::Address& address) {
  const runtime::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), static_cast<const sockaddr*>(address.data()), static_cast<socklen_t>(address.size())) != 0) return "refused";
  (void)!::send(fd.get(), "PING\r\n", 6, MSG_NOSIGNAL);
  pollfd readable{fd.get(), POLLIN, 0};
  char answer[64];
  if (::poll(&readable, 1, 300) != 1) return "";
  const ssize_t count = ::recv(fd.get(), answer, sizeof answer, 0);
  return std::string(answer, count > 0 ? static_cast<std::size_t>(count) : 0);
}

TEST(Peer, IsKilledFrozenAndBroughtBackOnItsPort) {
  auto redis = Peer::start("redis");
  ASSERT_TRUE(redis) << redis.error().to_string();
  EXPECT_EQ(ping(redis->address()), "+PONG\r\n");
  redis->freeze();
  EXPECT_EQ(ping(redis->address()), "") << "connected, and silent";
  redis->resume();
  EXPECT_EQ(ping(redis->address()), "+PONG\r\n");
  redis->kill();
  EXPECT_EQ(ping(redis->address()), "refused");
  const auto back = redis->restart();
  ASSERT_TRUE(back) << back.error().to_string();
  EXPECT_EQ(ping(redis->address()), "+PONG\r\n");
  EXPECT_EQ(redis->restart().error().code(), Code::FailedPrecondition) << "it runs";
}

TEST(Peer, EndsWithATestThatCrashes) {
  int said[2];
  ASSERT_EQ(::pipe(said), 0);
  const pid_t crashing = ::fork();
  if (crashing == 0) {
    auto redis = Peer::start("redis");
    const std::uint16_t port = redis ? redis->address().port() : 0;
    (void)!::write(said[1], &port, sizeof port);
    ::kill(::getpid(), SIGKILL);
  }
  std::uint16_t port = 0;
  ASSERT_EQ(::read(said[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));
  ::close(said[0]);
  ::close(said[1]);
  ASSERT_NE(port, 0) << "it did not start";
  ASSERT_EQ(::waitpid(crashing, nullptr, 0), crashing);
  const runtime::Address address = runtime::Address::parse("127.0.0.1:0")->with_port(port);
  for (int tries = 0; tries < 500 && ping(address) != "refused"; ++tries) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(ping(address), "refused");
}

TEST(Peer, ThatDoesNotStartSaysWhy) {
  auto odd = Peer::start("redis", {"--no-such-option", "1"});
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().code(), Code::NotFound);
  EXPECT_NE(odd.error().message().find("no-such-option"), std::string::npos) << odd.error().message();
  EXPECT_EQ(Peer::start("oracle").error().message(), "oracle did not start: serve: there is no server called \"oracle\"\n");
}

}  // namespace
}  // namespace yun::testing
