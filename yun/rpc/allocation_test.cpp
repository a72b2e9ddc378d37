// A warm unary call over HTTP/2 costs two frames (the method's own and the record of the call, from one free list) and no heap allocation.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "testing/shapes_service.hpp"
#include "yun/http/codec2/session_testing.hpp"
#include "yun/http/server/testing.hpp"
#include "yun/rpc/framing.hpp"
#include "yun/rpc/server.hpp"

#if !defined(__SANITIZE_ADDRESS__) && !defined(YUN_THREAD_SANITIZER)

namespace {
thread_local std::uint64_t allocations = 0;
}

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace yun::rpc {
namespace {

using http::codec2::FrameType;
namespace flag = http::codec2::flag;

class PlainService final : public testing::Shapes::Service {
 public:
  Task<Result<testing::Shape>> get_http_info(Context&, const testing::Shape& request) override {
    testing::Shape answer;
    answer.set_fixed64_field(request.fixed64_field());
    co_return answer;
  }
};

struct Count {
  std::uint64_t allocations = 0;
  std::uint64_t frames = 0;
};

/// One call as a client sends it: head and message, each field a literal.
std::string call(std::uint32_t stream, std::string_view message) {
  std::string block;
  for (const auto& [name, value] : std::initializer_list<std::pair<std::string_view, std::string_view>>{{":method", "POST"},
                                                                                                         {":scheme", "http"},
                                                                                                         {":path", "/yun.rpc.testing.Shapes/GetHTTPInfo"},
                                                                                                         {":authority", "localhost"},
                                                                                                         {"content-type", "application/grpc"},
                                                                                                         {"user-agent", "a-client/1.0"},
                                                                                                         {"te", "trailers"},
                                                                                                         {"grpc-timeout", "5S"}}) {
    block.append(1, '\0').append(1, static_cast<char>(name.size())).append(name).append(1, static_cast<char>(value.size())).append(value);
  }
  return http::codec2::frame(FrameType::Headers, flag::kEndHeaders, stream, block) +
         http::codec2::frame(FrameType::Data, flag::kEndStream, stream, message);
}

TEST(WarmUnaryCall, CostsTwoFramesAndNoAllocation) {
  constexpr std::uint32_t kCalls = 100;
  observe::metrics::Registry registry;
  PlainService service;
  Server rpc{{.registry = &registry}};
  rpc.add(service);
  std::array<Count, kCalls> counts;  // as each handle() found them, on the loop's thread
  std::size_t next = 0;
  http::server::TestServer server([&](Context& ctx, http::Request& request, http::Response& response) -> Task<void> {
    if (next < kCalls) counts[next++] = {allocations, runtime::frame_stats().made};
    return rpc.handle(ctx, request, response);
  });
  testing::Shape shape;
  shape.set_int32_field(42);
  shape.set_fixed64_field(0x3141592653589793);
  std::string message;
  ASSERT_TRUE(detail::append_frame(shape, message).ok());
  std::string answer(8, '\0');
  const std::uint64_t number = shape.fixed64_field();
  std::memcpy(answer.data(), &number, 8);

  http::server::TestClient client(server.address);
  client.send(std::string(http::codec2::kPreface) + http::codec2::frame(FrameType::Settings, 0, 0, ""));
  for (std::uint32_t i = 0; i < kCalls; ++i) {
    client.send(call(2 * i + 1, message));
    ASSERT_NE(client.read_until(answer), "");
  }
  server.stop();
  ASSERT_EQ(next, kCalls);
  const Count& warm = counts[kCalls / 2];
  const Count& last = counts[kCalls - 1];
  const std::uint64_t calls = kCalls - 1 - kCalls / 2;
  EXPECT_EQ(last.frames - warm.frames, 2 * calls);
  // Once a second the Date is made anew, which allocates; nothing else may.
  EXPECT_LE(last.allocations - warm.allocations, 4u);
}

}  // namespace
}  // namespace yun::rpc

#endif
