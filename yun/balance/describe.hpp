#pragma once
// An endpoint's state as a row of a debug page.

#include "yun/balance/balancer.hpp"
#include "yun/json/value.hpp"

namespace yun::balance {

/// {"endpoint": "127.0.0.1:8081", "state": "ok" or "ejected", "in_flight": 0, "latency_seconds": 0.001, ..}; a label is "label <name>".
json::Value describe(const Balancer::State& state);

}  // namespace yun::balance
