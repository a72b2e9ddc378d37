#include "yun/json/write.hpp"

#include <charconv>
#include <cmath>

#include "yun/json/escape.hpp"

namespace yun::json::detail {
namespace {

template <typename T>
void write_number(std::string& out, T value) {
  char digits[32];
  const auto result = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, static_cast<std::size_t>(result.ptr - digits));
}

template <typename T>
void write_floating(std::string& out, T value) {
  if (!std::isfinite(value)) {
    out += "null";
  } else if (std::fabs(value) < 1e15 && value == std::trunc(value) && !(value == 0 && std::signbit(value))) {
    write_number(out, static_cast<std::int64_t>(value));  // 100000, not 1e+05
  } else {
    write_number(out, value);
  }
}

}  // namespace

void write_string(std::string& out, std::string_view text) {
  out += '"';
  for (;;) {
    std::size_t plain = 0;
    const std::size_t before = out.size();
    out.resize_and_overwrite(before + text.size() + 1, [&](char* bytes, std::size_t) {
      plain = copy_plain(bytes + before, text);
      if (plain == text.size()) bytes[before + plain] = '"';
      return before + plain + (plain == text.size() ? 1 : 0);
    });
    if (plain == text.size()) return;
    text.remove_prefix(plain);
    if (static_cast<unsigned char>(text.front()) < 0x80) {
      char escape[6];
      out.append(escape, write_escape(escape, text.front()));
      text.remove_prefix(1);
    } else {
      const std::size_t at = out.size();
      out.resize_and_overwrite(at + 3 * run_size(text), [&](char* bytes, std::size_t) { return static_cast<std::size_t>(write_run(bytes + at, text) - bytes); });
    }
  }
}

void write_signed(std::string& out, std::int64_t value) { write_number(out, value); }
void write_unsigned(std::string& out, std::uint64_t value) { write_number(out, value); }
void write_double(std::string& out, double value) { write_floating(out, value); }
void write_float(std::string& out, float value) { write_floating(out, value); }

void write_enum(std::string& out, const reflect::EnumTable& table, std::int64_t value) {
  const std::string_view name = table.name(value);
  if (name.empty())
    write_signed(out, value);  // an enumerator without a name: nothing better is known
  else
    write_string(out, name);
}

}  // namespace yun::json::detail
