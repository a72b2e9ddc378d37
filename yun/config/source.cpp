#include "yun/config/source.hpp"

#include "yun/config/yaml.hpp"

namespace yun::config {

Task<Result<std::string>> FileSource::next(Cancel& cancel) {
  const bool first = !std::exchange(began_, true);
  for (bool at_once = first;; at_once = false) {
    if (!at_once) {
      auto changed = co_await watch_.changed(cancel);
      YUN_CHECK(std::move(changed));
    }
    auto text = read_file(watch_.path(), max_size_);
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

}  // namespace yun::config
