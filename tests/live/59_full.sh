#!/usr/bin/env bash
# ./run --full --check, and a shop on real servers of its own: what run.json says of them, Prometheus and VictoriaMetrics beside it, and its data a start later.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh
export SHOP_ANY_PORTS=1

dir=$(scratch)
timeout 300 ./run --no-install --full --check >"$dir/out" 2>&1
status=$?
while read -r word took _ words; do
  case $word in
    ok) ok "$words" ;;
    FAIL) not_ok "$words" ;;
  esac
done < <(grep -E '^(ok|FAIL) ' "$dir/out")
check "./run --full --check is well" equals "$status $(tail -n1 "$dir/out")" "0 the golden journey is walked"

data=$dir/data port=$(free_port 16)
start_full() { timeout 300 ./run --no-install --full --detach --port "$port" --data "$data" >"$dir/started" 2>&1 || { cat "$dir/started"; return 1; }; }
check "./run --full starts" start_full
server() { sed -nE "s/^ *\"$1\": *\{\"port\": *([0-9]+),.*/\1/p" "$data/run.json"; }
server_pid() { sed -nE "s/^ *\"$1\": .*\"pid\": *([0-9]+).*/\1/p" "$data/run.json"; }
for name in mariadb redis consul prometheus jaeger; do check "run.json's pid of $name is it" contains "$(tr '\0' ' ' <"/proc/$(server_pid "$name")/cmdline")" "$name"; done
shop=http://127.0.0.1:$port
prometheus=http://127.0.0.1:$(server prometheus)

# Orders and refusals, so that every family has something to show.
user='{"name":"Ada","email":"ada@example.com","password":"correct horse battery"}'
curl -s -o /dev/null -X POST "$shop/api/users" -H 'Content-Type: application/json' -d "$user"
token=$(curl -s -X POST "$shop/api/login" -H 'Content-Type: application/json' -d "$user" | json token)
product=$(curl -s "$shop/api/products" | json id)
trace=4bf92f3577b34da6a3ce929d0e0e4736
for i in {1..20}; do
  curl -s -o "$dir/placed" -X POST "$shop/api/orders" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' -H "Idempotency-Key: full-$i" \
    -H "traceparent: 00-$trace-00f067aa0ba902b7-01" -d "{\"items\":[{\"product_id\":\"$product\",\"quantity\":1}]}"
  curl -s -o /dev/null "$shop/nowhere"
done
order=$(json id <"$dir/placed")
check "orders are taken" matches "$order" '^[0-9a-f-]{36}$'

for offset in 10 11 12 14 15; do
  page=http://127.0.0.1:$((port + offset))/metrics
  check "promtool check metrics has nothing to say of the page on +$offset" bash -c "said=\$(curl -s $page | promtool check metrics 2>&1); [[ \$? == 0 && -z \$said ]] || { echo \"\$said\"; exit 1; }"
done
check "a bucket of the gateway's histogram carries the trace id" bash -c \
  "curl -s -H 'Accept: application/openmetrics-text; version=1.0.0' http://127.0.0.1:$((port + 10))/metrics | grep '^http_request_duration_seconds_bucket.*# {trace_id=\"$trace\"' >/dev/null"

# value URL QUERY: the first sample's value.
value() { curl -s -m 5 -G "$1/api/v1/query" --data-urlencode "query=$2" | sed -nE 's/.*"value":\[[^,]*,"([^"]*)"\].*/\1/p'; }
becomes() { local i; for i in {1..240}; do [[ $(value "$1" "$2") == "$3" ]] && return 0; sleep 0.25; done; echo "$2 is $(value "$1" "$2"), not $3"; return 1; }
check "Prometheus finds all five by Consul, and up is 1" becomes "$prometheus" 'sum(up)' 5
check "nothing else is scraped" equals "$(value "$prometheus" 'count(up)')" 5
check "an instance has the address that clients know" equals "$(value "$prometheus" "up{job=\"user-service\",instance=\"127.0.0.1:$((port + 4))\"}")" 1
check "its answers are counted there" becomes "$prometheus" 'sum(http_requests_total{job="gateway",method="POST",path="/api/orders",status="201"})' 20
check "Prometheus keeps the exemplar" bash -c "curl -s -G $prometheus/api/v1/query_exemplars --data-urlencode 'query=http_request_duration_seconds_bucket' \
  --data-urlencode start=$(($(date +%s) - 600)) --data-urlencode end=$(($(date +%s) + 60)) | grep -q $trace"
check "the rules are loaded" bash -c "curl -s $prometheus/api/v1/rules | grep -q InstanceDown"
check "no rule failed" equals "$(curl -s "$prometheus/api/v1/rules" | grep -o '"health":"err"' | wc -l)" 0

if command -v victoria-metrics >/dev/null; then
  other=$(free_port)
  grep -v '^rule_files:\|^  - rules/' "$data/prometheus/prometheus.yml" | sed '/evaluation_interval/d' >"$dir/victoria.yml"
  start "$dir/victoria.log" victoria-metrics -storageDataPath="$dir/victoria" -httpListenAddr="127.0.0.1:$other" -promscrape.config="$dir/victoria.yml" -promscrape.config.strictParse=false -promscrape.consulSDCheckInterval=2s
  check "VictoriaMetrics is up" wait_http "http://127.0.0.1:$other/health" 30
  check "it finds the same five by the same file" becomes "http://127.0.0.1:$other" 'sum(up)' 5
  check "and has the same count" becomes "http://127.0.0.1:$other" 'sum(http_requests_total{job="gateway",method="POST",path="/api/orders",status="201"})' 20
else
  skip "VictoriaMetrics finds the same five" "victoria-metrics is not installed"
fi

# shown OFFSET METRIC: what the program there says of itself.
shown() { curl -s -m 5 "http://127.0.0.1:$((port + $1))/metrics" | sed -nE "s/^$2(\{[^}]*\})? //p"; }
frozen=$(program_pid order2)
kill -STOP "$frozen"
firing() { local i; for i in {1..360}; do [[ $(value "$prometheus" "ALERTS{alertname=\"InstanceDown\",alertstate=\"firing\",instance=\"127.0.0.1:$((port + 5))\"}") == 1 ]] && return 0; sleep 0.25; done; return 1; }
check "InstanceDown fires for an instance that is frozen" firing
kill -CONT "$frozen"
check "which is found and scraped again when it is back" becomes "$prometheus" 'sum(up)' 5

frozen=$(server_pid mariadb)
kill -STOP "$frozen"
lags() { local i; for i in {1..100}; do at_most 2 "$(shown 12 shop_outbox_lag_seconds)" >/dev/null && return 0; sleep 0.1; done; shown 12 shop_outbox_lag_seconds; return 1; }
check "a frozen database: the outbox lags" lags
check "and the pool has connections at work" at_most 1 "$(shown 12 sql_connections_busy)"
kill -CONT "$frozen"
delivers() { local i; for i in {1..300}; do at_most "$(shown 12 shop_outbox_lag_seconds)" 1 >/dev/null && return 0; sleep 0.1; done; shown 12 shop_outbox_lag_seconds; return 1; }
check "thawed: it is delivered to the end" delivers

# package FILE: Debian's, of a library by whichever of its two paths dpkg knows.
package() { dpkg -S "$1" 2>/dev/null || dpkg -S "${1#/usr}" 2>/dev/null || dpkg -S "/usr$1" 2>/dev/null; }
packages() { ldd "$bin"/{gateway,user,order} | awk '$3 ~ "^/" { print $3 }' | sort -u | while read -r file; do package "$(readlink -f "$file")" | cut -d: -f1; done | sort -u; }
lacking=$(for name in $(packages); do grep -qw -- "$name" deploy/docker/Dockerfile || [[ $name == libc6 ]] || echo "$name"; done)
check "deploy/docker/Dockerfile installs every library that the programs are linked with" equals "$lacking" ""
check "and that list is one" at_most 5 "$(packages | wc -l)"

secret=$(<"$data/secrets/db-password")
check "it stops" ./run --stop --data "$data"
check "MariaDB has ended cleanly" grep -q "Shutdown complete" "$data/mariadb/log.err"
check "it starts again" start_full
check "with the same password" equals "$(<"$data/secrets/db-password")" "$secret"
check "the order of before is there" bash -c "[[ \$(curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer $token' $shop/api/orders/$order) == 200 ]]"
stop_shop
finish
