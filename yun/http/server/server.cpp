#include "yun/http/server/server.hpp"

#include "yun/http/server/link.hpp"

namespace yun::http {

namespace {

using server::Shard;
using server::Shared;

constexpr Duration kOutOfDescriptors = std::chrono::milliseconds(100);

/// The rest of a listener's life on loop 0.
struct Acceptor {
  runtime::Listener listener;
  std::unique_ptr<Cancel> stop;  ///< made on loop 0
};

}  // namespace

struct Server::State {
  State(runtime::Runtime& runtime_, Handler& handler, ServerOptions options) : runtime(runtime_), shared{handler, std::move(options)} {
    shards.resize(runtime.size());
  }

  Task<void> accept_on(Acceptor& acceptor);
  void hand_over(runtime::Listener::Accepted accepted);
  Task<void> stop_accepting();
  Task<Result<void>> empty_shard(unsigned index, TimePoint until);

  runtime::Runtime& runtime;
  Shared shared;
  std::vector<std::unique_ptr<Acceptor>> acceptors;
  std::vector<std::unique_ptr<Shard>> shards;  ///< each used on its loop only
  runtime::Scope accepting;                    ///< on loop 0
};

Server::Server(runtime::Runtime& runtime, Handler& handler, ServerOptions options)
    : state_(std::make_unique<State>(runtime, handler, std::move(options))) {}
Server::~Server() = default;

std::size_t Server::connections() const { return state_->shared.connections.load(std::memory_order_relaxed); }

Result<runtime::Address> Server::listen(const runtime::Address& address) {
  auto listener = runtime::Listener::bind(address, {.reuse_port = false, .backlog = state_->shared.options.backlog});
  if (!listener) return std::move(listener).error();
  const runtime::Address bound = listener->address();
  state_->acceptors.push_back(std::make_unique<Acceptor>(Acceptor{std::move(*listener), nullptr}));
  return bound;
}

void Server::start() {
  State* state = state_.get();
  for (unsigned i = 0; i < state->runtime.size(); ++i) {
    runtime::Loop& loop = state->runtime.loop(i);
    loop.post([state, &loop, i] { state->shards[i] = std::make_unique<Shard>(loop, state->shared); });
  }
  runtime::Loop& first = state->runtime.loop(0);
  first.post([state, &first] {
    for (auto& acceptor : state->acceptors) {
      acceptor->stop = std::make_unique<Cancel>(first.root());
      state->accepting.spawn(state->accept_on(*acceptor));
    }
  });
}

/// Ends when told to stop, after it has taken what waits in the backlog.
Task<void> Server::State::accept_on(Acceptor& acceptor) {
  runtime::Loop& loop = runtime::Loop::current();
  for (;;) {
    auto accepted = co_await acceptor.listener.accept(*acceptor.stop);
    if (accepted) {
      hand_over(std::move(*accepted));
    } else if (acceptor.stop->done()) {
      break;
    } else {
      // Out of descriptors or memory: the backlog holds while others end.
      shared.refused(0, "out_of_descriptors");
      (void)co_await runtime::sleep_for(*acceptor.stop, kOutOfDescriptors);  // when stopped, accept says so
    }
  }
  if (loop.root().done()) co_return;
  for (;;) {
    auto waiting = acceptor.listener.try_accept();
    if (!waiting || !*waiting) break;
    hand_over(std::move(**waiting));
  }
  const runtime::Listener closed = std::move(acceptor.listener);
}

void Server::State::hand_over(runtime::Listener::Accepted accepted) {
  if (shared.connections.fetch_add(1, std::memory_order_relaxed) >= shared.options.max_connections) {
    shared.connections.fetch_sub(1, std::memory_order_relaxed);
    shared.refused(0, "max_connections");
    return;
  }
  unsigned least = 0;
  for (unsigned i = 1; i < runtime.size(); ++i) {
    if (runtime.loop(i).load().load(std::memory_order_relaxed) < runtime.loop(least).load().load(std::memory_order_relaxed)) least = i;
  }
  runtime::Loop& loop = runtime.loop(least);
  loop.load().fetch_add(1, std::memory_order_relaxed);
  if (&loop == runtime::Loop::current_or_null()) {
    shards[least]->adopt(std::move(accepted.fd), accepted.peer);
    return;
  }
  loop.post([this, least, fd = std::move(accepted.fd), peer = accepted.peer]() mutable { shards[least]->adopt(std::move(fd), peer); });
}

Task<void> Server::State::stop_accepting() {
  for (auto& acceptor : acceptors) {
    if (acceptor->stop) acceptor->stop->cancel(cancelled("the server drains"));
  }
  (void)co_await accepting.join();  // gives nothing
}

Task<Result<void>> Server::State::empty_shard(unsigned index, TimePoint until) {
  Shard* shard = shards[index].get();
  if (!shard) co_return Result<void>();
  Cancel grace(shard->loop.root(), until);
  auto in_time = co_await shard->wait_empty(grace);
  if (!in_time) {
    shard->abort();
    Cancel never;
    (void)co_await shard->wait_empty(never);  // cannot fail: `never` has neither deadline nor parent
  }
  co_return Result<void>();
}

namespace {
Task<Result<void>> stop_on_first(Task<void> stop) {
  (void)co_await std::move(stop);  // gives nothing
  co_return Result<void>();
}
}  // namespace

Task<void> Server::drain(Duration grace) {
  State& state = *state_;
  const TimePoint until = Clock::now() + grace;
  // New connections are still taken here, but each is told to go after its first answer.
  state.shared.draining.store(true, std::memory_order_relaxed);
  Task<Result<void>> stop = stop_on_first(state.stop_accepting());
  (void)co_await runtime::run_on(state.runtime.loop(0), std::move(stop));  // always ok
  for (unsigned i = 0; i < state.runtime.size(); ++i) {
    state.runtime.loop(i).post([&state, i] {
      if (state.shards[i]) state.shards[i]->begin_drain();
    });
  }
  for (unsigned i = 0; i < state.runtime.size(); ++i) {
    Task<Result<void>> empty = state.empty_shard(i, until);
    (void)co_await runtime::run_on(state.runtime.loop(i), std::move(empty));  // always ok
  }
}

}  // namespace yun::http
