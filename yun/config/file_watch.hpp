#pragma once
// FileWatch: tells when a file is another, and not before its writer is done.
//
//     config::FileWatch watch("gateway.yaml");          // before the file is first read: no change is lost
//     for (;;) {
//       auto changed = co_await watch.changed(ctx);
//       if (!changed) co_return;                        // ctx ended
//       auto text = config::read_file("gateway.yaml", 8_MiB);
//     }
//
// By inotify(7): a rename over the file (an editor, a Kubernetes ConfigMap's change of links) is told at once; a file written in place when its writer
// has closed it. Where the kernel tells nothing (network file systems, a link into another folder) the file is looked at every `poll`.

#include <cstdint>
#include <string>

#include "yun/base/result.hpp"
#include "yun/base/units.hpp"
#include "yun/runtime/cancel.hpp"
#include "yun/runtime/loop.hpp"
#include "yun/runtime/task.hpp"

namespace yun::config {

class FileWatch {
 public:
  struct Options {
    Duration poll = std::chrono::seconds(1);
    Duration closed = std::chrono::milliseconds(5);    ///< after its writer closed it: `cat a >f; cat b >>f` is one change
    Duration settle = std::chrono::milliseconds(100);  ///< a change that only a look has shown, a missing file: it must have stayed so for so long
    Duration unclosed = std::chrono::seconds(2);       ///< a writer that does not close it: it must have written nothing for so long
  };
  explicit FileWatch(std::string path) : FileWatch(std::move(path), Options{}) {}
  FileWatch(std::string path, Options options);

  const std::string& path() const { return path_; }
  /// Waits until the file is not what it was at the last time (at first: when this was made), its content or that it is there. One that was written without
  /// becoming another is told too. Errors: why `cancel` ended. One caller at a time, on any loop.
  Task<Result<void>> changed(Cancel& cancel);
  /// Somebody has begun to write it and has not closed it: what it holds may be half. As of the last event that changed() saw.
  bool is_being_written() const { return state_ == State::Writing; }

 private:
  struct Stamp {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t modified = 0;  ///< nanoseconds
    bool operator==(const Stamp&) const = default;
  };
  enum class State { Still, Writing, Closed, Replaced };

  Stamp look() const;
  void follow();
  void take_events();
  void take(int watch, std::uint32_t what, std::string_view name);
  TimePoint due() const;

  std::string path_;
  std::string folder_;
  std::string name_;
  Options options_;
  runtime::Fd inotify_;
  int folder_watch_ = -1;
  int file_watch_ = -1;
  Stamp told_;
  Stamp seen_;
  TimePoint since_{};  ///< of the last event, or look, that showed something
  bool touched_ = false;
  State state_ = State::Still;
};

}  // namespace yun::config
