#include "yun/rpc/status.hpp"

#include <gtest/gtest.h>

#include "yun/rpc/metadata.hpp"
#include "yun/rpc/wire.hpp"

namespace yun::rpc {
namespace {

using std::chrono::milliseconds;

Error round_trip(const Error& error) {
  http::Headers fields;
  put_status(fields, error);
  auto back = read_status(fields);
  EXPECT_TRUE(back && !*back);
  return std::move(*back).error();
}

TEST(Status, CodeAndMessageGoThereAndBack) {
  const Error back = round_trip(not_found("no such user: 100% \xe4\xba\x91\n"));
  EXPECT_EQ(back.code(), Code::NotFound);
  EXPECT_EQ(back.message(), "no such user: 100% \xe4\xba\x91\n");
}

TEST(Status, MessageIsPrintableOnTheWire) {
  http::Headers fields;
  put_status(fields, internal_error("50%\r\ngrpc-status: 0"));
  EXPECT_EQ(*fields.get("grpc-message"), "50%25%0D%0Agrpc-status: 0");
  EXPECT_EQ(*fields.get("grpc-status"), "13");
  EXPECT_FALSE(fields.has("grpc-status-details-bin"));
}

TEST(Status, DetailsGoThereAndBack) {
  const Error error = invalid_argument("bad order")
                          .with_violation("/items/0/quantity", "must be 1 to 1000")
                          .with_violation("/email", "must be an address")
                          .with_reason("order_invalid")
                          .with_retry_after(milliseconds(2500));
  const Error back = round_trip(error);
  EXPECT_EQ(back.violations(), error.violations());
  EXPECT_EQ(back.reason(), "order_invalid");
  EXPECT_EQ(back.retry_after(), milliseconds(2500));
}

TEST(Status, RefusedDetailsAreSkipped) {
  const Error plain = with_details(not_found("x"), "\xff\xff\xff garbage");
  EXPECT_EQ(plain.code(), Code::NotFound);
  EXPECT_TRUE(plain.violations().empty());
}

TEST(Status, TooManyViolationsStayBehindButTheStatusGoes) {
  Error error = invalid_argument("bad");
  for (int i = 0; i < 500; ++i) error = std::move(error).with_violation("/field/" + std::to_string(i), "is wrong in a way that takes some words");
  http::Headers fields;
  put_status(fields, error);
  EXPECT_LT(fields.get("grpc-status-details-bin").value_or("").size(), 8192u);
  EXPECT_EQ(read_status(fields)->error().code(), Code::InvalidArgument);
}

TEST(Status, AbsentAndOddOnes) {
  http::Headers none;
  EXPECT_FALSE(read_status(none));
  http::Headers fine;
  put_ok(fine);
  EXPECT_TRUE(read_status(fine)->ok());
  http::Headers odd;
  odd.add("grpc-status", "99");
  EXPECT_EQ(read_status(odd)->error().code(), Code::Unknown);
  http::Headers text;
  text.add("grpc-status", "NOT_FOUND");
  EXPECT_EQ(read_status(text)->error().code(), Code::Unknown);
}

TEST(Status, EveryCodeSurvives) {
  for (int code = 1; code <= 16; ++code) EXPECT_EQ(round_trip(Error(static_cast<Code>(code), "m")).code(), static_cast<Code>(code));
}

TEST(Status, PointersAreFields) {
  EXPECT_EQ(field_from_pointer("/items/0/name"), "items[0].name");
  EXPECT_EQ(pointer_from_field("items[0].name"), "/items/0/name");
  EXPECT_EQ(field_from_pointer(""), "");
  EXPECT_EQ(pointer_from_field(""), "");
  EXPECT_EQ(field_from_pointer("/a~1b/c~0d"), "a/b.c~d");
  EXPECT_EQ(pointer_from_field("a/b.c~d"), "/a~1b/c~0d");
  EXPECT_EQ(pointer_from_field("email"), "/email");
}

TEST(Status, HttpAnswersAreMappedAsTheSpecificationSays) {
  EXPECT_EQ(error_from_http(404).code(), Code::Unimplemented);
  EXPECT_EQ(error_from_http(503).code(), Code::Unavailable);
  EXPECT_EQ(error_from_http(401).code(), Code::Unauthenticated);
  EXPECT_EQ(error_from_http(400).code(), Code::Internal);
  EXPECT_EQ(error_from_http(200).code(), Code::Unknown);
}

TEST(Timeout, Table) {
  using namespace std::chrono_literals;
  const struct {
    const char* text;
    std::optional<Duration> value;
  } cases[] = {
      {"1S", 1s},          {"100m", 100ms},       {"5u", 5us},        {"7n", 7ns},          {"2M", 2min},        {"3H", 3h},
      {"0S", 0s},          {"99999999n", 99999999ns}, {"99999999H", Duration::max()}, {"", std::nullopt},   {"S", std::nullopt},
      {"100", std::nullopt}, {"1s", std::nullopt},  {"-1S", std::nullopt}, {"1.5S", std::nullopt}, {"123456789m", std::nullopt}, {" 1S", std::nullopt}};
  for (const auto& c : cases) EXPECT_EQ(parse_timeout(c.text), c.value) << c.text;
}

TEST(Timeout, FormatNeverSaysLess) {
  using namespace std::chrono_literals;
  EXPECT_EQ(format_timeout(0s), "0n");
  EXPECT_EQ(format_timeout(-5s), "0n");
  EXPECT_EQ(format_timeout(1ns), "1n");
  EXPECT_EQ(format_timeout(1s), "1000000u");
  EXPECT_EQ(format_timeout(100'000'000ns), "100000u");
  EXPECT_EQ(format_timeout(100'000'000ns + 1ns), "100001u");
  for (const Duration d : {Duration(1ns), Duration(999ms), Duration(12345678901ns), Duration(25h), Duration::max()}) {
    const auto back = parse_timeout(format_timeout(d));
    ASSERT_TRUE(back);
    EXPECT_GE(*back, d);
  }
}

TEST(Metadata, BinaryValuesAreBase64OnTheWire) {
  Metadata metadata;
  const std::string bytes("\0\xff\n", 3);
  ASSERT_TRUE(metadata.add("Trace-Bin", bytes).ok());
  ASSERT_TRUE(metadata.add("x-tenant", "blue").ok());
  EXPECT_EQ(metadata.get("trace-bin"), bytes);
  EXPECT_EQ(*metadata.fields().get("trace-bin"), "AP8K");
  EXPECT_EQ(metadata.get("x-tenant"), "blue");
  EXPECT_FALSE(metadata.get("absent"));
}

TEST(Metadata, PaddedAndUnpaddedAreRead) {
  http::Headers headers;
  headers.add("a-bin", "AA==");
  headers.add("a-bin", "AA");
  headers.add(":path", "/x");
  headers.add("grpc-timeout", "1S");
  headers.add("content-type", "application/grpc");
  headers.add("user-agent", "test");
  const Metadata metadata = Metadata::from(headers);
  EXPECT_EQ(metadata.all("a-bin"), (std::vector<std::string>{std::string(1, '\0'), std::string(1, '\0')}));
  EXPECT_EQ(metadata.size(), 3u);
}

TEST(Metadata, RefusesWhatWouldBreakTheHead) {
  Metadata metadata;
  for (const char* bad : {"grpc-status", ":path", "te", "content-type", "a b", "", "a\r\nb"}) EXPECT_FALSE(metadata.add(bad, "v").ok()) << bad;
  EXPECT_FALSE(metadata.add("x-text", "a\r\nb: c").ok());
  EXPECT_FALSE(metadata.add("x-text", "\xe4\xba\x91").ok());
  EXPECT_TRUE(metadata.empty());
}

TEST(Wire, MalformedStops) {
  for (const std::string_view bad : {std::string_view("\x08", 1), std::string_view("\x0a\x05" "ab", 4), std::string_view("\x00\x01", 2),
                                     std::string_view("\x0b", 1), std::string_view("\x09\x01\x02", 3)}) {
    wire::Fields fields(bad);
    while (fields.next()) {
    }
    EXPECT_FALSE(fields.ok());
  }
}

}  // namespace
}  // namespace yun::rpc
