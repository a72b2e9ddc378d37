#pragma once
// /debug/pprof/: CPU and heap profiles for `go tool pprof URL`.

#include "yun/app/debug/pages.hpp"

namespace yun::app::debug {

/// /debug/pprof/, /debug/pprof/profile?seconds=N and /debug/pprof/heap[?seconds=N]; and the link to the first on every page.
void serve_profiles(Pages& pages, http::Router& router);

}  // namespace yun::app::debug
