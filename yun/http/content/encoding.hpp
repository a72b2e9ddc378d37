#pragma once
// Content codings: which one a client takes (RFC 9110 12.5.3), and streaming encoders for them.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace yun::http {

enum class Coding : std::uint8_t { Identity, Gzip, Brotli, Zstd };

/// "gzip", "br", "zstd", "identity".
std::string_view name(Coding coding);

/// The coding with the highest q of Accept-Encoding; of equal ones zstd, then br, then gzip. Identity if the client names none of them,
/// prefers it by q, or says nothing.
Coding choose_coding(std::string_view accept_encoding);

/// Bytes in, coded bytes appended to `out`. Levels are chosen for answers made on the fly.
class Encoder {
 public:
  enum class After : std::uint8_t { Continue, Flush, Finish };
  virtual ~Encoder() = default;
  /// Flush: the peer can decode all so far. Finish: the last call. False if the library failed (out of memory).
  virtual bool encode(std::string_view bytes, After after, std::string& out) = 0;
  /// Null for Identity.
  static std::unique_ptr<Encoder> make(Coding coding);
};

}  // namespace yun::http
