#pragma once
// Key: the name of a log field or a span attribute.

#include <cstddef>
#include <string_view>

namespace yun::observe {

/// A literal of printable ASCII without quote and backslash, which the compiler checks: it is kept as a view and written as it stands.
class Key {
 public:
  template <std::size_t N>
  consteval Key(const char (&literal)[N]) : text_(literal, N - 1) {
    static_assert(N <= 1024, "a key is a name");
    for (const char c : text_) {
      if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') throw "a key may not need an escape";
    }
  }
  constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

}  // namespace yun::observe
