// App::open_rpc, apart so that a program without gRPC clients links none.

#include "yun/app/state.hpp"
#include "yun/config/mask.hpp"
#include "yun/discovery/open.hpp"
#include "yun/rpc/channel_state.hpp"

namespace yun {

Result<std::shared_ptr<rpc::Channel>> App::open_rpc(const std::string& url) { return open_rpc(url, rpc::ChannelOptions()); }

Result<std::shared_ptr<rpc::Channel>> App::open_rpc(const std::string& url, rpc::ChannelOptions options) {
  options.registry = &state_->metrics;
  options.balance.ejections = state_->ejections(url);
  options.resolver = [url] { return discovery::open(url); };
  YUN_GET(channel, rpc::Channel::open(url, std::move(options)));
  state_->parts.push_back({"rpc channel", config::masked_url(url), [weak = std::weak_ptr(channel)] {
                             const auto open = weak.lock();
                             return open ? open->state().http->states() : std::vector<balance::Balancer::State>{};
                           }});
  return channel;
}

}  // namespace yun
