// guard_rpc N: N unary gRPC calls on one warm HTTP/2 connection through server, default middleware, rpc::Server and a method, in memory and on one thread.
// bench/guard/run counts its instructions.

#include <cstdio>
#include <cstdlib>

#include "bench/guard/memory.hpp"
#include "greeter.yun.hpp"
#include "yun/http/codec2/frame.hpp"
#include "yun/http/http.hpp"
#include "yun/http/server/link.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/rpc/framing.hpp"
#include "yun/rpc/server.hpp"

namespace {

using namespace yun;
using http::codec2::FrameType;
namespace flag = http::codec2::flag;

class Greeter final : public greeter::v1::Greeter::Service {
 public:
  Task<Result<greeter::v1::HelloReply>> say_hello(Context&, const greeter::v1::HelloRequest& request) override {
    greeter::v1::HelloReply reply;
    reply.set_message(request.name());
    co_return reply;
  }
};

std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string bytes(http::codec2::kFrameHead, '\0');
  http::codec2::write_frame_head(bytes.data(), payload.size(), type, flags, stream);
  return bytes.append(payload);
}

/// A literal field: 0x40 becomes an entry of HPACK's table, 0x00 does not.
std::string literal(char kind, std::string_view name, std::string_view value) {
  return std::string(1, kind).append(1, static_cast<char>(name.size())).append(name).append(1, static_cast<char>(value.size())).append(value);
}

/// One call's frames on stream 0, to be put on a stream of its own.
std::string call(const std::string& fields, const std::string& message) {
  return frame(FrameType::Headers, flag::kEndHeaders, 0, fields) + frame(FrameType::Data, flag::kEndStream, 0, message);
}

/// What a gRPC client sends: preface and settings, a first call whose fields are all spelt out, then the same call again and again with its fields from
/// the table, on one stream id after the other. A call is read at a time.
class Calls final : public guard::MemoryTransport {
 public:
  explicit Calls(std::size_t count) : MemoryTransport("", 0), left_(count) {
    const std::string method = "\x83\x86";  // POST, http
    const std::string timeout = literal('\0', "grpc-timeout", "5S");
    const std::string spelt = literal('\x40', ":path", "/greeter.v1.Greeter/SayHello") + literal('\x40', ":authority", "127.0.0.1:8080") +
                              literal('\x40', "content-type", "application/grpc") + literal('\x40', "user-agent", "guard/1.0") + literal('\x40', "te", "trailers");
    const std::string known = "\xc2\xc1\xc0\xbf\xbe";  // entries 66 to 62: the five above
    greeter::v1::HelloRequest request;
    request.set_name(std::string(96, 'x'));
    std::string message;
    if (!rpc::detail::append_frame(request, message)) std::abort();
    std::string window(4, '\0');
    http::codec2::write_u32(window.data(), (1u << 31) - 1 - 65535);
    next_ = std::string(http::codec2::kPreface) + frame(FrameType::Settings, 0, 0, "") + frame(FrameType::WindowUpdate, 0, 0, window) +
            frame(FrameType::Settings, flag::kAck, 0, "");
    first_ = call(method + spelt + timeout, message);
    again_ = call(method + known + timeout, message);
  }

  runtime::Io try_read(std::span<char> into) override {
    if (left_ == 0) return {runtime::Io::State::Closed, 0, 0};
    if (!next_.empty()) return give(into, std::exchange(next_, ""));  // the connection's beginning
    --left_;
    std::string& bytes = stream_ == 1 ? first_ : again_;
    const auto head = static_cast<std::size_t>(static_cast<unsigned char>(bytes[2]));  // shorter than 256
    http::codec2::write_u32(bytes.data() + 5, stream_);
    http::codec2::write_u32(bytes.data() + http::codec2::kFrameHead + head + 5, stream_);
    stream_ += 2;
    return give(into, bytes);
  }

 private:
  static runtime::Io give(std::span<char> into, const std::string& bytes) {
    if (into.size() < bytes.size()) std::abort();  // the server's buffer is far larger than a call
    std::memcpy(into.data(), bytes.data(), bytes.size());
    return {runtime::Io::State::Done, 0, bytes.size()};
  }

  std::size_t left_;
  std::string next_, first_, again_;
  std::uint32_t stream_ = 1;
};

std::size_t written = 0;

Task<void> serve(http::server::Shard& shard, std::size_t calls) {
  auto transport = std::make_unique<Calls>(calls);
  guard::MemoryTransport& memory = *transport;
  http::server::Link link(shard, std::move(transport));
  co_await http::server::serve_http2(link);
  written = memory.written();
}

}  // namespace

int main(int argc, char** argv) {
  const auto calls = static_cast<std::size_t>(argc > 1 ? std::atoll(argv[1]) : 1000);
  observe::metrics::Registry registry;
  observe::trace::Tracer tracer({.sampler = observe::trace::Sampler::never()});  // what chance decides is not counted
  Greeter greeter;
  rpc::Server server({.registry = &registry});
  server.add(greeter);
  http::Pipeline pipeline(http::default_middleware({.registry = registry, .tracer = tracer}), server);
  if (!log::start({.service = "guard", .output = "/dev/null"})) return 1;

  runtime::Loop loop;
  http::server::Shared shared{pipeline, {}, {}, {}};
  loop.post([&] {
    struct Run {
      static Task<void> all(runtime::Loop& on, http::server::Shared& with, std::size_t count) {
        http::server::Shard shard(on, with);
        co_await serve(shard, count);
        on.stop();
      }
    };
    loop.spawn(Run::all(loop, shared, calls));
  });
  loop.run();
  log::stop();
  // Each answer has a head, 100 bytes of message in their frame, and trailers; and it was OK, by the server's own count.
  const std::string ok = "rpc_server_requests_total{service=\"greeter.v1.Greeter\",method=\"SayHello\",code=\"OK\"} " + std::to_string(calls) + "\n";
  std::printf("%zu calls, %zu bytes\n", calls, written);
  return registry.render(observe::metrics::Format::Text).find(ok) != std::string::npos && written / std::max<std::size_t>(calls, 1) > 120 ? 0 : 1;
}
