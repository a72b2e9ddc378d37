#include "yun/app/debug/sections/sections.hpp"

namespace yun::app::debug {

void add_sections(Pages& pages, const Program& program) {
  const auto of = [&program](json::Value (*describe)(const Program&)) { return [&program, describe] { return describe(program); }; };
  pages.add({"", "Overview", "The program, and every part that it opened.", of(describe_parts)});
  pages.add({"config", "Config", "The settings in force and where each comes from; secrets are masked.", of(describe_settings)});
  pages.add({"routes", "Routes", "Requests by route: rates since the last look at this page, at least a second ago; the first look has those since the start.", routes_with_rates(program)});
  pages.add({"requests", "Requests", "The latest slow (over a second) and failed spans, the newest first, with their traces.", of(describe_requests)});
  pages.add({"endpoints", "Endpoints", "Who serves what this program calls, as the loop that answers here sees it.", of(describe_endpoints)});
  pages.add({"pools", "Pools", "Connections, queues and calls of databases, caches and clients, since the start.", of(describe_pools)});
  pages.add({"limits", "Limits", "What was refused, dropped or broken off, by reason, since the start.", of(describe_limits)});
}

}  // namespace yun::app::debug
