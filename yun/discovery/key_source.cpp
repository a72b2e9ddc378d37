#include "yun/discovery/key_source.hpp"

#include "yun/discovery/backoff.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::discovery {

Task<Result<std::string>> KeySource::next(Cancel& cancel) {
  Context ctx(cancel);
  for (;;) {
    auto text = co_await read(ctx);
    YUN_CHECK(cancel.check());
    if (!text) {
      if (++failures_ == 1) co_return std::move(text).error();
      auto slept = co_await runtime::sleep_for(cancel, backoff(failures_));
      YUN_CHECK(std::move(slept));
      continue;
    }
    const bool recovered = std::exchange(failures_, 0) > 0;
    if (!*text) {
      if (!std::exchange(missing_, true)) co_return not_found(url_ + " is not there");
      continue;
    }
    const bool appeared = std::exchange(missing_, false);
    if (!appeared && !recovered && last_ && *last_ == **text) continue;  // another key's change
    last_ = std::move(*text);
    co_return *last_;
  }
}

}  // namespace yun::discovery
