// HTTP/2 with prior knowledge, over nghttp2: up to `streams` requests in flight a connection. gRPC is a body and a trailer here.

#include <nghttp2/nghttp2.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "bench/load/connection.hpp"

namespace bench {

namespace {

class Http2 final : public Connection {
 public:
  Http2(Stream stream, const Work& work, std::size_t streams) : stream_(std::move(stream)), work_(work), streams_(streams) {
    add(":method", work.method);
    add(":scheme", "http");
    add(":authority", work.authority);
    add(":path", work.path);
    for (const auto& [name, value] : work.headers) add(name, value);

    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &on_close);
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    constexpr std::uint32_t kWindow = (1u << 30) - 1;
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 2);
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(kWindow));
  }
  ~Http2() override { nghttp2_session_del(session_); }

  std::size_t room() const override { return streams_ - open_.size(); }
  bool wants_write() const override { return !out_.empty() || nghttp2_session_want_write(session_); }
  std::vector<std::int64_t> in_flight() const override {
    std::vector<std::int64_t> all;
    for (const auto& [id, stream] : open_) all.push_back(stream.done.intended);
    return all;
  }

  void start(std::int64_t intended, std::int64_t begun, std::uint64_t) override {
    nghttp2_data_provider body{};
    body.read_callback = &read_body;
    const std::int32_t id = nghttp2_submit_request(session_, nullptr, fields_.data(), fields_.size(), work_.body.empty() ? nullptr : &body, nullptr);
    open_[id < 0 ? --refused_ : id] = {.done = {.intended = intended, .begun = begun}, .sent = 0};
    broken_ = broken_ || id < 0;
  }

  bool flush(std::vector<Done>& done) override {
    done_ = &done;
    while (!broken_) {
      if (out_.empty()) {
        const std::uint8_t* bytes = nullptr;
        for (ssize_t size = 1; size > 0 && out_.size() < (1u << 16);) {
          size = nghttp2_session_mem_send(session_, &bytes);
          if (size < 0) broken_ = true;
          if (size > 0) out_.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
        }
        if (out_.empty()) break;
      }
      const ssize_t sent = stream_.send(out_.data(), out_.size());
      if (sent < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (sent < 0) broken_ = true;
      if (sent > 0) out_.erase(0, static_cast<std::size_t>(sent));
    }
    return !broken_ || over(done);
  }

  bool readable(std::vector<Done>& done) override {
    done_ = &done;
    std::uint8_t piece[65536];
    const ssize_t got = stream_.receive(piece, sizeof piece);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (got <= 0 || nghttp2_session_mem_recv(session_, piece, static_cast<std::size_t>(got)) < 0 || !nghttp2_session_want_read(session_)) return over(done);
    return flush(done);
  }

 private:
  struct Call {
    Done done;
    std::size_t sent = 0;
  };

  void add(const std::string& name, const std::string& value) {
    const auto bytes = [](const std::string& text) { return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data())); };
    names_.push_back(std::make_unique<std::pair<std::string, std::string>>(name, value));
    const auto& [kept_name, kept_value] = *names_.back();
    fields_.push_back({bytes(kept_name), bytes(kept_value), kept_name.size(), kept_value.size(), NGHTTP2_NV_FLAG_NONE});
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t room, std::uint32_t* flags, nghttp2_data_source*, void* self) {
    auto& connection = *static_cast<Http2*>(self);
    std::size_t& sent = connection.open_[id].sent;
    const std::size_t size = std::min(room, connection.work_.body.size() - sent);
    std::memcpy(into, connection.work_.body.data() + sent, size);
    sent += size;
    if (sent == connection.work_.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size, const std::uint8_t* value,
                       std::size_t value_size, std::uint8_t, void* self) {
    auto& open = static_cast<Http2*>(self)->open_;
    const auto stream = open.find(frame->hd.stream_id);
    if (stream == open.end()) return 0;
    const std::string_view key(reinterpret_cast<const char*>(name), name_size), text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") std::from_chars(text.data(), text.data() + text.size(), stream->second.done.status);
    if (key == "grpc-status") stream->second.done.grpc_failed = text != "0";
    return 0;
  }

  static int on_close(nghttp2_session*, std::int32_t id, std::uint32_t error, void* self) {
    auto& connection = *static_cast<Http2*>(self);
    const auto stream = connection.open_.find(id);
    if (stream == connection.open_.end()) return 0;
    if (error != NGHTTP2_NO_ERROR) stream->second.done.status = 0;
    connection.done_->push_back(stream->second.done);
    connection.open_.erase(stream);
    return 0;
  }

  bool over(std::vector<Done>& done) {
    for (auto& [id, stream] : open_) done.push_back({stream.done.intended, stream.done.begun});
    open_.clear();
    return false;
  }

  Stream stream_;
  const Work& work_;
  std::size_t streams_;
  std::vector<std::unique_ptr<std::pair<std::string, std::string>>> names_;
  std::vector<nghttp2_nv> fields_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<std::int32_t, Call> open_;
  std::vector<Done>* done_ = nullptr;
  std::string out_;
  std::int32_t refused_ = 0;
  bool broken_ = false;
};

}  // namespace

std::unique_ptr<Connection> http2_connection(Stream stream, const Work& work, std::size_t streams) {
  return std::make_unique<Http2>(std::move(stream), work, streams);
}

}  // namespace bench
