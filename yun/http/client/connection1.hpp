#pragma once
// One exchange over an HTTP/1 connection: the request out, also while its answer comes in; the answer's body on demand.

#include <memory>

#include "yun/base/buffer.hpp"
#include "yun/http/message.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::http::client {

/// How far a try got; decides if the request may be sent again.
struct Attempt {
  bool reused = false;       ///< over a connection that had served before
  bool answered = false;     ///< a byte of the answer came
  bool started = false;      ///< a streaming body was begun: it cannot be sent again
  bool unprocessed = false;  ///< the peer says it has not looked at it (REFUSED_STREAM, GOAWAY), or nothing was sent
};

/// A connection that speaks HTTP/1, between exchanges.
struct Link1 {
  std::unique_ptr<runtime::Transport> transport;
  Buffer in;
  TimePoint idle_since;
  bool reused = false;

  /// False if the peer has closed it or sent what nobody asked for. No system call unless something happened.
  bool is_reusable();
};

/// Takes connections back when their exchange is over. Of one loop.
class Links1 : public std::enable_shared_from_this<Links1> {
 public:
  virtual ~Links1() = default;
  virtual void give_back(std::unique_ptr<Link1> link) = 0;

  // Memory that an exchange needs while it writes and reads: it goes from one to the next, and no connection that waits holds any.
  Buffer spare_in;
  Buffer spare_out;
};

/// Sends `request` and reads the head of its answer into `response`, which is empty; after an error it is again. The response's body reads from the
/// connection, which goes back to `home` at its end. All references live until this returns.
/// Errors: the Context's; Unavailable with reason upstream_reset or upstream_protocol; the producer's own.
Task<Result<void>> exchange1(Context& ctx, Request& request, Response& response, std::unique_ptr<Link1> link, runtime::Semaphore::Permit permit,
                             Links1& home, std::size_t max_head, Attempt& attempt);

}  // namespace yun::http::client
