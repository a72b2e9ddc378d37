#pragma once
// A json::Value as a page of HTML: one small layout, everything escaped, nothing loaded from elsewhere, light or dark as the browser likes it.

#include <string>
#include <string_view>

#include "yun/app/debug/pages.hpp"

namespace yun::app::debug {

struct PageHead {
  const Pages& pages;      ///< for the links at the top
  std::string_view path;   ///< of this page
  std::string_view title;
  std::string_view about;
};
std::string page(const PageHead& head, const json::Value& value);

/// `text` with & < > " ' as entities; control characters but tab and newline, and what is no UTF-8, as U+FFFD.
void escape(std::string& out, std::string_view text);

}  // namespace yun::app::debug
