#include "yun/http/router/services.hpp"

namespace yun::http {

void Services::provide(const void* key, void* service) {
  provided_[key] = service;
  for (const Wish& wish : wishes_) {
    if (wish.key == key) *wish.slot = service;
  }
}

void Services::want(const void* key, void** slot, std::string complaint) {
  const auto found = provided_.find(key);
  if (found != provided_.end()) *slot = found->second;
  wishes_.push_back({key, slot, std::move(complaint)});
}

std::vector<std::string> Services::missing() const {
  std::vector<std::string> lines;
  for (const Wish& wish : wishes_) {
    if (!*wish.slot) lines.push_back(wish.complaint);
  }
  return lines;
}

}  // namespace yun::http
