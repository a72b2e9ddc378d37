#!/usr/bin/env bash
# gin_service before real HTTP clients: curl in all its versions, with and without TLS, and ab.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh

dir=$(scratch)
port=$(free_port 3)
url=http://127.0.0.1:$port
start "$dir/log" "$bin/examples/gin_service" --listen "127.0.0.1:$port" --admin "127.0.0.1:$((port + 1))"
served=$last
check "gin_service is ready" wait_http "$url/health"

want='{"id":"42","name":"user_42"}'
check "/health" equals "$(curl -s -m 5 "$url/health")" '{"status":"ok"}'
check "HTTP/1.1" equals "$(curl -s -m 5 -w ' %{http_version} %{content_type}' "$url/api/users/42")" "$want 1.1 application/json"
check "HTTP/1.0" equals "$(curl -s -m 5 -0 -w ' %{http_code}' "$url/api/users/42")" "$want 200"
check "HTTP/1.0 is closed unless keep-alive is asked for" bash -c "curl -s -m 5 -0 -D- -o /dev/null $url/health | grep -qi '^connection: close'"
check "HTTP/1.0 needs no Host and gets no chunks" bash -c "exec 3<>/dev/tcp/127.0.0.1/$port; printf 'GET /health HTTP/1.0\r\n\r\n' >&3; timeout 5 cat <&3 | tee '$dir/ten' | grep -q ' 200' && ! grep -qi chunked '$dir/ten'"
check "HTTP/2 by prior knowledge" equals "$(curl -s -m 5 --http2-prior-knowledge -w ' %{http_version}' "$url/api/users/42")" "$want 2"
check "HEAD has the length and no body" bash -c "curl -s -m 5 -I $url/health | grep -qi '^content-length: 15'"
check "unknown paths are 404 with a problem" bash -c "curl -s -m 5 -D- $url/nowhere | tr -d '\r' | grep -qi '^content-type: application/problem+json'"
check "a wrong method is 405 with Allow" bash -c "curl -s -m 5 -D- -o /dev/null -X DELETE $url/api/users/42 | grep -qi '^allow:.*GET'"
check "two requests on one connection" equals "$(curl -s -m 5 -w '%{num_connects} ' -o /dev/null "$url/health" -o /dev/null "$url/health")" "1 0 "
check "Expect: 100-continue on a known path's wrong method ends at once" bash -c "curl -s -m 5 -o /dev/null -w '%{http_code}' -H 'Expect: 100-continue' -d x $url/api/users/42 | grep -q 405"
check "the request id of the caller comes back" bash -c "curl -s -m 5 -D- -o /dev/null -H 'X-Request-Id: abc-123' $url/health | grep -qi '^x-request-id: abc-123'"
check "metrics have the pattern as path" bash -c "curl -s -m 5 $url/metrics | grep -qF 'http_requests_total{method=\"GET\",path=\"/api/users/'"
ab -q -n 2000 -c 16 -k "$url/api/users/42" >"$dir/ab" 2>&1
check "ab with keep-alive: 2000 requests, none failed" bash -c "grep -qE '^Complete requests: +2000' '$dir/ab' && grep -qE '^Failed requests: +0' '$dir/ab' && ! grep -q 'Non-2xx' '$dir/ab'"
ab -q -n 500 -c 8 "$url/health" >"$dir/ab" 2>&1
check "ab without keep-alive: 500 requests, none failed" bash -c "grep -qE '^Complete requests: +500' '$dir/ab' && grep -qE '^Failed requests: +0' '$dir/ab'"
h2load -n 2000 -c 4 -m 16 "$url/api/users/42" >"$dir/h2load" 2>&1
check "h2load: 2000 requests over h2c, all succeeded" grep -q '2000 succeeded, 0 failed' "$dir/h2load"
kill -TERM "$served"; wait "$served"; check "SIGTERM drains and exits 0" equals $? 0

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
  -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>/dev/null
start "$dir/log" "$bin/examples/gin_service" --listen "127.0.0.1:$port" --admin "127.0.0.1:$((port + 1))" --tls.certificate "$dir/cert.pem" --tls.key "$dir/key.pem"
secure=(--cacert "$dir/cert.pem" -s -m 5)
for _ in {1..100}; do curl "${secure[@]}" "https://127.0.0.1:$port/health" >/dev/null && break; sleep 0.05; done
check "TLS, HTTP/1.1" equals "$(curl "${secure[@]}" --http1.1 -w ' %{http_version}' "https://127.0.0.1:$port/api/users/42")" "$want 1.1"
check "TLS, HTTP/2 by ALPN" equals "$(curl "${secure[@]}" --http2 -w ' %{http_version}' "https://127.0.0.1:$port/api/users/42")" "$want 2"
check "a TLS port refuses plaintext" bash -c "! curl -s -m 5 -f $url/health"
finish
