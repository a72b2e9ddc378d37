// grpc++ by its callback interface, as its documentation has it today.
//
//     grpcpp_callback ADDRESS

#include <grpcpp/grpcpp.h>

#include <cstdio>

#include "echo.grpc.pb.h"

namespace {

using bench::v1::GetUserRequest;
using bench::v1::Message;
using bench::v1::User;

class Stream final : public grpc::ServerBidiReactor<Message, Message> {
 public:
  Stream() { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (ok) {
      StartWrite(&message_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      StartRead(&message_);
    } else {
      Finish(grpc::Status::OK);
    }
  }
  void OnDone() override { delete this; }

 private:
  Message message_;
};

class Echo final : public bench::v1::Echo::CallbackService {
 public:
  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const Message* request, Message* answer) override {
    answer->set_payload(request->payload());
    return ok(context);
  }
  grpc::ServerUnaryReactor* GetUser(grpc::CallbackServerContext* context, const GetUserRequest* request, User* answer) override {
    answer->set_id(request->id());
    answer->set_name("user_" + request->id());
    return ok(context);
  }
  grpc::ServerBidiReactor<Message, Message>* Stream(grpc::CallbackServerContext*) override { return new ::Stream; }

 private:
  static grpc::ServerUnaryReactor* ok(grpc::CallbackServerContext* context) {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: grpcpp_callback ADDRESS\n", stderr);
    return 2;
  }
  Echo echo;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&echo);
  const auto server = builder.BuildAndStart();
  if (!server) return 1;
  server->Wait();
}
