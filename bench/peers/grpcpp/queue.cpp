// grpc++ by a completion queue and one thread, the interface that its throughput examples use.
//
//     grpcpp_queue ADDRESS

#include <grpcpp/grpcpp.h>

#include <cstdio>

#include "echo.grpc.pb.h"

namespace {

using bench::v1::GetUserRequest;
using bench::v1::Message;
using bench::v1::User;

struct Server {
  bench::v1::Echo::AsyncService service;
  std::unique_ptr<grpc::ServerCompletionQueue> queue;
};

class Call {
 public:
  virtual ~Call() = default;
  /// The next step; the call deletes itself after its last.
  virtual void go_on(bool ok) = 0;
};

template <typename Request, typename Answer, auto Register, auto Work>
class UnaryCall final : public Call {
 public:
  explicit UnaryCall(Server& server) : server_(server), writer_(&context_) {
    (server.service.*Register)(&context_, &request_, &writer_, server.queue.get(), server.queue.get(), this);
  }
  void go_on(bool ok) override {
    if (!ok || answered_) {
      delete this;
      return;
    }
    new UnaryCall(server_);
    Answer answer;
    Work(request_, answer);
    answered_ = true;
    writer_.Finish(answer, grpc::Status::OK, this);
  }

 private:
  Server& server_;
  grpc::ServerContext context_;
  Request request_;
  grpc::ServerAsyncResponseWriter<Answer> writer_;
  bool answered_ = false;
};

class StreamCall final : public Call {
 public:
  explicit StreamCall(Server& server) : server_(server), stream_(&context_) {
    server.service.RequestStream(&context_, &stream_, server.queue.get(), server.queue.get(), this);
  }
  void go_on(bool ok) override {
    switch (next_) {
      case Next::Begin:
        if (!ok) {
          delete this;
          return;
        }
        new StreamCall(server_);
        read();
        return;
      case Next::Write:
        if (!ok) {
          next_ = Next::End;
          stream_.Finish(grpc::Status::OK, this);
          return;
        }
        next_ = Next::Read;
        stream_.Write(message_, this);
        return;
      case Next::Read: read(); return;
      case Next::End: delete this;
    }
  }

 private:
  enum class Next { Begin, Read, Write, End };
  void read() {
    next_ = Next::Write;
    stream_.Read(&message_, this);
  }
  Server& server_;
  grpc::ServerContext context_;
  Message message_;
  grpc::ServerAsyncReaderWriter<Message, Message> stream_;
  Next next_ = Next::Begin;
};

void echo(const Message& request, Message& answer) { answer.set_payload(request.payload()); }
void get_user(const GetUserRequest& request, User& answer) {
  answer.set_id(request.id());
  answer.set_name("user_" + request.id());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: grpcpp_queue ADDRESS\n", stderr);
    return 2;
  }
  Server server;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&server.service);
  server.queue = builder.AddCompletionQueue();
  const auto running = builder.BuildAndStart();
  if (!running) return 1;
  for (int i = 0; i < 128; ++i) {
    new UnaryCall<Message, Message, &bench::v1::Echo::AsyncService::RequestUnary, &echo>(server);
    new UnaryCall<GetUserRequest, User, &bench::v1::Echo::AsyncService::RequestGetUser, &get_user>(server);
    new StreamCall(server);
  }
  void* tag = nullptr;
  for (bool ok = false; server.queue->Next(&tag, &ok);) static_cast<Call*>(tag)->go_on(ok);
}
