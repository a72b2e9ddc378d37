#include "yun/discovery/conformance.hpp"

#include <algorithm>

namespace yun::discovery {

namespace {

std::vector<std::string> addresses(const balance::EndpointSet& set) {
  std::vector<std::string> all;
  for (const auto& endpoint : set.endpoints) all.push_back(endpoint.address.to_string());
  std::ranges::sort(all);
  return all;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ",") + part;
  return "[" + text + "]";
}

class Checks {
 public:
  explicit Checks(ResolverUnderTest given) : given_(std::move(given)) {}

  Task<Result<void>> run(Context& ctx) {
    const std::vector<std::string> one = {"127.0.0.1:7001"};
    const std::vector<std::string> two = {"127.0.0.1:7001", "127.0.0.2:7001"};
    const std::vector<std::string> other = {"127.0.0.3:7001"};
    given_.publish(one);
    YUN_TRY(resolver, given_.make());
    if (resolver->name().empty()) fault("name() is empty");

    YUN_TRY(first, co_await resolver->resolve(ctx));
    expect("the first resolve()", first, one);
    if (first.revision == 0) fault("the first answer has revision 0");
    YUN_TRY(again, co_await resolver->resolve(ctx));
    if (again.revision != first.revision) fault("resolve() without a change has a new revision");
    for (const auto& endpoint : first.endpoints) {
      if (endpoint.authority.empty()) fault("an endpoint has no authority");
    }

    YUN_CHECK(co_await a_wait_ends_with_its_context(ctx, *resolver, first.revision));

    given_.publish(two);
    resolver->refresh();
    YUN_TRY(grown, co_await change(ctx, *resolver, first.revision, "a second endpoint"));
    expect("next() after a second endpoint came", grown, two);
    if (grown.revision <= first.revision) fault("a change did not raise the revision");

    // A reader that missed changes gets the latest at once.
    YUN_TRY(late, co_await change(ctx, *resolver, first.revision, "a change that was missed"));
    expect("next() with an old revision", late, two);

    if (given_.take_away) {
      given_.take_away(true);
      resolver->refresh();
      YUN_TRY(kept, co_await resolver->resolve(ctx));
      expect("resolve() while the source is away", kept, two);
      given_.take_away(false);
    }

    given_.publish(other);
    resolver->refresh();
    // Most registries replace one instance at a time: sets between the two may be seen.
    Context patient(ctx, given_.patience);
    YUN_TRY(replaced, co_await change(patient, *resolver, grown.revision, "a replacement"));
    while (addresses(replaced) != other) {
      auto later = co_await resolver->next(patient, replaced.revision);
      if (!later) break;
      replaced = std::move(*later);
    }
    expect("next() after all endpoints were replaced", replaced, other);
    co_return Result<void>();
  }

  std::vector<std::string> faults;

 private:
  void fault(std::string text) { faults.push_back(std::move(text)); }

  void expect(const std::string& when, const balance::EndpointSet& set, const std::vector<std::string>& wanted) {
    const auto got = addresses(set);
    if (got != wanted) fault(when + " gave " + joined(got) + ", not " + joined(wanted));
  }

  Task<Result<void>> a_wait_ends_with_its_context(Context& ctx, balance::Resolver& resolver, std::uint64_t revision) {
    Context brief(ctx, std::chrono::milliseconds(20));
    auto nothing = co_await resolver.next(brief, revision);
    if (nothing) {
      fault("next() without a change gave a set");
    } else if (nothing.error().code() != Code::DeadlineExceeded) {
      fault("next() past its deadline gave " + nothing.error().to_string());
    }
    co_return Result<void>();
  }

  Task<Result<balance::EndpointSet>> change(Context& ctx, balance::Resolver& resolver, std::uint64_t revision, std::string what) {
    Context patient(ctx, given_.patience);
    auto set = co_await resolver.next(patient, revision);
    if (!set) co_return std::move(set).error().with_context("next() after " + what);
    co_return std::move(set);
  }

  ResolverUnderTest given_;
};

}  // namespace

Task<std::vector<std::string>> check_resolver(Context& ctx, ResolverUnderTest given) {
  Checks checks(std::move(given));
  auto result = co_await checks.run(ctx);
  if (!result) checks.faults.push_back(result.error().to_string());
  co_return std::move(checks.faults);
}

}  // namespace yun::discovery
