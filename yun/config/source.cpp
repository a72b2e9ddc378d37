#include "yun/config/source.hpp"

#include <sys/stat.h>

#include "yun/config/yaml.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::config {

Task<Result<std::string>> FileSource::next(Cancel& cancel) {
  const bool first = !began_;
  began_ = true;
  for (bool at_once = first;; at_once = false) {
    if (!at_once) {
      auto slept = co_await runtime::sleep_for(cancel, options_.poll);
      YUN_CHECK(std::move(slept));
    }
    Stamp stamp = look();
    if (stamp == seen_ && !at_once) continue;
    while (!at_once) {
      auto settled = co_await runtime::sleep_for(cancel, options_.settle);
      YUN_CHECK(std::move(settled));
      const Stamp again = look();
      if (again == stamp) break;
      stamp = again;
    }
    seen_ = stamp;
    auto text = read_file(path_, options_.max_size);
    if (!text) {
      if (failed_) continue;
      failed_ = true;
      co_return std::move(text).error();
    }
    const bool recovered = std::exchange(failed_, false);
    if (*text == last_ && !first && !recovered) continue;  // touched, not changed
    last_ = *text;
    co_return std::move(*text);
  }
}

FileSource::Stamp FileSource::look() const {
  struct ::stat info {};
  if (::stat(path_.c_str(), &info) != 0) return {};
  return {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino), static_cast<std::uint64_t>(info.st_size),
          static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 + info.st_mtim.tv_nsec};
}

}  // namespace yun::config
