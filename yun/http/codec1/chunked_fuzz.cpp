// Any bytes as a chunked body: the same data and verdict however they are cut.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "yun/http/codec1/chunked.hpp"

using namespace yun::http::codec1;

namespace {

struct Decoded {
  ChunkedDecoder::Step::State state = ChunkedDecoder::Step::State::NeedMore;
  std::string data;
  std::size_t consumed = 0;
  std::size_t trailers = 0;
};

Decoded decode(std::string_view bytes, std::size_t step) {
  using State = ChunkedDecoder::Step::State;
  Decoded decoded;
  ChunkedDecoder decoder(256);
  std::size_t to = 0;
  do {
    to = std::min(bytes.size(), to + step);
    for (;;) {
      const auto one = decoder.decode(bytes.substr(decoded.consumed, to - decoded.consumed));
      if (decoded.consumed + one.consumed > to) std::abort();
      decoded.consumed += one.consumed;
      decoded.data += one.data;
      if (one.state == State::Data) continue;
      decoded.state = one.state;
      break;
    }
  } while (decoded.state == State::NeedMore && to < bytes.size());
  decoded.trailers = decoder.trailers().size();
  return decoded;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Decoded whole = decode(bytes, size + 1);
  const Decoded cut = decode(bytes, 1);
  if (whole.state != cut.state || whole.data != cut.data) std::abort();
  if (whole.state == ChunkedDecoder::Step::State::Done && (whole.consumed != cut.consumed || whole.trailers != cut.trailers)) std::abort();
  return 0;
}
