#pragma once
// Client: HTTP/1.1 and HTTP/2 from any loop, with a pool of connections on each.
//
//     http::Client client;                                             // long-lived; one for the program is well
//     YUN_TRY(response, co_await client.get(ctx, "https://api.example.com/users/42"));
//     YUN_TRY(body, co_await response.body.all(ctx, 1_MiB));
//
// Deadline and cancellation are the Context's; its trace (traceparent, tracestate), request id (X-Request-Id) and what is left of its deadline
// (X-Request-Timeout, "1500ms") go along. A status >= 400 is no error here: http::error_from(response) makes one.
//
// Errors: InvalidArgument (the request cannot be sent as it is), Unavailable with reason upstream_connect (nothing was sent), upstream_reset or
// upstream_protocol, ResourceExhausted (client_queue_full), DeadlineExceeded (upstream_timeout), Cancelled.
//
// A response's body streams with back-pressure; dropping it ends the exchange (the connection, over HTTP/1, unless all was read). A request's
// upload is sent meanwhile: the response may be there before it is done. When the response's body has given its end, the producer has returned;
// if the response is dropped earlier the producer is cancelled and returns a turn of the loop later: it owns what it uses.
// Trailers are there at the end of the body: response.body.trailers().

#include <memory>
#include <string>
#include <string_view>

#include "yun/balance/endpoint.hpp"
#include "yun/http/client/options.hpp"
#include "yun/http/message.hpp"

namespace yun::http {

/// A request to an absolute URL; InvalidArgument for a bad one.
Result<Request> make_request(Method method, std::string_view url);

class Client {
 public:
  using Options = ClientOptions;

  Client() : Client(Options{}) {}
  explicit Client(Options options);
  /// Connections are closed; exchanges in progress over HTTP/2 end with Cancelled. Any thread.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// To the request's scheme ("" is http), authority and target (or path and query, if that is empty). The Context lives until this returns; the body
  /// takes its own with each call.
  Task<Result<Response>> send(Context& ctx, Request request);
  /// The same to a known endpoint: no look-up, no proxy. The authority is the request's, or the endpoint's if it has none. The answer goes into `response`,
  /// which is empty (its memory is used again), and after an error is again. It begins when the loop last looked at the clock: see Loop::tick().
  Task<Result<void>> send_to(Context& ctx, const balance::Endpoint& endpoint, Request& request, Response& response);

  Task<Result<Response>> get(Context& ctx, std::string url);
  Task<Result<Response>> post_json(Context& ctx, std::string url, std::string body);

  const Options& options() const;

 private:
  struct Inner;
  std::shared_ptr<Inner> inner_;
};

}  // namespace yun::http
