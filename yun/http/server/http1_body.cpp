// What comes in behind the head of an HTTP/1 request.

#include "yun/http/server/http1.hpp"

#include <algorithm>

namespace yun::http::server {

namespace {
constexpr std::size_t kReadBody = 32 << 10;
}  // namespace

/// What a handler reads; it may outlive the exchange, then it has nothing to give.
class Http1::RequestBody final : public BodySource {
 public:
  explicit RequestBody(Http1& owner) : owner_(&owner) { owner.source_ = this; }
  ~RequestBody() override {
    if (owner_) owner_->source_ = nullptr;
  }
  Task<Result<std::optional<std::string_view>>> next(Context& ctx) override {
    if (owner_) return owner_->next_piece(ctx);
    return gone();
  }
  const Headers* trailers() const override { return owner_ ? &owner_->chunks_.trailers() : nullptr; }
  void abandon() override {
    if (owner_ && owner_->unread()) owner_->body_state_ = BodyState::Broken;
  }
  void forget() { owner_ = nullptr; }

 private:
  static Task<Result<std::optional<std::string_view>>> gone() { co_return cancelled("the request of this body is over"); }
  Http1* owner_;
};

std::unique_ptr<BodySource> Http1::open_source() { return std::make_unique<RequestBody>(*this); }

void Http1::forget_source() {
  if (source_) source_->forget();
  source_ = nullptr;
}

Task<bool> Http1::read_small_body() {
  const auto size = static_cast<std::size_t>(body_left_);
  if (link_.try_flush() != runtime::Io::State::Done) {
    auto flushed = co_await link_.flush(link_.life);
    if (!flushed) co_return false;
  }
  while (link_.in.size() < size) {
    const runtime::Io io = link_.fill(std::max(size - link_.in.size(), kReadHead));
    if (io.state == runtime::Io::State::Done) continue;
    if (io.state != runtime::Io::State::WouldBlock) co_return false;
    link_.expect(Waits::Body, link_.shard.options.body_timeout);
    auto ready = co_await link_.transport->watch().ready(link_.life, link_.transport->wanted(runtime::Interest::Read));
    if (ready) continue;
    if (link_.expired() == Waits::Body) {
      static constexpr codec1::ParseError kTimeout{408, "body_timeout", "the request body did not come in time"};
      refuse(kTimeout);
      (void)link_.try_flush();
    }
    co_return false;
  }
  link_.expect_nothing();
  exchange_->request.body.assign(link_.in.view().substr(0, size));
  link_.in.consume(size);
  outcome_.bytes_received = size;
  body_state_ = BodyState::Done;
  co_return true;
}

/// A piece from what is buffered; nullopt at the end, or with body_state_ still Reading when more must be read.
Result<std::optional<std::string_view>> Http1::take_piece() {
  link_.in.consume(std::exchange(piece_size_, 0));
  if (framing_.chunked) {
    for (;;) {
      const auto step = chunks_.decode(link_.in.view());
      using State = codec1::ChunkedDecoder::Step::State;
      if (step.state == State::Failed) {
        body_state_ = BodyState::Broken;
        const codec1::ParseError& error = chunks_.error();
        return Error(code_from_http(error.status), std::string(error.detail)).with_http_status(error.status).with_reason(std::string(error.reason));
      }
      if (step.state == State::Data) {
        outcome_.bytes_received += step.data.size();
        if (outcome_.bytes_received > body_limit_) {
          body_state_ = BodyState::Broken;
          return resource_exhausted("the request body is too large").with_http_status(413).with_reason("body_too_large");
        }
        piece_size_ = step.consumed;
        return std::optional<std::string_view>(step.data);
      }
      link_.in.consume(step.consumed);
      if (step.state == State::Done) body_state_ = BodyState::Done;
      return std::optional<std::string_view>();
    }
  }
  if (body_left_ == 0) {
    body_state_ = BodyState::Done;
    return std::optional<std::string_view>();
  }
  if (link_.in.empty()) return std::optional<std::string_view>();
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, link_.in.size()));
  body_left_ -= size;
  outcome_.bytes_received += size;
  piece_size_ = size;
  return std::optional<std::string_view>(link_.in.view().substr(0, size));
}

Task<Result<std::optional<std::string_view>>> Http1::next_piece(Context& ctx) {
  if (body_state_ == BodyState::Done || body_state_ == BodyState::None) {
    link_.in.consume(std::exchange(piece_size_, 0));
    co_return std::optional<std::string_view>();
  }
  for (;;) {
    if (body_state_ == BodyState::Broken) co_return cancelled("the request body is broken off").with_reason("client_closed");
    auto piece = take_piece();
    if (piece && *piece) continue_wanted_ = false;
    if (!piece || *piece || body_state_ == BodyState::Done) co_return piece;
    if (std::exchange(continue_wanted_, false) && !head_sent_) {
      link_.out.append("HTTP/1.1 100 Continue\r\n\r\n");
      YUN_CHECK(co_await link_.flush(ctx));
    }
    const runtime::Io io = link_.fill(kReadBody);
    if (io.state == runtime::Io::State::Done) continue;
    if (io.state != runtime::Io::State::WouldBlock) {
      body_state_ = BodyState::Broken;
      continue;
    }
    const Waits before = link_.waits();
    link_.expect(Waits::Body, link_.shard.options.body_timeout);
    auto ready = co_await link_.transport->watch().ready(ctx, link_.transport->wanted(runtime::Interest::Read));
    if (link_.waits() == Waits::Body) {
      if (before == Waits::Stream) {
        link_.expect(Waits::Stream, link_.shard.options.stream_idle_timeout);
      } else {
        link_.expect_nothing();
      }
    }
    if (!ready) {
      if (link_.life.done()) body_state_ = BodyState::Broken;
      co_return std::move(ready).error();
    }
  }
}

Task<bool> Http1::drop_unread_body() {
  const std::uint64_t limit = outcome_.bytes_received + link_.shard.options.drain_body;
  for (;;) {
    auto piece = take_piece();
    if (!piece) co_return false;
    if (body_state_ == BodyState::Done) co_return true;
    if (outcome_.bytes_received > limit) co_return false;
    if (*piece) continue;
    const runtime::Io io = link_.fill(kReadBody);
    if (io.state == runtime::Io::State::Done) continue;
    if (io.state != runtime::Io::State::WouldBlock) co_return false;
    link_.expect(Waits::Body, link_.shard.options.body_timeout);
    auto ready = co_await link_.transport->watch().ready(link_.life, link_.transport->wanted(runtime::Interest::Read));
    if (!ready) co_return false;
    link_.expect_nothing();
  }
}

}  // namespace yun::http::server
