#pragma once
// Loki: lines to Grafana Loki's push API (POST /loki/api/v1/push, JSON).
//
//     loki://host:3100/?job=shop&env=test            each parameter is a label; lokis:// speaks TLS; user:password@ is HTTP basic authentication
//
// A stream is the labels and the line's level: few streams, as Loki wants it; all else is in the line, for `| json`. The parameter `tenant` is no label but the header
// X-Scope-OrgID. 429 and 5xx are tried again, another refusal is final.
// https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs

#include <memory>
#include <string>

#include "yun/telemetry/logs/push.hpp"
#include "yun/telemetry/logs/url.hpp"

namespace yun::telemetry::logs {

/// The body of a push: one stream a level, its lines in their order, times in nanoseconds.
std::string loki_body(const std::vector<std::pair<std::string, std::string>>& labels, std::string_view lines);

/// `service` is the label service_name, unless the URL has one.
std::unique_ptr<Sender> make_loki(const Url& url, const std::string& service);

}  // namespace yun::telemetry::logs
