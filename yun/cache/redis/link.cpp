#include "yun/cache/redis/link.hpp"

#include <algorithm>
#include <utility>

namespace yun::cache::redis {

namespace {
constexpr std::size_t kKeep = 64 << 10;

Error away(const Options& options, std::string_view why) {
  return unavailable("redis at " + options.where() + " is away: " + std::string(why)).with_reason("redis_unavailable");
}
}  // namespace

Link::Link(std::shared_ptr<const Options> options, std::shared_ptr<Notices> notices)
    : options_(std::move(options)), notices_(std::move(notices)), stop_(runtime::Loop::current().root()), away_(away(*options_, "not connected yet")) {}

void Link::close() { stop_.cancel(cancelled("redis client was closed")); }

Task<void> Link::run(std::shared_ptr<Link> self) {
  unsigned failures = 0;
  while (!self->stop_.done()) {
    auto dialling = dial(self->stop_, *self->options_);
    auto wire = co_await std::move(dialling);
    Error why = cancelled("");
    if (wire) {
      const TimePoint began = Clock::now();
      auto serving = self->serve(std::move(*wire));
      why = co_await std::move(serving);
      // A server that takes connections and drops them is not up.
      if (Clock::now() - began > self->options_->backoff_max) failures = 0;
    } else {
      why = std::move(wire).error();
    }
    if (!self->stop_.done()) self->notices_->away(why);
    self->go_down(std::move(why));
    auto pausing = runtime::sleep_for(self->stop_, pause_before(*self->options_, ++failures));
    (void)co_await pausing;  // an end of stop_ ends the loop
  }
}

Task<Error> Link::serve(std::unique_ptr<Wire> wire) {
  Cancel session(stop_);
  come_up(*wire, session);
  runtime::Scope scope;
  scope.spawn(write(*wire, session));
  auto reading = read(*wire, session);
  Error why = co_await std::move(reading);
  session.cancel(why);
  co_await scope.join();
  disarm();
  wire_ = nullptr;
  session_ = nullptr;
  notices_->down();
  co_return why;
}

Task<void> Link::write(Wire& wire, Cancel& session) {
  for (;;) {
    if (out_.empty()) {
      out_.shrink(kKeep);
      something_to_write_.reset();
      auto waited = co_await something_to_write_.wait(session);
      if (!waited) co_return;
    }
    Buffer taken;
    taken.swap(out_);
    writing_ = taken.size();
    auto writing = wire.write(session, taken.view());
    auto written = co_await std::move(writing);
    writing_ = 0;
    if (!written) {
      session.cancel(std::move(written).error());
      co_return;
    }
    if (out_.empty()) {
      taken.clear();
      out_.swap(taken);  // its memory is used again
    }
  }
}

Task<Error> Link::read(Wire& wire, Cancel& session) {
  for (;;) {
    auto reading = wire.read(session);
    auto reply = co_await std::move(reading);
    if (!reply) co_return std::move(reply).error();
    if (reply->is(Value::Kind::Push)) continue;  // nobody here has subscribed to anything
    if (in_flight_.empty()) co_return Error(Code::DataLoss, "redis answered what nobody asked").with_reason("redis_protocol");
    on_answer(std::move(*reply));
  }
}

void Link::come_up(Wire& wire, Cancel& session) {
  wire_ = &wire;
  session_ = &session;
  state_ = State::Up;
  notices_->up();
  settled_.set();
}

void Link::go_down(Error why) {
  away_ = away(*options_, why.message()).caused_by(std::move(why));
  state_ = State::Away;
  out_.clear();
  first_number_ += in_flight_.size();
  for (const Slot& slot : std::exchange(in_flight_, {})) {
    if (!slot.call) continue;
    slot.call->link_ = nullptr;
    slot.call->answer = away_;
    slot.call->done.set();
  }
  settled_.set();
}

Result<void> Link::send(Call& call, const Command& command) {
  if (state_ == State::Stalled) return away(*options_, "it does not answer");
  if (state_ != State::Up) return away_;
  if (command.size() > options_->max_queued) {
    return resource_exhausted("a redis command takes " + std::to_string(command.size()) + " bytes, " + std::to_string(options_->max_queued) + " is the most")
        .with_reason("redis_command_too_large");
  }
  if (in_flight_.size() >= options_->max_in_flight || out_.size() + writing_ + command.size() > options_->max_queued) {
    return unavailable("too many redis commands are under way").with_reason("redis_queue_full");
  }
  call.link_ = this;
  call.number_ = first_number_ + in_flight_.size();
  in_flight_.push_back({.call = &call, .sent = Clock::now()});
  command.append_to(out_);
  something_to_write_.set();
  if (!armed()) arm(waiting_since() + options_->stall);
  return {};
}

void Link::on_answer(Value reply) {
  Call* const call = in_flight_.front().call;
  in_flight_.pop_front();
  ++first_number_;
  if (state_ == State::Stalled) {
    state_ = State::Up;
    disarm();
    if (!in_flight_.empty()) arm(waiting_since() + options_->stall);
  }
  if (!call) return;
  call->link_ = nullptr;
  call->answer = std::move(reply);
  call->done.set();
}

void Link::forget(const Call& call) { in_flight_[static_cast<std::size_t>(call.number_ - first_number_)].call = nullptr; }

Link::Call::~Call() {
  if (link_) link_->forget(*this);
}

TimePoint Link::waiting_since() const { return std::max(in_flight_.front().sent, wire_->heard()); }

void Link::on_timer() noexcept {
  if (in_flight_.empty() || !wire_) return;
  const TimePoint since = waiting_since();
  const Duration waited = Clock::now() - since;
  if (waited >= options_->silence) {
    session_->cancel(unavailable("no answer for " + format_duration(options_->silence)).with_reason("redis_silent"));
  } else if (waited >= options_->stall) {
    state_ = State::Stalled;
    arm(since + options_->silence);
  } else {
    arm(since + options_->stall);
  }
}

}  // namespace yun::cache::redis
