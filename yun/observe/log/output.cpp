#include "yun/observe/log/output.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace yun::observe::log {

Output::~Output() { close(); }

Result<void> Output::open(const std::string& output) {
  int fd = -1;
  bool owned = false;
  if (output == "stdout") {
    fd = STDOUT_FILENO;
  } else if (output == "stderr") {
    fd = STDERR_FILENO;
  } else if (output != "none") {
    fd = ::open(output.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) return from_errno(errno, "log output " + output);
    owned = true;
  }
  close();
  fd_ = fd;
  owned_ = owned;
  struct ::stat info {};
  may_block_ = ::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode);
  return {};
}

void Output::close() {
  if (owned_) ::close(fd_);
  fd_ = STDOUT_FILENO;
  owned_ = false;
  may_block_ = true;
}

bool Output::write(std::string_view bytes, const std::atomic<bool>& give_up) {
  if (fd_ < 0) return true;
  while (!bytes.empty()) {
    pollfd waited{fd_, POLLOUT, 0};
    while (may_block_ && ::poll(&waited, 1, 100) == 0)
      if (give_up.load(std::memory_order_relaxed)) return false;
    // A pipe that is ready takes PIPE_BUF bytes without blocking, so that giving up stays possible.
    const ssize_t sent = ::write(fd_, bytes.data(), may_block_ ? std::min<std::size_t>(bytes.size(), PIPE_BUF) : bytes.size());
    if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (sent < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace yun::observe::log
