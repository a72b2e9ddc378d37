#pragma once
// Connection: one connection of the load generator, HTTP/1.1 or HTTP/2, and what it tells the schedule.

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/load/stream.hpp"

namespace bench {

/// The request that is sent over and over.
struct Work {
  std::string method = "GET", path = "/", authority;
  /// Names in lower case. Over HTTP/1.1, `%n` in a value is the request's number: for what each request must have of its own.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// How one request ended. status 0: no whole answer came (a closed or reset connection, or a protocol error).
struct Done {
  std::int64_t intended;   ///< when it should have been sent, ns
  std::int64_t begun = 0;  ///< when it was given to a connection
  int status = 0;
  bool grpc_failed = false;  ///< a grpc-status other than 0
};

class Connection {
 public:
  virtual ~Connection() = default;
  /// How many more requests may be started now.
  virtual std::size_t room() const = 0;
  /// Queues one request, the `number`th of the run; `flush` sends what is queued.
  virtual void start(std::int64_t intended, std::int64_t begun, std::uint64_t number) = 0;
  /// Reads and writes what can be; adds what ended to `done`. False: the connection is over, and all it held is in `done`.
  virtual bool readable(std::vector<Done>& done) = 0;
  virtual bool flush(std::vector<Done>& done) = 0;
  /// Bytes wait for the socket to take them.
  virtual bool wants_write() const = 0;
  virtual std::vector<std::int64_t> in_flight() const = 0;
};

/// `stream` is connected and non-blocking. `work` must outlive them. depth, streams: how many requests may be in flight.
std::unique_ptr<Connection> http1_connection(Stream stream, const Work& work, std::size_t depth);
std::unique_ptr<Connection> http2_connection(Stream stream, const Work& work, std::size_t streams);

}  // namespace bench
