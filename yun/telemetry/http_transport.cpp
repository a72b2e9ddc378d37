// OTLP over HTTP: POST of binary protobuf.

#include "yun/http/client/client.hpp"
#include "yun/http/content/encoding.hpp"
#include "yun/http/problem.hpp"
#include "yun/telemetry/transport.hpp"

namespace yun::telemetry {

namespace {

constexpr std::size_t kMostAnswer = 64 << 10;

bool is_transient_status(int status) { return status == 429 || status == 502 || status == 503 || status == 504; }

http::ClientOptions client_options(const Target& target) {
  http::ClientOptions options;
  options.tls = {.ca_file = target.ca_file, .certificate_file = target.certificate_file, .key_file = target.key_file};
  options.max_connections_per_host = 2;
  options.user_agent = "yun-otlp";
  return options;
}

/// What a status that is no success says.
Error refused(const http::Response& response) {
  Error said = http::error_from(response);
  const std::string message = "the collector answered " + std::to_string(response.status);
  if (!is_transient_status(response.status)) return failed_precondition(message).with_reason("collector_refused");
  Error passing = unavailable(message).with_reason("collector_unavailable");
  return said.retry_after() ? std::move(passing).with_retry_after(*said.retry_after()) : passing;
}

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(const Target& target) : target_(target), client_(client_options(target)) {}

  std::string prepare(std::string message) const override {
    if (target_.coding != Coding::Gzip) return message;
    std::string packed;
    http::Encoder::make(http::Coding::Gzip)->encode(message, http::Encoder::After::Finish, packed);
    return packed;
  }

  Task<Result<otlp::Rejected>> send(Context& ctx, const std::string& prepared) override {
    YUN_TRY(request, http::make_request(http::Method::Post, target_.url));
    for (const auto& [name, value] : target_.headers) request.headers.set(name, value);
    request.headers.set("content-type", "application/x-protobuf");
    if (target_.coding == Coding::Gzip) request.headers.set("content-encoding", "gzip");
    request.body = http::Body(prepared);
    YUN_TRY(response, co_await client_.send(ctx, std::move(request)));
    auto answer = co_await response.body.all(ctx, kMostAnswer);
    if (response.status < 200 || response.status > 299) co_return refused(response);
    if (!answer) co_return otlp::Rejected{};  // it took them, whatever more it would say
    co_return otlp::read_answer(*answer);
  }

 private:
  const Target target_;
  http::Client client_;
};

}  // namespace

Result<std::unique_ptr<Transport>> detail::make_http(const Target& target) { return std::unique_ptr<Transport>(std::make_unique<HttpTransport>(target)); }

}  // namespace yun::telemetry
