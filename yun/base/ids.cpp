#include "yun/base/ids.hpp"

#include <pthread.h>
#include <sys/random.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace yun {
namespace {

void fill_from_kernel(void* to, std::size_t size) {
  auto* at = static_cast<char*>(to);
  while (size > 0) {
    const ssize_t got = ::getrandom(at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    // Without randomness there are no keys and no tokens: nothing sensible is left to do.
    if (got <= 0) std::abort();
    at += got;
    size -= static_cast<std::size_t>(got);
  }
}

/// Counts forks, so that a child never repeats its parent's numbers.
std::atomic<std::uint64_t> fork_generation{0};
[[maybe_unused]] const int fork_handler =
    ::pthread_atfork(nullptr, nullptr, [] { fork_generation.fetch_add(1, std::memory_order_relaxed); });

/// xoshiro256++ by Blackman and Vigna (public domain algorithm).
class Generator {
 public:
  std::uint64_t next() {
    const std::uint64_t generation = fork_generation.load(std::memory_order_relaxed) + 1;
    if (generation != seeded_for_) {
      fill_from_kernel(state_.data(), sizeof state_);
      state_[0] |= 1;  // never all zero
      seeded_for_ = generation;
    }
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  std::array<std::uint64_t, 4> state_{};
  std::uint64_t seeded_for_ = 0;
};

/// Milliseconds in the upper 48 bits of 60, the fraction of one in 12 (RFC 9562 6.2 method 3); never the same twice in a process.
std::uint64_t next_timestamp() {
  static std::atomic<std::uint64_t> last{0};
  const auto nanos = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
  const std::uint64_t wanted = (nanos / 1'000'000 << 12) | (nanos % 1'000'000 * 4096 / 1'000'000);
  std::uint64_t before = last.load(std::memory_order_relaxed);
  std::uint64_t mine;
  do {
    mine = wanted > before ? wanted : before + 1;
  } while (!last.compare_exchange_weak(before, mine, std::memory_order_relaxed));
  return mine;
}

}  // namespace

std::uint64_t random_u64() {
  thread_local Generator generator;
  return generator.next();
}

double random_unit() { return static_cast<double>(random_u64() >> 11) * 0x1.0p-53; }

std::string secure_random(std::size_t size) {
  std::string bytes(size, '\0');
  fill_from_kernel(bytes.data(), size);
  return bytes;
}

std::string new_id() {
  constexpr std::string_view kHex = "0123456789abcdef";
  const std::uint64_t timestamp = next_timestamp();
  const std::uint64_t high = (timestamp >> 12 << 16) | 0x7000 | (timestamp & 0xfff);
  const std::uint64_t low = (random_u64() >> 2) | 0x8000000000000000ull;
  std::string id(36, '-');
  std::size_t at = 0;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) ++at;
    const std::uint64_t half = nibble < 16 ? high : low;
    id[at++] = kHex[(half >> (60 - nibble % 16 * 4)) & 15];
  }
  return id;
}

Time time_of_id(std::string_view id) {
  // 48 bits of milliseconds, the version, 12 bits of the fraction of one.
  std::uint64_t high = 0;
  int digits = 0;
  for (const char c : id.substr(0, std::min<std::size_t>(id.size(), 18))) {
    if (c == '-') continue;
    const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (value < 0) return {};
    high = high << 4 | static_cast<std::uint64_t>(value);
    ++digits;
  }
  if (id.size() != 36 || digits != 16 || (high >> 12 & 15) != 7) return {};
  return Time(std::chrono::microseconds((high >> 16) * 1000 + (high & 0xfff) * 1000 / 4096));
}

}  // namespace yun
