#include "yun/observe/log/record.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "yun/observe/context.hpp"

namespace yun::observe::log {
namespace {

constexpr std::uint32_t kCut = std::uint32_t{1} << 31;  // in a text's size: it was longer

constexpr std::size_t padded(std::size_t size) { return (size + 7) & ~std::size_t{7}; }

/// A text as it is recorded: at most `max` bytes, cut between two characters.
struct Kept {
  Kept(std::string_view whole, std::size_t max) : text(whole) {
    if (text.size() <= max) [[likely]]
      return;
    std::size_t end = max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text = text.substr(0, end);
    cut = kCut;
  }
  std::uint32_t size_and_cut() const { return static_cast<std::uint32_t>(text.size()) | cut; }
  std::string_view text;
  std::uint32_t cut = 0;
};

/// Gives the end, padded.
char* put_text(char* to, std::string_view text) {
  copy_short(to, text.data(), text.size());
  return to + padded(text.size());
}

template <typename T>
char* put(char* to, const T& value) {
  static_assert(sizeof value % 8 == 0);
  std::memcpy(to, &value, sizeof value);
  return to + sizeof value;
}

/// Reads a record from its front to its end.
class Cursor {
 public:
  explicit Cursor(std::string_view record) : at_(record.data()) {}
  template <typename T>
  T take() {
    T value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string_view text(std::uint32_t size_and_cut) {
    const std::string_view text(at_, size_and_cut & ~kCut);
    at_ += padded(text.size());
    return text;
  }

 private:
  const char* at_;
};

struct Ids {
  std::uint64_t trace_high, trace_low, span;
};

}  // namespace

struct Record::Head {
  std::uint32_t size;
  std::uint16_t parts;
  Level level;
  bool has_ids;
  std::uint64_t tick;
  std::uint32_t message, request_id;  // size_and_cut(); the message follows, then Ids and the request id if there are any, then the parts
};

/// A field; then its text, or eight bytes of number.
struct Record::Part {
  const char* key;
  std::uint32_t size;
  std::uint16_t key_size;
  Value::Kind kind;
};

Record::Record(Level level, Context* ctx, std::string_view message, std::span<const Field> fields, std::size_t max_text)
    : level_(level), ctx_(ctx), message_(message), fields_(fields.first(std::min<std::size_t>(fields.size(), UINT16_MAX))), max_text_(max_text) {
  size_ = sizeof(Head) + padded(Kept(message, max_text).text.size()) + fields_.size() * sizeof(Part);
  if (ctx) size_ += sizeof(Ids) + padded(Kept(ctx->request_id(), max_text).text.size());
  for (const Field& field : fields_) {
    size_ += field.value.kind_ == Value::Kind::Text ? padded(Kept(field.value.text(), max_text).text.size()) : 8;
    has_error_ |= field.value.kind_ == Value::Kind::Error;
  }
}

void Record::put(char* to, std::uint64_t tick) const {
  const Kept message(message_, max_text_);
  const Kept request_id(ctx_ ? ctx_->request_id() : std::string_view(), max_text_);
  const Head head{static_cast<std::uint32_t>(size_), static_cast<std::uint16_t>(fields_.size()), level_, ctx_ != nullptr, tick, message.size_and_cut(), request_id.size_and_cut()};
  to = log::put(to, head);
  to = put_text(to, message.text);
  if (ctx_) {
    const auto& trace = ctx_->trace();
    to = log::put(to, Ids{trace.trace_high, trace.trace_low, trace.span});
    to = put_text(to, request_id.text);
  }
  for (const Field& field : fields_) {
    const std::string_view key = field.key.text();
    Part part{key.data(), 0, static_cast<std::uint16_t>(key.size()), field.value.kind_};
    if (part.kind == Value::Kind::Text) {
      const Kept text(field.value.text(), max_text_);
      part.size = text.size_and_cut();
      to = put_text(log::put(to, part), text.text);
    } else {
      to = log::put(log::put(to, part), field.value.bits_);
    }
  }
}

std::uint64_t Record::tick(std::string_view record) { return Cursor(record).take<Head>().tick; }

void Record::format(Line& line, std::string_view record, Time time, std::string_view service) {
  Cursor cursor(record);
  const auto head = cursor.take<Head>();
  line.raw("{\"ts\":\"");
  line.time(time.time_since_epoch().count());
  line.raw("\",\"level\":\"");
  line.raw(name(head.level));
  line.raw("\",\"msg\":");
  line.text(cursor.text(head.message), head.message & kCut);
  line.raw(service);
  if (head.has_ids) {
    const auto ids = cursor.take<Ids>();
    line.raw(",\"trace_id\":\"");
    line.hex(ids.trace_high);
    line.hex(ids.trace_low);
    line.raw("\",\"span_id\":\"");
    line.hex(ids.span);
    line.raw('"');
    const std::string_view request_id = cursor.text(head.request_id);
    if (!request_id.empty()) {
      line.raw(",\"request_id\":");
      line.text(request_id, head.request_id & kCut);
    }
  }
  for (unsigned i = 0; i < head.parts; ++i) {
    const auto part = cursor.take<Part>();
    line.key({part.key, part.key_size});
    if (part.kind == Value::Kind::Text) {
      line.text(cursor.text(part.size), part.size & kCut);
      continue;
    }
    const auto bits = cursor.take<std::uint64_t>();
    switch (part.kind) {
      case Value::Kind::Bool: line.raw(std::string_view(bits ? "true" : "false")); break;
      case Value::Kind::Signed: line.number(static_cast<std::int64_t>(bits)); break;
      case Value::Kind::Unsigned: line.number(bits); break;
      case Value::Kind::Double: line.number(std::bit_cast<double>(bits)); break;
      case Value::Kind::Duration: line.seconds(static_cast<std::int64_t>(bits)); break;
      case Value::Kind::Time:
        line.raw('"');
        line.time(static_cast<std::int64_t>(bits));
        line.raw('"');
        break;
      case Value::Kind::Text:
      case Value::Kind::Error: break;  // text, both
    }
  }
  line.raw("}\n");
}

std::vector<Field> Record::errors_as_text(std::span<const Field> fields, std::vector<std::string>& texts) {
  std::vector<Field> plain(fields.begin(), fields.end());
  texts.reserve(fields.size());
  for (Field& field : plain) {
    if (field.value.kind_ == Value::Kind::Error) field.value = Value(texts.emplace_back(field.value.error_->to_string()));
  }
  return plain;
}

}  // namespace yun::observe::log
