// grpc --listen 127.0.0.1:8080: what the gRPC rows of bench/ measure: an ordinary service on App, all default middleware on.

#include "echo.yun.hpp"
#include "yun/rpc/rpc.hpp"
#include "yun/yun.hpp"

namespace {

using namespace yun;
using bench::v1::GetUserRequest;
using bench::v1::Message;
using bench::v1::User;

class Echo final : public bench::v1::Echo::Service {
 public:
  Task<Result<Message>> unary(Context&, const Message& request) override {
    Message answer;
    answer.set_payload(request.payload());
    co_return answer;
  }

  Task<Result<User>> get_user(Context&, const GetUserRequest& request) override {
    User user;
    user.set_id(request.id());
    user.set_name("user_" + request.id());
    co_return user;
  }

  Task<Result<void>> stream(Context& ctx, rpc::Reader<Message>& requests, rpc::Writer<Message>& replies) override {
    while (true) {
      YUN_TRY(request, co_await requests.read(ctx));
      if (!request) co_return Result<void>();
      YUN_CHECK(co_await replies.write(ctx, *request));
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  App app("grpc", argc, argv);
  Echo echo;
  app.grpc().add(echo);
  return app.run();
}
