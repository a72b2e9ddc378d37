#include "yun/http/client/telemetry.hpp"

namespace yun::http::client {

namespace {
std::string_view method_of(const Request& request) { return request.method == Method::Other ? std::string_view("OTHER") : name(request.method); }
}  // namespace

Telemetry::Telemetry(observe::metrics::Registry* registry, std::string client) : client_(std::move(client)) {
  if (!registry) return;
  requests_ = &registry->counters("http_client_requests_total", "HTTP requests made, by the status of their answer (0: none).", {"client", "method", "status"});
  failures_ = &registry->counters("http_client_failures_total", "HTTP requests made that got no answer, by reason.", {"client", "reason"});
  durations_ = &registry->histograms("http_client_request_duration_seconds", "Time from an HTTP request to the head of its answer.", {"client", "method"});
}

void Telemetry::count(const Request& request, const Result<Response>& response, Duration duration) const {
  if (!requests_) return;
  const std::string status = std::to_string(response ? response->status : 0);
  requests_->with({client_, method_of(request), status}).add();
  durations_->with({client_, method_of(request)}).observe(duration);
  if (response) return;
  const Error& error = response.error();
  failures_->with({client_, error.reason().empty() ? name(error.code()) : std::string_view(error.reason())}).add();
}

ExchangeSpan::ExchangeSpan(Context& ctx, const Request& request, const Url& url) : span_(ctx, method_of(request), observe::trace::Kind::Client) {
  if (!span_.sampled()) return;
  span_.set("http.request.method", method_of(request));
  span_.set("server.address", url.host);
  span_.set("server.port", static_cast<std::int64_t>(url.port));
  span_.set("url.full", url.scheme + "://" + url.authority + request.target.substr(0, request.target.find('?')));
}

void ExchangeSpan::end(const Result<Response>& response) {
  if (response && span_.sampled()) span_.set("http.response.status_code", static_cast<std::int64_t>(response->status));
  if (!response) span_.fail(response.error());
  span_.end();
}

}  // namespace yun::http::client
