#pragma once
// gRPC's length-prefixed messages (PROTOCOL-HTTP2 "Length-Prefixed-Message"): a flag byte, four bytes of length, the message. Sans-I/O.
//
//     FrameReader reader(4_MiB);
//     reader.feed(piece);                                   // as the bytes come
//     while (true) {
//       YUN_TRY(message, reader.next());                    // optional<string_view>; nullopt: feed more
//       if (!message) break;
//     }
//     YUN_CHECK(reader.finish());                           // at the end of the stream

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "yun/base/buffer.hpp"
#include "yun/base/result.hpp"

namespace yun::rpc {

inline constexpr std::size_t kFrameHead = 5;

enum class Encoding : std::uint8_t { Identity, Gzip };
/// "identity" or "gzip"; nullopt for another.
std::optional<Encoding> parse_encoding(std::string_view name);
std::string_view name(Encoding encoding);
/// True if a grpc-accept-encoding list names gzip.
bool accepts_gzip(std::string_view list);

/// Writes the head of a frame into `head` (five bytes) for a message of `size` bytes.
void put_frame_head(char* head, bool compressed, std::uint32_t size);

class FrameReader {
 public:
  /// `max_message` limits what a frame declares and what decompression gives.
  explicit FrameReader(std::size_t max_message, Encoding encoding = Encoding::Identity) : max_message_(max_message), encoding_(encoding) {}

  /// Takes bytes that came in. What next() gave before is gone.
  void feed(std::string_view bytes) {
    drop_given();
    buffer_.append(bytes);
  }
  /// Like feed() without a copy: `bytes` is the whole stream and outlives the reader. Only as the first and only input.
  void feed_all(std::string_view bytes) {
    whole_ = bytes;
    is_whole_ = true;
  }
  /// The next whole message, decompressed; valid until the next call. nullopt: more bytes are needed.
  /// ResourceExhausted over the limit, Internal for a bad flag, Internal for compressed bytes that are none or have no encoding.
  Result<std::optional<std::string_view>> next();
  /// Internal if bytes of an unfinished message are left.
  Result<void> finish() const;

 private:
  std::string_view held() const { return is_whole_ ? whole_ : buffer_.view(); }
  void drop_given();

  std::size_t max_message_;
  Encoding encoding_;
  Buffer buffer_;
  std::string_view whole_;
  bool is_whole_ = false;
  std::size_t given_ = 0;  ///< bytes of `buffer_` that the last next() gave out
  std::string inflated_;
};

/// Compresses the message of the one frame in `frame` in place, if that makes it smaller.
void compress_frame(std::string& frame);

/// Gzip as one member. Internal if it is not gzip or breaks off, ResourceExhausted if more than `limit` bytes come out.
Result<void> gunzip(std::string_view bytes, std::size_t limit, std::string& out);
std::string gzip(std::string_view bytes);

}  // namespace yun::rpc
