#include "yun/config/file_watch.hpp"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "yun/runtime/wait.hpp"

namespace yun::config {

namespace {

// Not what is written into other files of the folder: a log there would wake us at every line.
constexpr std::uint32_t kFolder = IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE | IN_ONLYDIR;
constexpr std::uint32_t kFile = IN_MODIFY | IN_CLOSE_WRITE;

bool is_link(const std::string& path) {
  struct ::stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode);
}

}  // namespace

FileWatch::FileWatch(std::string path, Options options) : path_(std::move(path)), options_(options) {
  const std::size_t slash = path_.rfind('/');
  folder_ = slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
  name_ = path_.substr(slash + 1);
  inotify_ = runtime::Fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));  // without one (a limit of the system) there is still the poll
  follow();
  told_ = seen_ = look();
}

Task<Result<void>> FileWatch::changed(Cancel& cancel) {
  std::optional<runtime::Watch> readable;
  if (inotify_) readable.emplace(inotify_.get());
  for (;;) {
    take_events();
    follow();
    if (const Stamp now = look(); now != seen_) {
      seen_ = now;
      since_ = Clock::now();
    }
    TimePoint until = Clock::now() + options_.poll;
    if (touched_ || seen_ != told_) {
      const TimePoint ready = due();
      if (ready <= Clock::now()) {
        told_ = seen_;
        touched_ = false;
        state_ = State::Still;
        co_return Result<void>();
      }
      until = std::min(until, ready);
    }
    Cancel patience(cancel, until);
    if (readable) {
      readable->block(runtime::Interest::Read);
      (void)co_await readable->ready(patience, runtime::Interest::Read);  // woken, or it is time to look
    } else {
      (void)co_await runtime::sleep_until(patience, until);  // as above
    }
    if (auto alive = cancel.check(); !alive) co_return std::move(alive).error();
  }
}

/// When what was seen may be told, if nothing more happens.
TimePoint FileWatch::due() const {
  if (seen_ == Stamp{}) return since_ + options_.settle;
  switch (state_) {
    case State::Replaced: return since_;
    case State::Closed: return since_ + options_.closed;
    case State::Writing: return since_ + options_.unclosed;
    case State::Still: break;
  }
  return since_ + options_.settle;
}

/// Keeps the watches on the folder and the file that the path means now.
void FileWatch::follow() {
  if (!inotify_) return;
  if (folder_watch_ < 0) folder_watch_ = ::inotify_add_watch(inotify_.get(), folder_.c_str(), kFolder);
  const int watch = ::inotify_add_watch(inotify_.get(), path_.c_str(), kFile);  // the same number for the same file
  if (watch == file_watch_) return;
  if (file_watch_ >= 0) (void)::inotify_rm_watch(inotify_.get(), file_watch_);
  file_watch_ = watch;
}

void FileWatch::take_events() {
  if (!inotify_) return;
  alignas(::inotify_event) char block[4096];
  for (;;) {
    const ssize_t got = ::read(inotify_.get(), block, sizeof block);
    if (got <= 0) return;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      ::inotify_event event{};
      std::memcpy(&event, block + at, sizeof event);
      const char* const name = block + at + sizeof event;
      take(event.wd, event.mask, event.len ? std::string_view(name) : std::string_view());
      at += sizeof event + event.len;
    }
  }
}

void FileWatch::take(int watch, std::uint32_t what, std::string_view name) {
  if (what & IN_Q_OVERFLOW) {
    touched_ = true;
    since_ = Clock::now();
    return;
  }
  if (what & (IN_IGNORED | IN_UNMOUNT)) {
    if (watch == folder_watch_) folder_watch_ = -1;
    if (watch == file_watch_) file_watch_ = -1;
    return;
  }
  State next = State::Still;
  if (watch == file_watch_) {
    next = what & IN_MODIFY ? State::Writing : State::Closed;
  } else if (watch == folder_watch_ && name == name_) {
    const bool whole = (what & IN_MOVED_TO) || is_link(path_);
    next = whole ? State::Replaced : what & IN_CLOSE_WRITE ? State::Closed : State::Writing;
  } else if (watch == folder_watch_ && (what & IN_MOVED_TO) && is_link(path_)) {
    next = State::Replaced;  // the link that this one leads through, perhaps
    if (look() == seen_) return;
  } else {
    return;
  }
  touched_ = true;
  state_ = next;
  since_ = Clock::now();
}

FileWatch::Stamp FileWatch::look() const {
  struct ::stat info {};
  if (::stat(path_.c_str(), &info) != 0) return {};
  return {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino), static_cast<std::uint64_t>(info.st_size),
          static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec};
}

}  // namespace yun::config
