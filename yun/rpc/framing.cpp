#include "yun/rpc/framing.hpp"

#include <zlib.h>

#include <algorithm>
#include <limits>

#include "yun/base/strings.hpp"

namespace yun::rpc {
namespace {

/// zlib's streams end with a call; these see to it.
struct Inflater {
  z_stream stream{};
  bool ready;
  Inflater() : ready(inflateInit2(&stream, 15 + 16) == Z_OK) {}  // +16: gzip only
  ~Inflater() {
    if (ready) inflateEnd(&stream);
  }
};
struct Deflater {
  z_stream stream{};
  bool ready;
  Deflater() : ready(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK) {}
  ~Deflater() {
    if (ready) deflateEnd(&stream);
  }
};

Bytef* as_bytes(const char* data) { return reinterpret_cast<Bytef*>(const_cast<char*>(data)); }

Error too_large(std::size_t size, std::size_t limit) {
  return resource_exhausted("message of " + std::to_string(size) + " bytes is over the limit of " + std::to_string(limit)).with_reason("message_too_large");
}

}  // namespace

std::optional<Encoding> parse_encoding(std::string_view name) {
  if (name == "identity") return Encoding::Identity;
  if (name == "gzip") return Encoding::Gzip;
  return std::nullopt;
}

std::string_view name(Encoding encoding) { return encoding == Encoding::Gzip ? "gzip" : "identity"; }

bool accepts_gzip(std::string_view list) {
  while (!list.empty()) {
    const std::size_t end = list.find(',');
    if (trim(list.substr(0, end)) == "gzip") return true;
    if (end == std::string_view::npos) break;
    list.remove_prefix(end + 1);
  }
  return false;
}

void put_frame_head(char* head, bool compressed, std::uint32_t size) {
  head[0] = compressed ? 1 : 0;
  head[1] = static_cast<char>(size >> 24);
  head[2] = static_cast<char>(size >> 16);
  head[3] = static_cast<char>(size >> 8);
  head[4] = static_cast<char>(size);
}

void FrameReader::drop_given() {
  if (is_whole_) {
    whole_.remove_prefix(given_);
  } else if (given_) {
    buffer_.consume(given_);
  }
  given_ = 0;
}

Result<std::optional<std::string_view>> FrameReader::next() {
  drop_given();
  const std::string_view bytes = held();
  if (bytes.size() < kFrameHead) return std::optional<std::string_view>();
  const auto byte = [&](std::size_t at) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at])); };
  const std::uint32_t flag = byte(0);
  if (flag > 1) return internal_error("message has the unknown compression flag " + std::to_string(flag));
  const std::size_t size = byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4);
  if (size > max_message_) return too_large(size, max_message_);
  if (bytes.size() - kFrameHead < size) return std::optional<std::string_view>();
  given_ = kFrameHead + size;
  const std::string_view message = bytes.substr(kFrameHead, size);
  if (flag == 0) return std::optional(message);
  if (encoding_ != Encoding::Gzip) return internal_error("message is compressed, but grpc-encoding names no compression");
  auto inflated = gunzip(message, max_message_, inflated_);
  if (!inflated) return std::move(inflated).error();
  return std::optional(std::string_view(inflated_));
}

Result<void> FrameReader::finish() const {
  if (held().size() > given_) return internal_error("the stream ended inside a message");
  return {};
}

void compress_frame(std::string& frame) {
  if (frame.size() <= kFrameHead) return;
  const std::string packed = gzip(std::string_view(frame).substr(kFrameHead));
  if (packed.empty() || packed.size() >= frame.size() - kFrameHead) return;
  frame.resize(kFrameHead);
  put_frame_head(frame.data(), true, static_cast<std::uint32_t>(packed.size()));
  frame += packed;
}

Result<void> gunzip(std::string_view bytes, std::size_t limit, std::string& out) {
  Inflater inflater;
  if (!inflater.ready) return resource_exhausted("no memory to decompress");
  z_stream& stream = inflater.stream;
  stream.next_in = as_bytes(bytes.data());
  stream.avail_in = static_cast<uInt>(std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max()));
  std::size_t made = 0;
  out.resize(std::min(limit + 1, std::max<std::size_t>(bytes.size() * 4, 512)));
  while (true) {
    stream.next_out = as_bytes(out.data()) + made;
    stream.avail_out = static_cast<uInt>(out.size() - made);
    const int state = inflate(&stream, Z_NO_FLUSH);
    made = out.size() - stream.avail_out;
    if (made > limit) return too_large(made, limit);
    if (state == Z_STREAM_END) break;
    if (state != Z_OK && state != Z_BUF_ERROR) return internal_error("message is not gzip");
    if (stream.avail_out > 0) return internal_error("compressed message breaks off");
    out.resize(std::min(limit + 1, out.size() * 2));
  }
  if (stream.avail_in > 0) return internal_error("bytes after the end of the compressed message");
  out.resize(made);
  return {};
}

std::string gzip(std::string_view bytes) {
  Deflater deflater;
  if (!deflater.ready) return {};
  z_stream& stream = deflater.stream;
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = as_bytes(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = as_bytes(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) return {};
  out.resize(out.size() - stream.avail_out);
  return out;
}

}  // namespace yun::rpc
