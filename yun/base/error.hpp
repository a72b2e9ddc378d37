#pragma once
// Error: what every fallible call of Yun gives instead of a value. One pointer wide, made only on failure.
//
//     return yun::not_found("no such user").with_reason("user_unknown");
//
// Codes are the 16 canonical gRPC codes. `http_status(error)` is the one mapping to HTTP; `code_from_http` the way back.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace yun {

enum class Code : std::uint8_t {
  Ok = 0,
  Cancelled = 1,
  Unknown = 2,
  InvalidArgument = 3,
  DeadlineExceeded = 4,
  NotFound = 5,
  AlreadyExists = 6,
  PermissionDenied = 7,
  ResourceExhausted = 8,
  FailedPrecondition = 9,
  Aborted = 10,
  OutOfRange = 11,
  Unimplemented = 12,
  Internal = 13,
  Unavailable = 14,
  DataLoss = 15,
  Unauthenticated = 16,
};

/// The canonical upper-case name, "NOT_FOUND".
std::string_view name(Code code);

/// One fault of an input: an RFC 6901 JSON pointer ("/items/0/quantity", "" for the whole) and what is wrong with it.
struct FieldViolation {
  std::string pointer;
  std::string detail;
  bool operator==(const FieldViolation&) const = default;
};

/// An ordinary value. Copies share one payload; `with_*` detaches first, so a copy never changes under its holder.
class [[nodiscard]] Error {
 public:
  /// `message`: lower-case, names the thing, no full stop. It is shown to callers: put no secrets in it.
  Error(Code code, std::string message);
  Error(const Error& other) noexcept;
  Error(Error&& other) noexcept : payload_(std::exchange(other.payload_, nullptr)) {}
  Error& operator=(Error other) noexcept {
    std::swap(payload_, other.payload_);
    return *this;
  }
  ~Error();

  Code code() const;
  const std::string& message() const;
  const std::vector<FieldViolation>& violations() const;
  /// How long a caller should wait before trying again (gRPC RetryInfo, HTTP Retry-After).
  std::optional<std::chrono::milliseconds> retry_after() const;
  /// One snake_case word for log, metric and X-Yun-Reason; empty if none was given.
  const std::string& reason() const;
  /// The HTTP status asked for by with_http_status, 0 if none.
  int http_status_override() const;
  const Error* cause() const;

  Error with_violation(std::string pointer, std::string detail) &&;
  Error with_violations(std::vector<FieldViolation> violations) &&;
  Error with_retry_after(std::chrono::milliseconds wait) &&;
  Error with_reason(std::string reason) &&;
  Error with_http_status(int status) &&;
  Error caused_by(Error cause) &&;
  /// Puts `what` + ": " before the message, as in "gateway.yaml: no such file".
  Error with_context(std::string_view what) &&;

  /// "NOT_FOUND: no such user (cause: ...)", for logs.
  std::string to_string() const;

 private:
  struct Payload;
  Payload& own();
  Payload* payload_;
};

/// The HTTP status of an error: InvalidArgument with violations 422, without 400; Unauthenticated 401; PermissionDenied 403;
/// NotFound 404; AlreadyExists, Aborted 409; FailedPrecondition 412; OutOfRange 400; ResourceExhausted 429; Cancelled 499;
/// Unimplemented 501; Unavailable 503; DeadlineExceeded 504; the rest 500. with_http_status wins (413 for a body over its limit).
int http_status(const Error& error);
/// The way back, for clients: 400 and 422 -> InvalidArgument, 401, 403, 404, 409 -> Aborted, 412, 413 and 429 -> ResourceExhausted,
/// 499, 501, 503, 504; other 4xx FailedPrecondition, other 5xx Internal, below 400 Ok.
Code code_from_http(int status);
/// "Not Found" for 404; "" for a status that has no phrase.
std::string_view reason_phrase(int status);

Error invalid_argument(std::string message);
Error not_found(std::string message);
Error already_exists(std::string message);
Error permission_denied(std::string message);
Error unauthenticated(std::string message);
Error resource_exhausted(std::string message);
Error failed_precondition(std::string message);
Error unavailable(std::string message);
Error unimplemented(std::string message);
Error internal_error(std::string message);
Error cancelled(std::string message);
Error deadline_exceeded(std::string message);
/// From errno: the system's words, the code that fits (ENOSPC and EDQUOT -> Unavailable with reason storage_full,
/// ECONNREFUSED and the like -> Unavailable, ENOENT -> NotFound, EACCES -> PermissionDenied, EADDRINUSE -> AlreadyExists).
Error from_errno(int number, std::string_view what);

}  // namespace yun
