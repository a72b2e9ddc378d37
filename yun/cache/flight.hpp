#pragma once
// The Cache's inner parts: how values become bytes, one load at a time, counters. Private to the room.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "yun/json/read.hpp"
#include "yun/json/write.hpp"
#include "yun/observe/metrics/registry.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::cache::detail {

template <typename T>
using Load = std::move_only_function<Task<Result<T>>(Context&)>;

// The first byte says what follows.
inline constexpr char kValue = '+';
inline constexpr char kAbsent = '-';

template <typename T>
std::string encode(const T& value) {
  std::string bytes(1, kValue);
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    bytes += std::string_view(value);
  } else {
    json::write(bytes, value);
  }
  return bytes;
}

/// Nullopt if it is no value, or not one of this type.
template <typename T>
std::optional<T> decode(std::string_view bytes) {
  if (bytes.empty() || bytes.front() != kValue) return std::nullopt;
  bytes.remove_prefix(1);
  if constexpr (std::is_same_v<T, std::string>) {
    return std::string(bytes);
  } else {
    auto read = json::read<T>(bytes);
    if (!read) return std::nullopt;
    return *std::move(read);
  }
}

std::string encode_absent(const Error& error);
bool is_absent(std::string_view bytes);
Error absent_error(std::string_view bytes);

/// One load that runs, on one loop.
struct Flight {
  runtime::Loop* loop = nullptr;
  std::string key;
  runtime::Event landed;
  Result<std::string> outcome = cancelled("load was given up");
  bool joined = false;
  /// True for the first to ask: it must load.
  bool is_mine() { return !std::exchange(joined, true); }
};
using FlightPtr = std::shared_ptr<Flight>;

/// The loads that run, on all loops; each is touched by its own loop only.
class Flights {
 public:
  /// The flight for `key` on this loop; a new one if there is none.
  FlightPtr join(const std::string& key);
  void leave(const Flight& flight);

 private:
  struct Key {
    runtime::Loop* loop;
    std::string_view key;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    std::size_t operator()(const Key& key) const { return std::hash<std::string_view>()(key.key) ^ std::hash<void*>()(key.loop); }
  };
  std::mutex mutex_;
  std::unordered_map<Key, FlightPtr, Hash> flights_;
};

/// Ends a flight however its leader ends.
class Landing {
 public:
  Landing(Flights& flights, FlightPtr flight) : flights_(flights), flight_(std::move(flight)) {}
  ~Landing() {
    flights_.leave(*flight_);
    flight_->landed.set();
  }
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;
  void set(Result<std::string> outcome) { flight_->outcome = std::move(outcome); }

 private:
  Flights& flights_;
  FlightPtr flight_;
};

/// Handles bound once; all null without a registry.
struct Meters {
  metrics::Counter* hits = nullptr;
  metrics::Counter* misses = nullptr;
  metrics::Counter* errors = nullptr;
  metrics::Counter* stores = nullptr;
};
inline void count(metrics::Counter* counter) {
  if (counter) counter->add();
}

}  // namespace yun::cache::detail
