#include "yun/rpc/framing.hpp"

#include <gtest/gtest.h>

namespace yun::rpc {
namespace {

std::string frame(std::string_view message, bool compressed = false) {
  std::string bytes(kFrameHead, '\0');
  put_frame_head(bytes.data(), compressed, static_cast<std::uint32_t>(message.size()));
  bytes += message;
  return bytes;
}

TEST(Framing, MessagesComeOutWhereverTheBytesAreCut) {
  const std::string stream = frame("one") + frame("") + frame(std::string(300, 'x'));
  for (std::size_t step = 1; step <= stream.size(); ++step) {
    FrameReader reader(1024);
    std::vector<std::string> messages;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      reader.feed(std::string_view(stream).substr(at, step));
      while (true) {
        auto message = reader.next();
        ASSERT_TRUE(message.ok());
        if (!*message) break;
        messages.emplace_back(**message);
      }
    }
    ASSERT_EQ(messages, (std::vector<std::string>{"one", "", std::string(300, 'x')})) << "in steps of " << step;
    EXPECT_TRUE(reader.finish().ok());
  }
}

TEST(Framing, WholeStreamIsReadWithoutACopy) {
  const std::string stream = frame("abc");
  FrameReader reader(16);
  reader.feed_all(stream);
  auto message = reader.next();
  ASSERT_TRUE(message.ok() && *message);
  EXPECT_EQ((*message)->data(), stream.data() + kFrameHead);
  EXPECT_TRUE(reader.finish().ok());
  auto more = reader.next();
  EXPECT_TRUE(more.ok() && !*more);
}

TEST(Framing, DeclaredLengthOverTheLimitIsRefusedBeforeTheBytesCome) {
  FrameReader reader(100);
  std::string head(kFrameHead, '\0');
  put_frame_head(head.data(), false, 101);
  reader.feed(head);
  auto message = reader.next();
  ASSERT_FALSE(message.ok());
  EXPECT_EQ(message.error().code(), Code::ResourceExhausted);
}

TEST(Framing, UnknownFlagIsInternal) {
  FrameReader reader(100);
  std::string bytes = frame("x");
  bytes[0] = 2;
  reader.feed(bytes);
  EXPECT_EQ(reader.next().error().code(), Code::Internal);
}

TEST(Framing, CompressedWithoutAnEncodingIsInternal) {
  FrameReader reader(100);
  reader.feed(frame(gzip("x"), true));
  EXPECT_EQ(reader.next().error().code(), Code::Internal);
}

TEST(Framing, StreamThatEndsInsideAMessageIsInternal) {
  FrameReader reader(100);
  const std::string bytes = frame("abc");
  reader.feed(std::string_view(bytes).substr(0, 7));
  auto message = reader.next();
  ASSERT_TRUE(message.ok() && !*message);
  EXPECT_EQ(reader.finish().error().code(), Code::Internal);
}

TEST(Framing, GzipGoesThereAndBack) {
  const std::string text(10'000, 'a');
  std::string packed = frame(text);
  compress_frame(packed);
  EXPECT_LT(packed.size(), 200u);
  EXPECT_EQ(packed[0], 1);
  FrameReader reader(20'000, Encoding::Gzip);
  reader.feed(packed);
  auto message = reader.next();
  ASSERT_TRUE(message.ok() && *message);
  EXPECT_EQ(**message, text);
}

TEST(Framing, IncompressibleMessageStaysAsItIs) {
  std::string small = frame("q");
  const std::string before = small;
  compress_frame(small);
  EXPECT_EQ(small, before);
}

TEST(Framing, BombStopsAtTheLimit) {
  const std::string packed = gzip(std::string(50 << 20, '\0'));
  ASSERT_LT(packed.size(), 1u << 20);
  FrameReader reader(1 << 20, Encoding::Gzip);
  reader.feed(frame(packed, true));
  auto message = reader.next();
  ASSERT_FALSE(message.ok());
  EXPECT_EQ(message.error().code(), Code::ResourceExhausted);
}

TEST(Framing, ExactLimitPassesCompressedToo) {
  const std::string text(1000, 'b');
  FrameReader reader(1000, Encoding::Gzip);
  reader.feed(frame(gzip(text), true));
  auto message = reader.next();
  ASSERT_TRUE(message.ok() && *message);
  EXPECT_EQ(**message, text);
}

TEST(Framing, BrokenGzipIsInternal) {
  std::string out;
  std::string packed = gzip("hello hello hello");
  EXPECT_EQ(gunzip("not gzip", 100, out).error().code(), Code::Internal);
  EXPECT_EQ(gunzip(std::string_view(packed).substr(0, packed.size() - 4), 100, out).error().code(), Code::Internal);
  EXPECT_EQ(gunzip(packed + "x", 100, out).error().code(), Code::Internal);
  EXPECT_EQ(gunzip("", 100, out).error().code(), Code::Internal);
}

TEST(Framing, AcceptEncodingIsAList) {
  EXPECT_TRUE(accepts_gzip("identity, deflate, gzip"));
  EXPECT_TRUE(accepts_gzip("gzip"));
  EXPECT_FALSE(accepts_gzip("identity,deflate"));
  EXPECT_FALSE(accepts_gzip("gzippy"));
  EXPECT_FALSE(accepts_gzip(""));
}

}  // namespace
}  // namespace yun::rpc
