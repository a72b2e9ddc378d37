// Any bytes as header blocks of one connection: what is read can be written and read again, and no view leaves its block or table.

#include <cstdint>
#include <cstdlib>
#include <string>

#include "yun/http/codec2/hpack.hpp"

using namespace yun::http::codec2;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  HpackDecoder decoder;
  HpackEncoder encoder;
  HpackDecoder mirror;
  // The first byte of each block is its size.
  while (!rest.empty()) {
    const std::string block(rest.substr(1, static_cast<unsigned char>(rest.front())));
    rest.remove_prefix(1 + block.size());
    std::vector<std::pair<std::string, std::string>> fields;
    HeaderField field;
    decoder.begin(block);
    HpackDecoder::Step step;
    while ((step = decoder.next(field)) == HpackDecoder::Step::Field) fields.emplace_back(field.name, field.value);
    if (step == HpackDecoder::Step::Bad) return 0;
    yun::Buffer out;
    encoder.begin(out);
    for (const auto& [name, value] : fields) encoder.put(out, name, value);
    mirror.begin(out.view());
    for (const auto& [name, value] : fields) {
      if (mirror.next(field) != HpackDecoder::Step::Field || field.name != name || field.value != value) std::abort();
    }
    if (mirror.next(field) != HpackDecoder::Step::End) std::abort();
  }
  return 0;
}
