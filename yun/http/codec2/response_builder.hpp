#pragma once
// ResponseBuilder: the fields of an HTTP/2 answer's head in, a Response out (RFC 9113 8.3.2). No I/O; form, order and the status are the
// session's to check, what the fields say of each other is checked here.

#include <cstdint>
#include <string_view>

#include "yun/http/message.hpp"

namespace yun::http::codec2 {

class ResponseBuilder {
 public:
  /// `request_method` decides what body may follow; a head over `max_head` bytes, as RFC 9113 6.5.2 counts them, is a fault.
  void begin(Method request_method, std::size_t max_head);
  /// One well-formed field; the first fault is kept and told by finish().
  void add(std::string_view name, std::string_view value, Response& into);
  /// All fields are there. Null, or what is wrong, in words.
  const char* finish() const { return error_; }
  /// After finish(): how long the body must be for the session's StreamState::content_left; -1 if anything goes.
  std::int64_t content_left() const;

 private:
  Method method_ = Method::Get;
  int status_ = 0;
  std::int64_t length_ = -1;
  std::size_t room_ = 0;
  const char* error_ = nullptr;
};

}  // namespace yun::http::codec2
