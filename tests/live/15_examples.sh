#!/usr/bin/env bash
# Each example does what its first comment says.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh

dir=$(scratch)
# example NAME [FLAG..]: starts it, sets $url.
example() {
  local name=$1 port
  shift
  port=$(free_port 2)
  url=http://127.0.0.1:$port
  start "$dir/$name.log" "$bin/examples/$name" --listen "127.0.0.1:$port" --admin "127.0.0.1:$((port + 1))" "$@"
  check "$name is ready" wait_http "$url/health"
}

example hello
check "hello answers JSON from a plain struct" equals "$(curl -s -m 5 "$url/api/users/42")" '{"id":"42","name":"user_42"}'
check "hello describes itself" bash -c "curl -s -m 5 $url/openapi.json | $python -c 'import json, sys; d = json.load(sys.stdin); assert d[\"openapi\"].startswith(\"3.1\") and \"/api/users/{id}\" in d[\"paths\"]'"
check "and shows it with nothing from another host" bash -c "curl -s -m 5 $url/docs | tee '$dir/docs' | grep -qi '<html' && ! grep -oE '(src|href)=\"https?://' '$dir/docs'"
end "$last"

example metrics
check "metrics answers after 100 ms" bash -c "curl -s -m 5 -w ' %{time_total}' $url/api/data | grep -qE '^\{\"message\":\"Hello, world!\"\} (0\.[1-9]|[1-9])'"
begun=${EPOCHREALTIME/./}
for _ in {1..40}; do curl -s -m 5 -o /dev/null "$url/api/data" & waiting+=($!); done
wait "${waiting[@]}"
check "forty at once hold no thread: together well below 40 x 100 ms" at_most $(((${EPOCHREALTIME/./} - begun) / 1000)) 2000
end "$last"

example grpc_greeter
check "grpc_greeter calls all four kinds" equals "$("$bin/examples/grpc_greeter" --call "${url#http://}" --name ann --log.output none | tr '\n' ';')" \
  'hello ann;hello ann 0;hello ann 1;hello ann 2;hello ann 3;hello ann 4;hello ann, ann;hello ann;hello ann;hello ann;'
check "grpc_greeter says why it cannot call" bash -c "! said=\$('$bin/examples/grpc_greeter' --call 127.0.0.1:1 --log.output none 2>&1) && [[ \$said == greeter:* ]]"
end "$last"

example sql_todo --database "sqlite://$dir/todo.db"
check "sql_todo adds" equals "$(curl -s -m 5 -d '{"title":"write"}' -H 'content-type: application/json' "$url/todos")" '{"id":1,"title":"write","done":false}'
check "sql_todo finishes" equals "$(curl -s -m 5 -X POST "$url/todos/1/done")" '{"id":1,"title":"write","done":true}'
check "sql_todo lists" equals "$(curl -s -m 5 "$url/todos")" '[{"id":1,"title":"write","done":true}]'
check "sql_todo refuses a blank title" equals "$(curl -s -m 5 -o /dev/null -w '%{http_code}' -d '{"title":" "}' -H 'content-type: application/json' "$url/todos")" 422
end "$last"

if [[ -f examples/streaming.cpp ]]; then
  example streaming
  check "streaming sends events" bash -c "curl -s -N -m 3 -H 'Accept: text/event-stream' $url/events | head -n 2 | grep -q '^data:'"
  head -c 5000000 /dev/urandom >"$dir/five"
  check "streaming counts a chunked upload" bash -c "curl -s -m 20 -H 'Transfer-Encoding: chunked' -T '$dir/five' -X POST $url/upload | grep -q 5000000"
  end "$last"
fi
finish
