#pragma once
// Pool: one loop's connections of a Client, by destination.

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
  /// (REFUSED_STREAM, GOAWAY; ten tries), and once if a kept connection died without an answer and the method is idempotent.
  Task<Result<Response>> send(Context& ctx, Destination to, Request& request);
  /// Before the first https request.
  void set_tls(const std::shared_ptr<tls::TlsContext>& tls) { dialer_.set_tls(tls); }
  /// Ends all connections and tasks; later sends get Cancelled.
  void close();

 private:
  struct Host;
  std::shared_ptr<Host> host(const std::string& key);
  Task<Result<Response>> try_once(Context& ctx, const Destination& to, Request& request, std::shared_ptr<Host> host, Attempt& attempt);
  Task<Result<Response>> send_http1(Context& ctx, const Destination& to, Request& request, std::shared_ptr<Host> host,
                                    std::unique_ptr<runtime::Transport> transport, Attempt& attempt);
  Task<Result<std::shared_ptr<Connection2>>> connection2(Context& ctx, const Destination& to, std::shared_ptr<Host> host,
                                                         std::unique_ptr<runtime::Transport>& http1);
  static Task<void> sweep(std::shared_ptr<Pool> self);

  std::shared_ptr<const ClientOptions> options_;
  Dialer dialer_;
  std::unordered_map<std::string, std::shared_ptr<Host>> hosts_;
  Cancel stop_;
  bool closed_ = false;
};

}  // namespace yun::http::client
