#pragma once
// Collector: a server of ours that answers as it is told and reads what it is sent with a tiny reader of its own. For tests of this room only.

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "yun/http/server/testing.hpp"
#include "yun/rpc/framing.hpp"
#include "yun/rpc/wire.hpp"

namespace yun::telemetry {

/// The fields of one message, by number; what is nested is decoded again where it is looked at.
class Decoded {
 public:
  explicit Decoded(std::string_view bytes) {
    rpc::wire::Fields fields(bytes);
    while (const auto field = fields.next()) {
      if (field->type == 0) numbers_[field->number] = field->value;
      else texts_[field->number].emplace_back(field->bytes);
    }
    ok = fields.ok();
  }
  std::uint64_t number(std::uint32_t field) const {
    const auto found = numbers_.find(field);
    return found == numbers_.end() ? 0 : found->second;
  }
  std::string text(std::uint32_t field) const {
    const auto found = texts_.find(field);
    return found == texts_.end() ? "" : found->second.back();
  }
  /// Eight or four bytes, the least significant first.
  std::uint64_t fixed(std::uint32_t field) const {
    std::uint64_t value = 0;
    const std::string bytes = text(field);
    for (std::size_t i = 0; i < bytes.size(); ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    return value;
  }
  Decoded message(std::uint32_t field) const { return Decoded(text(field)); }
  std::vector<Decoded> all(std::uint32_t field) const {
    std::vector<Decoded> found;
    if (const auto at = texts_.find(field); at != texts_.end()) {
      for (const std::string& one : at->second) found.emplace_back(one);
    }
    return found;
  }
  /// Of a repeated KeyValue: the value of `key` as text; a number in decimal.
  std::string attribute(std::uint32_t field, std::string_view key) const {
    for (const Decoded& pair : all(field)) {
      if (pair.text(1) != key) continue;
      const Decoded value = pair.message(2);
      if (value.numbers_.contains(3)) return std::to_string(static_cast<std::int64_t>(value.number(3)));
      if (value.numbers_.contains(2)) return value.number(2) ? "true" : "false";
      return value.text(1);
    }
    return "(none)";
  }
  bool ok = false;

 private:
  std::map<std::uint32_t, std::uint64_t> numbers_;
  std::map<std::uint32_t, std::vector<std::string>> texts_;
};

class Collector {
 public:
  struct Got {
    std::string path;
    std::string body;
    http::Headers headers;
  };
  /// What is answered to the next requests, in order; then 200 with an empty body.
  using Answer = std::function<void(http::Response&)>;

  explicit Collector(std::vector<Answer> answers = {}, http::ServerOptions options = {})
      : answers_(std::move(answers)), server_([this](Context&, http::Request& request, http::Response& response) { return serve(request, response); }, std::move(options)) {}

  std::string url() const { return "http://" + server_.address.to_string(); }
  std::uint16_t port() const { return server_.address.port(); }

  /// Waits until there were `count` requests; all of them. Fewer after ten seconds.
  std::vector<Got> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return got_.size() >= count; });
    return got_;
  }
  std::vector<Got> got() {
    std::lock_guard lock(mutex_);
    return got_;
  }
  /// All spans of all requests.
  static std::vector<Decoded> spans(const std::vector<Got>& requests) {
    std::vector<Decoded> found;
    for (const Got& one : requests) {
      for (const Decoded& resource : Decoded(one.body).all(1)) {
        for (const Decoded& scope : resource.all(2)) {
          for (const Decoded& span : scope.all(2)) found.push_back(span);
        }
      }
    }
    return found;
  }

 private:
  Task<void> serve(http::Request& request, http::Response& response) {
    std::lock_guard lock(mutex_);
    Got one{.path = request.path, .body = std::string(request.body.bytes()), .headers = request.headers};
    if (request.headers.get("content-encoding") == "gzip") {
      std::string plain;
      (void)rpc::gunzip(one.body, 16 << 20, plain);
      one.body = plain;
    }
    got_.push_back(std::move(one));
    if (next_ < answers_.size()) answers_[next_++](response);
    changed_.notify_all();
    return {};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Got> got_;
  std::vector<Answer> answers_;
  std::size_t next_ = 0;
  http::server::TestServer server_;
};

}  // namespace yun::telemetry
