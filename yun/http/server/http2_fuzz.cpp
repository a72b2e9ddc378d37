// Any bytes behind the preface as an HTTP/2 connection, over a transport in memory: what handlers are given is a proper request, each exchange ends
// exactly once, and what the server writes is a sequence of frames that a client could follow.
//
// The first byte says how the rest is cut into reads, and after how many of them the transport has nothing for a moment (so that handlers which wait go on).

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

#include "yun/http/codec1/text.hpp"
#include "yun/http/problem.hpp"
#include "yun/http/server/link.hpp"
#include "yun/runtime/threads.hpp"

using namespace yun;
using namespace yun::http;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

class Memory final : public runtime::Transport {
 public:
  Memory(std::string_view input, std::size_t step, unsigned pause_after, std::string& output)
      : input_(input), step_(step), pause_after_(pause_after), output_(output) {}

  runtime::Io try_read(std::span<char> into) override {
    if (++reads_ > pause_after_) {
      reads_ = 0;
      watch_.block(runtime::Interest::Read);
      const std::uint64_t one = 1;
      require(::write(ready_.get(), &one, sizeof one) == sizeof one);  // an edge, with the next turn of the loop
      return {runtime::Io::State::WouldBlock, 0, 0};
    }
    const std::size_t size = std::min({step_, into.size(), input_.size()});
    if (size == 0) return {runtime::Io::State::Closed, 0, 0};
    std::copy_n(input_.data(), size, into.data());
    input_.remove_prefix(size);
    return {runtime::Io::State::Done, 0, size};
  }
  runtime::Io try_write(std::string_view bytes) override {
    output_ += bytes;
    return {runtime::Io::State::Done, 0, bytes.size()};
  }
  void shutdown_write() override {}
  runtime::Watch& watch() override { return watch_; }
  const runtime::Address& peer() const override { return address_; }
  const runtime::Address& local() const override { return address_; }

 private:
  std::string_view input_;
  std::size_t step_;
  unsigned pause_after_;
  std::string& output_;
  unsigned reads_ = 0;
  runtime::Address address_ = *runtime::Address::parse("127.0.0.1:1");
  runtime::Fd ready_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  runtime::Watch watch_{ready_.get()};
};

Task<Result<void>> two_pieces(Context& ctx, BodyWriter& out) {
  YUN_CHECK(co_await out.write(ctx, "one"));
  (void)co_await runtime::yield_now();
  YUN_CHECK(co_await out.write(ctx, std::string_view("two")));
  out.set_trailer("x-sum", "2");
  co_return Result<void>();
}

/// What a request's method chooses: read all and answer, answer late, stream, do not read at all.
class Checks final : public Handler {
 public:
  Task<void> handle(Context& ctx, Request& request, Response& response) override {
    ++begun;
    require(!request.authority.empty() && request.version == Version::Http2);
    require(request.path.starts_with("/") || request.path == "*" || request.method == Method::Connect);
    for (const char c : request.path) require(c > 0x20 && c < 0x7f);
    for (const auto field : request.headers) {
      require(codec1::is_token(field.name) && codec1::first_control(field.value) == field.value.size());
      for (const char c : field.name) require(c < 'A' || c > 'Z');
      require(field.name != "connection" && field.name != "transfer-encoding" && field.name != "host");
    }
    response.headers.set("x-method", name(request.method));
    switch (request.method) {
      case Method::Get:
        response.body.assign(request.path);
        response.trailers.set("grpc-status", "0");
        return {};
      case Method::Post:
      case Method::Put: return read_all(ctx, request, response);
      case Method::Delete: return forever(ctx, response);
      case Method::Patch: response.stream = make_producer(&two_pieces); return {};
      case Method::Options: response.body = Body(std::string(100'000, 'x')); return {};
      default: response.status = 204; return {};
    }
  }
  void finished(Context&, const Request&, const Response&, const Outcome&) noexcept override { ++ended; }

  int begun = 0;
  int ended = 0;

 private:
  static Task<void> read_all(Context& ctx, Request& request, Response& response) {
    auto all = co_await request.body.all(ctx, 1 << 16);
    if (all) {
      response.body.assign(*all);
    } else {
      response = problem(ctx, all.error());
    }
  }
  static Task<void> forever(Context& ctx, Response& response) {
    auto slept = co_await runtime::sleep_for(ctx, std::chrono::hours(1));
    response.status = slept ? 200 : 499;
  }
};

/// Frames of proper size; of each stream one head first, nothing behind its end but RST_STREAM and WINDOW_UPDATE.
void check_output(std::string_view bytes) {
  struct Seen {
    bool head = false, ended = false;
  };
  std::map<std::uint32_t, Seen> streams;
  bool first = true;
  while (!bytes.empty()) {
    require(bytes.size() >= 9);
    const auto byte = [bytes](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])); };
    const std::size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    const std::uint32_t type = byte(3);
    const std::uint32_t flags = byte(4);
    const std::uint32_t id = byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8);
    require(size <= 16384 && bytes.size() >= 9 + size);
    require(!first || type == 4);  // SETTINGS
    first = false;
    Seen& seen = streams[id];
    if (type == 0) require(id % 2 == 1 && seen.head && !seen.ended);
    if (type == 1) require(id % 2 == 1 && !seen.ended);
    if (type == 1) seen.head = true;
    if (type <= 1 && (flags & 1)) seen.ended = true;
    bytes.remove_prefix(9 + size);
  }
}

Task<void> serve(server::Shared& shared, std::string_view input, std::size_t step, unsigned pause_after, std::string& output) {
  server::Shard shard(runtime::Loop::current(), shared);
  server::Link link(shard, std::make_unique<Memory>(input, step, pause_after, output));
  Task<void> served = server::serve_http2(link);
  (void)co_await std::move(served);  // gives nothing
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static constexpr std::size_t kSteps[] = {1, 9, 64, 32768};
  const std::size_t step = kSteps[data[0] % 4];
  const unsigned pause_after = data[0] / 4 % 8 + 1;
  const std::string input = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string(reinterpret_cast<const char*>(data) + 1, size - 1);

  Checks checks;
  ServerOptions options;
  options.head.max_head = 4096;
  options.head.max_headers = 32;
  options.max_body = 8192;
  options.buffered_body = 512;
  options.h2_max_streams = 8;
  server::Shared shared{checks, options};
  std::string output;
  runtime::block_on(serve(shared, input, step, pause_after, output));
  require(checks.begun == checks.ended);
  check_output(output);
  return 0;
}
