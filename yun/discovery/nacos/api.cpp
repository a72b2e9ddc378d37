#include "yun/discovery/nacos/api.hpp"

#include <openssl/evp.h>

#include "yun/base/strings.hpp"
#include "yun/discovery/servers.hpp"
#include "yun/json/value.hpp"

namespace yun::discovery {

namespace {

using namespace std::chrono_literals;

constexpr Duration kShortCall = 5s;
constexpr std::size_t kMostBytes = 16 << 20;

std::string encoded(const NacosApi::Parameters& parameters) {
  std::string text;
  for (const auto& [name, value] : parameters) text += (text.empty() ? "" : "&") + std::string(name) + "=" + percent_encode(value);
  return text;
}

/// As the protocol tells whether a text is the one that is known.
std::string md5(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  ::EVP_Digest(text.data(), text.size(), digest, &size, ::EVP_md5(), nullptr);
  return to_hex({reinterpret_cast<const char*>(digest), size});
}

Result<std::unique_ptr<http::Channel>> open_channel(const NacosTarget& target) {
  http::ClientOptions client{.name = "nacos", .http2 = http::Http2::Off, .proxy = http::Proxy::None};
  client.tls.ca_file = target.ca_file;
  http::ChannelOptions options;
  options.max_connections = 4;
  options.balance.policy = balance::Policy::RoundRobin;
  options.balance.max_consecutive_failures = 1;
  options.balance.max_consecutive_connect_failures = 1;
  options.resolver = [hosts = target.hosts, tls = target.tls] { return open_servers(hosts, tls); };
  return http::Channel::open(std::move(client), servers_url(target.hosts, target.tls), std::move(options));
}

}  // namespace

NacosApi::NacosApi(const NacosTarget& target) : target_(target), channel_(open_channel(target)) {}

Task<Result<NacosAnswer>> NacosApi::once(Context& ctx, const Call& call) {
  if (!channel_) co_return channel_.error();
  http::Request request;
  request.method = call.method;
  request.target = "/nacos/v1" + call.path;
  request.path = request.target;
  std::string query = call.query;
  if (!token_.empty()) query += (query.empty() ? "accessToken=" : "&accessToken=") + percent_encode(token_);
  if (!query.empty()) request.target += "?" + query;
  if (!call.form.empty()) request.headers.add("content-type", "application/x-www-form-urlencoded");
  if (call.listen_for > Duration::zero()) request.headers.add("long-pulling-timeout", std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(call.listen_for).count()));
  request.body = call.form;
  Context limited(ctx, call.listen_for + kShortCall);
  YUN_TRY(response, co_await (*channel_)->send(limited, std::move(request)));
  YUN_TRY(body, co_await response.body.all(limited, kMostBytes));
  co_return NacosAnswer{.status = response.status, .body = std::string(body)};
}

Task<Result<void>> NacosApi::sign_in(Context& ctx) {
  const Call call{.method = http::Method::Post, .path = "/auth/login", .query = {}, .form = encoded({{"username", target_.user}, {"password", target_.password}})};
  YUN_TRY(answer, co_await once(ctx, call));
  auto document = json::parse(answer.body);
  const std::string* token = document && answer.status == 200 ? (*document)["accessToken"].as_string() : nullptr;
  if (!token) co_return unauthenticated("nacos at " + target_.url + " does not let in user '" + target_.user + "': it answers " + std::to_string(answer.status)).with_reason("registry_refused");
  token_ = *token;
  co_return Result<void>();
}

Task<Result<NacosAnswer>> NacosApi::send(Context& ctx, Call call) {
  for (bool again = false;; again = true) {
    if (!target_.user.empty() && token_.empty()) YUN_CHECK(co_await sign_in(ctx));
    YUN_TRY(answer, co_await once(ctx, call));
    const bool refused = answer.status == 401 || answer.status == 403;
    if (refused && !token_.empty() && !again) {
      token_.clear();  // its time is over, or the server began anew
      continue;
    }
    if (answer.status == 200 || answer.status == 404) co_return answer;
    co_return unavailable("nacos at " + target_.url + " answers " + std::to_string(answer.status) + ": " + std::string(trim(answer.body.substr(0, 200)))).with_reason("registry_refused");
  }
}

Task<Result<NacosAnswer>> NacosApi::call(Context& ctx, http::Method method, std::string path, Parameters query) {
  return send(ctx, {.method = method, .path = std::move(path), .query = encoded(query)});
}

Task<Result<bool>> NacosApi::listen(Context& ctx, const std::string* text, Duration wait) {
  const std::string known = target_.path + "\x02" + target_.group + "\x02" + (text ? md5(*text) : "") + (target_.name_space.empty() ? "" : "\x02" + target_.name_space) + "\x01";
  Call call{.method = http::Method::Post, .path = "/cs/configs/listener", .query = {}, .form = encoded({{"Listening-Configs", known}}), .listen_for = wait};
  YUN_TRY(answer, co_await send(ctx, std::move(call)));
  co_return !trim(answer.body).empty();
}

}  // namespace yun::discovery
