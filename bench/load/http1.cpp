// HTTP/1.1: one request in flight a connection.

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <strings.h>
#include <string_view>

#include "bench/load/connection.hpp"

namespace bench {

namespace {

std::optional<std::string_view> header(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != head.npos && at + 2 < head.size();) {
    const std::size_t begin = at + 2;
    at = head.find("\r\n", begin);
    const std::string_view line = head.substr(begin, at == head.npos ? head.npos : at - begin);
    if (line.size() <= name.size() || line[name.size()] != ':' || strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
    std::string_view value = line.substr(name.size() + 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    return value;
  }
  return std::nullopt;
}

/// Bytes of the chunked body that begins `bytes`, trailers' end included; nothing while it is not whole.
std::optional<std::size_t> chunked_length(std::string_view bytes) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t line = bytes.find("\r\n", at);
    if (line == bytes.npos) return std::nullopt;
    std::size_t size = 0;
    std::from_chars(bytes.data() + at, bytes.data() + line, size, 16);
    at = line + 2 + size + 2;
    if (at > bytes.size()) return std::nullopt;
    if (size == 0) return at;
  }
}

/// Bytes of the answer that begins `bytes`; nothing while it is not whole.
std::optional<std::size_t> answer_length(std::string_view bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == bytes.npos) return std::nullopt;
  const std::string_view head = bytes.substr(0, end + 2);
  const std::size_t body = end + 4;
  if (const auto length = header(head, "content-length")) {
    std::size_t size = 0;
    std::from_chars(length->data(), length->data() + length->size(), size);
    return bytes.size() >= body + size ? std::optional(body + size) : std::nullopt;
  }
  if (!header(head, "transfer-encoding")) return body;
  const auto size = chunked_length(bytes.substr(body));
  return size ? std::optional(body + *size) : std::nullopt;
}

class Http1 final : public Connection {
 public:
  Http1(int fd, const Work& work) : fd_(fd) {
    request_ = work.method + " " + work.path + " HTTP/1.1\r\nhost: " + work.authority + "\r\n";
    for (const auto& [name, value] : work.headers) request_ += name + ": " + value + "\r\n";
    if (!work.body.empty()) request_ += "content-length: " + std::to_string(work.body.size()) + "\r\n";
    request_ += "\r\n" + work.body;
  }
  ~Http1() override { ::close(fd_); }

  std::size_t room() const override { return intended_ ? 0 : 1; }
  void start(std::int64_t intended) override {
    intended_ = intended;
    sent_ = 0;
  }
  bool wants_write() const override { return intended_ && sent_ < request_.size(); }
  std::vector<std::int64_t> in_flight() const override { return intended_ ? std::vector{*intended_} : std::vector<std::int64_t>{}; }

  bool flush(std::vector<Done>& done) override {
    while (wants_write()) {
      const ssize_t sent = ::send(fd_, request_.data() + sent_, request_.size() - sent_, MSG_NOSIGNAL);
      if (sent < 0) return errno == EAGAIN || errno == EINTR || over(done);
      sent_ += static_cast<std::size_t>(sent);
    }
    return true;
  }

  bool readable(std::vector<Done>& done) override {
    char piece[65536];
    const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR || over(done);
    if (got == 0) return over(done);
    buffer_.append(piece, static_cast<std::size_t>(got));
    const auto size = answer_length(buffer_);
    if (!size) return true;
    if (!intended_ || buffer_.size() > *size) return over(done);  // an answer that nobody asked for
    int status = 0;
    if (buffer_.size() > 12) std::from_chars(buffer_.data() + 9, buffer_.data() + 12, status);
    const auto close = header(std::string_view(buffer_).substr(0, buffer_.find("\r\n\r\n") + 2), "connection");
    const bool last = close && *close == "close";
    done.push_back({*intended_, status});
    intended_.reset();
    buffer_.clear();
    return !last;
  }

 private:
  bool over(std::vector<Done>& done) {
    if (intended_) done.push_back({*intended_});
    intended_.reset();
    return false;
  }

  int fd_;
  std::string request_, buffer_;
  std::size_t sent_ = 0;
  std::optional<std::int64_t> intended_;
};

}  // namespace

std::unique_ptr<Connection> http1_connection(int fd, const Work& work) { return std::make_unique<Http1>(fd, work); }

}  // namespace bench
