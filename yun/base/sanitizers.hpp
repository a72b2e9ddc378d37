#pragma once
// Whether this build runs under a sanitizer. Then nothing is kept for reuse (each object has a life of its own, which the sanitizer can see),
// and what a Buffer holds but nobody may read is poisoned. Costs nothing otherwise.

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define YUN_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define YUN_ADDRESS_SANITIZER 1
#endif
#endif

#if defined(YUN_THREAD_SANITIZER)  // by our own build (cmake/yun.cmake)
#elif defined(__SANITIZE_THREAD__)
#define YUN_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define YUN_THREAD_SANITIZER 1
#endif
#endif

#ifdef YUN_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace yun {

/// True: free lists and spare objects are off.
#if defined(YUN_ADDRESS_SANITIZER) || defined(YUN_THREAD_SANITIZER)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// From now on a read or write of these bytes is a fault; until unpoison() or until their memory is freed.
inline void poison([[maybe_unused]] const void* bytes, [[maybe_unused]] std::size_t size) {
#ifdef YUN_ADDRESS_SANITIZER
  if (size > 0) __asan_poison_memory_region(bytes, size);
#endif
}
inline void unpoison([[maybe_unused]] const void* bytes, [[maybe_unused]] std::size_t size) {
#ifdef YUN_ADDRESS_SANITIZER
  if (size > 0) __asan_unpoison_memory_region(bytes, size);
#endif
}

}  // namespace yun
