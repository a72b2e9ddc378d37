#include "yun/base/strings.hpp"
#include "yun/gateway/forward/proxy.hpp"
#include "yun/json/value.hpp"
#include "yun/rpc/framing.hpp"
#include "yun/rpc/metadata.hpp"
#include "yun/rpc/status.hpp"
#include "yun/rpc/transcode.hpp"

namespace yun::gateway {

namespace {

constexpr std::size_t kMaxMessage = 4u << 20;

/// A body must say that it is JSON; none at all is an empty message.
Result<void> check_content_type(const http::Request& request, std::string_view body) {
  if (body.empty()) return {};
  std::string_view type = request.headers.get("content-type").value_or("");
  type = trim(type.substr(0, type.find(';')));
  if (iequals(type, "application/json") || (type.size() > 5 && iequals(type.substr(type.size() - 5), "+json"))) return {};
  return invalid_argument("the body must be application/json").with_http_status(415).with_reason("unsupported_media_type");
}

/// "/api/users/{id}" with fields of the answer.
std::string fill(std::string_view location, const json::Value& answer) {
  std::string filled;
  while (!location.empty()) {
    const std::size_t open = location.find('{');
    const std::size_t close = location.find('}', open);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    filled += location.substr(0, open);
    if (const std::string* value = answer[location.substr(open + 1, close - open - 1)].as_string()) filled += percent_encode(*value);
    location.remove_prefix(close + 1);
  }
  return filled.append(location);
}

void put_frame(std::string_view message, std::string& into) {
  into.resize(rpc::kFrameHead);
  rpc::put_frame_head(into.data(), false, static_cast<std::uint32_t>(message.size()));
  into += message;
}

/// Fields that speak of the body that came, or are no business of the service's.
bool is_of_the_json(std::string_view name) {
  switch (name.size()) {
    case 6: return name == "accept";
    case 12: return name == "content-type";
    case 13: return name == "authorization";
    case 15: return name == "accept-encoding" || name == "idempotency-key";
    case 16: return name == "content-encoding";
    default: return false;
  }
}

/// The status of a call: in the trailers, or in the head of an answer that has no message.
Result<void> status_of(const http::Response& answer) {
  if (const http::Headers* trailers = answer.body.trailers()) {
    if (auto status = rpc::read_status(*trailers)) return *status;
  }
  if (auto status = rpc::read_status(answer.trailers)) return *status;
  if (auto status = rpc::read_status(answer.headers)) return *status;
  return unavailable("the upstream ended the call without a status").with_reason("upstream_reset");
}

void set_timeout(Context& ctx, http::Request& request) {
  if (const Duration left = ctx.remaining(); left != Duration::max()) request.headers.set_parsed("grpc-timeout", rpc::format_timeout(left));
}

}  // namespace

Task<Result<void>> transcode(Context& ctx, Exchange exchange, http::Response& response) {
  const GrpcBinding& binding = *exchange.route.grpc;
  Upstream& upstream = *exchange.snapshot.upstreams[exchange.route.upstream];
  http::Request& request = exchange.request;

  const std::size_t limit = exchange.route.body_limit ? exchange.route.body_limit : exchange.snapshot.config.body_limit;
  YUN_TRY(body, co_await request.body.all(ctx, std::min(limit, kMaxMessage)));
  YUN_CHECK(check_content_type(request, body));
  if (body.empty() && (request.method == http::Method::Post || request.method == http::Method::Put || request.method == http::Method::Patch))
    co_return invalid_argument("a JSON body is required").with_reason("malformed_json");
  YUN_TRY(method, upstream.method(binding.service, binding.method));

  std::vector<std::string_view> values;
  (void)exchange.route.match.path.fits(request.path, &values);  // it does
  std::vector<rpc::Binding> bindings;
  std::vector<std::string> decoded;
  decoded.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    decoded.push_back(percent_decode(values[i]).value_or(std::string(values[i])));
    bindings.push_back({exchange.route.match.path.names[i], decoded.back()});
  }
  auto wire = rpc::json_to_wire(*method.second->input, body, bindings);
  if (!wire) {
    const char* reason = wire.error().violations().empty() ? "malformed_json" : "validation";
    co_return std::move(wire).error().with_reason(reason);
  }

  Outgoing call(ctx, exchange);
  call->method = http::Method::Post;
  call->target.assign(1, '/').append(binding.service).append(1, '/').append(binding.method);
  call->headers.keep_if([](const http::Headers::Field& field) { return !is_of_the_json(field.name); });
  call->headers.add_parsed("content-type", "application/grpc");
  call->headers.add_parsed("te", "trailers");
  set_timeout(ctx, *call);
  put_frame(*wire, call->body.fill());

  http::Channel::Call over = call_of(exchange);
  over.refresh = &set_timeout;
  http::Response answer;
  YUN_CHECK(co_await upstream.channel().send(ctx, *call, answer, over));
  if (answer.status != 200) {
    over.pick->report(http::outcome_of(answer));
    co_return rpc::error_from_http(answer.status);
  }
  auto bytes = co_await answer.body.all(ctx, kMaxMessage + rpc::kFrameHead);
  const Result<void> ended = bytes ? status_of(answer) : Result<void>(bytes.error());
  over.pick->report(rpc::outcome_of(ended));
  YUN_CHECK(ended);
  rpc::FrameReader frames(kMaxMessage);
  frames.feed_all(*bytes);
  YUN_TRY(message, frames.next());
  if (!message) co_return internal_error("the upstream's answer has no message").with_reason("upstream_protocol");

  response.headers.clear();
  std::string& text = response.body.fill();
  YUN_CHECK(rpc::wire_to_json(*method.second->output, *message, text));
  response.status = binding.status;
  response.headers.add_parsed("content-type", "application/json");
  if (!binding.location.empty()) {
    YUN_TRY(document, json::parse(text));
    response.headers.add("location", fill(binding.location, document));
  }
  co_return Result<void>();
}

}  // namespace yun::gateway
