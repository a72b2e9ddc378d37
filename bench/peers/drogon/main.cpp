// drogon as its users write it: its own handlers, JSON by jsoncpp as it brings it, its Prometheus exporter. One loop, since it has one core. No access log.
//
//     drogon ADDRESS

#include <drogon/HttpAppFramework.h>
#include <drogon/plugins/PromExporter.h>
#include <drogon/utils/monitoring/Counter.h>
#include <drogon/utils/monitoring/Histogram.h>

#include <set>
#include <string>

namespace {

using drogon::HttpRequestPtr;
using drogon::HttpResponse;
using drogon::HttpResponsePtr;
using Answer = std::function<void(const HttpResponsePtr&)>;

void find_user(const HttpRequestPtr&, Answer&& answer, const std::string& id) {
  Json::Value user;
  user["id"] = id;
  user["name"] = "user_" + id;
  answer(HttpResponse::newHttpJsonResponse(std::move(user)));
}

bool is_text(const Json::Value& value, std::size_t most, bool required) {
  return value.isString() && value.asString().size() <= most && (!required || !value.asString().empty());
}

bool is_number(const Json::Value& value, Json::Int64 least, Json::Int64 most) { return value.isInt64() && value.asInt64() >= least && value.asInt64() <= most; }

bool is_line(const Json::Value& line) {
  return line.isObject() && is_text(line["product"], 64, true) && is_text(line["title"], 200, true) && is_number(line["quantity"], 1, 1000) &&
         is_number(line["price_cents"], 0, 100'000'000) && line["tags"].isArray() && line["tags"].size() <= 8;
}

bool is_order(const Json::Value& order) {
  static const std::set<std::string> currencies = {"EUR", "USD", "CNY"};
  if (!order.isObject() || !is_text(order["customer"], 64, true) || !is_text(order["note"], 500, false)) return false;
  if (!order["currency"].isString() || !currencies.contains(order["currency"].asString())) return false;
  const Json::Value& lines = order["lines"];
  return lines.isArray() && !lines.empty() && lines.size() <= 100 && std::all_of(lines.begin(), lines.end(), is_line);
}

void place_order(const HttpRequestPtr& request, Answer&& answer) {
  const auto order = request->getJsonObject();
  if (!order || !is_order(*order)) {
    Json::Value fault;
    fault["error"] = "the request has invalid fields";
    const auto refused = HttpResponse::newHttpJsonResponse(std::move(fault));
    refused->setStatusCode(drogon::k422UnprocessableEntity);
    answer(refused);
    return;
  }
  Json::Value placed = *order;
  Json::Int64 items = 0, total = 0;
  for (const Json::Value& line : placed["lines"]) {
    items += line["quantity"].asInt64();
    total += line["quantity"].asInt64() * line["price_cents"].asInt64();
  }
  placed["id"] = "o-1";
  placed["items"] = items;
  placed["total_cents"] = total;
  answer(HttpResponse::newHttpJsonResponse(std::move(placed)));
}

void count_requests() {
  using namespace drogon::monitoring;
  const auto exporter = drogon::app().getSharedPlugin<drogon::plugin::PromExporter>();
  const auto requests = std::make_shared<Collector<Counter>>("http_requests_total", "Requests answered.", std::vector<std::string>{"method", "path", "status"});
  const auto seconds = std::make_shared<Collector<Histogram>>("http_request_duration_seconds", "Time to the answer.", std::vector<std::string>{"method", "path"});
  exporter->registerCollector(requests);
  exporter->registerCollector(seconds);
  static const std::vector<double> buckets = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  drogon::app().registerPostHandlingAdvice([requests, seconds](const HttpRequestPtr& request, const HttpResponsePtr& response) {
    const std::string method = request->getMethodString();
    const std::string path(request->getMatchedPathPattern());
    requests->metric({method, path, std::to_string(response->statusCode())})->increment();
    const double took = static_cast<double>(trantor::Date::now().microSecondsSinceEpoch() - request->creationDate().microSecondsSinceEpoch()) / 1e6;
    seconds->metric({method, path}, buckets, std::chrono::duration<double>(0), std::uint64_t{0}, drogon::app().getLoop())->observe(took);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string address = argc > 1 ? argv[1] : "";
  const auto colon = address.rfind(':');
  if (colon == address.npos) return 2;
  Json::Value exporter;
  exporter["name"] = "drogon::plugin::PromExporter";
  Json::Value plugins(Json::arrayValue);
  plugins.append(exporter);
  drogon::app()
      .setLogLevel(trantor::Logger::kWarn)
      .setThreadNum(1)
      .setKeepaliveRequestsNumber(0)
      .setIdleConnectionTimeout(0)
      .addListener(address.substr(0, colon), static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))))
      .addPlugins(plugins);
  drogon::app().registerHandler("/api/users/{id}", &find_user, {drogon::Get});
  drogon::app().registerHandler("/api/orders", &place_order, {drogon::Post});
  drogon::app().registerBeginningAdvice(&count_requests);
  drogon::app().run();
}
