#pragma once
// What of a setting people may see: secrets are masked before they reach a page or a log.

#include <string>
#include <string_view>

namespace yun::config {

inline constexpr std::string_view kMask = "***";

/// `value` as it may be shown. All of it is masked if `name` ("redis.password") says that it is a secret; else the password of a URL's user part, and the
/// query parameters of a URL that are called like secrets. An empty value stays empty.
std::string masked(std::string_view name, std::string_view value);
/// The same for a URL (or several, by commas) that has no name.
inline std::string masked_url(std::string_view url) { return masked("", url); }

}  // namespace yun::config
