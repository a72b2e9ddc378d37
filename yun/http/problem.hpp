#pragma once
// Errors as answers, and answers as errors (RFC 9457, application/problem+json).
//
//     co_return http::problem(ctx, not_found("no order with that id"));

#include "yun/base/error.hpp"
#include "yun/http/message.hpp"

namespace yun::http {

/// The one word for an error in bodies, X-Yun-Reason, logs and metrics: its reason, else "validation" if it has violations, else its code ("not_found").
std::string reason_of(const Error& error);
/// The RFC 9457 problem answer of an error: title, status, detail, trace_id, reason, errors for violations; Retry-After from retry_after().
/// 5xx of code Internal/Unknown/DataLoss say nothing of the cause: that is in the log.
Response problem(Context& ctx, const Error& error);
/// The way back, for clients: reads a problem body (or any other) of a status >= 400 into an Error with code_from_http, violations, reason, Retry-After.
Error error_from(const Response& response);

}  // namespace yun::http
