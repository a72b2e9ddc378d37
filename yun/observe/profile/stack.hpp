#pragma once
// The stack of this thread, from within a signal handler or an allocation: no lock, no allocation.
//
// By the unwind tables that every x86-64 and arm64 build has; libgcc 12 over glibc 2.35 and later finds them with _dl_find_object, which takes no lock. Coroutines
// run on ordinary stacks, so that a resumed one is a function that its resumer called; who awaits it is not on the stack.

#include <cstddef>
#include <cstdint>
#include <span>

namespace yun::observe::profile {

inline constexpr std::size_t kMostFrames = 64;

/// Loads what the first unwinding would load. Once, before any of the below.
void prepare_stacks();

/// The calls above this one, the innermost first; gives their number.
std::size_t take_stack(std::span<std::uintptr_t, kMostFrames> frames);
/// The same in a handler of a signal: from the instruction that it came at on. `ucontext` is the handler's third argument.
std::size_t take_interrupted_stack(std::span<std::uintptr_t, kMostFrames> frames, const void* ucontext);

}  // namespace yun::observe::profile
