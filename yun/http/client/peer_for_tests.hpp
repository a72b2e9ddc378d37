#pragma once
// Peer: a raw TCP server on the test's own loop that answers each request with bytes given beforehand. For tests of the client only.

#include <array>
#include <string>
#include <vector>

#include "yun/runtime/net.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http::client {

/// An address that refuses connections: it was bound, and is free again.
inline std::string dead_address() {
  auto listener = *runtime::Listener::bind(*runtime::Address::parse("127.0.0.1:0"));
  return listener.address().to_string();
}

class Peer {
 public:
  /// For each request, in order over all connections, what is written; kClose closes the connection there.
  using Script = std::vector<std::vector<std::string>>;
  static inline const std::string kClose = "\x01close";

  /// A request is over with `until` (its blank line).
  explicit Peer(Script script, std::string until = "\r\n\r\n")
      : script_(std::move(script)), until_(std::move(until)), listener_(*runtime::Listener::bind(*runtime::Address::parse("127.0.0.1:0"))) {
    scope_.spawn(accept());
  }
  const runtime::Address& address() const { return listener_.address(); }
  std::size_t connections() const { return connections_; }
  const std::string& received() const { return received_; }
  Task<void> stop() {
    stop_.cancel();
    co_await scope_.join();
  }

 private:
  Task<void> accept() {
    for (;;) {
      auto accepted = co_await listener_.accept(stop_);
      if (!accepted) co_return;
      ++connections_;
      scope_.spawn(serve(std::move(*accepted)));
    }
  }
  Task<void> serve(runtime::Listener::Accepted accepted) {
    runtime::Socket socket(std::move(accepted.fd), accepted.peer);
    std::string in;
    for (;;) {
      std::array<char, 4096> room;
      auto count = co_await socket.read(stop_, room);
      if (!count || *count == 0) co_return;
      in.append(room.data(), *count);
      received_.append(room.data(), *count);
      const auto end = in.find(until_);
      if (end == std::string::npos) continue;
      in.erase(0, end + until_.size());
      if (next_ >= script_.size()) co_return;
      const auto pieces = script_[next_++];
      for (const std::string& piece : pieces) {
        if (piece == kClose) co_return;
        auto written = co_await socket.write_all(stop_, piece);
        if (!written) co_return;
        (void)co_await runtime::yield_now();
      }
    }
  }

  Script script_;
  std::string until_;
  runtime::Listener listener_;
  Cancel stop_;
  runtime::Scope scope_;
  std::size_t next_ = 0;
  std::size_t connections_ = 0;
  std::string received_;
};

}  // namespace yun::http::client
