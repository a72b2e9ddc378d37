// Frames in pieces of any size: what comes out must not depend on where the bytes were cut, and never be over the limit.
#include <cstdlib>
#include <string>
#include <vector>

#include "yun/rpc/framing.hpp"
#include "yun/rpc/metadata.hpp"
#include "yun/rpc/status.hpp"

namespace {

constexpr std::size_t kLimit = 4096;

/// All messages, then the code of the error that ended them (0 = none).
std::vector<std::string> read_all(std::string_view bytes, std::size_t step, yun::rpc::Encoding encoding) {
  yun::rpc::FrameReader reader(kLimit, encoding);
  std::vector<std::string> messages;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    reader.feed(bytes.substr(at, step));
    while (true) {
      auto message = reader.next();
      if (!message) {
        messages.push_back("error " + message.error().message());
        return messages;
      }
      if (!*message) break;
      if ((*message)->size() > kLimit) std::abort();
      messages.emplace_back(**message);
    }
  }
  auto end = reader.finish();
  messages.push_back(end ? "end" : "broken");
  return messages;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto encoding = data[0] % 2 ? yun::rpc::Encoding::Gzip : yun::rpc::Encoding::Identity;
  const std::size_t step = data[1] % 32 + 1U;
  if (read_all(bytes, step, encoding) != read_all(bytes, bytes.size() + 1, encoding)) std::abort();
  const yun::Error error = yun::rpc::with_details(yun::not_found("x"), bytes);
  (void)yun::rpc::encode_details(error);
  const auto timeout = yun::rpc::parse_timeout(bytes);
  if (timeout && *timeout > yun::Duration::zero() && *yun::rpc::parse_timeout(yun::rpc::format_timeout(*timeout)) < *timeout) std::abort();
  if (yun::rpc::decode_message(yun::rpc::encode_message(bytes)) != bytes) std::abort();
  return 0;
}
