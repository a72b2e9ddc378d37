#pragma once
// The chunked coding (RFC 9112 7.1), both ways; no I/O.

#include <cstdint>
#include <string_view>

#include "yun/base/buffer.hpp"
#include "yun/http/codec1/text.hpp"

namespace yun::http::codec1 {

/// Strict: CRLF only, sizes of at most 15 hex digits, extensions of at most 256 bytes are skipped, trailers as strict as headers.
class ChunkedDecoder {
 public:
  struct Step {
    enum class State : std::uint8_t {
      NeedMore,  ///< `consumed` bytes are done with; call again with more
      Data,      ///< `data` (a part of the input) is body; call again with what is behind `consumed`
      Done,      ///< the body and its trailers are complete
      Failed,    ///< see error(); the connection must close
    } state = State::NeedMore;
    std::size_t consumed = 0;
    std::string_view data;
  };

  /// At most `max_trailers` bytes of trailers.
  explicit ChunkedDecoder(std::size_t max_trailers = 8 << 10) : max_trailers_(max_trailers) {}
  Step decode(std::string_view input);
  const ParseError& error() const { return *error_; }
  const Headers& trailers() const { return trailers_; }
  void reset();

 private:
  enum class At : std::uint8_t { Size, Data, DataEnd, Trailers, Done };
  Step fail(const ParseError& error);
  const ParseError* parse_size(std::string_view line);

  std::size_t max_trailers_;
  At at_ = At::Size;
  std::uint64_t left_ = 0;
  std::size_t trailer_bytes_ = 0;
  const ParseError* error_ = nullptr;
  Headers trailers_;
};

/// One chunk; nothing for empty `data` (that would end the body).
void write_chunk(Buffer& out, std::string_view data);
/// The last chunk and the trailers.
void write_last_chunk(Buffer& out, const Headers& trailers);

}  // namespace yun::http::codec1
