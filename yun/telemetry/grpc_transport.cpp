// OTLP over gRPC. The messages are encoded already: they go through our channel as they are.

#include <google/protobuf/empty.pb.h>
#include <google/protobuf/io/coded_stream.h>

#include <array>

#include "yun/rpc/call.hpp"
#include "yun/rpc/channel.hpp"
#include "yun/telemetry/transport.hpp"

namespace yun::telemetry {

namespace {

using google::protobuf::MessageLite;

/// Bytes that are a message already, as gRPC asks of one to send it.
class Encoded final : public MessageLite {
 public:
  explicit Encoded(const std::string& bytes) : bytes_(bytes) {}

  std::string GetTypeName() const override { return "OTLP"; }
  MessageLite* New(google::protobuf::Arena*) const override { return new Encoded(bytes_); }
  void Clear() override {}
  bool IsInitialized() const override { return true; }
  void CheckTypeAndMergeFrom(const MessageLite&) override {}
  std::size_t ByteSizeLong() const override { return bytes_.size(); }
  int GetCachedSize() const override { return static_cast<int>(bytes_.size()); }
  google::protobuf::uint8* _InternalSerialize(google::protobuf::uint8* to, google::protobuf::io::EpsCopyOutputStream* stream) const override {
    return stream->WriteRaw(bytes_.data(), static_cast<int>(bytes_.size()), to);
  }

 private:
  const std::string& bytes_;
};

struct Names {
  std::string_view service;
  std::string_view path;
};
constexpr std::array<Names, kSignals> kNames = {{
    {"opentelemetry.proto.collector.trace.v1.TraceService", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"},
    {"opentelemetry.proto.collector.metrics.v1.MetricsService", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"},
    {"opentelemetry.proto.collector.logs.v1.LogsService", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"},
}};

class GrpcTransport final : public Transport {
 public:
  GrpcTransport(Signal signal, const Target& target, std::shared_ptr<rpc::Channel> channel) : headers_(target.headers), channel_(std::move(channel)) {
    const Names& names = kNames[static_cast<std::size_t>(signal)];
    method_ = {.service = names.service, .name = "Export", .path = names.path};
  }

  Task<Result<otlp::Rejected>> send(Context& ctx, const std::string& prepared) override {
    rpc::ClientCall call(ctx);
    for (const auto& [name, value] : headers_) YUN_CHECK(call.metadata().add(name, value));
    const Encoded request(prepared);
    google::protobuf::Empty answer;  // keeps the fields that it does not know
    auto done = co_await rpc::detail::unary(*channel_, call, method_, request, answer);
    if (!done) co_return std::move(done).error();
    co_return otlp::read_answer(answer.SerializeAsString());
  }

 private:
  const Attributes headers_;
  const std::shared_ptr<rpc::Channel> channel_;
  rpc::ClientMethod method_;
};

}  // namespace

Result<std::unique_ptr<Transport>> detail::make_grpc(Signal signal, const Target& target) {
  rpc::ChannelOptions options;
  options.compress = target.coding == Coding::Gzip ? rpc::Compress::Always : rpc::Compress::Never;
  options.tls = {.ca_file = target.ca_file, .certificate_file = target.certificate_file, .key_file = target.key_file};
  options.fault_level = observe::log::Level::Debug;
  options.retry.max_attempts = 1;  // the exporter's own pauses are longer
  YUN_GET(channel, rpc::Channel::open(target.url, std::move(options)));
  return std::unique_ptr<Transport>(std::make_unique<GrpcTransport>(signal, target, std::move(channel)));
}

}  // namespace yun::telemetry
