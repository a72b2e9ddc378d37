#include "yun/telemetry/logs/line.hpp"

#include <algorithm>

#include "yun/base/units.hpp"

namespace yun::telemetry::logs {

Line read_line(std::string_view text) {
  constexpr std::string_view kTime = "{\"ts\":\"";
  constexpr std::string_view kLevel = "\",\"level\":\"";
  Line line{text, {}, {}};
  if (!text.starts_with(kTime)) return line;
  text.remove_prefix(kTime.size());
  const std::size_t end = text.find('"');
  if (end == std::string_view::npos) return line;
  if (const auto time = parse_time(text.substr(0, end))) line.time = *time;
  text.remove_prefix(end);
  if (!text.starts_with(kLevel)) return line;
  text.remove_prefix(kLevel.size());
  line.level = text.substr(0, text.find('"'));
  return line;
}

void for_each_line(std::string_view lines, const std::function<void(const Line&)>& take) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    if (end > 0) take(read_line(lines.substr(0, end)));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

}  // namespace yun::telemetry::logs
