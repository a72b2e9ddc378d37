// guard_gateway N: N requests' heads through the gateway, in memory and on one thread: parsed, matched, rewritten and written for the upstream; the answer's
// head parsed, rewritten and written for the client. bench/guard/run counts its instructions.

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "yun/gateway/config/config.hpp"
#include "yun/gateway/forward/headers.hpp"
#include "yun/gateway/route/table.hpp"
#include "yun/http/client/response_parser.hpp"
#include "yun/http/codec1/request_parser.hpp"
#include "yun/http/codec1/writer.hpp"

namespace {

using namespace yun;

constexpr std::string_view kRequest =
    "GET /plain/42?page=1 HTTP/1.1\r\nHost: shop.test\r\nUser-Agent: guard/1.0\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\nServer: guard\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n"
    "Connection: keep-alive\r\nETag: \"1024\"\r\n\r\n";
constexpr std::string_view kConfig =
    "upstreams:\n  texts: { to: \"static://127.0.0.1:9\" }\n"
    "routes:\n  - name: plain\n    match: path(/plain/{id}) && method(GET)\n    to: texts\n  - name: rest\n    match: path(/*)\n    to: texts\n";

/// One connection's objects, used again from request to request.
struct Work {
  http::codec1::RequestParser parser{http::codec1::HeadLimits{}};
  http::Request request;
  http::Request to;
  http::Response response;
  Buffer to_upstream;
  Buffer to_client;
};

/// Bytes written; 0 if anything went wrong.
std::size_t once(Work& work, const gateway::Config& config, const gateway::Table& table) {
  Context ctx;
  ctx.set_request_id("0123456789abcde");
  if (work.parser.parse(kRequest, work.request) != http::codec1::RequestParser::State::Done) return 0;
  const gateway::Table::Found found = table.find(work.request);
  if (!found.route || found.route->name != "plain") return 0;
  http::Request& to = work.to;
  to.method = work.request.method;
  to.target = work.request.target;
  to.authority = "127.0.0.1:9";
  gateway::prepare_headers(ctx, work.request, to.headers, config.trusted_proxies);
  http::codec1::write_request_head(work.to_upstream, to, {});

  auto head = http::client::parse_response_head(kResponse, to.method, 64 << 10, work.response.headers);
  if (!head || head->length != 1024) return 0;
  work.response.status = head->status;
  gateway::keep_end_to_end(work.response.headers);
  http::codec1::HeadFraming framing;
  framing.content_length = head->length;
  http::codec1::write_response_head(work.to_client, work.response, framing, "Mon, 01 Jan 2024 00:00:00 GMT");

  const std::size_t written = work.to_upstream.size() + work.to_client.size();
  work.to_upstream.clear();
  work.to_client.clear();
  work.parser.reset();
  http::codec1::clear(work.request);
  http::codec1::clear(to);
  http::codec1::clear(work.response);
  return written;
}

}  // namespace

int main(int argc, char** argv) {
  const auto requests = static_cast<std::size_t>(argc > 1 ? std::atoll(argv[1]) : 1000);
  const auto config = gateway::Config::parse(kConfig, "guard.yaml");
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().message().c_str());
    return 1;
  }
  const gateway::Table table(config->routes);
  Work work;
  work.request.peer = *runtime::Address::parse("192.0.2.1:50000");
  std::size_t written = 0;
  for (std::size_t i = 0; i < requests; ++i) {
    const std::size_t bytes = once(work, *config, table);
    if (bytes == 0) return 1;
    written += bytes;
  }
  std::printf("%zu requests, %zu bytes\n", requests, written);
  return written / std::max<std::size_t>(requests, 1) > 300 ? 0 : 1;
}
