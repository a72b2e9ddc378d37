#include "yun/base/strings.hpp"

#include <gtest/gtest.h>

#include "yun/base/ids.hpp"

namespace yun {
namespace {

using namespace std::string_view_literals;

TEST(Strings, CaseAndTrim) {
  EXPECT_EQ(to_lower("Content-TYPE"), "content-type");
  EXPECT_TRUE(iequals("Keep-Alive", "keep-alive"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("[", "{"));
  EXPECT_EQ(trim(" \ta b\t "), "a b");
  EXPECT_EQ(trim(" \t "), "");
}

TEST(Strings, SplitTrimsAndKeepsEmptyParts) {
  EXPECT_EQ(split("a, b ,c", ','), (std::vector{"a"sv, "b"sv, "c"sv}));
  EXPECT_EQ(split("a,,b,", ','), (std::vector{"a"sv, ""sv, "b"sv, ""sv}));
  EXPECT_TRUE(split("", ',').empty());
}

TEST(Strings, WholeNumbersOnly) {
  EXPECT_EQ(parse_u64("18446744073709551615"), 18446744073709551615ull);
  EXPECT_EQ(parse_i64("-9223372036854775808"), std::numeric_limits<std::int64_t>::min());
  for (const std::string_view text : {"", "18446744073709551616", "+1", " 1", "1 ", "0x1", "-1", "1.0"}) EXPECT_FALSE(parse_u64(text)) << text;
}

TEST(Strings, Base64VectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> table[] = {{"", ""},         {"f", "Zg=="},         {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},  {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : table) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
  for (const std::string_view text : {"Zg", "Zg=", "Zh==", "Z===", "====", "Zm9v\n", "Zm=v", "Zm-_"}) EXPECT_FALSE(from_base64(text)) << text;
}

TEST(Strings, Base64UrlHasNoPaddingAndOneSpelling) {
  EXPECT_EQ(to_base64url("\xfb\xff"), "-_8");
  EXPECT_EQ(from_base64url("-_8"), "\xfb\xff");
  for (const std::string_view text : {"-_8=", "+/8", "-_9", "A", "a b"}) EXPECT_FALSE(from_base64url(text)) << text;
  const std::string bytes = secure_random(257);
  EXPECT_EQ(from_base64url(to_base64url(bytes)), bytes);
}

TEST(Strings, Hex) { EXPECT_EQ(to_hex("\x00\xab\x7f"sv), "00ab7f"); }
TEST(Strings, SixteenHexDigitsAtOnce) {
  std::string text(17, '.');
  EXPECT_EQ(write_hex(text.data(), 0x0123456789abcdefULL), text.data() + 16);
  EXPECT_EQ(text, "0123456789abcdef.");
  write_hex(text.data(), 0xf0000000000000a9ULL);
  EXPECT_EQ(text, "f0000000000000a9.");
}

TEST(Strings, PercentCoding) {
  EXPECT_EQ(percent_decode("a%20b+c%2F"), "a b+c/");
  EXPECT_EQ(percent_decode("a+b", Plus::Space), "a b");
  EXPECT_EQ(percent_decode("%00"), "\0"sv);
  for (const std::string_view text : {"%", "%2", "%zz", "a%2g", "%%20"}) EXPECT_FALSE(percent_decode(text)) << text;
  EXPECT_EQ(percent_encode("a b/\xc3\xa9~-._"), "a%20b%2F%C3%A9~-._");
}

TEST(Strings, Utf8TableOfUnicode) {
  for (const std::string_view text : {""sv, "plain ascii text over eight"sv, "\xc3\xa9"sv, "\xe4\xbd\xa0\xe5\xa5\xbd"sv, "\xf0\x9f\x98\x80"sv,
                                      "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xf4\x8f\xbf\xbf"sv, "12345678\xc3\xa9"sv, "\0"sv})
    EXPECT_TRUE(is_utf8(text)) << to_hex(text);
  for (const std::string_view text :
       {"\x80"sv, "\xc0\x80"sv, "\xc1\xbf"sv, "\xc3"sv, "\xe0\x80\x80"sv, "\xe0\x9f\xbf"sv, "\xed\xa0\x80"sv, "\xed\xbf\xbf"sv,
        "\xf0\x8f\xbf\xbf"sv, "\xf4\x90\x80\x80"sv, "\xf5\x80\x80\x80"sv, "\xff"sv, "\xe4\xbd"sv, "\xf0\x9f\x98"sv, "1234567\xc3"sv, "\xc3\x28"sv})
    EXPECT_FALSE(is_utf8(text)) << to_hex(text);
}

TEST(Strings, NearestFindsSlipsOnly) {
  const std::string_view names[] = {"orders", "users", "products"};
  EXPECT_EQ(nearest("ordrs", names), "orders");
  EXPECT_EQ(nearest("usesr", names), "users");
  EXPECT_EQ(nearest("Orders", names), "orders");
  EXPECT_FALSE(nearest("payments", names));
  EXPECT_FALSE(nearest("x", names));
  EXPECT_FALSE(nearest("", names));
}

TEST(Strings, ConstantTimeEqual) {
  EXPECT_TRUE(constant_time_equal("secret", "secret"));
  EXPECT_FALSE(constant_time_equal("secret", "secreT"));
  EXPECT_FALSE(constant_time_equal("secret", "secret1"));
  EXPECT_TRUE(constant_time_equal("", ""));
}

TEST(Strings, LowersLettersOnlyAtEveryPlace) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  for (std::size_t from = 0; from < 16; ++from) {
    for (const std::size_t size : {0u, 1u, 7u, 8u, 9u, 15u, 17u, 240u}) {
      const std::string_view text = std::string_view(all).substr(from, size);
      std::string slow(text);
      for (char& c : slow) c = to_lower(c);
      EXPECT_EQ(to_lower(text), slow);
    }
  }
}

}  // namespace
}  // namespace yun
