#pragma once
// Identifiers: random bytes for trace and span ids (fast, per thread), sortable ids for rows.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "yun/base/units.hpp"

namespace yun {

/// 64 random bits from a per-thread generator seeded by the kernel; not for secrets.
std::uint64_t random_u64();
/// In [0, 1).
double random_unit();
/// `size` bytes from the kernel's generator, fit for keys and tokens.
std::string secure_random(std::size_t size);
/// A UUID version 7 (RFC 9562): 36 characters, sorts by time of making, unique across processes.
std::string new_id();
/// When new_id() made `id`, to the microsecond: a row that keeps it as its time is sorted alike by both. The epoch for what is no such id.
Time time_of_id(std::string_view id);

}  // namespace yun
