#include "yun/http/middleware/pipeline.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "yun/http/middleware/cors.hpp"
#include "yun/http/middleware/limits.hpp"
#include "yun/http/middleware/request_id.hpp"
#include "yun/http/problem.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http {
namespace {

using Trail = std::vector<std::string>;

struct Noted : Middleware {
  Noted(Trail& t, std::string n, Verdict v = Verdict::Continue) : trail(t), name(std::move(n)), verdict(v) {}
  Verdict before(Context&, Request&, Response& response, State& state) override {
    trail.push_back("before " + name);
    state.word = 7;
    if (verdict == Verdict::Answered) response = Response::text(418, "no");
    return verdict;
  }
  void after(Context&, Request&, Response&, State& state) override { trail.push_back("after " + name + std::to_string(state.word)); }
  void finished(Context&, const Request&, const Response&, const Outcome&, State&) noexcept override { trail.push_back("finished " + name); }
  Trail& trail;
  std::string name;
  Verdict verdict;
};

struct Inner : Handler {
  explicit Inner(std::function<Task<void>(Response&)> b) : body(std::move(b)) {}
  Task<void> handle(Context&, Request&, Response& response) override { return body(response); }
  std::function<Task<void>(Response&)> body;
};
Task<void> at_once(Response& response) {
  response = Response::text(200, "ok");
  return {};
}
Task<void> later(Response& response) {
  (void)co_await runtime::yield_now();  // void
  response = Response::text(200, "later");
}

struct Round {
  Context ctx;
  Request request;
  Response response;
  bool waited = false;
  std::uint64_t frames = 0;  ///< that handle() made
  /// As a connection does: handle() is called on a loop, and awaited if it waits.
  Round& run(Handler& handler) {
    runtime::block_on(on_loop(handler, *this));
    return *this;
  }
  static Task<void> on_loop(Handler& handler, Round& round) {
    const auto before = runtime::frame_stats().made;
    Task<void> task = handler.handle(round.ctx, round.request, round.response);
    round.frames = runtime::frame_stats().made - before;
    round.waited = static_cast<bool>(task);
    if (task) (void)co_await std::move(task);  // void
  }
  void finish(Handler& handler) { handler.finished(ctx, request, response, {}); }
};

TEST(Pipeline, HooksRunInOrderAndBackAndCostNoFrame) {
  Trail trail;
  Inner inner(at_once);
  Pipeline pipeline({std::make_shared<Noted>(trail, "a"), std::make_shared<Noted>(trail, "b")}, inner);
  Round run;
  run.run(pipeline).finish(pipeline);
  EXPECT_EQ(run.frames, 0u);
  EXPECT_FALSE(run.waited);
  EXPECT_EQ(trail, (Trail{"before a", "before b", "after b7", "after a7", "finished b", "finished a"}));
}

TEST(Pipeline, ARefusalStopsWhatIsBehind) {
  Trail trail;
  Inner inner([](Response&) -> Task<void> { throw std::logic_error("must not run"); });
  Pipeline pipeline({std::make_shared<Noted>(trail, "a"), std::make_shared<Noted>(trail, "b", Middleware::Verdict::Answered), std::make_shared<Noted>(trail, "c")},
                    inner);
  Round run;
  run.run(pipeline).finish(pipeline);
  EXPECT_EQ(run.response.status, 418);
  EXPECT_EQ(trail, (Trail{"before a", "before b", "after b7", "after a7", "finished b", "finished a"}));
}

TEST(Pipeline, AHandlerThatIsACoroutineButDoesNotWaitCostsItsOwnFrameOnly) {
  Trail trail;
  Inner inner([](Response& response) -> Task<void> {
    response = Response::text(200, "now");
    co_return;
  });
  Pipeline pipeline({std::make_shared<Noted>(trail, "a")}, inner);
  Round run;
  run.run(pipeline).finish(pipeline);
  EXPECT_EQ(run.frames, 1u);
  EXPECT_FALSE(run.waited);
  EXPECT_EQ(trail, (Trail{"before a", "after a7", "finished a"}));
}

TEST(Pipeline, AHandlerThatWaitsIsAwaitedBeforeAfter) {
  Trail trail;
  Inner inner(later);
  Pipeline pipeline({std::make_shared<Noted>(trail, "a")}, inner);
  Round run;
  run.run(pipeline);
  EXPECT_TRUE(run.waited);
  EXPECT_EQ(run.response.body.bytes(), "later");
  EXPECT_EQ(trail, (Trail{"before a", "after a7"}));
  run.finish(pipeline);
}

Task<Response> delayed(Context& ctx, Request& request, Next next, Trail& trail) {
  trail.push_back("around in");
  (void)co_await runtime::yield_now();  // void
  Task<Response> rest = next(ctx, request);
  Response response = co_await std::move(rest);
  trail.push_back("around out");
  response.headers.add("x-around", "1");
  co_return response;
}

TEST(Pipeline, AWaitingMiddlewareStandsBetweenHooks) {
  Trail trail;
  Inner inner(later);
  auto around = middleware([&trail](Context& ctx, Request& request, Next next) { return delayed(ctx, request, next, trail); });
  Pipeline pipeline({std::make_shared<Noted>(trail, "a"), around, std::make_shared<Noted>(trail, "b")}, inner);
  Round run;
  run.run(pipeline).finish(pipeline);
  EXPECT_EQ(run.response.body.bytes(), "later");
  EXPECT_TRUE(run.response.headers.has("x-around"));
  EXPECT_EQ(trail, (Trail{"before a", "around in", "before b", "after b7", "around out", "after a7", "finished b", "finished a"}));
}

TEST(Pipeline, AnExceptionIs500AndTheRestGoesOn) {
  Trail trail;
  Inner inner([](Response&) -> Task<void> { throw std::logic_error("secret words"); });
  Pipeline pipeline({std::make_shared<Noted>(trail, "a")}, inner);
  Round run;
  run.run(pipeline).finish(pipeline);
  EXPECT_EQ(run.response.status, 500);
  EXPECT_EQ(run.response.body.bytes().find("secret"), std::string_view::npos);
  EXPECT_EQ(trail, (Trail{"before a", "after a7", "finished a"}));

  Inner waits([](Response&) { return [](int) -> Task<void> {
    (void)co_await runtime::yield_now();  // void
    throw 5;
  }(1); });
  Pipeline second({}, waits);
  Round other;
  EXPECT_EQ(other.run(second).response.status, 500);
  other.finish(second);
}

TEST(Pipeline, ManyExchangesInFlightKeepTheirOwnState) {
  struct Count : Middleware {
    Verdict before(Context&, Request& request, Response&, State& state) override {
      state.word = std::stoul(request.path);
      return Verdict::Continue;
    }
    void finished(Context&, const Request& request, const Response&, const Outcome&, State& state) noexcept override {
      EXPECT_EQ(std::to_string(state.word), request.path);
      ++seen;
    }
    int seen = 0;
  };
  auto count = std::make_shared<Count>();
  Inner inner(at_once);
  Pipeline pipeline({count}, inner);
  std::vector<std::unique_ptr<Round>> runs;
  for (int i = 0; i < 500; ++i) {
    runs.push_back(std::make_unique<Round>());
    runs.back()->request.path = std::to_string(i);
    runs.back()->run(pipeline);
  }
  for (std::size_t i = 0; i < runs.size(); i += 2) runs[i]->finish(pipeline);
  for (std::size_t i = 1; i < runs.size(); i += 2) runs[i]->finish(pipeline);
  EXPECT_EQ(count->seen, 500);
}

TEST(RequestId, ASaneOneIsKeptAnotherIsReplaced) {
  Inner inner(at_once);
  Pipeline pipeline({request_id()}, inner);
  Round kept, made;
  kept.request.headers.add("x-request-id", "abc-123");
  EXPECT_EQ(kept.run(pipeline).response.headers.get("x-request-id"), "abc-123");
  EXPECT_EQ(kept.ctx.request_id(), "abc-123");
  made.request.headers.add("x-request-id", "bad id\"");
  made.run(pipeline);
  EXPECT_EQ(made.response.headers.get("x-request-id")->size(), 15u);
}

TEST(Overload, ShedsBeyondItAndGivesBack) {
  Inner inner(at_once);
  Pipeline pipeline({overload({.max_in_flight = 1})}, inner);
  Round first, second, health, third;
  first.run(pipeline);
  EXPECT_EQ(second.run(pipeline).response.status, 503);
  EXPECT_EQ(second.response.reason, "overloaded");
  EXPECT_EQ(second.response.headers.get("retry-after"), "1");
  EXPECT_EQ(second.response.headers.get("x-yun-reason"), "overloaded");
  const Error error = unavailable("the service has more work than time").with_reason("overloaded");
  EXPECT_EQ(second.response.body.bytes(), problem(second.ctx, error).body.bytes()) << "with the trace id of this request";
  health.request.path = "/health";
  EXPECT_EQ(health.run(pipeline).response.status, 200);
  second.finish(pipeline);
  first.finish(pipeline);
  EXPECT_EQ(third.run(pipeline).response.status, 200);
  third.finish(pipeline);
}

TEST(Overload, ShowsWhatIsAtWorkAndHowFullTheFullestLoopIs) {
  metrics::Registry registry;
  Inner inner(at_once);
  Pipeline pipeline({overload({.max_in_flight = 4, .registry = &registry})}, inner);
  Round first, second;
  first.run(pipeline);
  second.run(pipeline);
  EXPECT_NE(registry.render().find("\nhttp_requests_in_flight 2\n"), std::string::npos) << registry.render();
  EXPECT_NE(registry.render().find("\nhttp_requests_in_flight_ratio 0.5\n"), std::string::npos);
  first.finish(pipeline);
  second.finish(pipeline);
  EXPECT_NE(registry.render().find("\nhttp_requests_in_flight 0\n"), std::string::npos);
}

TEST(Overload, GrpcIsToldInItsOwnWay) {
  Inner inner(at_once);
  Pipeline pipeline({overload({.max_in_flight = 0, .retry_after = std::chrono::seconds(2)})}, inner);
  Round call;
  call.request.headers.add("content-type", "application/grpc");
  EXPECT_EQ(call.run(pipeline).response.status, 200);
  EXPECT_EQ(call.response.headers.get("grpc-status"), "14");
  EXPECT_EQ(call.response.headers.get("grpc-retry-pushback-ms"), "2000");
  EXPECT_EQ(call.response.reason, "overloaded");
}

TEST(Overload, AStreamGivesItsPlaceBackAtItsHead) {
  Inner inner([](Response& response) -> Task<void> {
    response.stream = make_producer([](Context&, BodyWriter&) -> Task<Result<void>> { co_return Result<void>(); });
    return {};
  });
  Pipeline pipeline({overload({.max_in_flight = 1})}, inner);
  Round first, second;
  first.run(pipeline);
  EXPECT_EQ(second.run(pipeline).response.status, 200);
}

TEST(BodyLimit, RefusesWholeAndStreamedBodies) {
  struct Endless final : BodySource {
    Task<Result<std::optional<std::string_view>>> next(Context&) override { co_return std::optional<std::string_view>("0123456789"); }
  };
  Inner inner(at_once);
  Pipeline pipeline({body_limit(16)}, inner);
  Round whole, streamed;
  whole.request.body = Body(std::string(17, 'x'));
  EXPECT_EQ(whole.run(pipeline).response.status, 413);
  streamed.request.body = Body(std::make_unique<Endless>());
  streamed.run(pipeline);
  EXPECT_EQ(streamed.response.status, 200);
  auto all = runtime::block_on(streamed.request.body.all(streamed.ctx, 1000));
  ASSERT_FALSE(all);
  EXPECT_EQ(http_status(all.error()), 413);
}

TEST(Deadline, EndsTheContext) {
  Inner inner(at_once);
  Pipeline pipeline({deadline(std::chrono::hours(1))}, inner);
  Round run;
  run.run(pipeline);
  EXPECT_LE(run.ctx.remaining(), std::chrono::hours(1));
}

TEST(Cors, AnswersPreflightsOfKnownOriginsOnly) {
  Inner inner(at_once);
  Pipeline pipeline({cors({.origins = {"https://shop.example"}, .credentials = Credentials::Allow})}, inner);
  auto ask = [&](std::string_view origin, Method method) {
    Round run;
    run.request.method = method;
    run.request.headers.add("origin", origin);
    if (method == Method::Options) run.request.headers.add("access-control-request-method", "PUT");
    run.run(pipeline);
    return std::move(run.response);
  };
  const Response preflight = ask("https://shop.example", Method::Options);
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.get("access-control-allow-origin"), "https://shop.example");
  EXPECT_EQ(preflight.headers.get("access-control-allow-credentials"), "true");
  EXPECT_EQ(preflight.headers.get("vary"), "origin");
  EXPECT_FALSE(ask("https://evil.example", Method::Options).headers.has("access-control-allow-origin"));
  EXPECT_TRUE(ask("https://shop.example", Method::Get).headers.has("access-control-expose-headers"));
}

}  // namespace
}  // namespace yun::http
