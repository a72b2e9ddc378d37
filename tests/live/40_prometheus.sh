#!/usr/bin/env bash
# A real Prometheus scrapes examples/metrics and answers queries about it.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh

dir=$(scratch)
port=$(free_port 3)
url=http://127.0.0.1:$port
prometheus=http://127.0.0.1:$((port + 2))
start "$dir/log" "$bin/examples/metrics" --listen "127.0.0.1:$port" --admin "127.0.0.1:$((port + 1))"
check "examples/metrics is ready" wait_http "$url/health"
for _ in {1..5}; do curl -s -m 5 -o /dev/null "$url/api/data"; done

cat >"$dir/prometheus.yml" <<END
global: { scrape_interval: 1s, scrape_timeout: 1s }
scrape_configs:
  - job_name: metrics
    static_configs: [ { targets: [ "127.0.0.1:$port" ] } ]
END
start "$dir/prometheus.log" prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/tsdb" --web.listen-address="127.0.0.1:$((port + 2))"
check "Prometheus is ready" wait_http "$prometheus/-/ready" 30

# value QUERY: the first sample's value.
value() { curl -s -m 5 -G "$prometheus/api/v1/query" --data-urlencode "query=$1" | sed -nE 's/.*"value":\[[^,]*,"([^"]*)"\].*/\1/p'; }
for _ in {1..60}; do [[ $(value 'up{job="metrics"}') == 1 && -n $(value 'http_requests_total{path="/api/data"}') ]] && break; sleep 0.25; done
check "the scrape is well" equals "$(value 'up{job="metrics"}')" 1
check "http_requests_total{method,path,status} counts the five" equals "$(value 'http_requests_total{method="GET",path="/api/data",status="200"}')" 5
check "http_request_duration_seconds counts them too" equals "$(value 'http_request_duration_seconds_count{method="GET",path="/api/data"}')" 5
check "none was faster than 100 ms" equals "$(value 'http_request_duration_seconds_bucket{path="/api/data",le="0.05"}')" 0
check "all were within 1 s" equals "$(value 'http_request_duration_seconds_bucket{path="/api/data",le=~"1|1.0"}')" 5
check "the buckets are Prometheus's default ones" equals "$(value 'count(http_request_duration_seconds_bucket{path="/api/data"})')" 12
check "their sum is at least 0.5 s" at_most 0.5 "$(value 'http_request_duration_seconds_sum{path="/api/data"}')"
check "Prometheus took OpenMetrics or text with no complaint" bash -c "! curl -s $prometheus/api/v1/targets | grep -q '\"lastError\":\"[^\"]'"
check "promtool finds the text well formed" bash -c "curl -s $url/metrics | promtool check metrics 2>&1 | tee '$dir/promtool' | grep -qi 'error' && exit 1 || exit 0"
check "OpenMetrics ends with its end" bash -c "curl -s -H 'Accept: application/openmetrics-text; version=1.0.0' $url/metrics | tail -n1 | grep -q '^# EOF'"
finish
