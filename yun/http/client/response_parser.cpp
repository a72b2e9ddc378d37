#include "yun/http/client/response_parser.hpp"

#include "yun/base/strings.hpp"
#include "yun/http/codec1/text.hpp"

namespace yun::http::client {

namespace {

Error bad(std::string_view what) {
  return unavailable("bad response from upstream: " + std::string(what)).with_reason("upstream_protocol").with_http_status(502);
}

bool lists(std::string_view value, std::string_view token) {
  for (std::string_view item : split(value, ',')) {
    if (iequals(item, token)) return true;
  }
  return false;
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

Result<void> read_framing(ResponseHead& head, Method method) {
  using Kind = ResponseHead::BodyKind;
  const Headers& headers = head.headers;
  const std::string connection = headers.joined("connection");
  head.keep_alive = head.version == Version::Http11 ? !lists(connection, "close") : lists(connection, "keep-alive");
  bool has_length = false;
  for (const Headers::Field field : headers) {
    if (field.name != "content-length") continue;
    const auto length = parse_u64(field.value);
    if (!length || (has_length && *length != head.length)) return bad("bad content-length");
    has_length = true;
    head.length = *length;
  }
  const bool coded = headers.has("transfer-encoding");
  if (coded && (has_length || head.version == Version::Http10 || !iequals(headers.joined("transfer-encoding"), "chunked")))
    return bad("ambiguous or unknown transfer-encoding");
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

Result<ResponseHead> parse_response_head(std::string_view input, Method request_method, std::size_t limit) {
  ResponseHead head;
  const auto end = input.substr(0, limit).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (input.size() >= limit) return bad("its head is larger than " + std::to_string(limit) + " bytes");
    // Say at once that this is no HTTP rather than wait for a blank line that never comes.
    const std::string_view start = "HTTP/1.";
    if (!input.starts_with(start.substr(0, std::min(start.size(), input.size())))) return bad("no HTTP/1 status line");
    return head;
  }
  std::string_view rest = input.substr(0, end + 2);
  const auto first = codec1::find_line(rest);
  if (first.state != codec1::Line::State::Complete) return bad("control byte in its status line");
  if (auto status = read_status_line(rest.substr(0, first.size), head); !status) return std::move(status).error();
  rest.remove_prefix(first.size + 2);
  while (!rest.empty()) {
    const auto next = codec1::find_line(rest);
    if (next.state != codec1::Line::State::Complete) return bad("control byte in its head");
    if (codec1::parse_field(rest.substr(0, next.size), true, head.headers)) return bad("bad header line");
    rest.remove_prefix(next.size + 2);
  }
  if (auto framing = read_framing(head, request_method); !framing) return std::move(framing).error();
  head.size = end + 4;
  return head;
}

}  // namespace yun::http::client
