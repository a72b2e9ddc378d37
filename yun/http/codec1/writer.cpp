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

bool is_ours(std::string_view name, bool response) {
  switch (name.size()) {
    case 4: return response ? name == "date" : name == "host";
    case 10: return name == "connection" || name == "keep-alive";
    case 14: return name == "content-length";
    case 17: return name == "transfer-encoding";
    default: return false;
  }
}

/// Writes where room was made before: a head is one reservation and plain copies.
class Pen {
 public:
  Pen(Buffer& out, std::size_t room) : out_(out), at_(out.prepare(room).data()), begin_(at_) {}
  ~Pen() { out_.commit(static_cast<std::size_t>(at_ - begin_)); }
  Pen(const Pen&) = delete;
  Pen& operator=(const Pen&) = delete;

  void text(std::string_view text) {
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  void number(std::uint64_t number) { at_ = std::to_chars(at_, at_ + kNumber, number).ptr; }
  /// Control bytes become spaces.
  void value(std::string_view value) {
    char* begin = at_;
    text(value);
    for (std::size_t bad = first_control(value); bad < value.size(); bad += 1 + first_control(value.substr(bad + 1))) begin[bad] = ' ';
  }
  void fields(const Headers& headers, bool response) {
    std::string_view run;  // lines one behind the other
    for (std::size_t i = 0; i < headers.size(); ++i) {
      const Headers::Field field = headers[i];
      if (is_ours(field.name, response)) continue;
      const std::string_view line = headers.line(i);
      if (line.data() == run.data() + run.size() && headers.is_sendable(i)) {
        run = {run.data(), run.size() + line.size()};
        continue;
      }
      text(run);
      run = {};
      if (headers.is_sendable(i)) {
        run = line;
      } else if (is_token(field.name)) {
        text(field.name);
        text(": ");
        value(field.value);
        text("\r\n");
      }
    }
    text(run);
  }
  void framing(const HeadFraming& framing) {
    if (framing.content_length) {
      text("content-length: ");
      number(*framing.content_length);
      text("\r\n");
    } else if (framing.chunked) {
      text("transfer-encoding: chunked\r\n");
    }
    switch (framing.connection) {
      case HeadFraming::Connection::Default: break;
      case HeadFraming::Connection::Close: text("connection: close\r\n"); break;
      case HeadFraming::Connection::KeepAlive: text("connection: keep-alive\r\n"); break;
      case HeadFraming::Connection::Upgrade: text("connection: upgrade\r\n"); break;
    }
  }

  /// What framing() and the empty line take at the most.
  static constexpr std::size_t kFraming = 96;
  static std::size_t room_for(const Headers& headers) { return headers.text_size() + kFraming; }

 private:
  static constexpr std::size_t kNumber = 20;
  Buffer& out_;
  char* at_;
  char* begin_;
};

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
  const std::string_view status = status_line(response.status);
  Pen pen(out, status.size() + date_now.size() + 16 + Pen::room_for(response.headers));
  pen.text(status);
  if (!date_now.empty()) {
    pen.text("date: ");
    pen.text(date_now);
    pen.text("\r\n");
  }
  pen.fields(response.headers, true);
  pen.framing(framing);
  pen.text("\r\n");
}

void write_request_head(Buffer& out, const Request& request, const HeadFraming& framing) {
  const std::string_view method = request.method == Method::Other ? std::string_view(request.method_text) : name(request.method);
  const std::string_view target = request.target.empty() ? std::string_view("/") : std::string_view(request.target);
  Pen pen(out, method.size() + target.size() + request.authority.size() + 32 + Pen::room_for(request.headers));
  pen.text(method);
  pen.text(" ");
  pen.text(target);
  pen.text(" HTTP/1.1\r\nhost: ");
  pen.value(request.authority);
  pen.text("\r\n");
  pen.fields(request.headers, false);
  pen.framing(framing);
  pen.text("\r\n");
}

}  // namespace yun::http::codec1
