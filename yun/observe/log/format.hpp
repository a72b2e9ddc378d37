#pragma once
// One line of JSON, appended to a buffer.

#include <span>
#include <string_view>

#include "yun/observe/log/line.hpp"
#include "yun/observe/log/log.hpp"

namespace yun::observe::log {

/// `service` is the ready-made `,"service":"..."`. Ends with '\n'. `ctx` may be null.
void format_line(Line& line, Time time, Level level, std::string_view service, Context* ctx, std::string_view message, std::span<const Field> fields,
                 std::size_t max_text);

}  // namespace yun::observe::log
