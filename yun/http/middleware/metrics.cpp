#include "yun/http/middleware/metrics.hpp"

#include <array>
#include <atomic>
#include <charconv>

namespace yun::http {

namespace {

namespace m = observe::metrics;

class Metrics final : public Middleware {
 public:
  explicit Metrics(m::Registry& registry)
      : requests_(registry.counters("http_requests_total", "HTTP requests answered.", {"method", "path", "status"})),
        durations_(registry.histograms("http_request_duration_seconds", "Time from the request's head to the last byte of its answer.", {"method", "path"})),
        refused_(registry.counters("http_refused_total", "HTTP requests refused or failed, by reason.", {"reason"})) {}

  void finished(Context& ctx, const Request& request, const Response& response, const Outcome& outcome, State&) noexcept override {
    const Bound& bound = bind(request, response.status);
    bound.requests->add();
    bound.duration->observe(outcome.duration, ctx.trace());
    if (!response.reason.empty()) refused_.with({response.reason}).add();
  }

 private:
  struct Bound {
    std::uint64_t owner = 0;
    Method method{};
    int status = 0;
    m::Counter* requests = nullptr;
    m::Histogram* duration = nullptr;
  };

  /// From a small table of this thread; a miss looks the series up by their labels.
  const Bound& bind(const Request& request, int status) {
    static thread_local std::array<Bound, 256> table;
    const std::string_view path = request.route.empty() ? std::string_view("unmatched") : request.route;
    const auto mixed = (reinterpret_cast<std::uintptr_t>(path.data()) >> 4) * 31 + static_cast<std::size_t>(request.method) * 97 + static_cast<std::size_t>(status);
    Bound& bound = table[mixed % table.size()];
    // The text is compared, not its address: a gateway's routes come and go.
    if (bound.owner == id_ && bound.method == request.method && bound.status == status && bound.duration->labels()[1] == path) return bound;
    const std::string_view method = request.method == Method::Other ? std::string_view("OTHER") : name(request.method);
    std::array<char, 12> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), status).ptr;
    bound = {id_, request.method, status,
             &requests_.with({method, path, std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()))}),
             &durations_.with({method, path})};
    return bound;
  }

  static inline std::atomic<std::uint64_t> next_id_{1};
  const std::uint64_t id_ = next_id_.fetch_add(1);
  m::Family<m::Counter>& requests_;
  m::Family<m::Histogram>& durations_;
  m::Family<m::Counter>& refused_;
};

}  // namespace

std::shared_ptr<Middleware> metrics(observe::metrics::Registry& registry) { return std::make_shared<Metrics>(registry); }

}  // namespace yun::http
