// A small request on a warm connection costs no coroutine frame and no heap allocation; a client's exchange over a kept connection no allocation.

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "yun/http/client/client.hpp"
#include "yun/http/codec1/request_parser.hpp"
#include "yun/http/server/testing.hpp"

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

namespace yun::http::server {
namespace {

struct Count {
  std::uint64_t allocations = 0;
  std::uint64_t frames = 0;
};

TEST(WarmConnection, CostsNoFrameAndNoAllocation) {
  constexpr int kRequests = 100;
  std::array<Count, kRequests> counts;  // as each handle() found them, on the loop's thread
  int next = 0;
  TestServer server([&](Context&, Request& request, Response& response) -> Task<void> {
    if (next < kRequests) counts[static_cast<std::size_t>(next++)] = {allocations, runtime::frame_stats().made};
    response.headers.set("content-type", "application/json");
    response.body.assign(request.path);
    return {};
  });
  TestClient client(server.address);
  for (int i = 0; i < kRequests; ++i) {
    client.send("GET /api/users/42?with=query HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a-client/1.0\r\nAccept: */*\r\n\r\n");
    ASSERT_NE(client.read_until("/api/users/42").find("200 OK"), std::string::npos);
  }
  server.stop();
  const Count& warm = counts[kRequests / 2];
  const Count& last = counts[kRequests - 1];
  EXPECT_EQ(last.frames - warm.frames, 0u);
  // Once a second the Date is made anew, which allocates; nothing else may.
  EXPECT_LE(last.allocations - warm.allocations, 4u);
}

/// Of the last half of a hundred exchanges: all that this thread allocated.
Task<std::uint64_t> ask_often(runtime::Address address) {
  Client client;
  Context ctx;
  ctx.set_request_id("0123456789abcde");
  balance::Endpoint endpoint;
  endpoint.address = address;
  endpoint.authority = "localhost";
  Request request;
  Response response;
  std::uint64_t before = 0;
  for (int i = 0; i < 100; ++i) {
    if (i == 50) before = allocations;
    codec1::clear(request);
    codec1::clear(response);
    request.target.assign("/api/users/42?with=query");
    request.headers.add("accept", "*/*");
    auto sent = co_await client.send_to(ctx, endpoint, request, response);
    EXPECT_TRUE(sent);
    EXPECT_EQ(response.body.bytes().size(), 1024u);
  }
  co_return allocations - before;
}

TEST(WarmClient, AnExchangeOverAKeptConnectionAllocatesNothing) {
  TestServer server([](Context&, Request&, Response& response) -> Task<void> {
    response.headers.set("content-type", "text/plain");
    response.body.assign(std::string(1024, 'y'));
    return {};
  });
  EXPECT_LE(runtime::block_on(ask_often(server.address)), 4u);
  server.stop();
}

}  // namespace
}  // namespace yun::http::server

#endif
