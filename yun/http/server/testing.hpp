#pragma once
// For this room's tests: a server on a loop of its own thread, a handler made of functions, a plain blocking client.

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "yun/http/server/server.hpp"

namespace yun::http::server {

class TestHandler : public Handler {
 public:
  using Function = std::function<Task<void>(Context&, Request&, Response&)>;
  explicit TestHandler(Function function) : function_(std::move(function)) {}
  Task<void> handle(Context& ctx, Request& request, Response& response) override {
    ++handled;
    return function_(ctx, request, response);
  }
  void finished(Context&, const Request&, const Response& response, const Outcome& outcome) noexcept override {
    last_status = response.status;
    last_sent = outcome.bytes_sent;
    if (outcome.error) ++broken;
    ++ended;
  }
  std::atomic<int> handled{0}, ended{0}, broken{0}, last_status{0};
  std::atomic<std::uint64_t> last_sent{0};

 private:
  Function function_;
};

class TestServer {
 public:
  explicit TestServer(TestHandler::Function function, ServerOptions options = {}) : handler(std::move(function)), server(runtime, handler, with_hook(std::move(options))) {
    address = *server.listen(*runtime::Address::parse("127.0.0.1:0"));
    server.start();
    thread_ = std::thread([this] { runtime.run(); });
  }
  ~TestServer() { stop(); }
  void stop() {
    runtime.stop();
    if (thread_.joinable()) thread_.join();
  }
  /// Drains from outside and returns when that is over.
  void drain(Duration grace) {
    const auto done = std::make_shared<std::promise<void>>();
    runtime.loop(0).post([this, grace, done] { runtime.loop(0).spawn(drain_task(server, grace, done)); });
    done->get_future().wait();
  }

  runtime::Runtime runtime{1};
  TestHandler handler;
  std::atomic<int> refused{0};
  std::string refused_reason;  ///< of the last one; read it once `refused` has counted it
  Server server;
  runtime::Address address;

 private:
  ServerOptions with_hook(ServerOptions options) {
    options.on_refused = [this](int, std::string_view reason) {
      refused_reason = reason;
      ++refused;
    };
    if (!options.on_unhandled) options.on_unhandled = [](std::exception_ptr) {};
    return options;
  }
  static Task<void> drain_task(Server& server, Duration grace, std::shared_ptr<std::promise<void>> done) {
    Task<void> draining = server.drain(grace);
    (void)co_await std::move(draining);  // gives nothing
    done->set_value();
  }
  std::thread thread_;
};

class TestClient {
 public:
  explicit TestClient(const runtime::Address& address) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected = ::connect(fd_, static_cast<const sockaddr*>(address.data()), static_cast<socklen_t>(address.size())) == 0;
  }
  ~TestClient() {
    if (fd_ >= 0) ::close(fd_);
  }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  void send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  void half_close() { ::shutdown(fd_, SHUT_WR); }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::close(std::exchange(fd_, -1));
  }
  /// Until `what` has come (and everything read so far with it), or the end.
  std::string read_until(std::string_view what) {
    while (got_.find(what) == std::string::npos) {
      if (!read_some()) break;
    }
    const std::size_t at = got_.find(what);
    const std::size_t size = at == std::string::npos ? got_.size() : at + what.size();
    std::string result = got_.substr(0, size);
    got_.erase(0, size);
    return result;
  }
  /// That many bytes; fewer at the end.
  std::string read(std::size_t size) {
    while (got_.size() < size && read_some()) {
    }
    std::string result = got_.substr(0, size);
    got_.erase(0, size);
    return result;
  }
  /// Until the server closes.
  std::string read_all() {
    while (read_some()) {
    }
    return std::exchange(got_, "");
  }
  bool connected = false;

 private:
  bool read_some() {
    char bytes[4096];
    const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
    if (count <= 0) return false;
    got_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }
  int fd_;
  std::string got_;
};

}  // namespace yun::http::server
