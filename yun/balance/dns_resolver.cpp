#include "yun/balance/dns_resolver.hpp"

#include <algorithm>

namespace yun::balance {

Task<Result<EndpointSet>> DnsResolver::resolve(Context& ctx) {
  if (set_.revision == 0 || Clock::now() >= expires_) {
    auto looked = co_await look(ctx);
    if (!looked && set_.revision == 0) co_return std::move(looked).error();
  }
  co_return set_;
}

Task<Result<EndpointSet>> DnsResolver::next(Context& ctx, std::uint64_t revision) {
  while (set_.revision == revision || set_.revision == 0) {
    // Sleeps until the records are too old, or until somebody says that they fail; never more often than min_refresh.
    Context until(ctx, due());
    auto woken = co_await wanted_.wait(until);
    YUN_CHECK(ctx.check());
    if (woken) {
      wanted_.reset();
      auto slept = co_await runtime::sleep_until(ctx, looked_ + options_.min_refresh);
      if (!slept) co_return std::move(slept).error();
    }
    (void)co_await look(ctx);  // a failure keeps what is known and sets the back-off
    YUN_CHECK(ctx.check());
  }
  co_return set_;
}

void DnsResolver::refresh() { wanted_.set(); }

TimePoint DnsResolver::due() const { return std::max(expires_, looked_ + options_.min_refresh); }

Task<Result<void>> DnsResolver::look(Context& ctx) {
  Duration ttl{};
  Result<std::vector<Endpoint>> found = unavailable("not looked up");
  if (options_.srv) {
    found = co_await services(ctx, ttl);
  } else {
    found = co_await addresses(ctx, ttl);
  }
  looked_ = Clock::now();
  if (!found) {
    backoff_ = std::clamp(backoff_ * 2, options_.min_refresh, options_.max_backoff);
    expires_ = looked_ + backoff_;
    if (found.error().code() == Code::NotFound)
      co_return unavailable(found.error().message()).with_reason("no_endpoints").with_retry_after(std::chrono::seconds(1));
    co_return std::move(found).error();
  }
  backoff_ = {};
  expires_ = looked_ + ttl;
  std::ranges::sort(*found, {}, [](const Endpoint& endpoint) { return endpoint.address.to_string(); });
  if (*found != set_.endpoints || set_.revision == 0) {
    set_.endpoints = std::move(*found);
    ++set_.revision;
  }
  co_return Result<void>();
}

Task<Result<std::vector<Endpoint>>> DnsResolver::addresses(Context& ctx, Duration& ttl) {
  YUN_TRY(found, co_await dns_.lookup(ctx, options_.host));
  ttl = found.ttl;
  std::vector<Endpoint> endpoints;
  for (const auto& address : found.addresses) {
    Endpoint endpoint;
    endpoint.address = address.with_port(options_.port);
    endpoint.authority = options_.authority.empty() ? options_.host + ":" + std::to_string(options_.port) : options_.authority;
    endpoints.push_back(std::move(endpoint));
  }
  co_return endpoints;
}

Task<Result<std::vector<Endpoint>>> DnsResolver::services(Context& ctx, Duration& ttl) {
  YUN_TRY(found, co_await dns_.lookup_services(ctx, options_.host));
  ttl = found.ttl;
  std::vector<Endpoint> endpoints;
  for (const auto& service : found.services) {
    auto hosts = co_await dns_.lookup(ctx, service.host);
    if (!hosts) continue;  // one dead target does not take the others along
    ttl = std::min(ttl, hosts->ttl);
    for (const auto& address : hosts->addresses) {
      Endpoint endpoint;
      endpoint.address = address.with_port(service.port);
      endpoint.authority = options_.authority.empty() ? service.host + ":" + std::to_string(service.port) : options_.authority;
      endpoint.weight = std::max(1U, service.weight);
      endpoints.push_back(std::move(endpoint));
    }
  }
  if (endpoints.empty()) co_return unavailable("none of the targets of '" + options_.host + "' has an address").with_reason("no_endpoints");
  co_return endpoints;
}

}  // namespace yun::balance
