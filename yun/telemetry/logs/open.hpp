#pragma once
// Log sinks by URL: loki:// (loki.hpp), fluentd:// (fluentd.hpp).
//
//     YUN_GET(sink, logs::open("loki://127.0.0.1:3100/?job=shop", "order"));
//     log::start({.service = "order", .sinks = {sink}});

#include <memory>
#include <string>
#include <string_view>

#include "yun/telemetry/logs/push.hpp"

namespace yun::telemetry::logs {

/// InvalidArgument for a bad URL or a scheme that is none of them. Connects when there is something to send. The limits can be set in the URL:
/// max_queue, max_batch (sizes), linger (a duration).
Result<std::shared_ptr<Push>> open(std::string_view url, const std::string& service);

}  // namespace yun::telemetry::logs
