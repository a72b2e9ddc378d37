// HTTP/1.1, with `depth` requests in flight a connection: over 1 they are pipelined.

#include <strings.h>

#include <cerrno>
#include <charconv>
#include <deque>
#include <optional>
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
  Http1(Stream stream, const Work& work, std::size_t depth) : stream_(std::move(stream)), depth_(depth) {
    request_ = work.method + " " + work.path + " HTTP/1.1\r\nhost: " + work.authority + "\r\n";
    for (const auto& [name, value] : work.headers) request_ += name + ": " + value + "\r\n";
    if (!work.body.empty()) request_ += "content-length: " + std::to_string(work.body.size()) + "\r\n";
    request_ += "\r\n";
    for (std::size_t mark = request_.find("%n"); mark != request_.npos; mark = request_.find("%n")) {
      before_numbers_.push_back(request_.substr(0, mark));
      request_.erase(0, mark + 2);
    }
    request_ += work.body;
  }

  std::size_t room() const override { return depth_ - waiting_.size(); }
  bool wants_write() const override { return !out_.empty(); }
  std::vector<std::int64_t> in_flight() const override {
    std::vector<std::int64_t> all;
    for (const Done& each : waiting_) all.push_back(each.intended);
    return all;
  }

  void start(std::int64_t intended, std::int64_t begun, std::uint64_t number) override {
    waiting_.push_back({intended, begun});
    for (const std::string& before : before_numbers_) (out_ += before) += std::to_string(number);
    out_ += request_;
  }

  bool flush(std::vector<Done>& done) override {
    while (!out_.empty()) {
      const ssize_t sent = stream_.send(out_.data(), out_.size());
      if (sent < 0) return errno == EAGAIN || errno == EINTR || over(done);
      out_.erase(0, static_cast<std::size_t>(sent));
    }
    return true;
  }

  bool readable(std::vector<Done>& done) override {
    char piece[65536];
    do {
      const ssize_t got = stream_.receive(piece, sizeof piece);
      if (got < 0) return errno == EAGAIN || errno == EINTR || over(done);
      if (got == 0) return over(done);
      in_.append(piece, static_cast<std::size_t>(got));
    } while (stream_.pending());
    return take_answers(done);
  }

 private:
  bool take_answers(std::vector<Done>& done) {
    std::string_view rest = in_;
    for (auto size = answer_length(rest); size; size = answer_length(rest)) {
      if (waiting_.empty()) return over(done);  // an answer that nobody asked for
      const std::string_view head = rest.substr(0, rest.find("\r\n\r\n") + 2);
      int status = 0;
      if (head.size() > 12) std::from_chars(head.data() + 9, head.data() + 12, status);
      done.push_back(waiting_.front());
      done.back().status = status;
      waiting_.pop_front();
      const auto close = header(head, "connection");
      if (close && *close == "close") return over(done);
      rest.remove_prefix(*size);
    }
    in_.erase(0, in_.size() - rest.size());
    return true;
  }

  bool over(std::vector<Done>& done) {
    done.insert(done.end(), waiting_.begin(), waiting_.end());
    waiting_.clear();
    return false;
  }

  Stream stream_;
  std::size_t depth_;
  std::vector<std::string> before_numbers_;  // what stands before each %n
  std::string request_, out_, in_;           // request_: what is left behind the last of them
  std::deque<Done> waiting_;
};

}  // namespace

std::unique_ptr<Connection> http1_connection(Stream stream, const Work& work, std::size_t depth) { return std::make_unique<Http1>(std::move(stream), work, depth); }

}  // namespace bench
