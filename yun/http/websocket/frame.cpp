#include "yun/http/websocket/frame.hpp"

#include <algorithm>
#include <cstring>

#include "yun/base/strings.hpp"

namespace yun::http::websocket {

namespace {

constexpr std::size_t kMostControl = 125;

bool is_control(Opcode opcode) { return static_cast<std::uint8_t>(opcode) >= 8; }

std::uint64_t read_big(const char* bytes, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void append_big(std::string& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = size; i-- > 0;) out += static_cast<char>(value >> (8 * i) & 255);
}

/// Codes that may be on the wire (RFC 6455 7.4).
bool is_close_code(std::uint64_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/// `from` is the place of bytes[0] within the frame.
void unmask(char* bytes, std::size_t size, const char* mask, std::uint64_t from) {
  std::size_t i = 0;
  for (; i < size && (from + i) % 4 != 0; ++i) bytes[i] = static_cast<char>(bytes[i] ^ mask[(from + i) % 4]);
  std::uint64_t wide = 0;
  std::memcpy(&wide, mask, 4);
  std::memcpy(reinterpret_cast<char*>(&wide) + 4, mask, 4);
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, 8);
    word ^= wide;
    std::memcpy(bytes + i, &word, 8);
  }
  for (; i < size; ++i) bytes[i] = static_cast<char>(bytes[i] ^ mask[(from + i) % 4]);
}

}  // namespace

const char* FrameDecoder::read_head(Head& head, std::uint16_t& code) const {
  const std::string_view bytes = buffer_.view();
  if (bytes.size() < 2) return nullptr;
  const auto first = static_cast<unsigned char>(bytes[0]), second = static_cast<unsigned char>(bytes[1]);
  code = kProtocolError;
  if (first & 0x70) return "a reserved bit is set";
  head.final = first & 0x80;
  head.opcode = static_cast<Opcode>(first & 15);
  head.masked = second & 0x80;
  std::size_t size = 2;
  head.length = second & 127;
  if (head.length >= 126) {
    const std::size_t wide = head.length == 126 ? 2 : 8;
    if (bytes.size() < size + wide) return nullptr;
    head.length = read_big(bytes.data() + size, wide);
    size += wide;
    if (head.length < (wide == 2 ? 126u : 65536u) || head.length >> 63) return "a length is not in its shortest form";
  }
  if (const char* fault = check(head, code)) return fault;
  if (head.masked) {
    if (bytes.size() < size + 4) return nullptr;
    std::memcpy(head.mask, bytes.data() + size, 4);
    size += 4;
  }
  head.size = size;
  return nullptr;
}

const char* FrameDecoder::check(const Head& head, std::uint16_t& code) const {
  if (head.masked != (side_ == Side::Server)) return side_ == Side::Server ? "a frame is not masked" : "a frame is masked";
  switch (head.opcode) {
    case Opcode::Close:
    case Opcode::Ping:
    case Opcode::Pong:
      if (!head.final) return "a control frame is in pieces";
      if (head.length > kMostControl) return "a control frame is too long";
      return nullptr;
    case Opcode::Continuation:
      if (!in_message_) return "a continuation without a beginning";
      break;
    case Opcode::Text:
    case Opcode::Binary:
      if (in_message_) return "a message begins within another";
      break;
    default: return "an opcode is not known";
  }
  if (head.length > max_message_ - message_.size()) {
    code = kTooBig;
    return "the message is too large";
  }
  return nullptr;
}

FrameEvent FrameDecoder::next() {
  while (!ended_) {
    if (!in_frame_) {
      Head head;
      std::uint16_t code = kProtocolError;
      if (const char* fault = read_head(head, code)) return fail(code, fault);
      if (head.size == 0) return {};
      buffer_.consume(head.size);
      head_ = head;
      taken_ = 0;
      in_frame_ = true;
      if (!is_control(head.opcode) && head.opcode != Opcode::Continuation) {
        in_message_ = true;
        is_text_ = head.opcode == Opcode::Text;
      }
      control_.clear();
    }
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(head_.length - taken_, buffer_.size()));
    if (head_.masked) unmask(buffer_.data(), size, head_.mask, taken_);
    (is_control(head_.opcode) ? control_ : message_).append(buffer_.data(), size);
    buffer_.consume(size);
    taken_ += size;
    if (taken_ < head_.length) return {};
    in_frame_ = false;
    if (is_control(head_.opcode)) return finish_control();
    if (head_.final) return finish_message();
  }
  return {};
}

FrameEvent FrameDecoder::finish_control() {
  using Kind = FrameEvent::Kind;
  if (head_.opcode == Opcode::Ping) return {Kind::Ping, std::move(control_), 0};
  if (head_.opcode == Opcode::Pong) return {Kind::Pong, std::move(control_), 0};
  if (control_.empty()) {
    ended_ = true;
    return {Kind::Close, "", kNoCode};
  }
  if (control_.size() == 1) return fail(kProtocolError, "a close has half a code");
  const auto code = read_big(control_.data(), 2);
  if (!is_close_code(code)) return fail(kProtocolError, "a close has a code that may not be sent");
  if (!is_utf8(std::string_view(control_).substr(2))) return fail(kBadText, "a close has a reason that is not UTF-8");
  ended_ = true;
  return {Kind::Close, control_.substr(2), static_cast<std::uint16_t>(code)};
}

FrameEvent FrameDecoder::finish_message() {
  in_message_ = false;
  if (is_text_ && !is_utf8(message_)) return fail(kBadText, "a text is not UTF-8");
  FrameEvent event{is_text_ ? FrameEvent::Kind::Text : FrameEvent::Kind::Binary, std::move(message_), 0};
  message_.clear();
  return event;
}

FrameEvent FrameDecoder::fail(std::uint16_t code, const char* what) {
  ended_ = true;
  return {FrameEvent::Kind::Failed, what, code};
}

void append_frame(std::string& out, Opcode opcode, std::string_view payload, const char* mask) {
  out += static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode));
  const int mask_bit = mask ? 0x80 : 0;
  if (payload.size() < 126) {
    out += static_cast<char>(mask_bit | static_cast<int>(payload.size()));
  } else {
    const bool wide = payload.size() > 0xffff;
    out += static_cast<char>(mask_bit | (wide ? 127 : 126));
    append_big(out, payload.size(), wide ? 8 : 2);
  }
  if (mask) out.append(mask, 4);
  const std::size_t at = out.size();
  out += payload;
  if (mask) unmask(out.data() + at, payload.size(), mask, 0);
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  std::string payload;
  append_big(payload, code, 2);
  reason = reason.substr(0, kMostControl - 2);
  while (!is_utf8(reason)) reason.remove_suffix(1);  // cut within a character
  payload += reason;
  return payload;
}

}  // namespace yun::http::websocket
