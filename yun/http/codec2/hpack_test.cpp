// HPACK against RFC 7541's own examples and against nghttp2, both ways.

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <random>

#include "yun/base/strings.hpp"
#include "yun/http/codec2/hpack.hpp"
#include "yun/http/codec2/huffman.hpp"

namespace yun::http::codec2 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  int high = -1;
  for (const char c : hex) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high >= 0) bytes += static_cast<char>(high << 4 | digit);
    high = high >= 0 ? -1 : digit;
  }
  return bytes;
}

std::optional<Fields> decode(HpackDecoder& decoder, std::string_view block) {
  Fields fields;
  HeaderField field;
  decoder.begin(block);
  for (;;) {
    switch (decoder.next(field)) {
      case HpackDecoder::Step::Field: fields.emplace_back(field.name, field.value); break;
      case HpackDecoder::Step::End: return fields;
      case HpackDecoder::Step::Bad: return std::nullopt;
    }
  }
}

std::optional<Fields> decode_hex(HpackDecoder& decoder, std::string_view hex) { return decode(decoder, bytes_of(hex)); }

TEST(HpackDecoder, ReadsLiteralsAndIndices) {  // RFC 7541 C.2
  HpackDecoder decoder;
  EXPECT_EQ(decode_hex(decoder, "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572"), (Fields{{"custom-key", "custom-header"}}));
  EXPECT_EQ(decode_hex(decoder, "040c 2f73 616d 706c 652f 7061 7468"), (Fields{{":path", "/sample/path"}}));
  EXPECT_EQ(decode_hex(decoder, "1008 7061 7373 776f 7264 0673 6563 7265 74"), (Fields{{"password", "secret"}}));
  EXPECT_EQ(decode_hex(decoder, "82 be"), (Fields{{":method", "GET"}, {"custom-key", "custom-header"}}));
}

const Fields kFirst = {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "www.example.com"}};
const Fields kSecond = {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "www.example.com"}, {"cache-control", "no-cache"}};
const Fields kThird = {{":method", "GET"}, {":scheme", "https"}, {":path", "/index.html"}, {":authority", "www.example.com"}, {"custom-key", "custom-value"}};

TEST(HpackDecoder, KeepsItsTableFromRequestToRequest) {  // C.3
  HpackDecoder decoder;
  EXPECT_EQ(decode_hex(decoder, "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d"), kFirst);
  EXPECT_EQ(decode_hex(decoder, "8286 84be 5808 6e6f 2d63 6163 6865"), kSecond);
  EXPECT_EQ(decode_hex(decoder, "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65"), kThird);
}

TEST(HpackDecoder, ReadsHuffmansCode) {  // C.4
  HpackDecoder decoder;
  EXPECT_EQ(decode_hex(decoder, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"), kFirst);
  EXPECT_EQ(decode_hex(decoder, "8286 84be 5886 a8eb 1064 9cbf"), kSecond);
  EXPECT_EQ(decode_hex(decoder, "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"), kThird);
}

TEST(HpackDecoder, EvictsTheOldest) {  // C.6, with its table of 256 bytes
  HpackDecoder decoder;
  EXPECT_EQ(decode_hex(decoder, "3fe1 01 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae "
                                "82ae 43d3"),
            (Fields{{":status", "302"}, {"cache-control", "private"}, {"date", "Mon, 21 Oct 2013 20:13:21 GMT"}, {"location", "https://www.example.com"}}));
  EXPECT_EQ(decode_hex(decoder, "4883 640e ffc1 c0bf"),
            (Fields{{":status", "307"}, {"cache-control", "private"}, {"date", "Mon, 21 Oct 2013 20:13:21 GMT"}, {"location", "https://www.example.com"}}));
  EXPECT_EQ(decode_hex(decoder, "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af "
                                "2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07"),
            (Fields{{":status", "200"},
                    {"cache-control", "private"},
                    {"date", "Mon, 21 Oct 2013 20:13:22 GMT"},
                    {"location", "https://www.example.com"},
                    {"content-encoding", "gzip"},
                    {"set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"}}));
}

TEST(HpackDecoder, RefusesWhatIsNone) {
  for (const std::string_view bad : {
           "80",              // index 0
           "be",              // of an empty table
           "ff ff ff ff ff ff ff",  // an integer without an end
           "40 8a",           // a name that breaks off
           "00 81 00 00",     // a Huffman name padded with zeros
           "00 84 ff ff ff ff 00",  // EOS as a symbol
           "00 82 1f ff 00",  // eleven bits of padding
           "82 20",           // a new limit behind a field
           "3f e2 1f",        // a limit of 4097
       }) {
    HpackDecoder decoder;
    EXPECT_FALSE(decode_hex(decoder, bad)) << bad;
  }
}

TEST(HpackDecoder, ANameOfTheTableSurvivesItsOwnEviction) {
  HpackDecoder decoder;
  const std::string large(3000, 'v');
  Buffer block;
  const auto text = [&](std::string_view each) {
    block.append('\x7f');
    std::size_t rest = each.size() - 127;
    while (rest >= 128) {
      block.append(static_cast<char>(rest | 128));
      rest >>= 7;
    }
    block.append(static_cast<char>(rest));
    block.append(each);
  };
  block.append(std::string_view("\x40\x04name", 6));
  text(large);
  for (int i = 0; i < 50; ++i) {  // each takes the name from the entry that it drives out
    block.append('\x7e');
    text(large);
  }
  const auto fields = decode(decoder, block.view());
  ASSERT_TRUE(fields);
  ASSERT_EQ(fields->size(), 51u);
  for (const auto& [name, value] : *fields) {
    EXPECT_EQ(name, "name");
    EXPECT_EQ(value, large);
  }
}

TEST(HpackDecoder, DecodesWhatNghttp2Encodes) {
  nghttp2_hd_deflater* deflater = nullptr;
  ASSERT_EQ(nghttp2_hd_deflate_new(&deflater, 4096), 0);
  HpackDecoder decoder;
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    Fields sent;
    for (int i = 0; i < 8; ++i) {
      std::string value(random() % 300, ' ');
      // From all bytes to letters only: the short codes and the long ones.
      for (char& c : value) c = static_cast<char>(round % 2 ? random() % 256 : 'a' + random() % 26);
      sent.emplace_back("x-" + std::to_string(random() % 20), std::move(value));
    }
    std::vector<nghttp2_nv> fields;
    for (auto& [name, value] : sent) {
      fields.push_back({reinterpret_cast<std::uint8_t*>(name.data()), reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(), 0});
    }
    std::string block(nghttp2_hd_deflate_bound(deflater, fields.data(), fields.size()), '\0');
    const ssize_t size = nghttp2_hd_deflate_hd(deflater, reinterpret_cast<std::uint8_t*>(block.data()), block.size(), fields.data(), fields.size());
    ASSERT_GT(size, 0);
    block.resize(static_cast<std::size_t>(size));
    ASSERT_EQ(decode(decoder, block), sent) << round;
  }
  nghttp2_hd_deflate_del(deflater);
}

/// nghttp2 reads what the encoder wrote.
class Inflater {
 public:
  Inflater() { nghttp2_hd_inflate_new(&inflater_); }
  ~Inflater() { nghttp2_hd_inflate_del(inflater_); }
  std::optional<Fields> read(std::string_view block) {
    Fields fields;
    const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
    std::size_t left = block.size();
    for (;;) {
      nghttp2_nv field;
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
      if (used < 0) return std::nullopt;
      at += used;
      left -= static_cast<std::size_t>(used);
      if (flags & NGHTTP2_HD_INFLATE_EMIT) {
        fields.emplace_back(std::string(reinterpret_cast<char*>(field.name), field.namelen), std::string(reinterpret_cast<char*>(field.value), field.valuelen));
      }
      if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return fields;
  }
  void limit(std::size_t size) { nghttp2_hd_inflate_change_table_size(inflater_, size); }

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};

TEST(HpackEncoder, APairThatComesAgainIsOneByte) {
  HpackEncoder encoder;
  Inflater inflater;
  std::size_t size = 0;
  for (int round = 0; round < 4; ++round) {
    Buffer out;
    encoder.begin(out);
    encoder.put_status(out, 200);
    encoder.put(out, "content-type", "application/grpc");
    encoder.put(out, "grpc-status", "0");
    const auto fields = inflater.read(out.view());
    ASSERT_TRUE(fields);
    EXPECT_EQ(*fields, (Fields{{":status", "200"}, {"content-type", "application/grpc"}, {"grpc-status", "0"}}));
    size = out.size();
  }
  EXPECT_EQ(size, 3u);
}

TEST(HpackEncoder, ChangingValuesDoNotFillThePeersTable) {
  HpackEncoder encoder;
  Inflater inflater;
  for (int round = 0; round < 1000; ++round) {
    Buffer out;
    const Fields sent = {{":status", "418"}, {"x-request-id", "id" + std::to_string(round)}, {"date", "now"}, {"server", round % 3 ? "a" : "b"}};
    encoder.begin(out);
    encoder.put_status(out, 418);
    encoder.put(out, sent[1].first, sent[1].second);
    encoder.put_once(out, sent[2].first, sent[2].second);
    encoder.put(out, sent[3].first, sent[3].second);
    ASSERT_EQ(inflater.read(out.view()), sent) << round;
    if (round > 10) {
      EXPECT_LT(out.size(), 30u);
    }
  }
}

TEST(HpackEncoder, FollowsThePeersLimitAndStartsAnewWhenItIsFull) {
  HpackEncoder encoder;
  Inflater inflater;
  for (int round = 0; round < 600; ++round) {
    if (round == 100 || round == 300) {
      const std::size_t limit = round == 100 ? 0 : 4096;
      inflater.limit(limit);
      encoder.set_peer_limit(limit);
    }
    Buffer out;
    Fields sent;
    encoder.begin(out);
    for (int i = 0; i < 5; ++i) {
      sent.emplace_back("x-name-" + std::to_string((round / 20 + i) % 60), "value " + std::to_string(round / 10));
      encoder.put(out, sent.back().first, sent.back().second);
    }
    ASSERT_EQ(inflater.read(out.view()), sent) << round;
  }
}

TEST(HpackTable, FindsStaticNames) {
  for (std::size_t i = 1; i <= kStaticEntries; ++i) {
    const std::size_t found = static_name(static_field(i).name);
    EXPECT_EQ(static_field(found).name, static_field(i).name);
    EXPECT_LE(found, i);
  }
  EXPECT_EQ(static_name("x-none"), 0u);
  EXPECT_EQ(static_name(std::string(40, 'x')), 0u);
}

}  // namespace
}  // namespace yun::http::codec2
