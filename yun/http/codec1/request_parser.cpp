#include "yun/http/codec1/request_parser.hpp"

#include "yun/base/strings.hpp"
#include "yun/http/codec1/target.hpp"

namespace yun::http::codec1 {

namespace {
constexpr ParseError kTargetTooLong{414, "target_too_long", "the request line is too long"};
constexpr ParseError kLineTooLong{431, "header_too_large", "a header line is too long"};
constexpr ParseError kHeadTooLarge{431, "head_too_large", "the head is too large"};
constexpr ParseError kTooMany{431, "too_many_headers", "too many headers"};
constexpr ParseError kBadLine{400, "bad_request_line", "not a request line"};
constexpr ParseError kNotHttp{400, "not_http", "these are not the words of an HTTP client"};
constexpr ParseError kBadVersion{505, "http_version", "only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here"};
constexpr ParseError kConnect{501, "connect_refused", "CONNECT is not served here"};
constexpr ParseError kAbsolute{400, "absolute_form", "a target in absolute form"};
constexpr ParseError kNoHost{400, "missing_host", "no Host header"};
constexpr ParseError kHosts{400, "many_hosts", "more than one Host header"};
constexpr ParseError kBadHost{400, "bad_host", "a Host that is no host"};
constexpr ParseError kLength{400, "bad_content_length", "a Content-Length that is no plain number"};
constexpr ParseError kLengths{400, "many_content_lengths", "more than one Content-Length"};
constexpr ParseError kCoding{400, "transfer_encoding", "a Transfer-Encoding other than chunked alone"};
constexpr ParseError kBoth{400, "length_and_chunked", "Content-Length together with Transfer-Encoding"};
constexpr ParseError kOldChunked{400, "chunked_in_http_10", "Transfer-Encoding in an HTTP/1.0 request"};
constexpr ParseError kExpect{417, "expectation", "an expectation other than 100-continue"};
}  // namespace

void RequestParser::reset() {
  framing_ = {};
  error_ = nullptr;
  at_ = scanned_ = 0;
  in_fields_ = close_ = keep_alive_ = absolute_ = false;
  hosts_ = lengths_ = codings_ = 0;
}

RequestParser::State RequestParser::fail(const ParseError& error) {
  error_ = &error;
  return State::Failed;
}

RequestParser::State RequestParser::parse(std::string_view bytes, Request& into) {
  for (;;) {
    const std::string_view rest = bytes.substr(at_);
    const Line line = find_line(rest, scanned_);
    // Of a line that is over both, what it came to first: the answer is the same however the bytes arrive.
    const bool head_first = at_ + limits_.max_line > limits_.max_head;
    if (at_ + line.size > limits_.max_head && head_first) return fail(kHeadTooLarge);
    if (line.size > limits_.max_line) return fail(in_fields_ ? kLineTooLong : kTargetTooLong);
    if (at_ + line.size > limits_.max_head) return fail(kHeadTooLarge);
    if (line.state == Line::State::Bad) return fail(*line.error);
    if (line.state == Line::State::NeedMore) {
      scanned_ = line.size;
      return State::NeedMore;
    }
    const std::string_view text = rest.substr(0, line.size);
    const ParseError* error = nullptr;
    const bool first_line = !in_fields_;
    if (first_line) {
      if (text.empty() && at_ == 0) {  // one empty line before a request is forgiven (RFC 9112 2.2)
        at_ = 2;
        scanned_ = 0;
        continue;
      }
      error = parse_request_line(text, into);
      in_fields_ = true;
    } else if (!text.empty()) {
      if (into.headers.size() >= limits_.max_headers) return fail(kTooMany);
      error = parse_field(text, limits_.allow_underscores, into.headers);
      if (!error) error = note_field(into.headers[into.headers.size() - 1]);
    }
    if (error) return fail(*error);
    at_ += line.size + 2;
    scanned_ = 0;
    if (!first_line && text.empty()) {
      error = finish(into);
      return error ? fail(*error) : State::Done;
    }
  }
}

const ParseError* RequestParser::parse_request_line(std::string_view line, Request& into) {
  // Most often the version is eight bytes, and it is looked for where it then stands.
  const std::size_t first = line.find(' ');
  const std::size_t last = line.size() > 9 && line[line.size() - 9] == ' ' && line.ends_with("HTTP/1.1") ? line.size() - 9 : line.rfind(' ');
  if (first == std::string_view::npos || first == last) return &kBadLine;
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (method.size() > 32 || !is_token(method)) return &kBadLine;
  if (version == "HTTP/1.1") {
    into.version = Version::Http11;
  } else if (version == "HTTP/1.0") {
    into.version = Version::Http10;
  } else {
    const bool number = version.size() == 8 && version.starts_with("HTTP/") && version[5] >= '0' && version[5] <= '9' && version[6] == '.' &&
                        version[7] >= '0' && version[7] <= '9';
    if (number) return &kBadVersion;
    const std::string_view target = line.substr(first + 1, last - first - 1);
    return version.starts_with("HTTP") || target.starts_with('/') || parse_method(method) != Method::Other ? &kBadLine : &kNotHttp;
  }
  into.method = parse_method(method);
  if (into.method == Method::Other) into.method_text.assign(method);
  return parse_target(line.substr(first + 1, last - first - 1), into);
}

const ParseError* RequestParser::parse_target(std::string_view target, Request& into) {
  into.target.assign(target);
  if (into.method == Method::Connect) {
    if (!limits_.allow_connect) return &kConnect;
    if (!is_authority(target)) return &kBadHost;
    absolute_ = true;
    into.authority = to_lower(target);
    return nullptr;
  }
  if (target == "*" && into.method == Method::Options) {
    into.path.assign(target);
    into.query.clear();
    return nullptr;
  }
  if (!target.empty() && target.front() != '/') {
    const bool http = target.size() > 7 && iequals(target.substr(0, 7), "http://");
    const bool https = target.size() > 8 && iequals(target.substr(0, 8), "https://");
    if ((http || https) && !limits_.allow_absolute_form) return &kAbsolute;
    if (http || https) {
      const std::string_view rest = target.substr(http ? 7 : 8);
      const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
      if (!is_authority(rest.substr(0, end))) return &kBadHost;
      absolute_ = true;
      into.authority = to_lower(rest.substr(0, end));
      const std::string_view path = rest.substr(end);
      if (path.empty() || path.front() == '?') return split_target("/" + std::string(path), into.path, into.query);
      return split_target(path, into.path, into.query);
    }
  }
  return split_target(target, into.path, into.query);
}

const ParseError* RequestParser::note_field(Headers::Field field) {
  const auto count = [](std::uint8_t& counter) { return counter < 2 ? ++counter : counter; };
  switch (field.name.size()) {
    case 4:
      if (field.name == "host") {
        if (count(hosts_) > 1) return &kHosts;
        if (!is_authority(field.value)) return &kBadHost;
      }
      return nullptr;
    case 6:
      if (field.name == "expect") {
        if (!iequals(field.value, "100-continue")) return &kExpect;
        framing_.expect_continue = true;
      }
      return nullptr;
    case 10:
      if (field.name == "connection") note_connection(field.value);
      return nullptr;
    case 14:
      if (field.name == "content-length") {
        if (count(lengths_) > 1) return &kLengths;
        const auto length = field.value.size() <= 18 ? parse_u64(field.value) : std::nullopt;
        if (!length) return &kLength;
        framing_.content_length = length;
      }
      return nullptr;
    case 17:
      if (field.name == "transfer-encoding") {
        if (count(codings_) > 1 || !iequals(field.value, "chunked")) return &kCoding;
        framing_.chunked = true;
      }
      return nullptr;
    default: return nullptr;
  }
}

void RequestParser::note_connection(std::string_view value) {
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(','), value.size());
    const std::string_view option = trim(value.substr(0, end));
    value.remove_prefix(std::min(end + 1, value.size()));
    if (iequals(option, "close")) close_ = true;
    if (iequals(option, "keep-alive")) keep_alive_ = true;
    if (iequals(option, "upgrade")) framing_.upgrade = true;
  }
}

const ParseError* RequestParser::finish(Request& into) {
  const bool old = into.version == Version::Http10;
  if (hosts_ == 0 && !old) return &kNoHost;
  if (codings_ > 0 && lengths_ > 0) return &kBoth;
  if (codings_ > 0 && old) return &kOldChunked;
  if (old) framing_.expect_continue = framing_.upgrade = false;
  framing_.keep_alive = !close_ && (!old || keep_alive_);
  if (hosts_ > 0 && !absolute_) {
    into.authority.assign(*into.headers.get("host"));
    copy_lower(into.authority.data(), into.authority);
  }
  return nullptr;
}

void clear(Request& request) {
  request.method = Method::Get;
  request.method_text.clear();
  request.version = Version::Http11;
  request.authority.clear();
  request.target.clear();
  request.path.clear();
  request.query.clear();
  request.headers.clear();
  request.body.assign({});
  request.upload.reset();
  request.route = {};
  request.params.clear();
}

void clear(Response& response) {
  response.status = 200;
  response.headers.clear();
  response.body.assign({});
  response.stream.reset();
  response.file.reset();
  response.trailers.clear();
  response.reason.clear();
  response.upgrade = nullptr;
}

}  // namespace yun::http::codec1
