#include "yun/discovery/consul/api.hpp"

#include <algorithm>

#include "yun/base/strings.hpp"

namespace yun::discovery {

namespace {
constexpr Duration kShortCall = std::chrono::seconds(5);
constexpr std::size_t kMostBytes = 16 << 20;
}  // namespace

std::uint64_t next_index(std::uint64_t asked, std::uint64_t answered) {
  if (answered < asked) return 0;  // the servers' state was restored or made anew
  return std::max<std::uint64_t>(answered, 1);
}

ConsulApi::ConsulApi(const ConsulTarget& target)
    : target_(target), client_({.name = "consul", .http2 = http::Http2::Off, .proxy = http::Proxy::None, .max_connections_per_host = 4}) {}

Task<Result<ConsulAnswer>> ConsulApi::call(Context& ctx, http::Method method, std::string path, std::string body) {
  if (!target_.datacenter.empty()) path += (path.find('?') == std::string::npos ? "?dc=" : "&dc=") + percent_encode(target_.datacenter);
  YUN_TRY(request, http::make_request(method, target_.base + path));
  if (!target_.token.empty()) request.headers.add("x-consul-token", target_.token);
  request.body = std::move(body);
  YUN_TRY(response, co_await client_.send(ctx, std::move(request)));
  ConsulAnswer answer{.status = response.status, .index = parse_u64(response.headers.get("x-consul-index").value_or("")).value_or(0), .body = {}};
  YUN_TRY(text, co_await response.body.all(ctx, kMostBytes));
  answer.body = std::string(text);
  co_return answer;
}

Task<Result<ConsulAnswer>> ConsulApi::read(Context& ctx, std::string path, std::uint64_t index, Duration wait) {
  const auto seconds = std::max<std::int64_t>(1, std::chrono::duration_cast<std::chrono::seconds>(wait).count());
  path += path.find('?') == std::string::npos ? '?' : '&';
  path += "index=" + std::to_string(index) + "&wait=" + std::to_string(seconds) + "s";
  if (target_.stale) path += "&stale";
  // Consul adds up to a sixteenth of the wait, so that not all come back at once.
  Context limited(ctx, index == 0 ? kShortCall : wait + wait / 16 + kShortCall);
  YUN_TRY(answer, co_await call(limited, http::Method::Get, std::move(path), ""));
  if (answer.status != 200 && answer.status != 404)
    co_return unavailable("consul at " + target_.base + " answers " + std::to_string(answer.status) + ": " + std::string(trim(answer.body.substr(0, 200)))).with_reason("registry_refused");
  co_return answer;
}

Task<Result<void>> ConsulApi::put(Context& ctx, std::string path, std::string body) {
  Context limited(ctx, kShortCall);
  YUN_TRY(answer, co_await call(limited, http::Method::Put, std::move(path), std::move(body)));
  if (answer.status == 200) co_return Result<void>();
  std::string message = "consul at " + target_.base + " answers " + std::to_string(answer.status) + ": " + std::string(trim(answer.body.substr(0, 200)));
  if (answer.status == 404) co_return not_found(std::move(message));
  co_return unavailable(std::move(message)).with_reason("registry_refused");
}

}  // namespace yun::discovery
