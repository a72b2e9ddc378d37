#pragma once
// Profile: stacks with values, written in pprof's format (profile.proto), which `go tool pprof` and its kind open.
//
// https://github.com/google/pprof/blob/main/proto/profile.proto. Names of functions are looked up here, in the symbol tables of the program and its libraries,
// so that a reader needs neither of them.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/units.hpp"

namespace yun::observe::profile {

struct ValueType {
  std::string_view type, unit;  ///< {"cpu", "nanoseconds"}
};

struct Stack {
  std::vector<std::uintptr_t> frames;  ///< the innermost first; of the outer ones the return addresses
  std::vector<std::int64_t> values;    ///< as many as the profile's types
};

struct Profile {
  std::vector<ValueType> types;
  ValueType period_type;
  std::int64_t period = 0;
  Time start{};
  Duration duration{};
  std::vector<Stack> stacks;
  std::string_view default_type = {};  ///< which of `types` a reader shows first; "" = the last
};

/// The message, not compressed. Reads the files of the program and its libraries: on a thread that may block.
std::string encode(const Profile& profile);

}  // namespace yun::observe::profile
