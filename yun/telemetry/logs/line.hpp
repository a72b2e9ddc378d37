#pragma once
// Line: what a sink must know of a log line, which is JSON as yun/observe/log writes it.

#include <functional>
#include <string_view>

#include "yun/base/units.hpp"

namespace yun::telemetry::logs {

struct Line {
  std::string_view text;   ///< the JSON, without its '\n'
  Time time{};             ///< its "ts"; the epoch if it has none
  std::string_view level;  ///< "info"; "" if it has none
};

/// By the head that each line has: {"ts":"2026-11-23T12:00:00.000000Z","level":"info",..
Line read_line(std::string_view text);
/// Every line of `lines`, empty ones left out.
void for_each_line(std::string_view lines, const std::function<void(const Line&)>& take);

}  // namespace yun::telemetry::logs
