#include "yun/http/client/telemetry.hpp"

#include <array>
#include <atomic>
#include <charconv>

namespace yun::http::client {

namespace {
std::string_view method_of(const Request& request) { return request.method == Method::Other ? std::string_view("OTHER") : name(request.method); }
std::atomic<std::uint64_t> next_id{1};

}  // namespace

Telemetry::Telemetry(observe::metrics::Registry* registry, std::string client) : client_(std::move(client)) {
  if (!registry) return;
  id_ = next_id.fetch_add(1);
  requests_ = &registry->counters("http_client_requests_total", "HTTP requests made, by the status of their answer (0: none).", {"client", "method", "status"});
  failures_ = &registry->counters("http_client_failures_total", "HTTP requests made that got no answer, by reason.", {"client", "reason"});
  durations_ = &registry->histograms("http_client_request_duration_seconds", "Time from an HTTP request to the head of its answer.", {"client", "method"});
}

void Telemetry::count(const Request& request, const Result<void>& sent, const Response& response, Duration duration) const {
  if (!requests_) return;
  const Bound& bound = bind(request.method, sent ? response.status : 0);
  bound.requests->add();
  bound.duration->observe(duration);
  if (sent) return;
  const Error& error = sent.error();
  failures_->with({client_, error.reason().empty() ? name(error.code()) : std::string_view(error.reason())}).add();
}

/// From a small table of this thread; a miss looks the series up by their labels.
const Telemetry::Bound& Telemetry::bind(Method method, int status) const {
  static thread_local std::array<Bound, 64> table;
  Bound& bound = table[(id_ * 31 + static_cast<std::size_t>(method) * 17 + static_cast<std::size_t>(status)) % table.size()];
  if (bound.owner == id_ && bound.method == method && bound.status == status) return bound;
  const std::string_view label = method == Method::Other ? std::string_view("OTHER") : name(method);
  std::array<char, 12> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), status).ptr;
  bound = {id_, method, status, &requests_->with({client_, label, std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()))}),
           &durations_->with({client_, label})};
  return bound;
}

ExchangeSpan::ExchangeSpan(Context& ctx, const Request& request, std::string_view authority)
    : span_(ctx, method_of(request), observe::trace::Kind::Client) {
  if (!span_.sampled()) return;
  span_.set("http.request.method", method_of(request));
  const auto url = parse_authority(request.scheme, authority);
  if (!url) return;  // the exchange will say so
  span_.set("server.address", url->host);
  span_.set("server.port", static_cast<std::int64_t>(url->port));
  span_.set("url.full", url->scheme + "://" + url->authority + request.target.substr(0, request.target.find('?')));
}

void ExchangeSpan::end(const Result<void>& sent, const Response& response) {
  if (!sent) span_.fail(sent.error());
  if (sent && span_.sampled()) {
    span_.set("http.response.status_code", response.status);
    if (response.status >= 400) {  // an error to a client, whoever's fault it is
      span_.set("error.type", std::to_string(response.status));
      span_.fail("");
    }
  }
  span_.end();
}

}  // namespace yun::http::client
