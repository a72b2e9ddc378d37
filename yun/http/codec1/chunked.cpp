#include "yun/http/codec1/chunked.hpp"

#include <algorithm>
#include <charconv>

namespace yun::http::codec1 {

namespace {
constexpr ParseError kSize{400, "bad_chunk", "a chunk size that is no plain hexadecimal number"};
constexpr ParseError kLineTooLong{400, "bad_chunk", "a chunk extension that is too long"};
constexpr ParseError kEnd{400, "bad_chunk", "no CRLF behind a chunk"};
constexpr ParseError kTrailersTooLarge{431, "trailers_too_large", "trailers that are too large"};
constexpr ParseError kTrailer{400, "bad_trailer", "a trailer that belongs into the head"};
constexpr std::size_t kMaxSizeLine = 256;

bool belongs_into_head(std::string_view name) {
  for (const std::string_view each :
       {"content-length", "transfer-encoding", "host", "connection", "te", "trailer", "upgrade", "authorization", "content-type", "content-encoding"}) {
    if (name == each) return true;
  }
  return false;
}
}  // namespace

void ChunkedDecoder::reset() {
  at_ = At::Size;
  left_ = 0;
  trailer_bytes_ = 0;
  error_ = nullptr;
  trailers_.clear();
}

ChunkedDecoder::Step ChunkedDecoder::fail(const ParseError& error) {
  error_ = &error;
  return {Step::State::Failed, 0, {}};
}

const ParseError* ChunkedDecoder::parse_size(std::string_view line) {
  std::size_t digits = 0;
  std::uint64_t size = 0;
  const auto [end, problem] = std::from_chars(line.data(), line.data() + std::min<std::size_t>(line.size(), 16), size, 16);
  digits = static_cast<std::size_t>(end - line.data());
  if (problem != std::errc() || digits == 0 || digits > 15 || line.front() == '-') return &kSize;
  const std::string_view extension = line.substr(digits);
  if (!extension.empty() && extension.front() != ';') return &kSize;
  left_ = size;
  return nullptr;
}

ChunkedDecoder::Step ChunkedDecoder::decode(std::string_view input) {
  std::size_t used = 0;
  for (;;) {
    const std::string_view rest = input.substr(used);
    switch (at_) {
      case At::Size: {
        const Line line = find_line(rest.substr(0, kMaxSizeLine + 2));
        if (line.size > kMaxSizeLine) return fail(kLineTooLong);
        if (line.state == Line::State::Bad) return fail(*line.error);
        if (line.state == Line::State::NeedMore) return {Step::State::NeedMore, used, {}};
        if (const ParseError* error = parse_size(rest.substr(0, line.size))) return fail(*error);
        used += line.size + 2;
        at_ = left_ == 0 ? At::Trailers : At::Data;
        break;
      }
      case At::Data: {
        if (rest.empty()) return {Step::State::NeedMore, used, {}};
        const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
        left_ -= size;
        if (left_ == 0) at_ = At::DataEnd;
        return {Step::State::Data, used + size, rest.substr(0, size)};
      }
      case At::DataEnd:
        if (!rest.empty() && rest[0] != '\r') return fail(kEnd);
        if (rest.size() >= 2 && rest[1] != '\n') return fail(kEnd);
        if (rest.size() < 2) return {Step::State::NeedMore, used, {}};
        used += 2;
        at_ = At::Size;
        break;
      case At::Trailers: {
        const Line line = find_line(rest);
        if (trailer_bytes_ + line.size > max_trailers_) return fail(kTrailersTooLarge);
        if (line.state == Line::State::Bad) return fail(*line.error);
        if (line.state == Line::State::NeedMore) return {Step::State::NeedMore, used, {}};
        used += line.size + 2;
        trailer_bytes_ += line.size + 2;
        if (line.size == 0) {
          at_ = At::Done;
          return {Step::State::Done, used, {}};
        }
        if (const ParseError* error = parse_field(rest.substr(0, line.size), false, trailers_)) return fail(*error);
        if (belongs_into_head(trailers_[trailers_.size() - 1].name)) return fail(kTrailer);
        break;
      }
      case At::Done: return {Step::State::Done, used, {}};
    }
  }
}

void write_chunk(Buffer& out, std::string_view data) {
  if (data.empty()) return;
  char head[20];
  const auto end = std::to_chars(head, head + 16, data.size(), 16).ptr;
  end[0] = '\r';
  end[1] = '\n';
  out.append(std::string_view(head, static_cast<std::size_t>(end + 2 - head)));
  out.append(data);
  out.append("\r\n");
}

void write_last_chunk(Buffer& out, const Headers& trailers) {
  out.append("0\r\n");
  for (const Headers::Field field : trailers) {
    if (belongs_into_head(field.name) || first_control(field.value) != field.value.size()) continue;
    out.append(field.name);
    out.append(": ");
    out.append(field.value);
    out.append("\r\n");
  }
  out.append("\r\n");
}

}  // namespace yun::http::codec1
