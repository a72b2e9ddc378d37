#include "yun/http/codec1/writer.hpp"

#include <array>
#include <charconv>
#include <cstring>
#include <string>

#include "yun/base/error.hpp"
#include "yun/http/codec1/text.hpp"

namespace yun::http::codec1 {

namespace {

struct StatusLines {
  std::array<std::string, 600> lines;
  StatusLines() {
    for (int status = 100; status < 600; ++status)
      lines[static_cast<std::size_t>(status)] = "HTTP/1.1 " + std::to_string(status) + " " + std::string(reason_phrase(status)) + "\r\n";
  }
};

std::string_view status_line(int status) {
  static const StatusLines table;
  return table.lines[static_cast<std::size_t>(status >= 100 && status < 600 ? status : 500)];
}

void append_number(Buffer& out, std::uint64_t number) {
  char text[20];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  out.append(std::string_view(text, static_cast<std::size_t>(end - text)));
}

void append_value(Buffer& out, std::string_view value) {
  for (;;) {
    const std::size_t clean = first_control(value);
    out.append(value.substr(0, clean));
    if (clean == value.size()) return;
    out.append(' ');
    value.remove_prefix(clean + 1);
  }
}

bool is_ours(std::string_view name, bool response) {
  switch (name.size()) {
    case 4: return response ? name == "date" : name == "host";
    case 10: return name == "connection" || name == "keep-alive";
    case 14: return name == "content-length";
    case 17: return name == "transfer-encoding";
    default: return false;
  }
}

void append_fields(Buffer& out, const Headers& headers, bool response) {
  for (const Headers::Field field : headers) {
    if (is_ours(field.name, response) || !is_token(field.name)) continue;
    out.append(field.name);
    out.append(": ");
    append_value(out, field.value);
    out.append("\r\n");
  }
}

void append_framing(Buffer& out, const HeadFraming& framing) {
  if (framing.content_length) {
    out.append("content-length: ");
    append_number(out, *framing.content_length);
    out.append("\r\n");
  } else if (framing.chunked) {
    out.append("transfer-encoding: chunked\r\n");
  }
  switch (framing.connection) {
    case HeadFraming::Connection::Default: break;
    case HeadFraming::Connection::Close: out.append("connection: close\r\n"); break;
    case HeadFraming::Connection::KeepAlive: out.append("connection: keep-alive\r\n"); break;
    case HeadFraming::Connection::Upgrade: out.append("connection: upgrade\r\n"); break;
  }
}

}  // namespace

std::string_view date(TimePoint now) {
  struct Cache {
    TimePoint until;
    std::string text;
  };
  thread_local Cache cache;
  if (now >= cache.until) {
    const auto wall = std::chrono::system_clock::now();
    const auto second = std::chrono::floor<std::chrono::seconds>(wall);
    cache.text = format_http_date(second);
    cache.until = now + (std::chrono::seconds(1) - (wall - second));
  }
  return cache.text;
}

void write_response_head(Buffer& out, const Response& response, const HeadFraming& framing, std::string_view date_now) {
  out.append(status_line(response.status));
  if (!date_now.empty()) {
    out.append("date: ");
    out.append(date_now);
    out.append("\r\n");
  }
  append_fields(out, response.headers, true);
  append_framing(out, framing);
  out.append("\r\n");
}

void write_request_head(Buffer& out, const Request& request, const HeadFraming& framing) {
  out.append(request.method == Method::Other ? std::string_view(request.method_text) : name(request.method));
  out.append(' ');
  out.append(request.target.empty() ? std::string_view("/") : std::string_view(request.target));
  out.append(" HTTP/1.1\r\nhost: ");
  append_value(out, request.authority);
  out.append("\r\n");
  append_fields(out, request.headers, false);
  append_framing(out, framing);
  out.append("\r\n");
}

}  // namespace yun::http::codec1
