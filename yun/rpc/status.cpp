#include "yun/rpc/status.hpp"

#include <chrono>

#include "yun/base/strings.hpp"
#include "yun/rpc/metadata.hpp"
#include "yun/rpc/wire.hpp"

namespace yun::rpc {
namespace {

constexpr std::string_view kTypePrefix = "type.googleapis.com/google.rpc.";
constexpr std::size_t kMaxViolations = 100;
/// Trailers have a limit at the peer (8 KiB by default in most); details over this stay behind.
constexpr std::size_t kMaxDetails = 6144;

void put_detail(std::string& status, std::string_view type, std::string_view message) {
  std::string any;
  wire::put_bytes(any, 1, std::string(kTypePrefix) + std::string(type));
  wire::put_bytes(any, 2, message);
  wire::put_bytes(status, 3, any);
}

std::string bad_request(const Error& error) {
  std::string message;
  for (const FieldViolation& violation : error.violations()) {
    std::string one;
    wire::put_bytes(one, 1, field_from_pointer(violation.pointer));
    wire::put_bytes(one, 2, violation.detail);
    wire::put_bytes(message, 1, one);
  }
  return message;
}

std::string retry_info(std::chrono::milliseconds wait) {
  std::string duration;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
  if (seconds.count()) wire::put_number(duration, 1, static_cast<std::uint64_t>(seconds.count()));
  const std::int64_t nanos = std::chrono::nanoseconds(wait - seconds).count();
  if (nanos) wire::put_number(duration, 2, static_cast<std::uint64_t>(nanos));
  std::string message;
  wire::put_bytes(message, 1, duration);
  return message;
}

std::vector<FieldViolation> read_bad_request(std::string_view bytes) {
  std::vector<FieldViolation> violations;
  wire::Fields fields(bytes);
  while (auto field = fields.next()) {
    if (field->number != 1 || violations.size() == kMaxViolations) continue;
    FieldViolation violation;
    wire::Fields parts(field->bytes);
    while (auto part = parts.next()) {
      if (part->number == 1) violation.pointer = pointer_from_field(part->bytes);
      if (part->number == 2) violation.detail = std::string(part->bytes);
    }
    violations.push_back(std::move(violation));
  }
  return violations;
}

std::optional<std::chrono::milliseconds> read_retry_info(std::string_view bytes) {
  wire::Fields fields(bytes);
  while (auto field = fields.next()) {
    if (field->number != 1) continue;
    std::int64_t seconds = 0;
    std::int64_t nanos = 0;
    wire::Fields parts(field->bytes);
    while (auto part = parts.next()) {
      if (part->number == 1) seconds = static_cast<std::int64_t>(part->value);
      if (part->number == 2) nanos = static_cast<std::int64_t>(part->value);
    }
    if (seconds < 0 || nanos < 0 || nanos > 999'999'999 || seconds > 86'400 * 366) return std::nullopt;
    return std::chrono::milliseconds(seconds * 1000 + nanos / 1'000'000);
  }
  return std::nullopt;
}

std::string read_reason(std::string_view bytes) {
  wire::Fields fields(bytes);
  while (auto field = fields.next()) {
    if (field->number == 1) return std::string(field->bytes);
  }
  return {};
}

Error read_detail(Error error, std::string_view any) {
  std::string_view type;
  std::string_view value;
  wire::Fields fields(any);
  while (auto field = fields.next()) {
    if (field->number == 1) type = field->bytes;
    if (field->number == 2) value = field->bytes;
  }
  const std::size_t slash = type.rfind('/');
  if (slash != std::string_view::npos) type.remove_prefix(slash + 1);
  if (type == "google.rpc.BadRequest") return std::move(error).with_violations(read_bad_request(value));
  if (type == "google.rpc.ErrorInfo") return std::move(error).with_reason(read_reason(value));
  if (type == "google.rpc.RetryInfo") {
    const auto wait = read_retry_info(value);
    if (wait) return std::move(error).with_retry_after(*wait);
  }
  return error;
}

bool is_number(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

}  // namespace

std::string field_from_pointer(std::string_view pointer) {
  std::string field;
  while (!pointer.empty()) {
    pointer.remove_prefix(1);  // the slash
    const std::size_t end = pointer.find('/');
    const std::string_view raw = pointer.substr(0, end);
    pointer = end == std::string_view::npos ? std::string_view() : pointer.substr(end);
    if (is_number(raw)) {
      field += '[';
      field += raw;
      field += ']';
      continue;
    }
    if (!field.empty()) field += '.';
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] == '~' && i + 1 < raw.size()) {
        field += raw[++i] == '1' ? '/' : '~';
      } else {
        field += raw[i];
      }
    }
  }
  return field;
}

std::string pointer_from_field(std::string_view field) {
  std::string pointer;
  bool starts = true;
  for (const char c : field) {
    if (c == ']') continue;
    if (c == '.' || c == '[') {
      starts = true;
      continue;
    }
    if (starts) pointer += '/';
    starts = false;
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::string encode_details(const Error& error) {
  if (error.violations().empty() && !error.retry_after() && error.reason().empty()) return {};
  std::string status;
  wire::put_number(status, 1, static_cast<std::uint64_t>(error.code()));
  wire::put_bytes(status, 2, error.message());
  if (!error.reason().empty()) {
    std::string info;
    wire::put_bytes(info, 1, error.reason());
    wire::put_bytes(info, 2, "yun");
    put_detail(status, "ErrorInfo", info);
  }
  if (error.retry_after()) put_detail(status, "RetryInfo", retry_info(*error.retry_after()));
  if (!error.violations().empty()) {
    const std::string violations = bad_request(error);
    if (violations.size() <= kMaxDetails) put_detail(status, "BadRequest", violations);
  }
  return status;
}

Error with_details(Error error, std::string_view bytes) {
  wire::Fields fields(bytes);
  while (auto field = fields.next()) {
    if (field->number == 3) error = read_detail(std::move(error), field->bytes);
  }
  return error;
}

void put_status(http::Headers& fields, const Error& error) {
  fields.add("grpc-status", std::to_string(static_cast<int>(error.code())));
  if (!error.message().empty()) fields.add("grpc-message", encode_message(error.message()));
  std::string details = to_base64(encode_details(error));
  while (details.ends_with('=')) details.pop_back();
  if (!details.empty()) fields.add("grpc-status-details-bin", details);
}

void put_ok(http::Headers& fields) { fields.add("grpc-status", "0"); }

std::optional<Result<void>> read_status(const http::Headers& fields) {
  const auto status = fields.get("grpc-status");
  if (!status) return std::nullopt;
  const auto number = parse_u64(*status);
  if (number && *number == 0) return Result<void>();
  const Code code = number && *number <= 16 ? static_cast<Code>(*number) : Code::Unknown;
  Error error(code, decode_message(fields.get("grpc-message").value_or("")));
  const auto details = fields.get("grpc-status-details-bin");
  if (!details) return Result<void>(std::move(error));
  std::string padded(*details);
  while (padded.ends_with('=')) padded.pop_back();
  padded.append((4 - padded.size() % 4) % 4, '=');
  const auto bytes = from_base64(padded);
  return Result<void>(bytes ? with_details(std::move(error), *bytes) : std::move(error));
}

Error error_from_http(int status) {
  Code code = Code::Unknown;
  switch (status) {
    case 400: code = Code::Internal; break;
    case 401: code = Code::Unauthenticated; break;
    case 403: code = Code::PermissionDenied; break;
    case 404: code = Code::Unimplemented; break;
    case 429:
    case 502:
    case 503:
    case 504: code = Code::Unavailable; break;
    default: break;
  }
  return Error(code, "the server answered HTTP " + std::to_string(status) + " instead of gRPC");
}

balance::Outcome outcome_of(const Result<void>& result) {
  if (result) return balance::Outcome::Success;
  switch (result.error().code()) {
    case Code::Cancelled: return balance::Outcome::Ignored;
    case Code::Unavailable:
    case Code::DeadlineExceeded:
    case Code::Internal:
    case Code::Unknown:
    case Code::DataLoss: return balance::Outcome::Failure;
    default: return balance::Outcome::Success;
  }
}

}  // namespace yun::rpc
