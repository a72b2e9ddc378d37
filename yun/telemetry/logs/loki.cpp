#include "yun/telemetry/logs/loki.hpp"

#include <algorithm>
#include <map>

#include "yun/base/strings.hpp"
#include "yun/http/client/client.hpp"
#include "yun/json/write.hpp"
#include "yun/telemetry/logs/line.hpp"

namespace yun::telemetry::logs {
namespace {

constexpr std::size_t kMostAnswer = 64 << 10;

class LokiSender final : public Sender {
 public:
  LokiSender(const Url& url, const std::string& service)
      : target_((url.scheme == "lokis" ? "https://" : "http://") + url.host_and_port(3100) + "/loki/api/v1/push"), client_({.name = "loki"}) {
    if (!url.user.empty()) authorization_ = "Basic " + to_base64(url.user + ":" + url.password);
    labels_.emplace_back("service_name", service);
    for (const auto& [name, value] : url.parameters) {
      if (name == "tenant") {
        tenant_ = value;
        continue;
      }
      std::erase_if(labels_, [&](const auto& label) { return label.first == name; });
      labels_.emplace_back(name, value);
    }
  }

  Task<Result<void>> send(Context& ctx, std::string_view lines) override {
    YUN_TRY(request, http::make_request(http::Method::Post, target_));
    request.headers.set("content-type", "application/json");
    if (!authorization_.empty()) request.headers.set("authorization", authorization_);
    if (!tenant_.empty()) request.headers.set("x-scope-orgid", tenant_);
    request.body.assign(loki_body(labels_, lines));
    YUN_TRY(answer, co_await client_.send(ctx, std::move(request)));
    YUN_TRY(text, co_await answer.body.all(ctx, kMostAnswer));
    if (answer.status / 100 == 2) co_return Result<void>();
    std::string said = "Loki answered " + std::to_string(answer.status) + ": " + std::string(text.substr(0, 200));
    if (answer.status == 429 || answer.status >= 500) co_return unavailable(std::move(said));
    co_return invalid_argument(std::move(said));
  }

 private:
  std::string target_, authorization_, tenant_;
  std::vector<std::pair<std::string, std::string>> labels_;
  http::Client client_;
};

}  // namespace

std::string loki_body(const std::vector<std::pair<std::string, std::string>>& labels, std::string_view lines) {
  std::map<std::string_view, std::string> values;  // by level
  for_each_line(lines, [&](const Line& line) {
    std::string& out = values[line.level];
    out += out.empty() ? "[\"" : ",[\"";
    out += std::to_string(std::chrono::duration_cast<std::chrono::nanoseconds>(line.time.time_since_epoch()).count());
    out += "\",";
    json::write(out, line.text);
    out += ']';
  });
  std::string body = "{\"streams\":[";
  for (const auto& [level, entries] : values) {
    body += body.back() == '[' ? "{\"stream\":{" : ",{\"stream\":{";
    for (const auto& [name, value] : labels) {
      json::write(body, name);
      body += ':';
      json::write(body, value);
      body += ',';
    }
    body += "\"level\":";
    json::write(body, level.empty() ? std::string_view("unknown") : level);
    body.append("},\"values\":[").append(entries).append("]}");
  }
  return body += "]}";
}

std::unique_ptr<Sender> make_loki(const Url& url, const std::string& service) { return std::make_unique<LokiSender>(url, service); }

}  // namespace yun::telemetry::logs
