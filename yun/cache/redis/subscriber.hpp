#pragma once
// Subscriber: a connection of its own that listens: to channels and patterns (SUBSCRIBE, PSUBSCRIBE), and to which keys below a prefix have changed
// (CLIENT TRACKING in broadcast mode; RESP3 only). Kept up, and subscribed again after each new connection.
//
//     auto subscriber = redis::Subscriber::start(options, {.channels = {"orders"}}, listener);     // on a loop
//
// What is published while the connection is down is lost: Redis keeps nothing. on_up() after on_down() is the moment to think so.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "yun/cache/redis/options.hpp"

namespace yun::cache::redis {

/// Called on the subscriber's loop. Must not block, and not end the subscriber.
class Listener {
 public:
  virtual ~Listener() = default;
  /// Everything is subscribed: what happens from now on is told.
  virtual void on_up() {}
  /// Not any more; also when the subscriber ends while up.
  virtual void on_down() {}
  /// `channel` is the one that it was published to, also when a pattern matched.
  virtual void on_message(std::string_view channel, std::string_view payload) { (void)channel, (void)payload; }
  /// A key below the tracked prefix was written, erased, expired or evicted, by anybody. "" = all of them (FLUSHALL).
  virtual void on_changed(std::string_view key) { (void)key; }
};

struct Interests {
  std::vector<std::string> channels = {};
  std::vector<std::string> patterns = {};
  std::vector<std::string> tracked = {};  ///< prefixes of keys; none may be the beginning of another. "" = all keys
  Duration ping = std::chrono::seconds(1);  ///< a server that says nothing for so long is asked; one that then says nothing for options.silence is left
};

class Notices;

class Subscriber {
 public:
  /// On the current loop, which it does not outlive: it ends with the loop, with end(), or when the last pointer to it goes.
  static std::shared_ptr<Subscriber> start(Options options, Interests interests, std::shared_ptr<Listener> listener);
  ~Subscriber();
  /// On its loop. The listener is not called any more but for on_down().
  void end();

 private:
  struct State;
  explicit Subscriber(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace yun::cache::redis
