#include "yun/rpc/health.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "grpc/health/v1/health.yun.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::rpc {
namespace {

namespace v1 = ::grpc::health::v1;
using Status = v1::HealthCheckResponse::ServingStatus;

/// A Watch call that waits on its loop; told from any thread.
struct Watcher {
  runtime::Loop& loop = runtime::Loop::current();
  runtime::Event changed;
};

}  // namespace

struct Health::State {
  std::mutex mutex;
  bool serving = true;
  std::map<std::string, bool, std::less<>> services;
  std::vector<std::shared_ptr<Watcher>> watchers;

  /// SERVICE_UNKNOWN for a name that is not there.
  Status status(std::string_view service) {
    std::lock_guard lock(mutex);
    if (service.empty()) return serving ? v1::HealthCheckResponse::SERVING : v1::HealthCheckResponse::NOT_SERVING;
    const auto found = services.find(service);
    if (found == services.end()) return v1::HealthCheckResponse::SERVICE_UNKNOWN;
    return serving && found->second ? v1::HealthCheckResponse::SERVING : v1::HealthCheckResponse::NOT_SERVING;
  }
  /// With the mutex held: a watcher's loop outlives its registration.
  void tell() {
    for (const auto& watcher : watchers) watcher->loop.post([watcher] { watcher->changed.set(); });
  }
};

namespace {

class HealthService final : public v1::Health::Service {
 public:
  explicit HealthService(std::shared_ptr<rpc::Health::State> state) : state_(std::move(state)) {}

  Task<Result<v1::HealthCheckResponse>> check(Context&, const v1::HealthCheckRequest& request) override {
    v1::HealthCheckResponse response;
    response.set_status(state_->status(request.service()));
    if (response.status() == v1::HealthCheckResponse::SERVICE_UNKNOWN) co_return not_found("no service " + request.service());
    co_return Result<v1::HealthCheckResponse>(std::move(response));
  }

  Task<Result<void>> watch(Context& ctx, const v1::HealthCheckRequest& request, Writer<v1::HealthCheckResponse>& responses) override {
    Registration registration(*state_);
    int last = -1;
    while (true) {
      registration.watcher->changed.reset();
      v1::HealthCheckResponse response;
      response.set_status(state_->status(request.service()));
      if (response.status() != last) YUN_CHECK(co_await responses.write(ctx, response));
      last = response.status();
      YUN_CHECK(co_await registration.watcher->changed.wait(ctx));
    }
  }

 private:
  struct Registration {
    explicit Registration(rpc::Health::State& s) : state(s), watcher(std::make_shared<Watcher>()) {
      std::lock_guard lock(state.mutex);
      state.watchers.push_back(watcher);
    }
    ~Registration() {
      std::lock_guard lock(state.mutex);
      std::erase(state.watchers, watcher);
    }
    rpc::Health::State& state;
    std::shared_ptr<Watcher> watcher;
  };
  std::shared_ptr<rpc::Health::State> state_;
};

}  // namespace

Health::Health() : state_(std::make_shared<State>()), service_(std::make_unique<HealthService>(state_)) {}
Health::~Health() = default;

void Health::set_serving(bool serving) {
  std::lock_guard lock(state_->mutex);
  state_->serving = serving;
  state_->tell();
}

void Health::set(std::string_view service, bool serving) {
  std::lock_guard lock(state_->mutex);
  state_->services[std::string(service)] = serving;
  state_->tell();
}

Service& Health::service() { return *service_; }

}  // namespace yun::rpc
