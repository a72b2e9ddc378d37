#include "yun/discovery/servers.hpp"

#include <algorithm>

namespace yun::discovery {

namespace {

constexpr Duration kLookAgain = std::chrono::seconds(30);
constexpr Duration kAtLeast = std::chrono::milliseconds(500);  // between two look-ups, however many connections fail

class Servers final : public balance::Resolver {
 public:
  Servers(std::vector<std::unique_ptr<balance::Resolver>> hosts, std::string name) : hosts_(std::move(hosts)), name_(std::move(name)) {}

  /// The hosts that can be found; the last one's error if none can.
  Task<Result<balance::EndpointSet>> resolve(Context& ctx) override {
    std::vector<balance::Endpoint> all;
    Error last = unavailable(name_ + ": no server was found").with_reason("no_endpoints");
    for (const auto& host : hosts_) {
      auto found = co_await host->resolve(ctx);
      if (!found) {
        last = std::move(found).error();
        continue;
      }
      for (balance::Endpoint& each : found->endpoints) {
        if (std::ranges::find(all, each.address, &balance::Endpoint::address) == all.end()) all.push_back(std::move(each));
      }
    }
    if (all.empty() && set_.endpoints.empty()) co_return last;
    if (!all.empty() && all != set_.endpoints) {
      set_.endpoints = std::move(all);
      ++set_.revision;
    }
    co_return set_;
  }

  Task<Result<balance::EndpointSet>> next(Context& ctx, std::uint64_t revision) override {
    while (set_.revision == revision) {
      Context pause(ctx, kLookAgain);
      (void)co_await wanted_.wait(pause);  // told to hurry, or the time is over
      YUN_CHECK(co_await runtime::sleep_for(ctx, kAtLeast));
      wanted_.reset();
      (void)co_await resolve(ctx);  // what cannot be found stays as it was
    }
    co_return set_;
  }

  void refresh() override {
    for (const auto& host : hosts_) host->refresh();
    wanted_.set();
  }
  std::string_view name() const override { return name_; }

 private:
  std::vector<std::unique_ptr<balance::Resolver>> hosts_;
  std::string name_;
  balance::EndpointSet set_;
  runtime::Event wanted_;
};

}  // namespace

std::string servers_url(const std::vector<std::string>& hosts, bool tls) {
  std::string url;
  for (const std::string& host : hosts) url += (url.empty() ? "" : ",") + host;
  return (tls ? "https://" : "http://") + url;
}

Result<std::unique_ptr<balance::Resolver>> open_servers(const std::vector<std::string>& hosts, bool tls) {
  std::vector<std::unique_ptr<balance::Resolver>> all;
  for (const std::string& host : hosts) {
    YUN_GET(one, balance::open((tls ? "https://" : "http://") + host));
    all.push_back(std::move(one));
  }
  return std::unique_ptr<balance::Resolver>(std::make_unique<Servers>(std::move(all), servers_url(hosts, tls)));
}

}  // namespace yun::discovery
