#include "yun/testing/chaos.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>
#include <thread>

namespace yun::testing {
namespace {

using namespace std::chrono_literals;

sockaddr* raw(const runtime::Address& address) { return static_cast<sockaddr*>(const_cast<void*>(address.data())); }

/// A server that sends back what it gets, each connection on a thread.
class Echo {
 public:
  Echo() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto any = *runtime::Address::parse("127.0.0.1:0");
    EXPECT_EQ(::bind(listener_.get(), raw(any), static_cast<socklen_t>(any.size())), 0);
    EXPECT_EQ(::listen(listener_.get(), 16), 0);
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&storage), &size);
    address_ = runtime::Address::from_sockaddr(&storage, size);
    thread_ = std::thread([this] { serve(); });
  }
  ~Echo() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  const runtime::Address& address() const { return address_; }

 private:
  void serve() {
    std::vector<std::thread> threads;
    for (;;) {
      const int fd = ::accept(listener_.get(), nullptr, nullptr);
      if (fd < 0) break;
      threads.emplace_back([fd] {
        const runtime::Fd own(fd);
        char bytes[4096];
        for (;;) {
          const ssize_t count = ::recv(fd, bytes, sizeof bytes, 0);
          if (count <= 0 || ::send(fd, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) return;
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }

  runtime::Fd listener_;
  runtime::Address address_;
  std::thread thread_;
};

class Caller {
 public:
  explicit Caller(const runtime::Address& to) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    connected_ = ::connect(fd_.get(), raw(to), static_cast<socklen_t>(to.size())) == 0;
  }
  bool connected() const { return connected_; }
  void send(std::string_view bytes) { EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size())); }
  /// One read: the bytes, "end", "reset", or "nothing" within `patience`.
  std::string read(std::chrono::milliseconds patience = 5s) {
    pollfd readable{fd_.get(), POLLIN, 0};
    if (::poll(&readable, 1, static_cast<int>(patience.count())) == 0) return "nothing";
    char bytes[4096];
    const ssize_t count = ::recv(fd_.get(), bytes, sizeof bytes, 0);
    if (count < 0) return errno == ECONNRESET ? "reset" : "error";
    return count == 0 ? "end" : std::string(bytes, static_cast<std::size_t>(count));
  }
  std::string read_all(std::size_t size) {
    std::string all;
    while (all.size() < size) all += read();
    return all;
  }

 private:
  runtime::Fd fd_;
  bool connected_ = false;
};

class ChaosTest : public ::testing::Test {
 protected:
  Echo echo_;
  ChaosProxy proxy_{echo_.address()};
};

TEST_F(ChaosTest, PassesAndCounts) {
  {
    Caller caller(proxy_.address());
    caller.send("hello");
    EXPECT_EQ(caller.read_all(5), "hello");
    EXPECT_EQ(proxy_.counts().open, 1U);
  }
  const auto counts = proxy_.counts();
  EXPECT_EQ(counts.accepted, 1U);
  EXPECT_EQ(counts.to_server, 5U);
  EXPECT_EQ(counts.to_client, 5U);
}

TEST_F(ChaosTest, CutResetsWhatIsConnected) {
  Caller caller(proxy_.address());
  caller.send("a");
  EXPECT_EQ(caller.read(), "a");
  proxy_.cut();
  EXPECT_EQ(caller.read(), "reset");
  EXPECT_EQ(proxy_.counts().open, 0U);
  Caller next(proxy_.address());
  next.send("b");
  EXPECT_EQ(next.read(), "b") << "what comes after it is served";
}

TEST_F(ChaosTest, HalfCloseEndsTheAnswersOnly) {
  Caller caller(proxy_.address());
  caller.send("a");
  EXPECT_EQ(caller.read(), "a");
  proxy_.half_close();
  EXPECT_EQ(caller.read(), "end");
  caller.send("bc");
  for (int i = 0; i < 500 && proxy_.counts().to_server < 3; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(proxy_.counts().to_server, 3U) << "the server still hears";
  EXPECT_EQ(proxy_.counts().to_client, 1U);
}

TEST_F(ChaosTest, DelayAddsToEachDirection) {
  proxy_.set({.delay = 60ms});
  Caller caller(proxy_.address());
  const auto began = std::chrono::steady_clock::now();
  caller.send("a");
  EXPECT_EQ(caller.read(), "a");
  EXPECT_GE(std::chrono::steady_clock::now() - began, 120ms);
}

TEST_F(ChaosTest, CorruptFlipsEveryNthByteToTheClient) {
  proxy_.set({.mode = Mode::Corrupt, .every = 3});
  Caller caller(proxy_.address());
  caller.send("aaaaaaa");
  EXPECT_EQ(caller.read_all(7), "aa\x9e" "aa\x9e" "a");
}

TEST_F(ChaosTest, OneByteAtATimeArrivesWhole) {
  proxy_.set({.mode = Mode::OneByte});
  Caller caller(proxy_.address());
  const std::string text(2000, 'x');
  caller.send(text);
  EXPECT_EQ(caller.read_all(text.size()), text);
}

TEST_F(ChaosTest, RefuseTakesNoConnectionUntilItEnds) {
  Caller before(proxy_.address());
  before.send("a");
  EXPECT_EQ(before.read(), "a");
  proxy_.set({.mode = Mode::Refuse});
  EXPECT_FALSE(Caller(proxy_.address()).connected());
  before.send("b");
  EXPECT_EQ(before.read(), "b") << "those that are there go on";
  proxy_.set({});
  EXPECT_TRUE(Caller(proxy_.address()).connected()) << "on the same port";
}

TEST_F(ChaosTest, BlackholeHoldsEverythingAndLetsGo) {
  Caller before(proxy_.address());
  before.send("a");
  EXPECT_EQ(before.read(), "a");
  proxy_.set({.mode = Mode::Blackhole});
  Caller during(proxy_.address());
  EXPECT_TRUE(during.connected());
  before.send("b");
  during.send("c");
  EXPECT_EQ(before.read(100ms), "nothing");
  EXPECT_EQ(during.read(1ms), "nothing");
  proxy_.set({});
  EXPECT_EQ(before.read(), "b");
  EXPECT_EQ(during.read(), "c");
}

}  // namespace
}  // namespace yun::testing
