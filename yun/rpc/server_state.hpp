#pragma once
// Inside Server: its method table and how one call runs. Not for users.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "yun/rpc/framing.hpp"
#include "yun/rpc/reflection.hpp"
#include "yun/rpc/server.hpp"
#include "yun/rpc/telemetry.hpp"

namespace yun::rpc {

/// A method in the table. Immutable once the server runs.
struct Entry {
  Service* service = nullptr;
  Method method;
  std::string path;          ///< "/shop.v1.UserService/GetUser"
  std::string service_name;  ///< "shop.v1.UserService"
  MethodTelemetry telemetry;
};

struct Server::State {
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  explicit State(ServerOptions given)
      : options(given), unknown(MethodTelemetry::Side::Server, given.registry, "unknown", "unknown") {}
  void add(Service& service);

  ServerOptions options;
  Health health;
  MethodTelemetry unknown;  ///< methods that are not there: one series, so that callers cannot make more
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> methods;
  std::vector<std::string> services;
  std::unique_ptr<Service> reflection;
  std::unique_ptr<Service> reflection_alpha;
};

/// What the head of a call says about its messages.
struct CallHead {
  TimePoint deadline = TimePoint::max();
  Encoding incoming = Encoding::Identity;
  bool compress = false;  ///< answers
};
/// InvalidArgument for a bad grpc-timeout, Unimplemented for an unknown grpc-encoding.
Result<CallHead> read_head(const http::Headers& headers, const ServerOptions& options);

/// The messages of a request body.
class RequestReader final : public MessageReader {
 public:
  RequestReader(http::Body& body, std::size_t max_message, Encoding encoding) : body_(body), frames_(max_message, encoding) {}
  Task<Result<bool>> read(Context& ctx, MessageLite& into) override;

 private:
  http::Body& body_;
  FrameReader frames_;
  bool ended_ = false;
};

/// Runs one unary or client-streaming call and fills `response`.
Task<void> run_single(const Entry& entry, const ServerOptions& options, Context& ctx, http::Request& request, http::Response& response, CallHead head);
/// Answers with a stream that runs the call when the server produces it.
void start_stream(const Entry& entry, const ServerOptions& options, Context& ctx, http::Request& request, http::Response& response, CallHead head);
/// An answer that is only a status ("Trailers-Only").
void answer_status(http::Response& response, const Error& error);

}  // namespace yun::rpc
