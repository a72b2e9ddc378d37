#include "yun/discovery/etcd/entry.hpp"

#include <algorithm>

#include "yun/json/value.hpp"
#include "yun/json/write.hpp"

namespace yun::discovery {

namespace {

constexpr std::string_view kPrefix = "services";

struct Written {
  std::string address;
  unsigned weight = 1;
  std::map<std::string, std::string> meta;
  std::vector<std::string> tags;
};

bool has_tag(const json::Value& tags, std::string_view wanted) {
  const json::Array* all = tags.as_array();
  return all && std::ranges::any_of(*all, [&](const json::Value& each) { return each.as_string() && *each.as_string() == wanted; });
}

}  // namespace

std::string etcd_prefix_of(std::string_view path) {
  return (path.find('/') == std::string_view::npos ? std::string(kPrefix) + "/" : std::string()) + std::string(path) + "/";
}

std::string etcd_key_of(std::string_view prefix, const Instance& instance) {
  return std::string(prefix.empty() ? kPrefix : prefix) + "/" + instance.service + "/" + instance.id;
}

std::string etcd_value_of(const Instance& instance, const std::vector<std::string>& tags) {
  return json::to_json(Written{.address = instance.address.to_string(), .weight = std::max(1U, instance.weight), .meta = instance.labels, .tags = tags});
}

std::optional<balance::Endpoint> etcd_endpoint_of(std::string_view value, const std::string& service, const std::vector<std::string>& tags) {
  auto entry = json::parse(value);
  if (!entry) return std::nullopt;
  const json::Value& document = *entry;
  const std::string* text = document["address"].as_string();
  auto address = runtime::Address::parse(text ? *text : "");
  if (!address || address->port() == 0) return std::nullopt;
  if (!std::ranges::all_of(tags, [&](const std::string& tag) { return has_tag(document["tags"], tag); })) return std::nullopt;
  balance::Endpoint endpoint;
  endpoint.address = *address;
  endpoint.authority = service;
  if (const auto weight = document["weight"].as_int(); weight && *weight > 0) endpoint.weight = static_cast<unsigned>(std::min<std::int64_t>(*weight, 65535));
  if (const json::Object* meta = document["meta"].as_object()) {
    for (const json::Member& member : *meta) {
      if (const std::string* label = member.value.as_string()) endpoint.labels[member.name] = *label;
    }
  }
  return endpoint;
}

}  // namespace yun::discovery
