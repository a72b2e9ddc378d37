#include "yun/http/client/response_parser.hpp"

#include <algorithm>
#include <optional>

#include "yun/base/strings.hpp"
#include "yun/http/codec1/text.hpp"

namespace yun::http::client {

namespace {

Error bad(std::string_view what) {
  return unavailable("bad response from upstream: " + std::string(what)).with_reason("upstream_protocol").with_http_status(502);
}

/// What a head's fields say of its framing.
struct Framing {
  bool close = false;
  bool keep_alive = false;
  std::optional<std::uint64_t> length;
  bool coded = false;
};

void read_connection(std::string_view value, Framing& framing) {
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(','), value.size());
    const std::string_view option = trim(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
    if (iequals(option, "close")) framing.close = true;
    if (iequals(option, "keep-alive")) framing.keep_alive = true;
  }
}

/// "HTTP/1.1 200 OK"; the phrase may be missing.
Result<void> read_status_line(std::string_view line, ResponseHead& head) {
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return bad("no HTTP/1 status line");
  if (line[7] != '0' && line[7] != '1') return bad("unknown version");
  head.version = line[7] == '1' ? Version::Http11 : Version::Http10;
  if (line.size() > 12 && line[12] != ' ') return bad("bad status");
  const auto status = parse_u64(line.substr(9, 3));
  if (!status || *status < 100) return bad("bad status");
  head.status = static_cast<int>(*status);
  return {};
}

Result<void> read_framing(const Headers& headers, ResponseHead& head, Method method) {
  using Kind = ResponseHead::BodyKind;
  Framing framing;
  for (const Headers::Field field : headers) {
    switch (field.name.size()) {
      case 10:
        if (field.name == "connection") read_connection(field.value, framing);
        break;
      case 14:
        if (field.name == "content-length") {
          const auto length = parse_u64(field.value);
          if (!length || (framing.length && *length != *framing.length)) return bad("bad content-length");
          framing.length = length;
        }
        break;
      case 17:
        if (field.name == "transfer-encoding") {
          if (framing.coded || !iequals(field.value, "chunked")) return bad("ambiguous or unknown transfer-encoding");
          framing.coded = true;
        }
        break;
      default: break;
    }
  }
  const bool coded = framing.coded;
  const bool has_length = framing.length.has_value();
  if (coded && (has_length || head.version == Version::Http10)) return bad("ambiguous or unknown transfer-encoding");
  head.keep_alive = head.version == Version::Http11 ? !framing.close : framing.keep_alive;
  head.length = framing.length.value_or(0);
  if (head.status == 101 || (method == Method::Connect && head.status / 100 == 2)) {
    head.body = Kind::Tunnel;
    head.keep_alive = false;
  } else if (method == Method::Head || head.status < 200 || head.status == 204 || head.status == 304) {
    head.body = Kind::None;
  } else if (coded) {
    head.body = Kind::Chunked;
  } else if (has_length) {
    head.body = head.length ? Kind::Length : Kind::None;
  } else {
    head.body = Kind::UntilClose;
    head.keep_alive = false;
  }
  return {};
}

}  // namespace

namespace {

/// What is to be said of a head whose end is not in sight.
Result<ResponseHead> incomplete(std::string_view input, std::size_t limit, Headers& headers) {
  headers.clear();
  if (input.size() >= limit) return bad("its head is larger than " + std::to_string(limit) + " bytes");
  // Say at once that this is no HTTP rather than wait for a blank line that never comes.
  const std::string_view start = "HTTP/1.";
  if (!input.starts_with(start.substr(0, std::min(start.size(), input.size())))) return bad("no HTTP/1 status line");
  return ResponseHead();
}

}  // namespace

Result<ResponseHead> parse_response_head(std::string_view input, Method request_method, std::size_t limit, Headers& headers) {
  using State = codec1::Line::State;
  headers.clear();
  ResponseHead head;
  const std::string_view within = input.substr(0, limit);
  const auto first = codec1::find_line(within);
  if (first.state == State::NeedMore) return incomplete(input, limit, headers);
  if (first.state == State::Bad) return bad("control byte in its status line");
  if (auto status = read_status_line(within.substr(0, first.size), head); !status) return std::move(status).error();
  std::size_t at = first.size + 2;
  for (;;) {
    const std::string_view rest = within.substr(at);
    const auto next = codec1::find_line(rest);
    if (next.state == State::NeedMore) return incomplete(input, limit, headers);
    if (next.state == State::Bad) return bad("control byte in its head");
    at += next.size + 2;
    if (next.size == 0) break;
    if (codec1::parse_field(rest.substr(0, next.size), true, headers)) return bad("bad header line");
  }
  if (auto framing = read_framing(headers, head, request_method); !framing) return std::move(framing).error();
  head.size = at;
  return head;
}

}  // namespace yun::http::client
