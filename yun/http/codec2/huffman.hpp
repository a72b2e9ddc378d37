#pragma once
// HPACK's Huffman code (RFC 7541 appendix B), the way in only: this side sends its text plain (docs/decisions/grpc-path.md).

#include <string>
#include <string_view>

namespace yun::http::codec2 {

/// Appends the text. False if the padding is not up to seven one bits, or EOS is among the symbols.
bool decode_huffman(std::string_view bytes, std::string& out);

}  // namespace yun::http::codec2
