#include "yun/base/error.hpp"

#include <atomic>
#include <cerrno>
#include <system_error>

namespace yun {

struct Error::Payload {
  std::atomic<int> references{1};
  Code code;
  int http_status = 0;
  std::string message;
  std::string reason;
  std::vector<FieldViolation> violations;
  std::optional<std::chrono::milliseconds> retry_after;
  std::optional<Error> cause;

  Payload(Code c, std::string m) : code(c), message(std::move(m)) {}
  Payload(const Payload& other)
      : code(other.code),
        http_status(other.http_status),
        message(other.message),
        reason(other.reason),
        violations(other.violations),
        retry_after(other.retry_after),
        cause(other.cause) {}
  Payload& operator=(const Payload&) = delete;
};

Error::Error(Code code, std::string message) : payload_(new Payload(code, std::move(message))) {}

Error::Error(const Error& other) noexcept : payload_(other.payload_) {
  if (payload_) payload_->references.fetch_add(1, std::memory_order_relaxed);
}

Error::~Error() {
  if (payload_ && payload_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete payload_;
}

Code Error::code() const { return payload_->code; }
const std::string& Error::message() const { return payload_->message; }
const std::vector<FieldViolation>& Error::violations() const { return payload_->violations; }
std::optional<std::chrono::milliseconds> Error::retry_after() const { return payload_->retry_after; }
const std::string& Error::reason() const { return payload_->reason; }
int Error::http_status_override() const { return payload_->http_status; }
const Error* Error::cause() const { return payload_->cause ? &*payload_->cause : nullptr; }

Error Error::with_violation(std::string pointer, std::string detail) && {
  own().violations.push_back({std::move(pointer), std::move(detail)});
  return std::move(*this);
}

Error Error::with_violations(std::vector<FieldViolation> violations) && {
  own().violations = std::move(violations);
  return std::move(*this);
}

Error Error::with_retry_after(std::chrono::milliseconds wait) && {
  own().retry_after = wait;
  return std::move(*this);
}

Error Error::with_reason(std::string reason) && {
  own().reason = std::move(reason);
  return std::move(*this);
}

Error Error::with_http_status(int status) && {
  own().http_status = status;
  return std::move(*this);
}

Error Error::caused_by(Error cause) && {
  own().cause = std::move(cause);
  return std::move(*this);
}

Error Error::with_context(std::string_view what) && {
  Payload& payload = own();
  payload.message = std::string(what) + ": " + payload.message;
  return std::move(*this);
}

std::string Error::to_string() const {
  std::string text(name(code()));
  text += ": ";
  text += message();
  for (const auto& violation : violations()) text += "; " + violation.pointer + ": " + violation.detail;
  if (cause()) text += " (cause: " + cause()->to_string() + ")";
  return text;
}

Error::Payload& Error::own() {
  if (payload_->references.load(std::memory_order_acquire) != 1) {
    auto* copy = new Payload(*payload_);
    if (payload_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete payload_;
    payload_ = copy;
  }
  return *payload_;
}

std::string_view name(Code code) {
  switch (code) {
    case Code::Ok: return "OK";
    case Code::Cancelled: return "CANCELLED";
    case Code::Unknown: return "UNKNOWN";
    case Code::InvalidArgument: return "INVALID_ARGUMENT";
    case Code::DeadlineExceeded: return "DEADLINE_EXCEEDED";
    case Code::NotFound: return "NOT_FOUND";
    case Code::AlreadyExists: return "ALREADY_EXISTS";
    case Code::PermissionDenied: return "PERMISSION_DENIED";
    case Code::ResourceExhausted: return "RESOURCE_EXHAUSTED";
    case Code::FailedPrecondition: return "FAILED_PRECONDITION";
    case Code::Aborted: return "ABORTED";
    case Code::OutOfRange: return "OUT_OF_RANGE";
    case Code::Unimplemented: return "UNIMPLEMENTED";
    case Code::Internal: return "INTERNAL";
    case Code::Unavailable: return "UNAVAILABLE";
    case Code::DataLoss: return "DATA_LOSS";
    case Code::Unauthenticated: return "UNAUTHENTICATED";
  }
  return "UNKNOWN";
}

int http_status(const Error& error) {
  if (error.http_status_override() != 0) return error.http_status_override();
  switch (error.code()) {
    case Code::Ok: return 200;
    case Code::Cancelled: return 499;
    case Code::InvalidArgument: return error.violations().empty() ? 400 : 422;
    case Code::OutOfRange: return 400;
    case Code::DeadlineExceeded: return 504;
    case Code::NotFound: return 404;
    case Code::AlreadyExists:
    case Code::Aborted: return 409;
    case Code::PermissionDenied: return 403;
    case Code::ResourceExhausted: return 429;
    case Code::FailedPrecondition: return 412;
    case Code::Unimplemented: return 501;
    case Code::Unavailable: return 503;
    case Code::Unauthenticated: return 401;
    case Code::Unknown:
    case Code::Internal:
    case Code::DataLoss: return 500;
  }
  return 500;
}

Code code_from_http(int status) {
  if (status < 400) return Code::Ok;
  switch (status) {
    case 400:
    case 422: return Code::InvalidArgument;
    case 401: return Code::Unauthenticated;
    case 403: return Code::PermissionDenied;
    case 404: return Code::NotFound;
    case 409: return Code::Aborted;
    case 413:
    case 429: return Code::ResourceExhausted;
    case 499: return Code::Cancelled;
    case 501: return Code::Unimplemented;
    case 502:
    case 503: return Code::Unavailable;
    case 504: return Code::DeadlineExceeded;
    default: return status < 500 ? Code::FailedPrecondition : Code::Internal;
  }
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 103: return "Early Hints";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

Error invalid_argument(std::string message) { return {Code::InvalidArgument, std::move(message)}; }
Error not_found(std::string message) { return {Code::NotFound, std::move(message)}; }
Error already_exists(std::string message) { return {Code::AlreadyExists, std::move(message)}; }
Error permission_denied(std::string message) { return {Code::PermissionDenied, std::move(message)}; }
Error unauthenticated(std::string message) { return {Code::Unauthenticated, std::move(message)}; }
Error resource_exhausted(std::string message) { return {Code::ResourceExhausted, std::move(message)}; }
Error failed_precondition(std::string message) { return {Code::FailedPrecondition, std::move(message)}; }
Error unavailable(std::string message) { return {Code::Unavailable, std::move(message)}; }
Error unimplemented(std::string message) { return {Code::Unimplemented, std::move(message)}; }
Error internal_error(std::string message) { return {Code::Internal, std::move(message)}; }
Error cancelled(std::string message) { return {Code::Cancelled, std::move(message)}; }
Error deadline_exceeded(std::string message) { return {Code::DeadlineExceeded, std::move(message)}; }

Error from_errno(int number, std::string_view what) {
  std::string message = std::string(what) + ": " + std::generic_category().message(number);
  switch (number) {
    case ENOSPC:
    case EDQUOT: return unavailable(std::move(message)).with_reason("storage_full");
    case ENOENT:
    case ENOTDIR: return not_found(std::move(message));
    case EACCES:
    case EPERM:
    case EROFS: return permission_denied(std::move(message));
    case EEXIST:
    case EADDRINUSE: return already_exists(std::move(message));
    case EINVAL:
    case ENAMETOOLONG: return invalid_argument(std::move(message));
    case EMFILE:
    case ENFILE:
    case ENOMEM: return resource_exhausted(std::move(message));
    case ETIMEDOUT: return deadline_exceeded(std::move(message));
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL: return unavailable(std::move(message));
    default: return internal_error(std::move(message));
  }
}

}  // namespace yun
