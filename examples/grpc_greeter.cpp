// grpc_greeter [--listen 127.0.0.1:8080]: all four kinds of gRPC call, served and called; health and reflection are on.
//
//     grpc_greeter --call 127.0.0.1:8080 --name ann       calls them: "hello ann", five replies, one greeting for two names, a chat
//     grpcurl -plaintext -d '{"name":"ann"}' 127.0.0.1:8080 greeter.v1.Greeter/SayHello
//     curl http://127.0.0.1:8080/health                   {"status":"ok"}: HTTP on the same port
//
// The name "slow" waits until its caller gives up; the server then logs "slow call ended" with CANCELLED or DEADLINE_EXCEEDED.

#include <cstdio>

#include "greeter.yun.hpp"
#include "yun/yun.hpp"

using namespace yun;
using greeter::v1::Greeter;
using greeter::v1::HelloReply;
using greeter::v1::HelloRequest;

class GreeterService final : public Greeter::Service {
 public:
  Task<Result<HelloReply>> say_hello(Context& ctx, const HelloRequest& request) override {
    if (request.name().empty()) co_return invalid_argument("no name").with_violation("/name", "must not be empty").with_reason("name_missing");
    if (request.name() == "slow") co_return co_await wait_for_the_end(ctx);
    rpc::ServerCall* call = rpc::server_call(ctx);
    if (call) {
      const auto id = call->metadata().get("x-request-id");
      if (id) YUN_CHECK(call->initial_metadata().add("x-request-id", *id));
      YUN_CHECK(call->trailing_metadata().add("x-served-by", "yun"));
    }
    co_return greeting(request.name());
  }

  Task<Result<void>> lots_of_replies(Context& ctx, const HelloRequest& request, rpc::Writer<HelloReply>& replies) override {
    const int count = request.count() == 0 ? 5 : request.count();
    for (int i = 0; i < count; ++i) {
      const HelloReply reply = greeting(request.name() + " " + std::to_string(i));
      YUN_CHECK(co_await replies.write(ctx, reply));
    }
    if (request.name() != "slow") co_return Result<void>();
    auto waited = co_await wait_for_the_end(ctx);
    co_return std::move(waited).error();
  }

  Task<Result<HelloReply>> lots_of_greetings(Context& ctx, rpc::Reader<HelloRequest>& requests) override {
    std::string names;
    while (true) {
      YUN_TRY(request, co_await requests.read(ctx));
      if (!request) break;
      names += (names.empty() ? "" : ", ") + request->name();
    }
    co_return greeting(names);
  }

  Task<Result<void>> bidi_hello(Context& ctx, rpc::Reader<HelloRequest>& requests, rpc::Writer<HelloReply>& replies) override {
    while (true) {
      YUN_TRY(request, co_await requests.read(ctx));
      if (!request) co_return Result<void>();
      const HelloReply reply = greeting(request->name());
      YUN_CHECK(co_await replies.write(ctx, reply));
    }
  }

 private:
  static HelloReply greeting(const std::string& name) {
    HelloReply reply;
    reply.set_message("hello " + name);
    return reply;
  }
  static Task<Result<HelloReply>> wait_for_the_end(Context& ctx) {
    runtime::Event never;
    auto waited = co_await never.wait(ctx);
    log::info(ctx, "slow call ended", {{"code", name(waited.error().code())}});
    co_return std::move(waited).error();
  }
};

// The other side: what a caller writes.
static Task<Result<void>> call_everything(Context& ctx, rpc::Channel& channel, std::string who) {
  Greeter::Stub stub(channel);
  HelloRequest request;
  request.set_name(who);
  YUN_TRY(reply, co_await stub.say_hello(ctx, request));
  std::printf("%s\n", reply.message().c_str());

  YUN_TRY(replies, co_await stub.lots_of_replies(ctx, request));
  while (true) {
    YUN_TRY(next, co_await replies.read(ctx));
    if (!next) break;
    std::printf("%s\n", next->message().c_str());
  }

  YUN_TRY(greetings, co_await stub.lots_of_greetings(ctx));
  YUN_CHECK(co_await greetings.write(ctx, request));
  YUN_CHECK(co_await greetings.write(ctx, request));
  YUN_TRY(all, co_await greetings.finish(ctx));
  std::printf("%s\n", all.message().c_str());

  YUN_TRY(chat, co_await stub.bidi_hello(ctx));
  for (int i = 0; i < 3; ++i) {
    YUN_CHECK(co_await chat.write(ctx, request));
    YUN_TRY(answer, co_await chat.read(ctx));
    if (answer) std::printf("%s\n", answer->message().c_str());
  }
  YUN_CHECK(co_await chat.writes_done(ctx));
  co_return Result<void>();
}

static Task<Result<void>> call(rpc::Channel& channel, std::string who) {
  Context root;
  Context ctx(root, std::chrono::seconds(5));
  co_return co_await call_everything(ctx, channel, std::move(who));
}

struct Settings {
  std::string call;  // a greeter's address: call it instead of serving
  std::string name = "world";
};

int main(int argc, char** argv) {
  Settings settings;
  App app{"greeter", argc, argv, settings};
  if (settings.call.empty()) {
    GreeterService greeter;
    app.grpc().add(greeter);
    return app.run();
  }
  auto channel = app.open_rpc("static://" + settings.call);
  if (!channel) return app.fail(channel.error());
  auto done = runtime::block_on(call(**channel, settings.name));
  return done ? 0 : app.fail(done.error());
}
