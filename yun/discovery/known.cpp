#include "yun/discovery/known.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <sstream>

#include "yun/json/read.hpp"
#include "yun/json/write.hpp"
#include "yun/observe/log/log.hpp"

namespace yun::discovery {

namespace {

struct StoredEndpoint {
  std::string address, authority;
  unsigned weight = 1;
  std::map<std::string, std::string> labels;
};
struct Stored {
  std::vector<StoredEndpoint> endpoints;
};

/// Empty for a file that is missing or not ours.
std::vector<balance::Endpoint> read(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  auto stored = json::read<Stored>(text.str());
  std::vector<balance::Endpoint> endpoints;
  if (!stored) return endpoints;
  for (StoredEndpoint& each : stored->endpoints) {
    auto address = runtime::Address::parse(each.address);
    if (address) endpoints.push_back({.address = *address, .authority = std::move(each.authority), .weight = each.weight, .labels = std::move(each.labels)});
  }
  return endpoints;
}

}  // namespace

Known::Known(Options options) : options_(std::move(options)) {
  if (options_.keep_in.empty()) return;
  set_.endpoints = read(options_.keep_in);
  if (set_.endpoints.empty()) return;
  set_.revision = 1;
  stale_ = true;
}

bool Known::learn(std::vector<balance::Endpoint> found, TimePoint now) {
  if (found.empty() && !set_.endpoints.empty() && options_.guard > Duration::zero()) {
    if (guarded_until_ == TimePoint::max()) {
      guarded_until_ = now + options_.guard;
      observe::log::warn("the registry knows no endpoint any more; the old ones are kept for a while",
                         {{"resolver", options_.name}, {"endpoints", set_.endpoints.size()}, {"guard", options_.guard}, {"reason", "empty_set_guard"}});
    }
    if (now < guarded_until_) return false;
  }
  guarded_until_ = TimePoint::max();
  if (std::exchange(stale_, false)) observe::log::info("the registry has answered", {{"resolver", options_.name}});
  std::ranges::sort(found, {}, [](const balance::Endpoint& endpoint) { return endpoint.address.to_string(); });
  if (set_.revision != 0 && found == set_.endpoints) return false;
  set_.endpoints = std::move(found);
  ++set_.revision;
  keep();
  return true;
}

/// A few hundred bytes into the page cache, whole or not at all. A full disk costs only what a restart would have known.
void Known::keep() const {
  if (options_.keep_in.empty()) return;
  Stored stored;
  for (const balance::Endpoint& each : set_.endpoints) stored.endpoints.push_back({each.address.to_string(), each.authority, each.weight, each.labels});
  // Each loop has a resolver of its own, and they may keep in one file.
  static std::atomic<unsigned> count{0};
  const std::string next = options_.keep_in + ".new" + std::to_string(count++);
  std::ofstream file(next, std::ios::trunc);
  file << json::to_json(stored);
  file.close();
  if (!file || std::rename(next.c_str(), options_.keep_in.c_str()) != 0)
    observe::log::warn("endpoints could not be kept", {{"resolver", options_.name}, {"file", options_.keep_in}});
}

}  // namespace yun::discovery
