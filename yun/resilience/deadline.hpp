#pragma once
// with_timeout: a call that gets at most so long, within what its Context has left.

#include <type_traits>
#include <utility>

#include "yun/observe/context.hpp"
#include "yun/runtime/task.hpp"

namespace yun::resilience {

/// Calls f(child) and awaits its Task<Result<T>>; `child` is `ctx` with at most `timeout` left and the same trace. `f` is kept until the task has
/// ended. The task must end when its Context does: nothing is abandoned. DeadlineExceeded comes from what the task was waiting for.
template <typename F>
auto with_timeout(Context& ctx, Duration timeout, F f) -> std::invoke_result_t<F&, Context&> {
  static_assert(is_task<std::invoke_result_t<F&, Context&>>, "f takes a Context& and returns a Task<Result<T>>");
  Context child(ctx, timeout);
  auto task = f(child);
  co_return co_await std::move(task);
}

}  // namespace yun::resilience
