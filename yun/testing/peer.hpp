#pragma once
// Peer: a real server as a child process of a test, which may kill, freeze and bring it back.

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/runtime/net.hpp"

namespace yun::testing {

/// Blocking: for test bodies, not for loops. Move-only; the server ends with it, and its folder goes. It ends with the thread that started it, too
/// (PR_SET_PDEATHSIG), so that a test that crashes leaves none behind.
class Peer {
 public:
  /// Starts tools/peers/serve NAME (mariadb, redis, consul, etcd, nacos) on free ports and waits up to a minute until it takes connections.
  /// NotFound if the program is not installed, DeadlineExceeded if it does not come up; both with what it said.
  static Result<Peer> start(std::string name, std::vector<std::string> arguments = {});
  Peer(Peer&& other) noexcept;
  Peer& operator=(Peer&&) = delete;
  ~Peer();

  const runtime::Address& address() const { return address_; }
  pid_t pid() const { return pid_; }

  /// SIGKILL: no goodbye. Connections are reset; what it wrote to its folder stays.
  void kill();
  /// SIGTERM, and SIGKILL after ten seconds.
  void stop();
  /// On the same port, with the same folder; after kill() or stop().
  Result<void> restart();
  /// SIGSTOP: connections stay and new ones are taken by the kernel, but nothing answers.
  void freeze();
  void resume();

 private:
  Peer() = default;
  Result<void> launch();
  void wait_for_end(int milliseconds);
  std::string said() const;

  std::string name_;
  std::string folder_;
  std::vector<std::string> arguments_;
  runtime::Address address_;
  pid_t pid_ = 0;
};

}  // namespace yun::testing
