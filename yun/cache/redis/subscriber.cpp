#include "yun/cache/redis/subscriber.hpp"

#include "yun/cache/redis/notices.hpp"
#include "yun/cache/redis/wire.hpp"
#include "yun/observe/log/log.hpp"
#include "yun/runtime/wait.hpp"

namespace yun::cache::redis {

namespace {
constexpr Duration kNoTrackingPause = std::chrono::minutes(1);  // a server gets a new version seldom
}

struct Subscriber::State {
  State(Options given, Interests wanted, std::shared_ptr<Listener> told)
      : options(std::move(given)), interests(std::move(wanted)), listener(std::move(told)), notices(options), stop(runtime::Loop::current().root()) {}

  Options options;
  Interests interests;
  std::shared_ptr<Listener> listener;
  Notices notices;
  Context stop;

  static Task<void> run(std::shared_ptr<State> self);
  Task<Error> serve(Wire& wire);
  Task<Result<void>> subscribe(Wire& wire);
  Task<Result<void>> track(Wire& wire);
  Task<Error> listen(Wire& wire);
  Task<Error> hear(Wire& wire, Cancel& session);
  Task<void> ping(Wire& wire, Cancel& session);
  void tell(const Value& message);
};

Task<void> Subscriber::State::run(std::shared_ptr<State> self) {
  unsigned failures = 0;
  while (!self->stop.done()) {
    auto dialling = dial(self->stop, self->options);
    auto wire = co_await std::move(dialling);
    Error why = cancelled("");
    if (wire) {
      const TimePoint began = Clock::now();
      auto serving = self->serve(**wire);
      why = co_await std::move(serving);
      if (Clock::now() - began > self->options.backoff_max) failures = 0;
    } else {
      why = std::move(wire).error();
    }
    Duration pause = pause_before(self->options, ++failures);
    if (why.reason() == "redis_no_tracking") {
      pause = kNoTrackingPause;
      observe::log::warn("redis cannot tell of changed keys", {{"client", self->options.name}, {"address", self->options.where()}, {"error", why}});
    } else if (!self->stop.done()) {
      self->notices.away(why);
    }
    auto pausing = runtime::sleep_for(self->stop, pause);
    (void)co_await pausing;  // an end of `stop` ends the loop
  }
}

Task<Error> Subscriber::State::serve(Wire& wire) {
  auto tracking = track(wire);
  auto tracked = co_await std::move(tracking);
  if (!tracked) co_return std::move(tracked).error();
  auto subscribing = subscribe(wire);
  auto subscribed = co_await std::move(subscribing);
  if (!subscribed) co_return std::move(subscribed).error();
  notices.up();
  listener->on_up();
  auto listening = listen(wire);
  Error why = co_await std::move(listening);
  listener->on_down();
  notices.down();
  co_return why;
}

Task<Result<void>> Subscriber::State::track(Wire& wire) {
  if (interests.tracked.empty()) co_return Result<void>();
  if (!wire.is_resp3()) co_return failed_precondition("it does not speak RESP3").with_reason("redis_no_tracking");
  Command command("CLIENT", "TRACKING", "ON", "BCAST");
  for (const std::string& prefix : interests.tracked) command.add("PREFIX").add(prefix);
  Context within(stop, options.connect_timeout);
  auto asking = wire.ask(within, std::move(command));
  YUN_CHECK(co_await std::move(asking));
  co_return Result<void>();
}

/// Each name is confirmed by a message of its own; they come before any that is published there.
Task<Result<void>> Subscriber::State::subscribe(Wire& wire) {
  Buffer out;
  Command channels("SUBSCRIBE");
  Command patterns("PSUBSCRIBE");
  for (const std::string& channel : interests.channels) channels.add(channel);
  for (const std::string& pattern : interests.patterns) patterns.add(pattern);
  if (!interests.channels.empty()) channels.append_to(out);
  if (!interests.patterns.empty()) patterns.append_to(out);
  Context within(stop, options.connect_timeout);
  auto writing = wire.write(within, out.view());
  YUN_CHECK(co_await std::move(writing));
  for (std::size_t left = interests.channels.size() + interests.patterns.size(); left > 0;) {
    auto reading = wire.read(within);
    YUN_TRY(reply, co_await std::move(reading));
    if (reply.is(Value::Kind::Error)) co_return to_error(reply);
    const std::string_view kind = reply.items.empty() ? "" : std::string_view(reply.items[0].text);
    if (kind == "subscribe" || kind == "psubscribe") {
      --left;
    } else {
      tell(reply);
    }
  }
  co_return Result<void>();
}

Task<Error> Subscriber::State::listen(Wire& wire) {
  Context session(stop);
  runtime::Scope scope;
  scope.spawn(ping(wire, session));
  auto hearing = hear(wire, session);
  Error why = co_await std::move(hearing);
  session.cancel(why);
  co_await scope.join();
  co_return why;
}

Task<Error> Subscriber::State::hear(Wire& wire, Cancel& session) {
  for (;;) {
    auto reading = wire.read(session);
    auto message = co_await std::move(reading);
    if (!message) co_return std::move(message).error();
    if (message->is(Value::Kind::Error)) co_return to_error(*message);
    tell(*message);
  }
}

Task<void> Subscriber::State::ping(Wire& wire, Cancel& session) {
  Buffer out;
  Command("PING").append_to(out);
  for (;;) {
    auto slept = co_await runtime::sleep_until(session, wire.heard() + interests.ping);
    if (!slept) co_return;
    if (wire.heard() + interests.ping > Clock::now()) continue;
    const TimePoint asked = Clock::now();
    auto writing = wire.write(session, out.view());
    auto written = co_await std::move(writing);
    if (!written) co_return session.cancel(std::move(written).error());
    slept = co_await runtime::sleep_until(session, asked + options.silence);
    if (!slept) co_return;
    if (wire.heard() < asked) co_return session.cancel(unavailable("no answer for " + format_duration(options.silence)).with_reason("redis_silent"));
  }
}

/// A push in version 3, an array in version 2.
void Subscriber::State::tell(const Value& message) {
  const std::vector<Value>& items = message.items;
  if (items.size() < 2) return;
  const std::string& kind = items[0].text;
  if (kind == "message" && items.size() == 3) {
    listener->on_message(items[1].text, items[2].text);
  } else if (kind == "pmessage" && items.size() == 4) {
    listener->on_message(items[2].text, items[3].text);
  } else if (kind == "invalidate") {
    if (items[1].is(Value::Kind::Null)) listener->on_changed("");
    for (const Value& key : items[1].items) listener->on_changed(key.text);
  }
}

std::shared_ptr<Subscriber> Subscriber::start(Options options, Interests interests, std::shared_ptr<Listener> listener) {
  auto state = std::make_shared<State>(std::move(options), std::move(interests), std::move(listener));
  runtime::Loop::current().spawn(State::run(state));
  return std::shared_ptr<Subscriber>(new Subscriber(std::move(state)));
}

Subscriber::~Subscriber() { end(); }

void Subscriber::end() { state_->stop.cancel(cancelled("redis subscriber was ended")); }

}  // namespace yun::cache::redis
