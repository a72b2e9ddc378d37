#include "yun/http/middleware/trace.hpp"

#include <algorithm>
#include <optional>

#include "yun/http/client/url.hpp"

namespace yun::http {

namespace {

namespace t = observe::trace;

/// A span and its name, reused from request to request on its thread.
struct Held {
  std::string name;
  std::optional<t::Span> span;

  static constexpr std::size_t kMostFree = 1024;
  static std::vector<std::unique_ptr<Held>>& free() {
    static thread_local std::vector<std::unique_ptr<Held>> list;
    return list;
  }
  static Held* take() {
    auto& list = free();
    if (list.empty()) return new Held;
    Held* held = list.back().release();
    list.pop_back();
    return held;
  }
  static void give_back(Held* held) {
    std::unique_ptr<Held> owned(held);
    owned->span.reset();
    if (free().size() < kMostFree) free().push_back(std::move(owned));
  }
};

class Trace final : public Middleware {
 public:
  Trace(t::Tracer& tracer, TraceOptions options) : tracer_(tracer), options_(std::move(options)) {}

  Verdict before(Context& ctx, Request& request, Response&, State& state) override {
    if (std::ranges::find(options_.quiet, request.path) != options_.quiet.end()) return Verdict::Continue;
    Held* held = Held::take();
    state.pointer = held;
    const std::string_view method = method_of(request);
    held->span.emplace(tracer_, ctx, method, t::Kind::Server, request.headers.get("traceparent").value_or(""), request.headers.joined("tracestate"));
    t::Span& span = *held->span;
    if (!span.sampled()) return Verdict::Continue;
    span.set("http.request.method", method);
    span.set("url.path", request.path);
    span.set("url.scheme", request.scheme);
    set_server(span, request);
    span.set("client.address", request.peer.host());
    span.set("network.protocol.version", request.version == Version::Http2 ? "2" : request.version == Version::Http11 ? "1.1" : "1.0");
    if (const auto agent = request.headers.get("user-agent")) span.set("user_agent.original", *agent);
    return Verdict::Continue;
  }

  void finished(Context&, const Request& request, const Response& response, const Outcome& outcome, State& state) noexcept override {
    auto* held = static_cast<Held*>(std::exchange(state.pointer, nullptr));
    if (!held) return;
    t::Span& span = *held->span;
    if (is_grpc(request)) {
      held->name.assign(request.route.substr(1));  // "shop.v1.UserService/GetUser", as RPC's conventions name a span
    } else {
      held->name.assign(method_of(request));
    }
    if (!request.route.empty() && !is_grpc(request)) {
      held->name += ' ';
      held->name += request.route;
    }
    span.rename(held->name);
    span.set("http.response.status_code", response.status);
    if (!request.route.empty() && !is_grpc(request)) span.set("http.route", request.route);
    if (outcome.error) {
      span.fail(*outcome.error);
    } else if (response.status >= 500) {
      span.set("error.type", response.reason.empty() ? std::to_string(response.status) : response.reason);
      span.fail(response.reason);
    }
    Held::give_back(held);
  }

 private:
  /// A literal: the span's name until the route is known.
  static std::string_view method_of(const Request& request) { return request.method == Method::Other ? std::string_view("HTTP") : name(request.method); }

  static bool is_grpc(const Request& request) {
    return request.route.starts_with('/') && request.headers.get("content-type").value_or("").starts_with("application/grpc");
  }
  /// As the client named it.
  static void set_server(t::Span& span, const Request& request) {
    const auto named = parse_authority(request.scheme, request.authority);
    if (!named) return;
    span.set("server.address", named->host);
    span.set("server.port", named->port);
  }

  t::Tracer& tracer_;
  TraceOptions options_;
};

}  // namespace

std::shared_ptr<Middleware> trace(observe::trace::Tracer& tracer, TraceOptions options) { return std::make_shared<Trace>(tracer, std::move(options)); }

}  // namespace yun::http
