#include "yun/balance/balancer.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <unordered_map>

#include "yun/base/ids.hpp"
#include "yun/observe/metrics/instruments.hpp"

namespace yun::balance {

struct Balancer::Node {
  Endpoint endpoint;
  std::string key;  // the address as text
  unsigned in_flight = 0;
  double latency = 0;  // peak EWMA, nanoseconds; 0 = nothing known
  TimePoint observed;
  unsigned failures_in_row = 0;
  unsigned connect_failures_in_row = 0;
  unsigned ejections = 0;
  TimePoint ejected_until;
  double current_weight = 0;  // smooth round robin
  std::uint64_t successes = 0;
  std::uint64_t failures = 0;
  bool gone = false;  // no longer in the set

  double weight() const { return endpoint.weight ? endpoint.weight : 1; }
};

struct Balancer::Core {
  Options options;
  std::vector<std::shared_ptr<Node>> nodes;
  std::vector<Node*> usable;  // of the pick in progress; kept for its memory
  std::uint64_t random = 0;

  std::uint64_t next_random() {
    random += 0x9E3779B97F4A7C15ULL;  // splitmix64
    std::uint64_t z = random;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  Node* choose(std::string_view key, TimePoint now);
  Node* two_choices(TimePoint now);
  Node* round_robin();
  Node* by_hash(std::string_view key);
  double cost(const Node& node, TimePoint now) const;

  void observe(Node& node, Duration latency, Outcome outcome, TimePoint now);
  void eject(Node& node, TimePoint now);
};

Balancer::Balancer(Options options) : core_(std::make_shared<Core>()) {
  core_->options = options;
  core_->random = options.seed ? options.seed : random_u64();
}
Balancer::~Balancer() = default;
Balancer::Balancer(Balancer&&) noexcept = default;
Balancer& Balancer::operator=(Balancer&&) noexcept = default;

void Balancer::update(const EndpointSet& set) {
  std::unordered_map<std::string, std::shared_ptr<Node>> known;
  for (auto& node : core_->nodes) {
    node->gone = true;
    known.emplace(node->key, std::move(node));
  }
  core_->nodes.clear();
  for (const Endpoint& endpoint : set.endpoints) {
    auto& node = known[endpoint.address.to_string()];
    if (node && !node->gone) continue;  // the same address twice
    if (!node) node = std::make_shared<Node>();
    node->key = endpoint.address.to_string();
    node->endpoint = endpoint;
    node->gone = false;
    core_->nodes.push_back(node);
  }
}

Result<Balancer::Pick> Balancer::pick(std::string_view key, const std::vector<runtime::Address>& avoid) {
  Core& core = *core_;
  if (core.nodes.empty()) return unavailable("no endpoints").with_reason("no_endpoints").with_retry_after(std::chrono::seconds(1));
  const TimePoint now = core.options.clock();
  const auto is_avoided = [&](const Node& node) { return std::ranges::find(avoid, node.endpoint.address) != avoid.end(); };
  core.usable.clear();
  for (auto& node : core.nodes) {
    if (node->ejected_until <= now && !is_avoided(*node)) core.usable.push_back(node.get());
  }
  if (core.usable.empty() && !avoid.empty()) {
    for (auto& node : core.nodes) {
      if (!is_avoided(*node)) core.usable.push_back(node.get());
    }
  }
  if (core.usable.empty()) {
    for (auto& node : core.nodes) core.usable.push_back(node.get());
  }
  Node* chosen = core.choose(key, now);
  ++chosen->in_flight;
  const auto owner = std::ranges::find_if(core.nodes, [&](const auto& node) { return node.get() == chosen; });
  return Pick(core_, *owner, now);
}

Balancer::Node* Balancer::Core::choose(std::string_view key, TimePoint now) {
  if (usable.size() == 1) return usable.front();
  switch (options.policy) {
    case Policy::RoundRobin: return round_robin();
    case Policy::ConsistentHash: return by_hash(key);
    case Policy::P2cEwma: break;
  }
  return two_choices(now);
}

Balancer::Node* Balancer::Core::two_choices(TimePoint now) {
  const std::size_t size = usable.size();
  const std::size_t first = next_random() % size;
  std::size_t second = next_random() % (size - 1);
  if (second >= first) ++second;
  return cost(*usable[first], now) <= cost(*usable[second], now) ? usable[first] : usable[second];
}

double Balancer::Core::cost(const Node& node, TimePoint now) const {
  // With nothing known an idle endpoint is tried at once, but a second call does not follow before the first has told something.
  if (node.latency == 0) return node.in_flight == 0 ? 0 : 1e12 * (node.in_flight + 1) / node.weight();
  const double age = static_cast<double>((now - node.observed).count()) / static_cast<double>(options.ewma_decay.count());
  return node.latency * std::exp(-std::max(0.0, age)) * (node.in_flight + 1) / node.weight();
}

Balancer::Node* Balancer::Core::round_robin() {
  double total = 0;
  Node* best = nullptr;
  for (Node* node : usable) {
    node->current_weight += node->weight();
    total += node->weight();
    if (!best || node->current_weight > best->current_weight) best = node;
  }
  best->current_weight -= total;
  return best;
}

Balancer::Node* Balancer::Core::by_hash(std::string_view key) {
  const std::uint64_t seed = std::hash<std::string_view>{}(key);
  Node* best = nullptr;
  double best_score = 0;
  for (Node* node : usable) {
    std::uint64_t z = std::hash<std::string_view>{}(node->key) ^ (seed * 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    z ^= z >> 31;
    const double unit = (static_cast<double>(z >> 11) + 0.5) * 0x1.0p-53;
    const double score = -node->weight() / std::log(unit);
    if (!best || score > best_score) {
      best = node;
      best_score = score;
    }
  }
  return best;
}

void Balancer::Core::observe(Node& node, Duration latency, Outcome outcome, TimePoint now) {
  if (outcome == Outcome::Ignored) return;
  if (outcome == Outcome::Success) {
    ++node.successes;
    node.failures_in_row = node.connect_failures_in_row = 0;
    if (node.ejected_until <= now) node.ejections = 0;
  } else {
    ++node.failures;
    latency = std::max(latency, options.failure_latency);
    const bool connect = outcome == Outcome::ConnectFailure;
    if (connect) ++node.connect_failures_in_row;
    ++node.failures_in_row;
    if (node.failures_in_row >= options.max_consecutive_failures ||
        (connect && node.connect_failures_in_row >= options.max_consecutive_connect_failures))
      eject(node, now);
  }
  const double sample = static_cast<double>(std::max<std::int64_t>(1, latency.count()));
  if (sample >= node.latency) {
    node.latency = sample;  // peaks count at once, falls slowly
  } else {
    const double age = static_cast<double>((now - node.observed).count()) / static_cast<double>(options.ewma_decay.count());
    const double keep = std::exp(-std::max(0.0, age));
    node.latency = node.latency * keep + sample * (1 - keep);
  }
  node.observed = now;
}

void Balancer::Core::eject(Node& node, TimePoint now) {
  if (node.gone || node.ejected_until > now) return;
  const auto ejected = std::ranges::count_if(nodes, [&](const auto& other) { return other->ejected_until > now; });
  if (static_cast<double>(ejected + 1) > options.max_ejected_share * static_cast<double>(nodes.size())) return;
  Duration time = options.first_ejection;
  for (unsigned i = 0; i < node.ejections && time < options.max_ejection; ++i) time *= 2;
  node.ejected_until = now + std::min(time, options.max_ejection);
  ++node.ejections;
  if (options.ejections) options.ejections->add();
}

const Endpoint& Balancer::Pick::endpoint() const { return node_->endpoint; }

void Balancer::Pick::report(Outcome outcome) {
  if (!node_) return;
  report_head(outcome);
  --node_->in_flight;
  node_.reset();
  core_.reset();
}

void Balancer::Pick::report_head(Outcome outcome) {
  if (!node_ || std::exchange(reported_, true)) return;
  const TimePoint now = core_->options.clock();
  core_->observe(*node_, now - started_, outcome, now);
}

std::vector<Balancer::State> Balancer::states() const {
  std::vector<State> all;
  const TimePoint now = core_->options.clock();
  for (const auto& node : core_->nodes) {
    all.push_back({node->endpoint, node->ejected_until > now, node->in_flight, Duration(static_cast<std::int64_t>(node->latency)),
                   node->successes, node->failures});
  }
  return all;
}

std::size_t Balancer::size() const { return core_->nodes.size(); }

}  // namespace yun::balance
