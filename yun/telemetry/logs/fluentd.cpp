#include "yun/telemetry/logs/fluentd.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <array>

#include "yun/base/ids.hpp"
#include "yun/base/strings.hpp"
#include "yun/runtime/net.hpp"
#include "yun/telemetry/logs/line.hpp"
#include "yun/telemetry/logs/msgpack.hpp"

namespace yun::telemetry::logs {
namespace {

constexpr std::uint8_t kEventTime = 0;  ///< the extension type of seconds and nanoseconds

void write_entry(MsgpackWriter& out, const Line& line) {
  const auto since = line.time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds);
  out.array(2);
  out.extension8(kEventTime, static_cast<std::uint64_t>(seconds.count()) << 32 | static_cast<std::uint64_t>(nanoseconds.count()));
  auto record = json::parse(line.text);
  out.value(record && record->as_object() ? *record : json::Value::object({{"message", line.text}}));
}

/// The first address of a name. Blocks: on the push's own thread nobody else waits.
Result<runtime::Address> resolve(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0) return unavailable(host + ": " + ::gai_strerror(failed));
  auto address = runtime::Address::from_sockaddr(found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return address;
}

class FluentdSender final : public Sender {
 public:
  FluentdSender(const Url& url, const std::string& service)
      : host_(url.host), port_(std::to_string(url.port ? url.port : 24224)), tag_(url.parameter("tag")), acknowledged_(url.parameter("ack") != "false") {
    if (tag_.empty()) tag_ = service;
  }

  Task<Result<void>> send(Context& ctx, std::string_view lines) override {
    auto sent = co_await try_send(ctx, lines);
    if (!sent) socket_.reset();  // what half a message leaves behind, or a late acknowledgement, is nobody's
    co_return sent;
  }

 private:
  Task<Result<void>> try_send(Context& ctx, std::string_view lines) {
    if (!socket_) {
      YUN_TRY(address, resolve(host_, port_));
      YUN_TRY(connected, co_await runtime::connect(ctx, address));
      socket_ = std::move(connected);
    }
    const std::string chunk = acknowledged_ ? to_base64(random_id()) : std::string();
    const std::string message = fluentd_message(tag_, lines, chunk);
    YUN_CHECK(co_await socket_->write_all(ctx, message));
    if (!acknowledged_) co_return Result<void>();
    std::string answer;
    for (;;) {
      std::array<char, 256> piece;
      YUN_TRY(count, co_await socket_->read(ctx, piece));
      if (count == 0) co_return unavailable("Fluentd closed the connection before it acknowledged");
      answer.append(piece.data(), count);
      auto said = read_acknowledgement(answer);
      if (!said) co_return unavailable(said.error().message());
      if (!*said) continue;
      if (**said == chunk) co_return Result<void>();
      co_return unavailable("Fluentd acknowledged another chunk");
    }
  }

  static std::string random_id() {
    std::string id(16, '\0');
    for (int half = 0; half < 2; ++half) {
      const std::uint64_t random = random_u64();
      for (int i = 0; i < 8; ++i) id[static_cast<std::size_t>(8 * half + i)] = static_cast<char>(random >> (8 * i));
    }
    return id;
  }

  std::string host_, port_, tag_;
  bool acknowledged_;
  std::unique_ptr<runtime::Socket> socket_;
};

}  // namespace

std::string fluentd_message(std::string_view tag, std::string_view lines, std::string_view chunk) {
  std::uint32_t count = 0;
  for_each_line(lines, [&](const Line&) { ++count; });
  std::string message;
  MsgpackWriter out(message);
  out.array(chunk.empty() ? 2 : 3);
  out.text(tag);
  out.array(count);
  for_each_line(lines, [&](const Line& line) { write_entry(out, line); });
  if (!chunk.empty()) {
    out.map(1);
    out.text("chunk");
    out.text(chunk);
  }
  return message;
}

Result<std::optional<std::string>> read_acknowledgement(std::string_view bytes) {
  // {"ack": id}: a map of one, the text "ack", and a text of up to 255 bytes.
  constexpr std::string_view kHead = "\x81\xa3" "ack";
  const auto incomplete = std::optional<std::string>();
  if (!kHead.starts_with(bytes.substr(0, kHead.size()))) return invalid_argument("not an acknowledgement of Fluentd's");
  if (bytes.size() <= kHead.size()) return incomplete;
  bytes.remove_prefix(kHead.size());
  const auto first = static_cast<unsigned char>(bytes[0]);
  if ((first & 0xe0) != 0xa0 && first != 0xd9) return invalid_argument("not an acknowledgement of Fluentd's");
  const std::size_t head = first == 0xd9 ? 2 : 1;
  if (bytes.size() < head) return incomplete;
  const std::size_t size = first == 0xd9 ? static_cast<unsigned char>(bytes[1]) : first & 0x1f;
  if (bytes.size() < head + size) return incomplete;
  return std::optional<std::string>(bytes.substr(head, size));
}

std::unique_ptr<Sender> make_fluentd(const Url& url, const std::string& service) { return std::make_unique<FluentdSender>(url, service); }

}  // namespace yun::telemetry::logs
