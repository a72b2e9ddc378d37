#include "yun/http/content/compression.hpp"

#include <unistd.h>

#include "yun/http/content/encoding.hpp"
#include "yun/http/content/media_type.hpp"
#include "yun/http/content/vary.hpp"

namespace yun::http {

namespace {

/// Codes what is written through it; every write is flushed.
class CodingWriter final : public BodyWriter {
 public:
  CodingWriter(BodyWriter& out, Coding coding) : out_(out), encoder_(Encoder::make(coding)) {}
  Task<Result<void>> write(Context& ctx, std::string_view bytes) override { return code(ctx, bytes, Encoder::After::Flush); }
  Task<Result<void>> finish(Context& ctx) { return code(ctx, {}, Encoder::After::Finish); }
  void set_trailer(std::string_view name, std::string_view value) override { out_.set_trailer(name, value); }

 private:
  Task<Result<void>> code(Context& ctx, std::string_view bytes, Encoder::After after) {
    coded_.clear();
    if (!encoder_->encode(bytes, after, coded_)) co_return internal_error("compression failed");
    if (coded_.empty()) co_return Result<void>();
    auto written = co_await out_.write(ctx, coded_);
    co_return written;
  }
  BodyWriter& out_;
  std::unique_ptr<Encoder> encoder_;
  std::string coded_;
};

class CodingProducer final : public BodyProducer {
 public:
  CodingProducer(std::unique_ptr<BodyProducer> inner, Coding coding) : inner_(std::move(inner)), coding_(coding) {}
  Task<Result<void>> produce(Context& ctx, BodyWriter& out) override {
    CodingWriter writer(out, coding_);
    YUN_CHECK(co_await inner_->produce(ctx, writer));
    auto finished = co_await writer.finish(ctx);
    co_return finished;
  }

 private:
  std::unique_ptr<BodyProducer> inner_;
  Coding coding_;
};

std::optional<std::string> read_file(const FileBody& file) {
  std::string bytes(file.size, '\0');
  std::size_t at = 0;
  while (at < bytes.size()) {
    const auto got = pread(file.file->get(), bytes.data() + at, bytes.size() - at, static_cast<off_t>(file.offset + at));
    if (got <= 0) return std::nullopt;
    at += static_cast<std::size_t>(got);
  }
  return bytes;
}

class Compression final : public Middleware {
 public:
  explicit Compression(CompressionOptions options) : options_(options) {}

  void after(Context&, Request& request, Response& response, State&) override {
    if (!fits(response)) return;
    add_vary(response, "accept-encoding");
    const Coding coding = choose_coding(request.headers.joined("accept-encoding"));
    if (coding == Coding::Identity) return;
    if (response.stream) {
      response.stream = std::make_unique<CodingProducer>(std::move(response.stream), coding);
    } else if (!code_whole(response, coding)) {
      return;
    }
    response.headers.set("content-encoding", name(coding));
    response.headers.remove("content-length");
    response.headers.remove("accept-ranges");
    if (const auto etag = response.headers.get("etag"); etag && !etag->starts_with("W/")) {
      const std::string weak = "W/" + std::string(*etag);
      response.headers.set("etag", weak);
    }
  }

 private:
  bool fits(const Response& response) const {
    const bool has_body = response.status >= 200 && response.status != 204 && response.status != 206 && response.status != 304;
    if (!has_body || response.upgrade || response.headers.has("content-encoding") || response.headers.has("content-range")) return false;
    if (!is_compressible(response.headers.get("content-type").value_or(""))) return false;
    const auto cache = response.headers.joined("cache-control");
    if (cache.find("no-transform") != std::string::npos) return false;
    if (response.stream) return true;
    if (response.file) return response.file->size >= options_.min_size && response.file->size <= options_.max_file;
    const std::size_t size = response.body.is_whole() ? response.body.bytes().size() : 0;
    return size >= options_.min_size && size <= options_.max_size;
  }

  static bool code_whole(Response& response, Coding coding) {
    std::string coded;
    const auto encoder = Encoder::make(coding);
    if (response.file) {
      const auto bytes = read_file(*response.file);
      if (!bytes || !encoder->encode(*bytes, Encoder::After::Finish, coded)) return false;
    } else if (!encoder->encode(response.body.bytes(), Encoder::After::Finish, coded) || coded.size() >= response.body.bytes().size()) {
      return false;
    }
    response.file.reset();
    response.body = Body(std::move(coded));
    return true;
  }

  CompressionOptions options_;
};

}  // namespace

std::shared_ptr<Middleware> compression(CompressionOptions options) { return std::make_shared<Compression>(options); }

}  // namespace yun::http
