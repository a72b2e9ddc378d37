// What an App has of other services, and they of it: channels and registration; apart so that a program without them links neither.

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "yun/app/state.hpp"
#include "yun/config/mask.hpp"
#include "yun/discovery/open.hpp"
#include "yun/http/client/channel.hpp"

namespace yun {

namespace {

constexpr std::size_t kMostText = 64 << 10;

/// This machine's first address that others may reach; loopback if it has no other.
runtime::Address own_address(const runtime::Address& bound) {
  ifaddrs* all = nullptr;
  runtime::Address found = runtime::Address::parse("127.0.0.1:0")->with_port(bound.port());
  if (::getifaddrs(&all) != 0) return found;
  for (const ifaddrs* each = all; each; each = each->ifa_next) {
    if (!each->ifa_addr || each->ifa_addr->sa_family != AF_INET || (each->ifa_flags & IFF_LOOPBACK) || !(each->ifa_flags & IFF_UP)) continue;
    found = runtime::Address::from_sockaddr(each->ifa_addr, sizeof(sockaddr_in)).with_port(bound.port());
    break;
  }
  ::freeifaddrs(all);
  return found;
}

Result<runtime::Address> advertised(const std::string& told, const runtime::Address& bound) {
  if (!told.empty()) {
    auto address = runtime::Address::parse(told.find(':') == std::string::npos ? told + ":0" : told);
    if (!address) return std::move(address).error().with_context("advertise");
    return address->port() == 0 ? address->with_port(bound.port()) : *address;
  }
  const std::string host = bound.host();
  return host == "0.0.0.0" || host == "::" ? own_address(bound) : bound;
}

/// One program in one registry, from readiness to drain.
class Registered {
 public:
  Registered(std::unique_ptr<discovery::Registry> registry, discovery::Instance instance) : registry_(std::move(registry)), instance_(std::move(instance)) {}

  Task<void> enlist(Context& ctx) {
    Context limited(ctx, std::chrono::seconds(5));
    auto done = co_await registry_->register_self(limited, instance_);
    if (done) {
      observe::log::info("registered", {{"service", instance_.service}, {"id", instance_.id}, {"address", instance_.address.to_string()}});
    } else {
      observe::log::warn("not registered yet; tried again until it is", {{"service", instance_.service}, {"error", done.error()}});
    }
  }

  Task<void> delist() {
    Context ctx;
    Context limited(ctx, std::chrono::seconds(2));
    auto done = co_await registry_->deregister(limited);
    if (!done) observe::log::warn("not deregistered; others see this instance until its check fails", {{"service", instance_.service}, {"error", done.error()}});
  }

 private:
  std::unique_ptr<discovery::Registry> registry_;
  discovery::Instance instance_;
};

}  // namespace

Result<std::shared_ptr<http::Channel>> App::open_http(const std::string& url) {
  http::ChannelOptions options;
  options.balance.ejections = state_->ejections(url);
  options.resolver = [url] { return discovery::open(url); };
  YUN_GET(channel, http::Channel::open(state_->client, url, std::move(options)));
  std::shared_ptr<http::Channel> shared(std::move(channel));
  state_->parts.push_back({"http channel", config::masked_url(url), [weak = std::weak_ptr(shared)] {
                             const auto open = weak.lock();
                             return open ? open->states() : std::vector<balance::Balancer::State>{};
                           }});
  return shared;
}

Task<Result<std::string>> App::fetch_text(Context& ctx, http::Channel& channel, std::string path) {
  http::Request request;
  request.target = request.path = path;
  YUN_TRY(answer, co_await channel.send(ctx, std::move(request)));
  if (answer.status != 200) co_return unavailable(channel.url() + path + " answered " + std::to_string(answer.status));
  YUN_TRY(text, co_await answer.body.all(ctx, kMostText));
  co_return std::string(text);
}

Result<void> App::register_service(const std::string& url, const std::string& service) {
  if (auto known = discovery::open_registry(url); !known) return std::move(known).error();
  state_->parts.push_back({"registration", config::masked_url(url) + " as " + service});
  state_->enlist = [this, url, service](const runtime::Address& bound) -> Result<State::Enlisted> {
    YUN_GET(address, advertised(state_->settings.advertise, bound));
    YUN_GET(registry, discovery::open_registry(url));
    discovery::Instance instance{.service = service, .id = service + "-" + address.to_string(), .address = address};
    instance.labels.emplace("metrics_port", std::to_string(state_->metrics_port));
    auto registered = std::make_shared<Registered>(std::move(registry), std::move(instance));
    return State::Enlisted{.begin = [registered](Context& ctx) { return registered->enlist(ctx); }, .end = [registered] { return registered->delist(); }};
  };
  return {};
}

}  // namespace yun
