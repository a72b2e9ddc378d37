#pragma once
// An Error on the wire of gRPC and back: grpc-status, grpc-message and grpc-status-details-bin (google.rpc.Status with BadRequest, RetryInfo, ErrorInfo).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "yun/balance/balancer.hpp"
#include "yun/base/error.hpp"
#include "yun/base/result.hpp"
#include "yun/http/message.hpp"

namespace yun::rpc {

/// Adds the three fields to trailers (or to the head of an answer that is nothing else). Messages of Internal, Unknown and DataLoss go out as they are:
/// unlike HTTP's callers, a gRPC caller is one of us.
void put_status(http::Headers& fields, const Error& error);
void put_ok(http::Headers& fields);

/// What the fields say; nullopt if there is no grpc-status. Ok as a Result without error.
std::optional<Result<void>> read_status(const http::Headers& fields);

/// For an answer that is no gRPC: the code by HTTP status (400 Internal, 401 Unauthenticated, 403 PermissionDenied, 404 Unimplemented,
/// 429, 502, 503, 504 Unavailable, else Unknown), as the gRPC specification maps them.
Error error_from_http(int status);

/// How a call that was answered with this status counts for its endpoint: failures of the server do, refusals that are the caller's fault do not.
balance::Outcome outcome_of(const Result<void>& status);

/// The bytes of google.rpc.Status for an error: empty if it has nothing beyond code and message.
std::string encode_details(const Error& error);
/// Reads violations, retry_after and reason from such bytes into `error`; what is not understood is skipped.
Error with_details(Error error, std::string_view bytes);

/// "/items/0/name" <-> "items[0].name", the form of BadRequest.field. An empty pointer gives "".
std::string field_from_pointer(std::string_view pointer);
std::string pointer_from_field(std::string_view field);

}  // namespace yun::rpc
