#pragma once
// RESP, the protocol of Redis, versions 2 and 3 (redis.io "RESP protocol specification"), without sockets: commands to bytes, bytes to replies.
//
//     Command command{"SET", key, value, "PX", "1000"};   command.append_to(out);
//     Decoder decoder;
//     YUN_GET(reply, decoder.decode(in));                 // nullopt: not all of it is there yet
//
// Streamed strings and aggregates of RESP3 ("$?", "*?") are refused: no server sends them.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "yun/base/buffer.hpp"
#include "yun/base/result.hpp"

namespace yun::cache::redis {

/// A command and its arguments, any bytes, as an array of bulk strings.
class Command {
 public:
  /// No initializer list: g++ 12 cannot keep one in a coroutine's frame, and commands are written within co_await.
  template <typename... Words>
    requires(std::convertible_to<const Words&, std::string_view> && ...)
  explicit Command(const Words&... words) {
    (add(std::string_view(words)), ...);
  }
  Command& add(std::string_view word);
  Command& add(std::int64_t number) { return add(std::string_view(std::to_string(number))); }
  void append_to(Buffer& out) const;
  /// The first word as given; valid as long as the command is neither changed nor moved.
  std::string_view name() const;
  /// At most this many bytes go out.
  std::size_t size() const { return body_.size() + 24; }

 private:
  std::size_t count_ = 0;
  std::string body_;
};

/// A reply, or a part of one.
struct Value {
  enum class Kind : std::uint8_t { Null, Text, Error, Integer, Double, Boolean, Array, Map, Set, Push };
  Kind kind = Kind::Null;
  std::int64_t integer = 0;     ///< Integer; Boolean: 0 or 1
  double number = 0;            ///< Double
  std::string text = {};        ///< Text (simple, bulk, verbatim without its format, big number) and Error ("WRONGTYPE Operation ..")
  std::vector<Value> items = {};  ///< Array, Set, Push; Map: key, value, key, value

  bool is(Kind wanted) const { return kind == wanted; }
  bool operator==(const Value&) const = default;
};

/// What an Error reply means: NOAUTH and WRONGPASS Unauthenticated, NOPERM PermissionDenied, OOM ResourceExhausted, NOSCRIPT NotFound (reason
/// redis_noscript), LOADING, READONLY, MASTERDOWN, CLUSTERDOWN, TRYAGAIN and BUSY Unavailable, WRONGTYPE and all else FailedPrecondition (reason redis_error).
Error to_error(const Value& reply);

struct Limits {
  std::size_t bulk = std::size_t{64} << 20;    ///< bytes of one string; the protocol has 512 MiB
  std::size_t reply = std::size_t{128} << 20;  ///< bytes of all strings of one reply
  std::size_t items = 1'000'000;               ///< of one reply, at all depths together
  std::size_t depth = 8;                       ///< aggregates within each other
  std::size_t line = std::size_t{64} << 10;    ///< bytes of a simple string or an error
};

/// One connection's. After an error it is of no more use.
class Decoder {
 public:
  Decoder() : Decoder(Limits{}) {}
  explicit Decoder(const Limits& limits) : limits_(limits) {}

  /// Takes what it can from the front of `in`; a reply when one is whole. Attributes are dropped. DataLoss (reason redis_protocol) for what is not RESP,
  /// ResourceExhausted (reason redis_reply_too_large) beyond a limit.
  Result<std::optional<Value>> decode(Buffer& in);

 private:
  struct Frame {
    Value value;
    std::size_t left = 0;  ///< items to come
    bool attribute = false;
  };

  Result<bool> step(Buffer& in);
  Result<bool> line(Buffer& in);
  Result<bool> bulk(Buffer& in);
  Result<void> begin(char type, std::string_view rest);
  Result<void> begin_bulk(char type, std::string_view rest);
  Result<void> begin_aggregate(char type, std::string_view rest);
  Result<void> complete(Value value);
  void close_full_frames();

  Limits limits_;
  std::vector<Frame> frames_;
  std::optional<Value> whole_;
  std::optional<std::size_t> bulk_left_;  ///< bytes of the string in the middle of which we are, without its end
  char bulk_type_ = '$';
  std::string bulk_text_;
  std::size_t scanned_ = 0;  ///< bytes of `in` that hold no line's end
  std::size_t items_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace yun::cache::redis
