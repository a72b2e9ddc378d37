#include "yun/http/middleware/defaults.hpp"

#include <gtest/gtest.h>

#include "yun/http/router/router.hpp"
#include "yun/observe/log/log.hpp"

namespace yun::http {

struct DefaultsUser {
  std::string id;
};

namespace {

struct Lines final : log::Sink {
  std::string text;
  void write(std::string_view lines) noexcept override { text += lines; }
};
struct Spans final : observe::trace::SpanSink {
  std::vector<observe::trace::SpanData> ended;
  void on_end(const observe::trace::SpanData& span) noexcept override { ended.push_back(span); }
};

class Defaults : public testing::Test {
 protected:
  Defaults() {
    router.get("/api/users/{id}", [](Path<"id"> id) { return DefaultsUser{*id}; });
    router.get("/fails", []() -> Result<void> { return unavailable("no store").with_reason("store_away"); });
    EXPECT_TRUE(log::start({.output = "none", .sinks = {lines}}).ok());
  }
  ~Defaults() override { log::stop(); }

  Response ask(std::string path, std::string_view traceparent = "", std::vector<std::string> states = {}) {
    Context ctx;
    Request request;
    Response response;
    request.path = std::move(path);
    if (!traceparent.empty()) request.headers.add("traceparent", traceparent);
    for (const std::string& state : states) request.headers.add("tracestate", state);
    EXPECT_FALSE(pipeline.handle(ctx, request, response));
    pipeline.finished(ctx, request, response, {.bytes_sent = response.body.bytes().size(), .duration = std::chrono::milliseconds(2)});
    log::flush();
    return response;
  }

  std::shared_ptr<Lines> lines = std::make_shared<Lines>();
  std::shared_ptr<Spans> spans = std::make_shared<Spans>();
  observe::metrics::Registry registry;
  observe::trace::Tracer tracer{{.sinks = {spans}}};
  Router router;
  Pipeline pipeline{default_middleware({.registry = registry, .tracer = tracer}), router};
};

TEST_F(Defaults, MetricsHaveTheRoutesPatternNeverTheUrl) {
  ask("/api/users/1");
  ask("/api/users/2");
  ask("/wp-admin");
  ask("/fails");
  const std::string page = registry.render();
  EXPECT_NE(page.find("http_requests_total{method=\"GET\",path=\"/api/users/{id}\",status=\"200\"} 2"), std::string::npos) << page;
  EXPECT_NE(page.find("http_requests_total{method=\"GET\",path=\"unmatched\",status=\"404\"} 1"), std::string::npos);
  EXPECT_NE(page.find("http_request_duration_seconds_count{method=\"GET\",path=\"/api/users/{id}\"} 2"), std::string::npos);
  EXPECT_NE(page.find("http_request_duration_seconds_bucket{method=\"GET\",path=\"/api/users/{id}\",le=\"0.005\"} 2"), std::string::npos);
  EXPECT_NE(page.find("http_refused_total{reason=\"store_away\"} 1"), std::string::npos);
}

TEST_F(Defaults, OneLineAnExchangeWithTheTraceThatCameIn) {
  ask("/api/users/1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_NE(lines->text.find("\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\""), std::string::npos) << lines->text;
  EXPECT_NE(lines->text.find("\"route\":\"/api/users/{id}\",\"status\":200,\"duration\":0.002,\"bytes\":10"), std::string::npos) << lines->text;
  EXPECT_NE(lines->text.find("\"request_id\":"), std::string::npos);
  lines->text.clear();
  ask("/fails");
  EXPECT_NE(lines->text.find("\"level\":\"warn\""), std::string::npos);
  EXPECT_NE(lines->text.find("\"reason\":\"store_away\""), std::string::npos);
}

TEST_F(Defaults, ASampledSpanIsNamedByItsRoute) {
  ask("/api/users/1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  ask("/api/users/1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  ASSERT_EQ(spans->ended.size(), 1u);
  EXPECT_EQ(spans->ended[0].name, "GET /api/users/{id}");
  EXPECT_EQ(spans->ended[0].parent_span, 0xb7ad6b7169203331u);
}

TEST_F(Defaults, SeveralTracestateHeadersAreOne) {
  ask("/api/users/1", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", {"a=1", "b=2,c=3"});
  ASSERT_EQ(spans->ended.size(), 1u);
  EXPECT_EQ(spans->ended[0].trace_state, "a=1, b=2,c=3");
}

}  // namespace
}  // namespace yun::http
