#include "yun/observe/profile/stack.hpp"

#include <execinfo.h>
#include <ucontext.h>

#include <algorithm>

namespace yun::observe::profile {
namespace {

constexpr std::size_t kOwnFrames = 8;  ///< at the most: this file's, the handler's and the kernel's return from it

std::uintptr_t interrupted_at(const void* ucontext) {
  const auto& machine = static_cast<const ucontext_t*>(ucontext)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return machine.pc;
#else
#error "profiles are for x86-64 and arm64"
#endif
}

}  // namespace

void prepare_stacks() {
  void* frames[4];
  (void)::backtrace(frames, 4);
}

[[gnu::noinline]] std::size_t take_stack(std::span<std::uintptr_t, kMostFrames> frames) {
  void* all[kMostFrames + 2];
  const auto count = static_cast<std::size_t>(std::max(::backtrace(all, static_cast<int>(kMostFrames + 2)), 0));
  const std::size_t skip = std::min<std::size_t>(1, count);  // this function
  const std::size_t kept = std::min(count - skip, kMostFrames);
  for (std::size_t i = 0; i < kept; ++i) frames[i] = reinterpret_cast<std::uintptr_t>(all[skip + i]);
  return kept;
}

std::size_t take_interrupted_stack(std::span<std::uintptr_t, kMostFrames> frames, const void* ucontext) {
  void* all[kMostFrames + kOwnFrames];
  const auto count = static_cast<std::size_t>(std::max(::backtrace(all, static_cast<int>(kMostFrames + kOwnFrames)), 0));
  const std::uintptr_t at = interrupted_at(ucontext);
  std::size_t first = 0;
  while (first < std::min(count, kOwnFrames) && reinterpret_cast<std::uintptr_t>(all[first]) != at) ++first;
  if (first == std::min(count, kOwnFrames)) {  // not unwound through the signal: better one frame than none
    frames[0] = at;
    return 1;
  }
  const std::size_t kept = std::min(count - first, kMostFrames);
  for (std::size_t i = 0; i < kept; ++i) frames[i] = reinterpret_cast<std::uintptr_t>(all[first + i]);
  return kept;
}

}  // namespace yun::observe::profile
