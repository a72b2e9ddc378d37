#include "yun/cache/redis/resp.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace yun::cache::redis {
namespace {

using Kind = Value::Kind;

/// As a person would write it: [1, "a", nil].
std::string show(const Value& value) {
  std::string items;
  for (const Value& item : value.items) items += (items.empty() ? "" : ", ") + show(item);
  switch (value.kind) {
    case Kind::Null: return "nil";
    case Kind::Text: return '"' + value.text + '"';
    case Kind::Error: return "error " + value.text;
    case Kind::Integer: return std::to_string(value.integer);
    case Kind::Double: return std::to_string(value.number);
    case Kind::Boolean: return value.integer ? "true" : "false";
    case Kind::Array: return "[" + items + "]";
    case Kind::Map: return "{" + items + "}";
    case Kind::Set: return "set[" + items + "]";
    case Kind::Push: return "push[" + items + "]";
  }
  return "?";
}

/// All replies in `bytes`, `step` bytes at a time; the last is the error, or what was left over.
std::string read(std::string_view bytes, std::size_t step, const Limits& limits = {}) {
  Decoder decoder(limits);
  Buffer in;
  std::string out;
  while (!bytes.empty()) {
    in.append(bytes.substr(0, step));
    bytes.remove_prefix(std::min(step, bytes.size()));
    for (;;) {
      auto reply = decoder.decode(in);
      if (!reply) return out + reply.error().to_string();
      if (!*reply) break;
      out += show(**reply) + " ";
    }
  }
  return out;
}
std::string read(std::string_view bytes) {
  const std::string whole = read(bytes, bytes.size() + 1);
  EXPECT_EQ(read(bytes, 1), whole) << "one byte at a time";
  return whole;
}

TEST(RespCommand, IsAnArrayOfBulkStrings) {
  Command command{"SET", std::string_view("k\0\r\n", 4)};
  command.add("").add(std::int64_t{-5});
  Buffer out;
  command.append_to(out);
  EXPECT_EQ(out.view(), std::string_view("*4\r\n$3\r\nSET\r\n$4\r\nk\0\r\n\r\n$0\r\n\r\n$2\r\n-5\r\n", 37));
  EXPECT_LE(out.size(), command.size());
  EXPECT_EQ(command.name(), "SET");
}

TEST(RespDecoder, ReadsWhatVersion2Has) {
  EXPECT_EQ(read("+OK\r\n-ERR no\r\n:-7\r\n:+7\r\n$5\r\nhe\r\no\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n"), "\"OK\" error ERR no -7 7 \"he\r\no\" \"\" nil nil [] ");
  EXPECT_EQ(read("*3\r\n:1\r\n*2\r\n+a\r\n$-1\r\n-ERR x\r\n"), "[1, [\"a\", nil], error ERR x] ");
}

TEST(RespDecoder, ReadsWhatVersion3Has) {
  EXPECT_EQ(read("_\r\n#t\r\n#f\r\n,1.5\r\n,-inf\r\n(12345678901234567890123\r\n"), "nil true false 1.500000 -inf \"12345678901234567890123\" ");
  EXPECT_EQ(read("!9\r\nERR it is\r\n=9\r\ntxt:a\r\nb!\r\n"), "error ERR it is \"a\r\nb!\" ");
  EXPECT_EQ(read("%1\r\n+a\r\n~2\r\n:1\r\n:2\r\n"), "{\"a\", set[1, 2]} ");
  EXPECT_EQ(read(">3\r\n+message\r\n+c\r\n+x\r\n:1\r\n"), "push[\"message\", \"c\", \"x\"] 1 ");
  Buffer in;
  in.append(",nan\r\n");
  EXPECT_TRUE(std::isnan((*Decoder().decode(in))->number));
}

TEST(RespDecoder, DropsAttributesWhereverTheyStand) {
  EXPECT_EQ(read("|1\r\n+ttl\r\n:3600\r\n*2\r\n|1\r\n+a\r\n*1\r\n:9\r\n:1\r\n:2\r\n"), "[1, 2] ");
  EXPECT_EQ(read("*1\r\n*1\r\n|0\r\n:1\r\n"), "[[1]] ");
}

TEST(RespDecoder, SaysWhatIsNotResp) {
  const auto said = [](std::string_view bytes) { return read(bytes); };
  EXPECT_EQ(read("HTTP/1.1 400 Bad Request\r\n", 100), "DATA_LOSS: redis sent \"HTTP/1.1 400 Bad Request\", which is not RESP");
  EXPECT_EQ(read("HTTP/1.1 400 Bad Request", 4), "DATA_LOSS: redis sent \"HTTP\", which is not RESP") << "told at once, without a line's end";
  EXPECT_EQ(said(":12x\r\n"), "DATA_LOSS: redis sent the integer \"12x\"");
  EXPECT_EQ(said(":99999999999999999999\r\n"), "DATA_LOSS: redis sent the integer \"99999999999999999999\"");
  EXPECT_EQ(said("+OK\n"), "DATA_LOSS: redis sent a line without its end: \"+OK\"");
  EXPECT_EQ(said("$3\r\nabcd\r\n"), "DATA_LOSS: redis sent a string longer than it said");
  EXPECT_EQ(said("$-2\r\n"), "DATA_LOSS: redis sent the string length \"-2\"");
  EXPECT_EQ(said("$536870913\r\n"), "DATA_LOSS: redis sent the string length \"536870913\"") << "more than the protocol has";
  EXPECT_EQ(said("$?\r\n"), "DATA_LOSS: redis sent the string length \"?\"") << "a streamed string";
  EXPECT_EQ(said("*x\r\n"), "DATA_LOSS: redis sent the item count \"x\"");
  EXPECT_EQ(said("#y\r\n"), "DATA_LOSS: redis sent the boolean \"y\"");
  EXPECT_EQ(said("_x\r\n"), "DATA_LOSS: redis sent a null with bytes in it: \"x\"");
  EXPECT_EQ(said(",1e\r\n"), "DATA_LOSS: redis sent the double \"1e\"");
  EXPECT_EQ(said("(1.5\r\n"), "DATA_LOSS: redis sent the big number \"1.5\"");
  EXPECT_EQ(said("=3\r\nabc\r\n"), "DATA_LOSS: redis sent a verbatim string without its format");
  EXPECT_EQ(said("*1\r\n>1\r\n:1\r\n"), "DATA_LOSS: redis sent a push within a reply");
  EXPECT_EQ(read("\r\n", 2), "DATA_LOSS: redis sent a line without its end: \".\"");
}

TEST(RespDecoder, HoldsToItsLimits) {
  const Limits small{.bulk = 10, .reply = 15, .items = 4, .depth = 2, .line = 8};
  const auto said = [&](std::string_view bytes) {
    EXPECT_EQ(read(bytes, 1, small), read(bytes, 1000, small)) << bytes;
    return read(bytes, 1000, small);
  };
  EXPECT_EQ(said("+12345678\r\n"), "\"12345678\" ") << "as long as it may be, though its last byte came late";
  EXPECT_EQ(said("+123456789\r\n"), "RESOURCE_EXHAUSTED: redis reply: a line of more than 8 bytes");
  EXPECT_EQ(said("$10\r\n0123456789\r\n"), "\"0123456789\" ");
  EXPECT_EQ(said("$11\r\n"), "RESOURCE_EXHAUSTED: redis reply: a string of 11 bytes, 10 is the most");
  EXPECT_EQ(said("*2\r\n$10\r\n0123456789\r\n$6\r\n"), "RESOURCE_EXHAUSTED: redis reply: more than 15 bytes");
  EXPECT_EQ(said("*5\r\n"), "RESOURCE_EXHAUSTED: redis reply: more than 4 items");
  EXPECT_EQ(said("*2\r\n*2\r\n:1\r\n:2\r\n*1\r\n"), "RESOURCE_EXHAUSTED: redis reply: more than 4 items") << "at all depths together";
  EXPECT_EQ(said("%3\r\n"), "RESOURCE_EXHAUSTED: redis reply: more than 4 items") << "a pair is two";
  EXPECT_EQ(said("*1\r\n*1\r\n*1\r\n"), "RESOURCE_EXHAUSTED: redis reply: nested more than 2 deep");
  EXPECT_EQ(said("*2\r\n:1\r\n:2\r\n*2\r\n:1\r\n:2\r\n*1\r\n:3\r\n"), "[1, 2] [1, 2] [3] ") << "each reply counts for itself";
}

TEST(RespDecoder, TakesNoRoomForWhatIsOnlyClaimed) {
  Decoder decoder;
  Buffer in;
  for (int i = 0; i < 7; ++i) in.append("*100000\r\n");
  EXPECT_FALSE((*decoder.decode(in)).has_value());
}

TEST(RespError, SaysWhatItMeans) {
  const auto meant = [](std::string text) { return to_error({.kind = Kind::Error, .text = std::move(text)}); };
  EXPECT_EQ(meant("WRONGPASS invalid username-password pair").code(), Code::Unauthenticated);
  EXPECT_EQ(meant("NOPERM this user has no permissions").code(), Code::PermissionDenied);
  EXPECT_EQ(meant("LOADING Redis is loading the dataset in memory").code(), Code::Unavailable);
  EXPECT_EQ(meant("LOADING Redis is loading").reason(), "redis_loading");
  EXPECT_EQ(meant("OOM command not allowed").code(), Code::ResourceExhausted);
  EXPECT_EQ(meant("NOSCRIPT No matching script").reason(), "redis_noscript");
  EXPECT_EQ(meant("WRONGTYPE Operation against a key").to_string(), "FAILED_PRECONDITION: redis: WRONGTYPE Operation against a key");
}

}  // namespace
}  // namespace yun::cache::redis
