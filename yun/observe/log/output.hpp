#pragma once
// Output: the file descriptor that lines go to.

#include <atomic>
#include <string>
#include <string_view>

#include "yun/base/result.hpp"

namespace yun::observe::log {

class Output {
 public:
  Output() = default;
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// "stdout", "stderr", "none" or a path, appended to and made if absent (mode 0644).
  Result<void> open(const std::string& output);
  void close();
  /// Everything, however often write() must be called; false if the output fails (the rest is lost). While a pipe is full it waits for
  /// its reader, unless `give_up` becomes true.
  bool write(std::string_view bytes, const std::atomic<bool>& give_up);

 private:
  int fd_ = 1;
  bool owned_ = false;
  bool may_block_ = true;  ///< no ordinary file
};

}  // namespace yun::observe::log
