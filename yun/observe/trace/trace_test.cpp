#include "yun/observe/trace/trace.hpp"

#include <gtest/gtest.h>

#include "yun/observe/observe.hpp"

namespace yun::observe::trace {
namespace {

constexpr std::string_view kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr std::string_view kUnsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

class Kept final : public SpanSink {
 public:
  void on_end(const SpanData& span) noexcept override { spans.push_back(span); }
  std::vector<SpanData> spans;
};

TEST(Traceparent, ReadsBackWhatItWrites) {
  const auto trace = parse_traceparent(kParent);
  ASSERT_TRUE(trace);
  EXPECT_EQ(*trace, (SpanContext{0x0af7651916cd43dd, 0x8448eb211c80319c, 0xb7ad6b7169203331, true}));
  EXPECT_EQ(format_traceparent(*trace), kParent);
  EXPECT_EQ(trace_id(*trace), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(span_id(*trace), "b7ad6b7169203331");
}

TEST(Traceparent, RefusesWhatTheStandardRefuses) {
  for (const std::string_view text : {
           "", "00", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",   // version
           "00-00000000000000000000000000000000-b7ad6b7169203331-01",             // no trace
           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",             // no span
           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",             // upper case
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",       // version 00 has no more
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g",             // no digit
           "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",             // no dash
           "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01extra",        // no dash before more
           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",              // short
       })
    EXPECT_FALSE(parse_traceparent(text)) << text;
  EXPECT_TRUE(parse_traceparent("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-the-future-brings"));
  EXPECT_FALSE(parse_traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02")->sampled);
}

TEST(Tracestate, IsPassedOnOnlyIfWellFormed) {
  EXPECT_EQ(check_tracestate("a=1, b@c=x y"), "a=1, b@c=x y");
  EXPECT_EQ(check_tracestate("a"), "");
  EXPECT_EQ(check_tracestate("A=1"), "");
  EXPECT_EQ(check_tracestate("a=\x01"), "");
  EXPECT_EQ(check_tracestate("a=" + std::string(300, 'x')), "");
  EXPECT_EQ(check_tracestate("1a@vendor=1,a/b*c_d-e=1"), "1a@vendor=1,a/b*c_d-e=1");
  EXPECT_EQ(check_tracestate("a@b@c=1"), "");                             // one @ at most
  EXPECT_EQ(check_tracestate("@v=1"), "");
  EXPECT_EQ(check_tracestate("t@" + std::string(15, 'v') + "=1"), "");  // 14 for the vendor
  EXPECT_EQ(check_tracestate("_a=1"), "");
  EXPECT_EQ(check_tracestate("a=1,b=2,a=3"), "");                         // a key twice
  EXPECT_EQ(check_tracestate("a=1=2"), "");
  EXPECT_EQ(check_tracestate("a="), "");
  EXPECT_EQ(check_tracestate(",, "), "");
  const std::string halves = "a=" + std::string(254, 'x') + ",b=" + std::string(253, 'x');
  EXPECT_EQ(check_tracestate(halves), halves);  // 512 bytes
  EXPECT_EQ(check_tracestate(halves + "x"), "");
  std::string many;
  for (int i = 0; i < 33; ++i) many += "k" + std::to_string(i) + "=v,";
  EXPECT_EQ(check_tracestate(many), "");
}

TEST(Span, ContinuesTheTraceThatCameIn) {
  auto kept = std::make_shared<Kept>();
  Tracer tracer({.sampler = Sampler::parent_based(0), .sinks = {kept}});
  Context ctx;
  {
    Span span(tracer, ctx, "GET /", Kind::Server, kParent, "vendor=1");
    EXPECT_EQ(ctx.span(), &span);
    EXPECT_EQ(ctx.trace_id(), "0af7651916cd43dd8448eb211c80319c");
    EXPECT_NE(ctx.trace().span, 0xb7ad6b7169203331u);
    EXPECT_TRUE(ctx.trace().sampled);
    Span child(ctx, "sql");
    EXPECT_EQ(ctx.trace_state(), "vendor=1");
    EXPECT_EQ(ctx.span(), &child);
  }
  EXPECT_EQ(ctx.span(), nullptr);
  EXPECT_EQ(ctx.trace_id(), "0af7651916cd43dd8448eb211c80319c");
  ASSERT_EQ(kept->spans.size(), 2u);
  EXPECT_EQ(kept->spans[0].name, "sql");
  EXPECT_EQ(kept->spans[0].parent_span, kept->spans[1].context.span);
  EXPECT_EQ(kept->spans[1].parent_span, 0xb7ad6b7169203331u);
  EXPECT_EQ(kept->spans[1].kind, Kind::Server);
  EXPECT_EQ(kept->spans[1].trace_state, "vendor=1");
}

TEST(Span, AChildContextSeesTheSpanAndItsIds) {
  Tracer tracer({.sampler = Sampler::always()});
  Context ctx;
  Span span(tracer, ctx, "outer");
  Context below(ctx, std::chrono::seconds(1));
  Span inner(below, "inner");
  EXPECT_EQ(below.trace_id(), ctx.trace_id());
  EXPECT_NE(below.trace().span, ctx.trace().span);
  inner.end();
  EXPECT_EQ(below.trace().span, ctx.trace().span);
  EXPECT_EQ(below.span(), &span);
}

TEST(Span, MayEndBeforeAnotherThatBeganLaterInTheSameContext) {
  Tracer tracer({.sampler = Sampler::always()});
  Context ctx;
  Span edge(tracer, ctx, "edge");
  auto first = std::make_unique<Span>(ctx, "first");
  auto second = std::make_unique<Span>(ctx, "second");
  first.reset();
  EXPECT_EQ(ctx.span(), second.get());
  EXPECT_EQ(ctx.trace(), second->context());
  second.reset();
  EXPECT_EQ(ctx.span(), &edge);
  EXPECT_EQ(ctx.trace(), edge.context());
}

TEST(Span, StartsANewTraceForAMalformedHeader) {
  Tracer tracer;
  Context ctx;
  Span span(tracer, ctx, "GET /", Kind::Server, "00-nonsense", "vendor=1");
  EXPECT_TRUE(span.context().valid());
  EXPECT_EQ(ctx.trace_state(), "");
}

TEST(Span, KeepsTheTraceButNotAMalformedState) {
  Tracer tracer;
  Context ctx;
  Span span(tracer, ctx, "GET /", Kind::Server, kParent, "Vendor=1");
  EXPECT_EQ(ctx.trace_id(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(ctx.trace_state(), "");
}

TEST(Span, AChildContextHasTheStateThatCameIn) {
  Tracer tracer;
  Context ctx;
  Span span(tracer, ctx, "GET /", Kind::Server, kParent, "vendor=1");
  Context child(ctx);
  EXPECT_EQ(child.trace_state(), "vendor=1");
}

TEST(Span, UnsampledKeepsNothingAndReachesNoSink) {
  auto kept = std::make_shared<Kept>();
  Tracer tracer({.sampler = Sampler::parent_based(1), .sinks = {kept}});
  Context ctx;
  {
    Span span(tracer, ctx, "GET /", Kind::Server, kUnsampled);
    span.set("key", "value");
    Span child(ctx, "child");
    EXPECT_FALSE(child.sampled());
    EXPECT_FALSE(ctx.trace().sampled);
    EXPECT_TRUE(ctx.trace().valid());
  }
  EXPECT_TRUE(kept->spans.empty());
  EXPECT_TRUE(tracer.recent().empty());
}

TEST(Span, WithoutATracerIsNothing) {
  Context ctx;
  auto span = start(ctx, "orphan");
  span.set("a", 1);
  span.fail("no");
  span.fail(not_found("nothing"));
  EXPECT_EQ(ctx.span(), nullptr);
}

TEST(Span, BoundsItsAttributes) {
  auto kept = std::make_shared<Kept>();
  Tracer tracer({.sampler = Sampler::always(), .sinks = {kept}, .max_attributes = 3, .max_text = 4});
  Context ctx;
  {
    Span span(tracer, ctx, "s");
    span.set("text", "abc\xe4\xba\x91");
    span.set("int", 7u);
    span.set("int", 8);
    span.set("bool", true);
    span.set("more", 0.5);
  }
  ASSERT_EQ(kept->spans.size(), 1u);
  const auto& attributes = kept->spans[0].attributes;
  ASSERT_EQ(attributes.size(), 3u);
  EXPECT_EQ(std::get<std::string>(attributes[0].value), "abc");
  EXPECT_EQ(std::get<std::int64_t>(attributes[1].value), 8);
  EXPECT_EQ(std::get<bool>(attributes[2].value), true);
  EXPECT_EQ(kept->spans[0].dropped_attributes, 1u);
}

TEST(Tracer, KeepsTheLastFailedSpansEvenUnsampled) {
  Tracer tracer({.sampler = Sampler::never(), .recent = 2});
  Context ctx;
  for (const char* name : {"one", "two", "three"}) {
    Span span(tracer, ctx, name);
    span.fail(not_found("no \"x\""));
  }
  const auto recent = tracer.recent();
  ASSERT_EQ(recent.size(), 2u);
  EXPECT_EQ(recent[0].name, "three");
  EXPECT_EQ(recent[1].name, "two");
  const std::string page = tracer.recent_json();
  EXPECT_NE(page.find("\"name\":\"three\",\"kind\":\"internal\""), std::string::npos) << page;
  EXPECT_NE(page.find("\"status\":\"error\",\"message\":\"NOT_FOUND: no \\\"x\\\"\",\"attributes\":{}}"), std::string::npos) << page;
}

TEST(Tracer, KeepsSlowSpans) {
  Tracer tracer({.sampler = Sampler::never(), .slow = Duration(-1)});
  Context ctx;
  { Span span(tracer, ctx, "slow"); }
  EXPECT_EQ(tracer.recent().size(), 1u);
}

TEST(Sampler, DecidesByTheTraceIdInProportion) {
  const Sampler tenth = Sampler::parent_based(0.1);
  int sampled = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) sampled += tenth.sample_root({1, i * ((std::uint64_t{1} << 56) / 1000), 1, false});
  EXPECT_NEAR(sampled, 100, 1);
  EXPECT_TRUE(tenth.sample_child({1, ~0ull, 1, true}));
  EXPECT_FALSE(tenth.sample_child({1, 0, 1, false}));
  EXPECT_TRUE(Sampler::always().sample_child({1, ~0ull, 1, false}));
  EXPECT_FALSE(Sampler::never().sample_child({1, 0, 1, true}));
}

TracerOptions keeping_tails(const std::shared_ptr<Kept>& kept) { return {.sampler = Sampler::never(), .sinks = {kept}, .tail = true, .max_tail = 3}; }

TEST(Tail, KeepsAllSpansOfATraceWhoseFirstOneFailed) {
  const auto kept = std::make_shared<Kept>();
  Tracer tracer(keeping_tails(kept));
  Context ctx;
  {
    Span root(tracer, ctx, "request", Kind::Server);
    root.set("a", 1);
    {
      Span child(ctx, "query");
      child.set("b", "text");
    }
    EXPECT_TRUE(kept->spans.empty());
    EXPECT_FALSE(ctx.trace().sampled);  // what others are told
    root.fail("why");
  }
  ASSERT_EQ(kept->spans.size(), 2u);
  EXPECT_EQ(kept->spans[0].name, "query");
  EXPECT_EQ(std::get<std::string>(kept->spans[0].attributes.at(0).value), "text");
  EXPECT_EQ(kept->spans[0].parent_span, kept->spans[1].context.span);
  EXPECT_EQ(std::get<std::int64_t>(kept->spans[1].attributes.at(0).value), 1);
  EXPECT_FALSE(kept->spans[1].context.sampled);
}

TEST(Tail, KeepsASlowTraceAndDropsAGoodOne) {
  const auto kept = std::make_shared<Kept>();
  TracerOptions options = keeping_tails(kept);
  {
    Tracer tracer(options);
    Context ctx;
    Span root(tracer, ctx, "fast");
    Span child(ctx, "failed, but the request did not");
    child.fail("tried again elsewhere");
  }
  EXPECT_TRUE(kept->spans.empty());
  options.slow = Duration(-1);  // everything is
  Tracer tracer(options);
  Context ctx;
  {
    Span root(tracer, ctx, "slow");
    Span child(ctx, "child");
  }
  EXPECT_EQ(kept->spans.size(), 2u);
}

TEST(Tail, HoldsNoMoreOfATraceThanItsLimitAndCountsTheRest) {
  const auto kept = std::make_shared<Kept>();
  Tracer tracer(keeping_tails(kept));
  Context ctx;
  {
    Span root(tracer, ctx, "request");
    for (int i = 0; i < 10; ++i) Span child(ctx, "child");
    root.fail("why");
  }
  EXPECT_EQ(kept->spans.size(), 4u);
  EXPECT_EQ(tracer.tail_dropped(), 7u);
}

TEST(Tail, OfASampledTraceIsNoBusinessOfIt) {
  const auto kept = std::make_shared<Kept>();
  TracerOptions options = keeping_tails(kept);
  options.sampler = Sampler::parent_based(0);
  Tracer tracer(options);
  Context ctx;
  {
    Span root(tracer, ctx, "request", Kind::Server, kParent);
    { Span child(ctx, "child"); }
    EXPECT_EQ(kept->spans.size(), 1u);
  }
  EXPECT_EQ(kept->spans.size(), 2u);
}

TEST(Tail, LetsASpanEndAfterTheFirstOne) {
  const auto kept = std::make_shared<Kept>();
  Tracer tracer(keeping_tails(kept));
  Context ctx;
  auto root = std::make_unique<Span>(tracer, ctx, "request");
  auto late = std::make_unique<Span>(ctx, "late");
  root->fail("why");
  root.reset();
  EXPECT_EQ(kept->spans.size(), 1u);
  late.reset();
  EXPECT_EQ(kept->spans.size(), 2u);
}

}  // namespace
}  // namespace yun::observe::trace
