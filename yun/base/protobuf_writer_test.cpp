#include "yun/base/protobuf_writer.hpp"

#include <gtest/gtest.h>

#include "yun/base/strings.hpp"

namespace yun {
namespace {

/// What `write(ProtobufWriter&)` writes, in hex.
template <typename F>
std::string written(F write) {
  std::string bytes;
  ProtobufWriter out(bytes);
  write(out);
  return to_hex(bytes);
}

// The first three are the examples of the encoding guide.
TEST(ProtobufWriter, AnIntegerIsAVarint) {
  EXPECT_EQ(written([](ProtobufWriter& out) { out.integer(1, 150); }), "089601");
}

TEST(ProtobufWriter, ATextHasItsLength) {
  EXPECT_EQ(written([](ProtobufWriter& out) { out.text(2, "testing"); }), "120774657374696e67");
}

TEST(ProtobufWriter, AMessageIsATextOfItsFields) {
  EXPECT_EQ(written([](ProtobufWriter& out) { out.message(3, [&] { out.integer(1, 150); }); }), "1a03089601");
}

TEST(ProtobufWriter, ALongMessageHasItsLengthInTwoBytes) {
  const std::string name(200, 'x');
  EXPECT_EQ(written([&](ProtobufWriter& out) { out.message(3, [&] { out.text(1, name); }); }), "1acb01" "0ac801" + to_hex(name));
}

TEST(ProtobufWriter, RepeatedNumbersArePacked) {
  const std::uint64_t values[] = {3, 270, 86942};
  EXPECT_EQ(written([&](ProtobufWriter& out) { out.integers(6, values); }), "3206038e029ea705");
  EXPECT_EQ(written([&](ProtobufWriter& out) { out.fixed64s(6, std::span(values).first(2)); }), "321003000000000000000e01000000000000");
  const double halves[] = {0.5};
  EXPECT_EQ(written([&](ProtobufWriter& out) { out.reals(6, halves); }), "3208000000000000e03f");
}

TEST(ProtobufWriter, TheLargestIntegerTakesTenBytes) {
  EXPECT_EQ(written([](ProtobufWriter& out) { out.integer(1, ~std::uint64_t{0}); }), "08ffffffffffffffffff01");
}

TEST(ProtobufWriter, FixedNumbersAreLittleEndian) {
  EXPECT_EQ(written([](ProtobufWriter& out) { out.real(1, 1.0); }), "09000000000000f03f");
  EXPECT_EQ(written([](ProtobufWriter& out) { out.fixed32(2, 258); }), "1502010000");
}

}  // namespace
}  // namespace yun
