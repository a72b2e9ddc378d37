#include "yun/base/protobuf_writer.hpp"

#include <gtest/gtest.h>

#include "yun/base/strings.hpp"

using yun::ProtobufWriter;
using yun::to_hex;

// The first three are the examples of the encoding guide.
TEST(ProtobufWriter, AnIntegerIsAVarint) {
  ProtobufWriter out;
  out.integer(1, 150);
  EXPECT_EQ(to_hex(out.bytes()), "089601");
}

TEST(ProtobufWriter, ATextHasItsLength) {
  ProtobufWriter out;
  out.text(2, "testing");
  EXPECT_EQ(to_hex(out.bytes()), "120774657374696e67");
}

TEST(ProtobufWriter, AMessageIsATextOfItsFields) {
  ProtobufWriter out;
  out.message(3, [](ProtobufWriter& inner) { inner.integer(1, 150); });
  EXPECT_EQ(to_hex(out.bytes()), "1a03089601");
}

TEST(ProtobufWriter, RepeatedIntegersArePacked) {
  const std::uint64_t values[] = {3, 270, 86942};
  ProtobufWriter out;
  out.integers(6, values);
  EXPECT_EQ(to_hex(out.bytes()), "3206038e029ea705");
}

TEST(ProtobufWriter, TheLargestIntegerTakesTenBytes) {
  ProtobufWriter out;
  out.integer(1, ~std::uint64_t{0});
  EXPECT_EQ(to_hex(out.bytes()), "08ffffffffffffffffff01");
}

TEST(ProtobufWriter, FixedNumbersAreLittleEndian) {
  ProtobufWriter out;
  out.real(1, 1.0);
  EXPECT_EQ(to_hex(out.bytes()), "09000000000000f03f");
}
