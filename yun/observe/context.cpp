#include "yun/observe/context.hpp"

#include "yun/base/ids.hpp"

namespace yun {

Context::Context(Context& parent, TimePoint deadline)
    : Cancel(parent, deadline),
      trace_(parent.trace()),
      span_(parent.span_),
      trace_state_(parent.trace_state_),
      request_id_(parent.request_id_),
      subject_(parent.subject_) {}

void Context::make_trace() { trace_ = {random_u64() | 1, random_u64(), random_u64() | 1, false}; }

std::string Context::trace_id() {
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto& ids = trace();
  std::string text(32, '0');
  for (int i = 0; i < 16; ++i) {
    text[static_cast<std::size_t>(i)] = kDigits[(ids.trace_high >> (60 - 4 * i)) & 15];
    text[static_cast<std::size_t>(16 + i)] = kDigits[(ids.trace_low >> (60 - 4 * i)) & 15];
  }
  return text;
}

}  // namespace yun
