#pragma once
// The service of shapes.proto, for tests: what it does is said in the .proto.

#include <stdexcept>

#include "testing/shapes.yun.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::rpc::testing {

class ShapesService final : public Shapes::Service {
 public:
  Task<Result<Shape>> get_http_info(Context& ctx, const Shape& request) override {
    Shape shape = request;
    ServerCall* call = server_call(ctx);
    if (call) {
      shape.add_words(call->metadata().get("x-tenant").value_or(""));
      shape.add_words(call->metadata().get("blob-bin").value_or(""));
      YUN_CHECK(call->initial_metadata().add("x-initial", "first"));
      YUN_CHECK(call->trailing_metadata().add("x-trailing-bin", std::string("\0\1", 2)));
    }
    shape.set_int64_field(ctx.deadline() == TimePoint::max() ? 0 : ctx.remaining().count());
    co_return Result<Shape>(std::move(shape));
  }

  Task<Result<void>> echo(Context& ctx, Reader<Shape>& requests, Writer<Shape>& responses) override {
    while (true) {
      auto request = co_await requests.read(ctx);
      if (!request) co_return std::move(request).error();
      if (!*request) co_return Result<void>();
      const Shape& shape = **request;
      for (int i = 0; i < shape.maybe(); ++i) {
        YUN_CHECK(co_await responses.write(ctx, shape));
      }
    }
  }

  Task<Result<Shape>> throws(Context&, const Shape&) override {
    throw std::runtime_error("the secret cause");
    co_return Shape();
  }

  Task<Result<Shape>> fails(Context& ctx, const Shape& request) override {
    ServerCall* call = server_call(ctx);
    if (call) {
      YUN_CHECK(call->trailing_metadata().add("x-trailing", "after"));
    }
    ++fail_calls;
    if (request.string_field() == "unavailable") co_return unavailable("not now");
    co_return invalid_argument("bad shape \xe4\xba\x91")
        .with_violation("/inners/0/text", "is empty")
        .with_reason("shape_invalid")
        .with_retry_after(std::chrono::milliseconds(1500));
  }

  Task<Result<Shape>> sum(Context& ctx, Reader<Shape>& requests) override {
    Shape total;
    while (true) {
      auto request = co_await requests.read(ctx);
      if (!request) co_return std::move(request).error();
      if (!*request) co_return Result<Shape>(std::move(total));
      total.set_int32_field(total.int32_field() + (*request)->int32_field());
    }
  }

  Task<Result<void>> repeat(Context& ctx, const Shape& request, Writer<Shape>& responses) override {
    for (int i = 0; i < request.int32_field(); ++i) {
      Shape shape = request;
      shape.set_int32_field(i);
      YUN_CHECK(co_await responses.write(ctx, shape));
    }
    if (request.string_field() == "fail") co_return not_found("no more");
    if (request.string_field() == "wait") {
      runtime::Event never;
      auto waited = co_await never.wait(ctx);
      stopped_with = waited.error().code();
      ended.set();
      co_return std::move(waited).error();
    }
    co_return Result<void>();
  }

  Task<Result<Shape>> wait(Context& ctx, const Shape&) override {
    runtime::Event never;
    auto waited = co_await never.wait(ctx);
    stopped_with = waited.error().code();
    ended.set();
    co_return std::move(waited).error();
  }

  int fail_calls = 0;
  Code stopped_with = Code::Ok;
  runtime::Event ended;
};

}  // namespace yun::rpc::testing
