// App::open_rpc, apart so that a program without gRPC clients links none.

#include "yun/app/state.hpp"
#include "yun/discovery/open.hpp"
#include "yun/rpc/channel.hpp"

namespace yun {

Result<std::shared_ptr<rpc::Channel>> App::open_rpc(const std::string& url) { return open_rpc(url, rpc::ChannelOptions()); }

Result<std::shared_ptr<rpc::Channel>> App::open_rpc(const std::string& url, rpc::ChannelOptions options) {
  options.registry = &state_->metrics;
  options.balance.ejections = state_->ejections(url);
  options.resolver = [url] { return discovery::open(url); };
  return rpc::Channel::open(url, std::move(options));
}

}  // namespace yun
