#pragma once
// Pool: one loop's connections of a Client, by destination.

#include <array>
#include <memory>
#include <string>
#include <unordered_map>

#include "yun/http/client/connection1.hpp"
#include "yun/http/client/connection2.hpp"
#include "yun/http/client/dial.hpp"
#include "yun/http/client/options.hpp"
#include "yun/http/message.hpp"

namespace yun::http::client {

class Pool final : public std::enable_shared_from_this<Pool> {
 public:
  Pool(std::shared_ptr<const ClientOptions> options, std::shared_ptr<tls::TlsContext> tls);

  /// One exchange, over whatever connection serves best. Sends again where that is safe: while the peer says that it has not looked at it
  /// (REFUSED_STREAM, GOAWAY; ten tries), and once if a kept connection died without an answer and the method is idempotent. The answer goes into
  /// `response`, which is empty, and after an error is again.
  Task<Result<void>> send(Context& ctx, Destination to, Request& request, Response& response);
  /// The same to a known address: `name` is the authority to verify and, as `scheme`, part of what makes connections interchangeable. Both live until this
  /// returns. What was worked out for them before is used again. InvalidArgument for a bad name.
  Task<Result<void>> send(Context& ctx, std::string_view scheme, std::string_view name, const runtime::Address& address, Request& request,
                          Response& response);
  /// Before the first https request.
  void set_tls(const std::shared_ptr<tls::TlsContext>& tls) { dialer_.set_tls(tls); }
  /// Ends all connections and tasks; later sends get Cancelled.
  void close();

 private:
  struct Host;
  /// An address that was sent to, made ready.
  struct Known {
    Destination to;
    std::string name;  ///< as given: to.url has it in lower case
    std::shared_ptr<Host> host;
  };
  std::shared_ptr<const Known>& slot(const runtime::Address& address);
  Task<Result<void>> send_to_host(Context& ctx, const Destination& to, Request& request, Response& response, std::shared_ptr<Host> host,
                                  std::shared_ptr<const Known> keep);
  std::shared_ptr<Host> host(const std::string& key);
  Task<Result<void>> try_once(Context& ctx, const Destination& to, Request& request, Response& response, std::shared_ptr<Host> host, Attempt& attempt);
  Task<Result<void>> send_http1(Context& ctx, const Destination& to, Request& request, Response& response, std::shared_ptr<Host> host,
                                std::unique_ptr<runtime::Transport> transport, runtime::Semaphore::Permit permit, Attempt& attempt);
  Task<Result<std::shared_ptr<Connection2>>> connection2(Context& ctx, const Destination& to, std::shared_ptr<Host> host,
                                                         std::unique_ptr<runtime::Transport>& http1);
  static Task<void> sweep(std::shared_ptr<Pool> self);

  std::shared_ptr<const ClientOptions> options_;
  Dialer dialer_;
  std::unordered_map<std::string, std::shared_ptr<Host>> hosts_;
  std::array<std::shared_ptr<const Known>, 64> known_;  ///< of hosts_; by address, the last one of its slot
  Cancel stop_;
  bool closed_ = false;
};

}  // namespace yun::http::client
