#include "yun/observe/trace/trace.hpp"

#include <time.h>

#include <algorithm>
#include <cmath>

#include "yun/base/ids.hpp"
#include "yun/base/sanitizers.hpp"
#include "yun/json/write.hpp"
#include "yun/observe/ticks.hpp"
#include "yun/runtime/loop.hpp"

namespace yun::observe::trace {
namespace {

constexpr std::uint64_t kIdSpace = std::uint64_t{1} << 56;  // level 2 of the standard promises these bits of a trace id to be random

/// A root's comes out of its trace id, which is random already and of which there is one; the factor is odd, so that no two halves give the same.
std::uint64_t new_span_id(const SpanContext& parent) {
  const std::uint64_t id = parent.span ? random_u64() : (parent.trace_low ^ 0x5851f42d4c957f2d) * 0x9e3779b97f4a7c15;
  return id ? id : 1;
}

/// Clock's nanoseconds without a read of it: as the loop saw it last, off a loop as the kernel did.
std::uint64_t rough_now() {
  if (const auto* loop = runtime::Loop::current_or_null()) return static_cast<std::uint64_t>(loop->latest().time_since_epoch().count());
  timespec at{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &at);
  return static_cast<std::uint64_t>(at.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(at.tv_nsec);
}

using detail::Record;

/// Data of spans that have ended, kept with their memory for the next ones of this thread.
std::vector<std::unique_ptr<Record>>& spare() {
  static thread_local std::vector<std::unique_ptr<Record>> list;
  return list;
}

std::unique_ptr<Record> take_data() {
  constexpr std::size_t kUsualAttributes = 12;
  auto& list = spare();
  if (list.empty()) {
    auto fresh = std::make_unique<Record>();
    fresh->attributes.reserve(kUsualAttributes);
    return fresh;
  }
  auto used = std::move(list.back());
  list.pop_back();
  return used;
}

void give_back(std::unique_ptr<Record> data) {
  constexpr std::size_t kMost = kSanitized ? 0 : 256;
  if (!data || spare().size() >= kMost) return;
  data->attributes.clear();
  data->dropped_attributes = 0;
  spare().push_back(std::move(data));
}

}  // namespace

/// The spans of one trace in this process, of which it is not known yet whether they are kept. Shared by those in progress, all of one loop: the first one
/// may end before the others.
struct detail::Tail {
  enum class State : std::uint8_t { Open, Kept, Dropped };
  unsigned holders = 0;
  State state = State::Open;
  std::size_t count = 0;
  std::uint64_t dropped = 0;
  std::unique_ptr<Record> newest;

  static Tail* join(Tail* tail) {
    ++tail->holders;
    return tail;
  }
  static void leave(Tail* tail) {
    if (--tail->holders > 0) return;
    tail->clear();
    delete tail;
  }
  void add(std::unique_ptr<Record> record) {
    record->next = std::move(newest);
    newest = std::move(record);
    ++count;
  }
  void clear() {
    while (newest) {
      auto next = std::move(newest->next);
      give_back(std::move(newest));
      newest = std::move(next);
    }
  }
};

Sampler::Sampler(bool parent_based, double ratio)
    : parent_based_(parent_based), below_(ratio >= 1 ? kIdSpace : ratio > 0 ? static_cast<std::uint64_t>(std::ldexp(ratio, 56)) : 0) {}

bool Sampler::sample_root(const SpanContext& trace) const { return (trace.trace_low & (kIdSpace - 1)) < below_; }

std::vector<SpanData> Tracer::recent() const {
  std::lock_guard lock(mutex_);
  std::vector<SpanData> newest_first;
  for (std::size_t i = 0; i < recent_.size(); ++i) newest_first.push_back(recent_[(next_ + recent_.size() - 1 - i) % recent_.size()]);
  return newest_first;
}

void Tracer::keep(SpanData span) {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock || options_.recent == 0) return;  // for a look at what goes on, not for the record: nobody waits
  if (recent_.size() < options_.recent) {
    recent_.push_back(std::move(span));
    next_ = recent_.size() % options_.recent;
  } else {
    recent_[next_] = std::move(span);
    next_ = (next_ + 1) % options_.recent;
  }
}

/// Inline, and no SpanContext is copied from one place in memory to another: ids that were written eight bytes at a time and are read sixteen at a time
/// at once cost a wait for the memory, twice as long as all the rest.
[[gnu::always_inline]] inline void Span::begin(const SpanContext& parent, bool sampled) {
  if (outer_) before_ = ctx_->trace();
  const SpanContext mine{parent.trace_high, parent.trace_low, new_span_id(parent), sampled};
  parent_span_ = parent.span;
  context_ = mine;
  if (sampled || tracer_->options().tail) [[unlikely]] {
    data_ = take_data();
    begin_ = ticks::now();
    if (!sampled) tail_ = detail::Tail::join(outer_ && outer_->tail_ ? outer_->tail_ : new detail::Tail);
  } else {
    begin_ = rough_now();
  }
  ctx_->set_trace(mine);
  ctx_->set_span(this);
}

[[gnu::always_inline]] inline void Span::begin_root() {
  const SpanContext root{random_u64(), random_u64() | 1, 0, false};
  begin(root, tracer_->options().sampler.sample_root(root));
}

Span::Span(Tracer& tracer, Context& ctx, std::string_view name, Kind kind, std::string_view traceparent, std::string_view tracestate)
    : tracer_(&tracer), ctx_(&ctx), outer_(ctx.span()), name_(name), kind_(kind) {
  ctx.set_trace_state({});
  if (traceparent.empty()) {
    begin_root();
    return;
  }
  if (const auto parent = parse_traceparent(traceparent)) {
    ctx.set_trace_state(check_tracestate(tracestate));
    begin(*parent, tracer.options().sampler.sample_child(*parent));
    return;
  }
  begin_root();
}

Span::Span(Tracer& tracer, Context& ctx, std::string_view name, Kind kind)
    : tracer_(&tracer), ctx_(&ctx), outer_(ctx.span()), name_(name), kind_(kind) {
  const Sampler& sampler = tracer.options().sampler;
  if (outer_) {
    begin(outer_->context_, sampler.sample_child(outer_->context_));
    return;
  }
  SpanContext root = ctx.trace();  // its trace id may be in log lines already
  const bool sampled = root.sampled || sampler.sample_root(root);
  if (!root.sampled) root.span = 0;
  begin(root, sampled);
}

Span::Span(Context& ctx, std::string_view name, Kind kind)
    : tracer_(ctx.span() ? ctx.span()->tracer_ : nullptr), ctx_(&ctx), outer_(ctx.span()), name_(name), kind_(kind) {
  if (!tracer_) {
    ctx_ = nullptr;
    return;
  }
  begin(outer_->context_, tracer_->options().sampler.sample_child(outer_->context_));
}

void Span::end() {
  if (!ctx_) return;
  const Duration duration = data_ ? ticks::since(begin_) : Duration(static_cast<std::int64_t>(rough_now() - begin_));
  const std::string_view state = ctx_->trace_state();
  if (ctx_->span() == this) {
    ctx_->set_span(outer_);
    ctx_->set_trace(outer_ ? before_ : context_);  // after an edge's span the context keeps its ids, for what is logged at the end
  } else {
    step_out();
  }
  ctx_ = nullptr;
  const bool worth_keeping = status_ == Status::Error || duration > tracer_->options().slow;
  if (!data_ && !worth_keeping) return;

  SpanData bare;
  SpanData& data = data_ ? *data_ : bare;
  data.start = data_ ? ticks::wall(begin_) : now() - std::chrono::duration_cast<std::chrono::microseconds>(duration);
  data.context = context_;
  data.parent_span = parent_span_;
  data.trace_state = state;
  data.name = name_;
  data.kind = kind_;
  data.duration = duration;
  data.status = status_;
  data.status_message = std::move(status_message_);
  if (tail_) {
    gather(worth_keeping);
    return;
  }
  if (data_)
    for (const auto& sink : tracer_->options().sinks) sink->on_end(data);
  if (worth_keeping) {
    tracer_->keep(std::move(data));
    data_.reset();
  } else {
    give_back(std::move(data_));
  }
}

/// The end of a span that is not sampled, but whose trace may be kept: the first one of it decides.
void Span::gather(bool worth_keeping) {
  using State = detail::Tail::State;
  detail::Tail* const tail = std::exchange(tail_, nullptr);
  const auto give = [&](const SpanData& span) {
    for (const auto& sink : tracer_->options().sinks) sink->on_end(span);
  };
  if (tail->state == State::Kept) {  // it ends after the first one
    give(*data_);
  } else if (tail->state == State::Open && !outer_) {
    tail->state = worth_keeping ? State::Kept : State::Dropped;
    if (worth_keeping) {
      for (const Record* one = tail->newest.get(); one; one = one->next.get()) give(*one);
      give(*data_);
      if (tail->dropped) tracer_->tail_dropped_.fetch_add(tail->dropped, std::memory_order_relaxed);
    }
    tail->clear();
  }
  if (worth_keeping) tracer_->keep(*data_);
  if (tail->state != State::Open) {
    give_back(std::move(data_));
  } else if (tail->count < tracer_->options().max_tail) {
    tail->add(std::move(data_));
  } else {
    ++tail->dropped;
    give_back(std::move(data_));
  }
  detail::Tail::leave(tail);
}

/// Work that goes on side by side in one context ends in any order: the span that stands on this one stands on the one below from now on.
void Span::step_out() {
  for (Span* span = ctx_->span(); span; span = span->outer_) {
    if (span->outer_ != this) continue;
    span->outer_ = outer_;
    span->before_ = before_;
    return;
  }
}

void Span::rename(std::string_view name) { name_ = name; }

void Span::set(Key key, std::string_view value) {
  if (!sampled()) return;
  if (AttributeValue* place = attribute(key)) place->emplace<std::string>(cut(value));
}
void Span::set(Key key, bool value) {
  if (sampled()) set_attribute(key, value);
}
void Span::set(Key key, double value) {
  if (sampled()) set_attribute(key, value);
}

void Span::set_attribute(Key key, AttributeValue value) {
  if (AttributeValue* place = attribute(key)) *place = std::move(value);
}

/// Where the value of `key` stands or is to stand; null when there are too many.
AttributeValue* Span::attribute(Key key) {
  for (Attribute& attribute : data_->attributes) {
    if (attribute.key == key.text()) return &attribute.value;
  }
  if (data_->attributes.size() >= tracer_->options().max_attributes) {
    ++data_->dropped_attributes;
    return nullptr;
  }
  return &data_->attributes.emplace_back(Attribute{key.text(), {}}).value;
}

void Span::fail(const Error& error) {
  if (!tracer_) return;
  set("error.type", error.reason().empty() ? yun::name(error.code()) : std::string_view(error.reason()));
  fail(error.to_string());
}

void Span::fail(std::string_view why) {
  status_ = Status::Error;
  if (tracer_) status_message_ = cut(why);
}

std::string Span::cut(std::string_view text) const {
  std::size_t size = std::min(text.size(), tracer_->options().max_text);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return std::string(text.substr(0, size));
}

std::string Tracer::recent_json() const {
  std::string out = "[";
  for (const SpanData& span : recent()) {
    if (out.size() > 1) out += ',';
    out += "{\"trace_id\":\"" + trace_id(span.context) + "\",\"span_id\":\"" + span_id(span.context) + "\",\"parent_span_id\":\"";
    if (span.parent_span) out += span_id({0, 0, span.parent_span, false});
    out += "\",\"name\":";
    json::write(out, span.name);
    out += ",\"kind\":";
    json::write(out, span.kind);
    out += ",\"start\":";
    json::write(out, span.start);
    out += ",\"duration_seconds\":";
    json::write(out, std::chrono::duration<double>(span.duration).count());
    out += ",\"status\":";
    json::write(out, span.status);
    out += ",\"message\":";
    json::write(out, span.status_message);
    out += ",\"attributes\":{";
    for (const Attribute& attribute : span.attributes) {
      if (out.back() != '{') out += ',';
      json::write(out, attribute.key);
      out += ':';
      std::visit([&](const auto& value) { json::write(out, value); }, attribute.value);
    }
    out += "}}";
  }
  return out + "]";
}

}  // namespace yun::observe::trace
