#pragma once
// What generated services are made of. A user derives from the generated class and overrides its methods:
//
//     class Users : public shop::v1::UserService::Service {
//       Task<Result<User>> get_user(Context& ctx, const GetUserRequest& request) override;
//       Task<Result<void>> watch_users(Context& ctx, const WatchUsersRequest& request, rpc::Writer<User>& users) override;
//     };
//
// Requests and the objects passed by reference live until the returned task ends.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/result.hpp"
#include "yun/rpc/call.hpp"
#include "yun/runtime/task.hpp"

namespace google::protobuf {
class MessageLite;
}

namespace yun::rpc {

using google::protobuf::MessageLite;

enum class Kind : std::uint8_t { Unary, ServerStream, ClientStream, Bidi };

/// Messages that come in. One task at a time.
class MessageReader {
 public:
  virtual ~MessageReader() = default;
  /// False at the end of the stream; `into` is then untouched.
  virtual Task<Result<bool>> read(Context& ctx, MessageLite& into) = 0;
};

/// Messages that go out. One task at a time; waits while the peer is slow.
class MessageWriter {
 public:
  virtual ~MessageWriter() = default;
  virtual Task<Result<void>> write(Context& ctx, const MessageLite& message) = 0;
};

/// The caller's messages, for client-streaming and bidirectional methods.
template <typename T>
class Reader {
 public:
  explicit Reader(MessageReader& messages) : messages_(messages) {}
  /// The next message; nullopt once the caller has sent its last. Cancelled when the caller is gone.
  Task<Result<std::optional<T>>> read(Context& ctx) {
    std::optional<T> message(std::in_place);
    auto got = co_await messages_.read(ctx, *message);
    if (!got) co_return std::move(got).error();
    if (!*got) message.reset();
    co_return Result<std::optional<T>>(std::move(message));
  }

 private:
  MessageReader& messages_;
};

/// The answers of a server-streaming or bidirectional method.
template <typename T>
class Writer {
 public:
  explicit Writer(MessageWriter& messages) : messages_(messages) {}
  /// Sent when it returns, or buffered within the flow-control window. Cancelled or Unavailable when the caller is gone: stop then.
  /// `message` must stay until the task ends.
  Task<Result<void>> write(Context& ctx, const T& message) { return messages_.write(ctx, message); }

 private:
  MessageWriter& messages_;
};

class Service;

/// One method of a service, as a server runs it.
struct Method {
  /// Parses `request` (before it returns), calls the method, appends the framed answer to `response`. An empty task: done, and well.
  using UnaryCall = Task<Result<void>> (*)(Service&, Context&, std::string_view request, std::string& response);
  using StreamCall = Task<Result<void>> (*)(Service&, Context&, MessageReader&, MessageWriter&);

  std::string_view name;
  Kind kind = Kind::Unary;
  UnaryCall unary = nullptr;    ///< for Unary
  StreamCall stream = nullptr;  ///< for the others
};

/// The base of every generated service.
class Service {
 public:
  virtual ~Service() = default;
  /// "shop.v1.UserService"
  virtual std::string_view full_name() const = 0;
  virtual std::span<const Method> methods() const = 0;
};

/// For generated code.
namespace detail {

Error not_implemented(std::string_view method);
/// Internal if `bytes` are not such a message.
Result<void> parse(std::string_view bytes, MessageLite& into);
/// Appends the five bytes of the frame's head and the message; Internal if a required field is missing, ResourceExhausted over 4 GiB.
Result<void> append_frame(const MessageLite& message, std::string& out);

/// A message of this thread's, used again with the memory its fields have grown: a warm call allocates none.
template <typename T>
class Reused {
 public:
  Reused() {
    auto& list = spare();
    if (list.empty()) {
      message_ = std::make_unique<T>();
    } else {
      message_ = std::move(list.back());
      list.pop_back();
    }
  }
  ~Reused() {
    if (message_ && !is_large_ && spare().size() < kMostSpare) spare().push_back(std::move(message_));
  }
  Reused(Reused&&) = default;
  T& operator*() { return *message_; }
  /// It was parsed from so many bytes: a large one is not kept.
  void note_size(std::size_t bytes) { is_large_ = bytes > kMostBytes; }

 private:
  static constexpr std::size_t kMostSpare = 64;
  static constexpr std::size_t kMostBytes = 4096;
  static std::vector<std::unique_ptr<T>>& spare() {
    static thread_local std::vector<std::unique_ptr<T>> list;
    return list;
  }
  std::unique_ptr<T> message_;
  bool is_large_ = false;
};

Task<Result<void>> give(Result<void> result);

template <typename In, typename Out>
Task<Result<void>> finish_unary(Task<Result<Out>> method, Reused<In> request, std::string& response) {
  auto answer = co_await std::move(method);
  (void)*request;  // lived until here
  if (!answer) co_return std::move(answer).error();
  co_return append_frame(*answer, response);
}

/// No coroutine as long as the method does not suspend.
template <typename S, typename In, typename Out, Task<Result<Out>> (S::*member)(Context&, const In&)>
Task<Result<void>> run_unary(Service& service, Context& ctx, std::string_view bytes, std::string& response) {
  Reused<In> request;
  request.note_size(bytes.size());
  Result<void> state = parse(bytes, *request);
  if (!state) return give(std::move(state));
  S& typed = static_cast<S&>(service);
  Task<Result<Out>> method = (typed.*member)(ctx, *request);
  if (!method.run()) return finish_unary<In, Out>(std::move(method), std::move(request), response);
  Result<Out>& answer = method.result();
  state = answer ? append_frame(*answer, response) : Result<void>(std::move(answer).error());
  if (!state) return give(std::move(state));
  return {};
}

template <typename S, typename In, typename Out, Task<Result<void>> (S::*member)(Context&, const In&, Writer<Out>&)>
Task<Result<void>> run_server_stream(Service& service, Context& ctx, MessageReader& in, MessageWriter& out) {
  In request;
  auto got = co_await in.read(ctx, request);
  if (!got) co_return std::move(got).error();
  if (!*got) co_return internal_error("the request has no message");
  Writer<Out> writer(out);
  S& typed = static_cast<S&>(service);
  co_return co_await (typed.*member)(ctx, request, writer);
}

template <typename S, typename In, typename Out, Task<Result<Out>> (S::*member)(Context&, Reader<In>&)>
Task<Result<void>> run_client_stream(Service& service, Context& ctx, MessageReader& in, MessageWriter& out) {
  Reader<In> reader(in);
  S& typed = static_cast<S&>(service);
  auto answer = co_await (typed.*member)(ctx, reader);
  if (!answer) co_return std::move(answer).error();
  co_return co_await out.write(ctx, *answer);
}

template <typename S, typename In, typename Out, Task<Result<void>> (S::*member)(Context&, Reader<In>&, Writer<Out>&)>
Task<Result<void>> run_bidi(Service& service, Context& ctx, MessageReader& in, MessageWriter& out) {
  Reader<In> reader(in);
  Writer<Out> writer(out);
  S& typed = static_cast<S&>(service);
  co_return co_await (typed.*member)(ctx, reader, writer);
}

template <typename S, typename In, typename Out, Task<Result<Out>> (S::*member)(Context&, const In&)>
Method unary(std::string_view name) {
  return {name, Kind::Unary, &run_unary<S, In, Out, member>, nullptr};
}
template <typename S, typename In, typename Out, Task<Result<void>> (S::*member)(Context&, const In&, Writer<Out>&)>
Method server_stream(std::string_view name) {
  return {name, Kind::ServerStream, nullptr, &run_server_stream<S, In, Out, member>};
}
template <typename S, typename In, typename Out, Task<Result<Out>> (S::*member)(Context&, Reader<In>&)>
Method client_stream(std::string_view name) {
  return {name, Kind::ClientStream, nullptr, &run_client_stream<S, In, Out, member>};
}
template <typename S, typename In, typename Out, Task<Result<void>> (S::*member)(Context&, Reader<In>&, Writer<Out>&)>
Method bidi(std::string_view name) {
  return {name, Kind::Bidi, nullptr, &run_bidi<S, In, Out, member>};
}

}  // namespace detail
}  // namespace yun::rpc
