#include "yun/base/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace yun {
namespace {

TEST(Error, EachCodeHasItsHttpStatus) {
  const std::pair<Code, int> table[] = {{Code::Cancelled, 499},        {Code::Unknown, 500},
                                        {Code::InvalidArgument, 400},  {Code::DeadlineExceeded, 504},
                                        {Code::NotFound, 404},         {Code::AlreadyExists, 409},
                                        {Code::PermissionDenied, 403}, {Code::ResourceExhausted, 429},
                                        {Code::FailedPrecondition, 412}, {Code::Aborted, 409},
                                        {Code::OutOfRange, 400},       {Code::Unimplemented, 501},
                                        {Code::Internal, 500},         {Code::Unavailable, 503},
                                        {Code::DataLoss, 500},         {Code::Unauthenticated, 401}};
  for (const auto& [code, status] : table) EXPECT_EQ(http_status(Error(code, "x")), status) << name(code);
}

TEST(Error, ViolationsTurn400Into422) {
  EXPECT_EQ(http_status(invalid_argument("bad").with_violation("/email", "is required")), 422);
}

TEST(Error, AskedForStatusWins) { EXPECT_EQ(http_status(resource_exhausted("body too large").with_http_status(413)), 413); }

TEST(Error, StatusesComeBackAsCodes) {
  const std::pair<int, Code> table[] = {{200, Code::Ok},
                                        {302, Code::Ok},
                                        {400, Code::InvalidArgument},
                                        {401, Code::Unauthenticated},
                                        {403, Code::PermissionDenied},
                                        {404, Code::NotFound},
                                        {405, Code::FailedPrecondition},
                                        {409, Code::Aborted},
                                        {412, Code::FailedPrecondition},
                                        {413, Code::ResourceExhausted},
                                        {422, Code::InvalidArgument},
                                        {429, Code::ResourceExhausted},
                                        {499, Code::Cancelled},
                                        {500, Code::Internal},
                                        {501, Code::Unimplemented},
                                        {502, Code::Unavailable},
                                        {503, Code::Unavailable},
                                        {504, Code::DeadlineExceeded},
                                        {507, Code::Internal}};
  for (const auto& [status, code] : table) EXPECT_EQ(code_from_http(status), code) << status;
}

TEST(Error, FullStorageIsUnavailableWithItsReason) {
  const Error error = from_errno(ENOSPC, "write wal");
  EXPECT_EQ(error.code(), Code::Unavailable);
  EXPECT_EQ(error.reason(), "storage_full");
  EXPECT_EQ(from_errno(ECONNREFUSED, "connect").code(), Code::Unavailable);
  EXPECT_EQ(from_errno(ENOENT, "open").code(), Code::NotFound);
  EXPECT_EQ(from_errno(EACCES, "open").code(), Code::PermissionDenied);
  EXPECT_EQ(from_errno(EADDRINUSE, "bind").code(), Code::AlreadyExists);
}

TEST(Error, ACopyDoesNotChangeWhenTheOriginalIsExtended) {
  Error original = not_found("no such user");
  const Error copy = original;
  const Error extended = std::move(original).with_context("load").with_violation("/id", "unknown");
  EXPECT_EQ(copy.message(), "no such user");
  EXPECT_TRUE(copy.violations().empty());
  EXPECT_EQ(extended.message(), "load: no such user");
}

TEST(Error, TextHasCodeViolationsAndCause) {
  const Error error = unavailable("query failed").with_violation("/a", "bad").caused_by(from_errno(ECONNRESET, "read"));
  EXPECT_EQ(error.to_string(), "UNAVAILABLE: query failed; /a: bad (cause: UNAVAILABLE: read: Connection reset by peer)");
}

TEST(Error, CarriesRetryAfter) {
  const Error error = unavailable("busy").with_retry_after(std::chrono::milliseconds(1500));
  ASSERT_TRUE(error.retry_after());
  EXPECT_EQ(error.retry_after()->count(), 1500);
  EXPECT_FALSE(not_found("x").retry_after());
}

TEST(Error, IsOnePointerWide) { EXPECT_EQ(sizeof(Error), sizeof(void*)); }

TEST(Error, ReasonPhrases) {
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(422), "Unprocessable Content");
  EXPECT_EQ(reason_phrase(299), "");
}

}  // namespace
}  // namespace yun
