#!/usr/bin/env bash
# h2spec's 145 tests on h2c and on TLS: all pass.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh
source tools/setup
source tools/peers/peers

h2spec=$(peer h2spec) || { skip "h2spec" "it could not be built"; finish; }
dir=$(scratch)

# conform WORDS PORT [FLAG..]
conform() {
  local words=$1 port=$2 failing
  shift 2
  timeout 300 "$h2spec" -h 127.0.0.1 -p "$port" -o 2 --junit-report "$dir/$port.xml" "$@" >"$dir/$port.log" 2>&1
  check "$words: all 145 tests were run" grep -qE '^145 tests,' "$dir/$port.log"
  failing=$($python - "$dir/$port.xml" <<'END'
import sys, xml.etree.ElementTree as tree
for suite in tree.parse(sys.argv[1]).iter("testsuite"):
    cases = list(suite.iter("testcase"))
    for number, case in enumerate(cases, 1):
        if case.find("failure") is not None or case.find("error") is not None:
            print(f"{suite.get('package')}/{number} {case.get('classname')}")
END
)
  check "$words: none fails ($(grep -E '^145 tests' "$dir/$port.log"))" equals "$failing" ""
}

port=$(free_port 2)
start "$dir/log" "$bin/examples/gin_service" --listen "127.0.0.1:$port" --admin "127.0.0.1:$((port + 1))"
wait_http "http://127.0.0.1:$port/health" >/dev/null
conform h2c "$port" --path /health
end "$last"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
port=$(free_port 2)
start "$dir/log" "$bin/examples/gin_service" --listen "127.0.0.1:$port" --admin "127.0.0.1:$((port + 1))" --tls.certificate "$dir/cert.pem" --tls.key "$dir/key.pem"
for _ in {1..100}; do curl -sk -m 2 "https://127.0.0.1:$port/health" >/dev/null && break; sleep 0.05; done
conform TLS "$port" -t -k --path /health
finish
