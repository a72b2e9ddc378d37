#include "yun/rpc/service.hpp"

#include <google/protobuf/message_lite.h>

#include <limits>

#include "yun/rpc/framing.hpp"

namespace yun::rpc::detail {

Error not_implemented(std::string_view method) { return unimplemented(std::string(method) + " is not implemented"); }

Task<Result<void>> give(Result<void> result) { co_return result; }

Result<void> parse(std::string_view bytes, MessageLite& into) {
  if (bytes.size() > std::numeric_limits<int>::max() || !into.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return internal_error("the bytes are no " + into.GetTypeName());
  }
  return {};
}

Result<void> append_frame(const MessageLite& message, std::string& out) {
  const std::size_t size = message.ByteSizeLong();
  if (size > std::numeric_limits<int>::max()) return resource_exhausted(message.GetTypeName() + " is too large to send");
  const std::size_t at = out.size();
  out.resize(at + kFrameHead + size);
  put_frame_head(out.data() + at, false, static_cast<std::uint32_t>(size));
  if (!message.IsInitialized()) return internal_error(message.GetTypeName() + " lacks required fields");
  message.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(out.data() + at + kFrameHead));
  return {};
}

}  // namespace yun::rpc::detail
