#pragma once
// For the live tests of the drivers: one plain request, and what each of them must do on its real server.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "yun/discovery/conformance.hpp"
#include "yun/discovery/open.hpp"
#include "yun/runtime/threads.hpp"
#include "yun/testing/chaos.hpp"
#include "yun/testing/peer.hpp"

namespace yun::discovery {

struct PlainAnswer {
  int status = 0;  ///< 0: none
  std::string body;
};

/// One blocking HTTP/1.1 request.
inline PlainAnswer ask(const runtime::Address& to, std::string_view method, std::string_view path, std::string_view body = "", std::string_view head = "") {
  const runtime::Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{5, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (::connect(fd.get(), static_cast<const sockaddr*>(to.data()), static_cast<socklen_t>(to.size())) != 0) return {};
  const std::string request = std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: registry\r\nConnection: close\r\n" + std::string(head) +
                              "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  (void)!::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char bytes[4096];
  for (ssize_t count = 0; (count = ::recv(fd.get(), bytes, sizeof bytes, 0)) > 0;) answer.append(bytes, static_cast<std::size_t>(count));
  if (answer.size() <= 12) return {};
  const auto end = answer.find("\r\n\r\n");
  return {std::atoi(answer.c_str() + 9), end == std::string::npos ? "" : answer.substr(end + 4)};
}

inline bool eventually(const std::function<bool()>& condition, Duration within = std::chrono::seconds(30)) {
  for (const TimePoint until = Clock::now() + within; Clock::now() < until;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

inline void expect_ok(const Result<void>& done) { EXPECT_TRUE(done) << done.error().to_string(); }

inline Task<std::vector<std::string>> conforms(ResolverUnderTest given) {
  Context root;
  Context ctx(root, std::chrono::seconds(60));
  co_return co_await check_resolver(ctx, std::move(given));
}

/// A program in a registry and one that looks for it.
struct Life {
  Context root;
  Context ctx{root, std::chrono::seconds(60)};
  std::unique_ptr<Registry> registry;
  std::unique_ptr<balance::Resolver> resolver;
  balance::EndpointSet set;
};

inline std::string told(const balance::EndpointSet& set) {
  std::string text;
  for (const auto& each : set.endpoints) {
    text += (text.empty() ? "" : " ") + each.address.to_string() + "*" + std::to_string(each.weight) + " " + each.authority;
    for (const auto& [name, value] : each.labels) text += " " + name + "=" + value;
  }
  return text.empty() ? "nothing" : text;
}

/// Waits until the set is that large.
inline Task<Result<void>> until_size(Life& life, std::size_t size) {
  while (life.set.endpoints.size() != size || life.set.revision == 0) {
    YUN_TRY(set, co_await life.resolver->next(life.ctx, life.set.revision));
    life.set = std::move(set);
  }
  co_return Result<void>();
}

/// Registers orders-1 and finds it.
inline Task<Result<void>> begin(Life& life, std::string registry_url, std::string resolver_url) {
  YUN_TRY(registry, open_registry(registry_url));
  YUN_TRY(resolver, open(resolver_url));
  life.registry = std::move(registry);
  life.resolver = std::move(resolver);
  Instance instance{.service = "orders", .id = "orders-1", .address = *runtime::Address::parse("127.0.0.1:7001"), .weight = 3, .labels = {{"version", "2"}}};
  YUN_CHECK(co_await life.registry->register_self(life.ctx, std::move(instance)));
  co_return co_await until_size(life, 1);
}

/// A life of that shape, which ends in order however its steps end.
inline Task<Result<void>> live(std::function<Task<Result<void>>(Life&)> steps) {
  Life life;
  auto going = steps(life);
  auto done = co_await std::move(going);
  if (!life.registry) co_return done;
  auto gone = co_await life.registry->deregister(life.ctx);
  co_return done ? std::move(gone) : std::move(done);
}

/// What a program does: registers, is found with its labels, also after that time, is gone after deregister().
inline Task<Result<void>> register_and_go(Life& life, std::string registry_url, std::string resolver_url, Duration after, std::string& text) {
  YUN_CHECK(co_await begin(life, registry_url, resolver_url));
  YUN_CHECK(co_await runtime::sleep_for(life.ctx, after));
  YUN_TRY(still, co_await life.resolver->resolve(life.ctx));
  text = told(still);
  YUN_CHECK(co_await life.registry->deregister(life.ctx));
  YUN_CHECK(co_await until_size(life, 0));
  text += ", then " + told(life.set);
  co_return Result<void>();
}
inline std::string registered_and_gone(std::string registry_url, std::string resolver_url, Duration after = {}) {
  std::string text;
  auto done = runtime::block_on(live([&](Life& life) { return register_and_go(life, registry_url, resolver_url, after, text); }));
  return done ? text : text + " " + done.error().to_string();
}

/// The last instance goes: with a guard of two seconds (the resolver's URL has it) it stays in the set for so long, and not much longer.
inline Task<Result<void>> guarded(Life& life, std::string registry_url, std::string resolver_url) {
  YUN_CHECK(co_await begin(life, registry_url, resolver_url));
  const TimePoint begun = Clock::now();
  YUN_CHECK(co_await life.registry->deregister(life.ctx));
  YUN_CHECK(co_await until_size(life, 0));
  EXPECT_GE(Clock::now() - begun, std::chrono::seconds(2));
  EXPECT_LT(Clock::now() - begun, std::chrono::seconds(10));
  co_return Result<void>();
}

/// A registry that dies and comes back (`restart` does both): what is known stays in use meanwhile, and a newcomer finds the program again without its doing.
inline Task<Result<void>> restarted(Life& life, testing::Peer& server, std::string registry_url, std::string resolver_url) {
  YUN_CHECK(co_await begin(life, registry_url, resolver_url));
  server.kill();
  auto kept = co_await life.resolver->resolve(life.ctx);
  EXPECT_TRUE(kept && kept->endpoints.size() == 1) << "while the registry is dead its last answer is not used";
  YUN_CHECK(server.restart());  // blocks this loop for a second: nothing else runs on it
  Life newcomer;
  YUN_TRY(resolver, open(resolver_url));
  newcomer.resolver = std::move(resolver);
  co_return co_await until_size(newcomer, 1);
}

/// What a source tells: before there is a text, and for each of three.
inline Task<std::vector<std::string>> texts(std::string url, std::function<void(std::string)> put) {
  std::vector<std::string> all;
  Context root;
  Context ctx(root, std::chrono::seconds(60));
  auto source = open_source(url);
  if (!source) co_return std::vector<std::string>{source.error().to_string()};
  auto missing = co_await (*source)->next(ctx);
  all.push_back(missing ? *missing : std::string(name(missing.error().code())));
  for (const char* value : {"one", "two", "three"}) {
    put(value);
    auto got = co_await (*source)->next(ctx);
    all.push_back(got ? *got : got.error().to_string());
  }
  co_return all;
}

/// The set, at once or late (after three seconds).
inline Task<std::string> found_at_start(std::string url) {
  Context root;
  Context ctx(root, std::chrono::seconds(20));
  auto resolver = open(url);
  if (!resolver) co_return resolver.error().to_string();
  const TimePoint begun = Clock::now();
  auto set = co_await (*resolver)->resolve(ctx);
  if (!set) co_return std::string(name(set.error().code())) + " " + std::string(set.error().reason());
  co_return std::to_string(set->endpoints.size()) + (Clock::now() - begun < std::chrono::seconds(3) ? " at once" : " late");
}

}  // namespace yun::discovery
