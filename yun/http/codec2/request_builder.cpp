#include "yun/http/codec2/request_builder.hpp"

#include <algorithm>

#include "yun/base/strings.hpp"
#include "yun/http/codec1/target.hpp"

namespace yun::http::codec2 {

using codec1::ParseError;

namespace {
constexpr ParseError kTooLarge{431, "head_too_large", "the head is too large"};
constexpr ParseError kTooMany{431, "too_many_headers", "too many headers"};
constexpr ParseError kLineTooLong{431, "header_too_large", "a header is too long"};
constexpr ParseError kTargetTooLong{414, "target_too_long", "the path is too long"};
constexpr ParseError kPseudo{400, "bad_pseudo_header", "a pseudo-header that is unknown or misplaced"};
constexpr ParseError kMethod{400, "bad_request_line", "a method that is no token"};
constexpr ParseError kScheme{400, "bad_scheme", "a scheme other than http and https"};
constexpr ParseError kConnect{501, "connect_refused", "CONNECT is not served here, but for websockets"};
constexpr ParseError kNoHost{400, "missing_host", "neither :authority nor Host"};
constexpr ParseError kBadHost{400, "bad_host", "an authority that is no host"};
constexpr ParseError kHosts{400, "many_hosts", "Host and :authority differ, or Host comes twice"};
constexpr ParseError kUnderscore{400, "underscore_in_header", "a header name with an underscore"};
constexpr ParseError kName{400, "bad_header_name", "a header name that is no lower-case token"};
constexpr ParseError kControl{400, "control_byte", "a control byte in a header"};
constexpr ParseError kConnection{400, "connection_header", "a header of the connection in HTTP/2"};
constexpr ParseError kLength{400, "bad_content_length", "a Content-Length that is no plain number, or several"};
constexpr ParseError kExpect{417, "expectation", "an expectation other than 100-continue"};
}  // namespace

void RequestBuilder::add(std::string_view name, std::string_view value, Request& into, bool checked) {
  if (error_) return;
  bytes_ += name.size() + value.size() + 32;  // as RFC 9113 6.5.2 counts
  if (bytes_ > limits_.max_head + 32 * limits_.max_headers) {
    error_ = &kTooLarge;
  } else if (name.size() + value.size() > limits_.max_line) {
    error_ = name == ":path" ? &kTargetTooLong : &kLineTooLong;
  } else if (!name.empty() && name.front() == ':') {
    error_ = pseudo(name, value, into);
  } else {
    error_ = field(name, value, into, checked);
  }
}

const ParseError* RequestBuilder::pseudo(std::string_view name, std::string_view value, Request& into) {
  if (name == ":method") {
    if (value.size() > 32 || !codec1::is_token(value)) return &kMethod;
    into.method = parse_method(value);
    into.method_text.assign(value);
    return nullptr;
  }
  if (name == ":protocol") {
    websocket_ = value == "websocket";
    return websocket_ ? nullptr : &kConnect;
  }
  if (name == ":path") {
    has_path_ = true;
    into.target.assign(value);
    if (value == "*") {
      into.path.assign(value);
      return nullptr;
    }
    return codec1::split_target(value, into.path, into.query);
  }
  if (name == ":scheme") {
    if (value != "http" && value != "https") return &kScheme;
    return nullptr;
  }
  if (name == ":authority") {
    if (!codec1::is_authority(value)) return &kBadHost;
    into.authority.assign(value);
    for (char& c : into.authority) c = to_lower(c);
    return nullptr;
  }
  return &kPseudo;
}

const ParseError* RequestBuilder::field(std::string_view name, std::string_view value, Request& into, bool checked) {
  if (into.headers.size() >= limits_.max_headers) return &kTooMany;
  if (!checked) {
    const bool is_lower = std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (!is_lower || !codec1::is_token(name)) return &kName;
    if (codec1::first_control(value) != value.size()) return &kControl;
  }
  if (!limits_.allow_underscores && name.find('_') != std::string_view::npos) return &kUnderscore;
  switch (name.size()) {
    case 2:
      if (name == "te" && !iequals(value, "trailers")) return &kConnection;
      break;
    case 4:
      if (name == "host") return host(value, into);
      break;
    case 6:
      if (name == "expect") {
        if (!iequals(value, "100-continue")) return &kExpect;
        expect_continue_ = true;
      }
      if (name == "cookie" && append_cookie(value, into)) return nullptr;
      break;
    case 7:
      if (name == "upgrade") return &kConnection;
      break;
    case 10:
      if (name == "connection" || name == "keep-alive") return &kConnection;
      break;
    case 14:
      if (name == "content-length") {
        const auto length = value.size() <= 18 ? parse_u64(value) : std::nullopt;
        if (!length || content_length_) return &kLength;
        content_length_ = length;
      }
      break;
    case 16:
      if (name == "proxy-connection") return &kConnection;
      break;
    case 17:
      if (name == "transfer-encoding") return &kConnection;
      break;
    default: break;
  }
  into.headers.add_parsed(name, value);
  return nullptr;
}

const ParseError* RequestBuilder::host(std::string_view value, Request& into) {
  if (has_host_ || !codec1::is_authority(value)) return has_host_ ? &kHosts : &kBadHost;
  has_host_ = true;
  if (into.authority.empty()) {
    into.authority = to_lower(value);
  } else if (!iequals(into.authority, value)) {
    return &kHosts;
  }
  return nullptr;  // told by `authority`, as with :authority
}

/// It may come in pieces (RFC 9113 8.2.3): HTTP/1 and handlers know one. False: this is the first.
bool RequestBuilder::append_cookie(std::string_view value, Request& into) {
  const auto before = into.headers.get("cookie");
  if (!before) return false;
  const std::string whole = std::string(*before) + "; " + std::string(value);
  into.headers.set("cookie", whole);
  return true;
}

const ParseError* RequestBuilder::finish(Request& into) {
  if (error_) return error_;
  if (websocket_ != (into.method == Method::Connect)) return websocket_ ? &kPseudo : &kConnect;
  if (!has_path_ || into.method_text.empty()) return &kPseudo;
  if (into.path == "*" && into.method != Method::Options) return &kPseudo;
  if (into.authority.empty()) return &kNoHost;
  if (websocket_) {
    into.method = Method::Get;
    into.method_text = "GET";
    into.headers.add("upgrade", "websocket");
    into.headers.add("connection", "upgrade");
  }
  return nullptr;
}

}  // namespace yun::http::codec2
