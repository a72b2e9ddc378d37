#!/usr/bin/env bash
# ./run --full itself, with stand-ins for the programs and their servers: what runs, on which ports, told what, and in which order it ends.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh

dir=$(scratch)
mkdir "$dir/bin"
for name in gateway user order; do ln -s "$top/tests/tools/standin.py" "$dir/bin/$name"; done
export SHOP_BIN=$dir/bin SHOP_SERVE=$top/tests/tools/standin_server.py SHOP_ANY_PORTS=1 STANDIN_DIARY=$dir/diary
base=$(free_port 16)
export STANDIN_PASSING="$(for offset in 0 1 2 4 5; do printf '{"Port":%s}' $((base + offset)); done)" # what its Consul says
data=$dir/data

eventually() {
  local i
  for ((i = 0; i < 100; i++)); do "$@" && return 0; sleep 0.1; done
  echo "not true within 10 s: $*"
  return 1
}
# server FIELD NAME: of run.json.
server() { $python -c 'import json, sys; print(json.load(open(sys.argv[1]))["backends"][sys.argv[3]][sys.argv[2]])' "$data/run.json" "$1" "$2" 2>/dev/null; }
new_pid() { local now; now=$(server pid "$1"); [[ -n $now && $now != 0 && $now != "$2" ]] && kill -0 "$now" 2>/dev/null; }

said=$(DB_HOST=mysql-service ./run --full --detach --port "$base" --data "$data" 2>&1)
check "--full --detach starts all" equals $? 0
check "the ready line is last" equals "$(tail -n1 <<<"$said")" "ready http://127.0.0.1:$base"
check "the environment's own DB_HOST is dropped, and that is said" contains "$said" "DB_HOST=mysql-service is dropped"
check "run.json has the five programs and the five servers" $python -c '
import json, os, sys
run, base = json.load(open(sys.argv[1])), int(sys.argv[2])
ports = {p["program"]: (p["ports"]["http"] - base, p["ports"]["admin"] - base) for p in run["programs"]}
assert ports == {"gateway": (0, 10), "user": (1, 11), "order": (2, 12), "user2": (4, 14), "order2": (5, 15)}, ports
assert set(run["backends"]) == {"mariadb", "redis", "consul", "prometheus", "jaeger"}, run["backends"]
for one in (*run["programs"], *run["backends"].values()):
    os.kill(one["pid"], 0)
assert len({b["port"] for b in run["backends"].values()}) == 5' "$data/run.json" "$base"
check "the password is made, of 192 bits" matches "$(<"$data/secrets/db-password")" '^[0-9a-f]{48}$'
check "and nobody else may read it" equals "$(stat -c %a "$data/secrets/db-password")" 600
check "the database is the shop's own, by that password" grep -qx "shop owns shop by 48 letters" "$dir/diary"
told="DB_HOST=127.0.0.1 DB_PORT=$(server port mariadb) DB_NAME=shop DB_USER=shop DB_PASSWORD_FILE=$data/secrets/db-password DB_PASSWORD=unset CONSUL_ADDR=127.0.0.1:$(server port consul)"
told+=" REDIS_ADDR=127.0.0.1:$(server port redis) OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:$(server otlp_http jaeger) OTEL_SERVICE_NAME="
check "a service is told where they are" grep -qx "user begins ${told}user-service" "$dir/diary"
check "so is its second instance" grep -qx "order2 begins ${told}order-service" "$dir/diary"
check "so is the gateway" grep -qx "gateway begins ${told}gateway" "$dir/diary"
check "the servers begin before the first program" equals "$(sed -n '/^user begins/q;p' "$dir/diary" | grep -c '^[a-z]* begins$')" 5
check "Prometheus asks this run's Consul" grep -q "server: 127.0.0.1:$(server port consul)$" "$data/prometheus/prometheus.yml"
check "and has the rules" test -f "$data/prometheus/rules/shop.yml"

old=$(server pid redis)
kill -KILL "$old"
check "a server that was killed is started again" eventually new_pid redis "$old"
check "its death is logged" grep -q "redis died with status 137; started again in 1 s" "$data/log/run.log"
old=$(server pid consul)
./run --restart consul --data "$data" >/dev/null; check "--restart takes a server" equals "$?$(new_pid consul "$old" && echo " new")" "0 new"
old=$(program_pid user2)
./run --restart user2 --data "$data" >/dev/null; check "--restart takes a second instance" equals "$?$([[ $(program_pid user2) != "$old" ]] && echo " new")" "0 new"

: >"$dir/diary"
secret=$(<"$data/secrets/db-password")
./run --stop --data "$data" >/dev/null; check "--stop stops" equals $? 0
check "callers end before whom they call, the database last" equals "$(sed -n 's/ ends$//p' "$dir/diary" | tr '\n' ' ')" \
  "gateway order2 order user2 user prometheus jaeger consul redis mariadb "
./run --full --detach --port "$base" --data "$data" >/dev/null 2>&1; check "a second start goes on with the first one's data" equals $? 0
check "and its password" equals "$(<"$data/secrets/db-password")" "$secret"
./run --stop --data "$data" >/dev/null

unset SHOP_ANY_PORTS
busy=13306
if (exec 3<>/dev/tcp/127.0.0.1/$busy) 2>/dev/null; then
  skip "a free port where one is busy" "port $busy is in use already"
else
  start "$dir/busy" "$python" -c "
import socket, time
held = socket.socket(); held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); held.bind(('127.0.0.1', $busy)); held.listen()
time.sleep(600)"
  eventually bash -c "exec 3<>/dev/tcp/127.0.0.1/$busy" 2>/dev/null >&2
  ./run --full --detach --port "$base" --data "$data" >/dev/null 2>&1; check "a busy port of a server is no failure" equals $? 0
  check "it gets another" bash -c "[[ -n '$(server port mariadb)' && '$(server port mariadb)' != $busy ]]"
  ./run --stop --data "$data" >/dev/null
fi
export SHOP_ANY_PORTS=1

said=$(STANDIN_FAILS=mariadb ./run --full --port "$base" --data "$data" 2>&1); check "a server that cannot start fails the run" equals $? 1
check "with its own last words" contains "$said" "mariadb ended with status 3 before it was ready: cannot read the old tables"
said=$(./run --restart redis --data "$data" 2>&1); check "--restart of a server where none runs fails" equals $? 1
start_shop "$data" "$base"
said=$(./run --restart redis --data "$data" 2>&1); check "also beside a shop without servers" equals "$? $said" "1 run: redis is not in $data/run.json"
check "whose run.json has none" bash -c "! grep -q backends '$data/run.json'"
finish
