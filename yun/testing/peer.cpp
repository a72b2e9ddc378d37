#include "yun/testing/peer.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>
#include <utility>

#ifndef YUN_PEERS_FOLDER
#error "the build says where tools/peers is"
#endif

namespace yun::testing {

namespace {
using std::chrono::milliseconds;
constexpr int kPortsInARow = 5;  // tools/peers/serve uses up to four more
constexpr auto kStartTime = std::chrono::seconds(60);

runtime::Address at_port(std::uint16_t port) { return runtime::Address::parse("127.0.0.1:0")->with_port(port); }

/// Bound for a moment without SO_REUSEADDR, so that a port in TIME_WAIT counts as taken.
bool is_free(std::uint16_t port) {
  const runtime::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const runtime::Address address = at_port(port);
  return ::bind(fd.get(), static_cast<const sockaddr*>(address.data()), static_cast<socklen_t>(address.size())) == 0;
}

std::uint16_t free_ports() {
  std::mt19937 random(std::random_device{}());
  std::uniform_int_distribution<unsigned> any(20'000, 31'000);
  for (;;) {
    const auto first = static_cast<std::uint16_t>(any(random));
    int count = 0;
    while (count < kPortsInARow && is_free(static_cast<std::uint16_t>(first + count))) ++count;
    if (count == kPortsInARow) return first;
  }
}

bool takes_connections(const runtime::Address& address) {
  const runtime::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), static_cast<const sockaddr*>(address.data()), static_cast<socklen_t>(address.size())) == 0;
}
}  // namespace

Result<Peer> Peer::start(std::string name, std::vector<std::string> arguments) {
  Peer peer;
  peer.name_ = std::move(name);
  peer.arguments_ = std::move(arguments);
  peer.address_ = at_port(free_ports());
  std::string folder = (std::filesystem::temp_directory_path() / ("yun-" + peer.name_ + "-XXXXXX")).string();
  if (!::mkdtemp(folder.data())) return from_errno(errno, folder);
  peer.folder_ = folder;
  if (auto launched = peer.launch(); !launched) return std::move(launched).error();
  return peer;
}

Peer::Peer(Peer&& other) noexcept
    : name_(std::move(other.name_)),
      folder_(std::exchange(other.folder_, "")),
      arguments_(std::move(other.arguments_)),
      address_(other.address_),
      pid_(std::exchange(other.pid_, 0)) {}

Peer::~Peer() {
  kill();
  std::error_code ignored;  // a folder that stays is no reason to fail
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Result<void> Peer::launch() {
  const std::string program = std::string(YUN_PEERS_FOLDER) + "/serve";
  const std::string port = std::to_string(address_.port());
  const std::string out = folder_ + "/out";
  // However this test ends, a crash too, its server ends with it.
  std::vector<std::string> words = {"setpriv", "--pdeathsig", "KILL", "--", program, name_, port, folder_};
  words.insert(words.end(), arguments_.begin(), arguments_.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&files, 1, 2);
  const int failed = ::posix_spawnp(&pid_, words.front().c_str(), &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (failed != 0) {
    pid_ = 0;
    return from_errno(failed, program);
  }
  for (const auto until = std::chrono::steady_clock::now() + kStartTime; std::chrono::steady_clock::now() < until;) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = 0;
      return not_found(name_ + " did not start: " + said());
    }
    if (takes_connections(address_)) return {};
    std::this_thread::sleep_for(milliseconds(20));
  }
  kill();
  return deadline_exceeded(name_ + " did not come up: " + said());
}

std::string Peer::said() const {
  std::ostringstream text;
  text << std::ifstream(folder_ + "/out").rdbuf();
  return text.str();
}

void Peer::wait_for_end(int milliseconds_left) {
  while (pid_ > 0) {
    if (::waitpid(pid_, nullptr, milliseconds_left < 0 ? 0 : WNOHANG) != 0) {
      pid_ = 0;
    } else if ((milliseconds_left -= 10) < 0) {
      return;
    } else {
      std::this_thread::sleep_for(milliseconds(10));
    }
  }
}

void Peer::kill() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  wait_for_end(-1);
}

void Peer::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGCONT);
  ::kill(pid_, SIGTERM);
  wait_for_end(10'000);
  kill();
}

Result<void> Peer::restart() { return pid_ > 0 ? Result<void>(failed_precondition(name_ + " still runs")) : launch(); }

void Peer::freeze() {
  if (pid_ > 0) ::kill(pid_, SIGSTOP);
}

void Peer::resume() {
  if (pid_ > 0) ::kill(pid_, SIGCONT);
}

}  // namespace yun::testing
