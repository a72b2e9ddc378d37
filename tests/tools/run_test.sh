#!/usr/bin/env bash
# ./run itself, with stand-ins for the three programs: options, exit codes, supervision, logs, and what it refuses.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh

dir=$(scratch)
mkdir "$dir/bin"
for name in gateway user order; do ln -s "$top/tests/tools/standin.py" "$dir/bin/$name"; done
export SHOP_BIN=$dir/bin SHOP_LOG_BYTES=100000
base=$(free_port 13)
data=$dir/data

# eventually COMMAND..: until it is true, ten seconds at most.
eventually() {
  local i
  for ((i = 0; i < 100; i++)); do "$@" && return 0; sleep 0.1; done
  echo "not true within 10 s: $*"
  return 1
}
new_pid() { local now; now=$(program_pid "$1"); [[ -n $now && $now != 0 && $now != "$2" ]] && kill -0 "$now" 2>/dev/null; }

./run --port none >/dev/null 2>&1; check "a port that is no number is wrong usage" equals $? 2
./run --frobnicate >/dev/null 2>&1; check "an unknown option is wrong usage" equals $? 2
./run --restart postgres >/dev/null 2>&1; check "restarting an unknown program is wrong usage" equals $? 2
./run --help >/dev/null; check "--help is well" equals $? 0
./run --stop --data "$data" >/dev/null; check "--stop is well when nothing runs" equals $? 0

said=$(DB_HOST=mysql-service ./run --detach --port "$base" --data "$data" 2>&1)
check "--detach starts all" equals $? 0
check "the ready line is last" equals "$(tail -n1 <<<"$said")" "ready http://127.0.0.1:$base"
check "three curl lines to try" equals "$(grep -c '^curl ' <<<"$said")" 3
check "DB_HOST is dropped, and that is said" contains "$said" "DB_HOST=mysql-service is dropped"
check "no program sees it" grep -q DB_HOST=unset "$data/log/user.log"
check "run.json is JSON with program, pid, argv and ports" $python -c '
import json, sys
programs = {p["program"]: p for p in json.load(open(sys.argv[1]))["programs"]}
base = int(sys.argv[2])
assert set(programs) == {"gateway", "user", "order"}
assert programs["order"]["ports"] == {"http": base + 2, "admin": base + 12}
assert all(p["pid"] > 1 and p["argv"][0].endswith(p["program"]) for p in programs.values())' "$data/run.json" "$base"

said=$(./run --port "$base" --data "$dir/other" 2>&1); check "a port in use fails" equals $? 1
check "and names port and holder in one line" matches "$said" "^run: port $base is in use by gateway \(pid $(program_pid gateway)\)[^"$'\n'"]*$"
said=$(./run --port "$(free_port 13)" --data "$data" 2>&1); check "a data folder in use fails" equals $? 1
check "and names it in one line" matches "$said" "^run: data folder $data is in use[^"$'\n'"]*$"

old=$(program_pid user)
kill -KILL "$old"
is_away() { [[ $(program_pid "$1") == 0 ]]; }
check "a program that was killed is away, and run.json names no process for it" eventually is_away user
./run --restart user --data "$data" >/dev/null; check "it is started again, and --restart waits for that" equals "$?$(new_pid user "$old" && echo " new")" "0 new"
check "its death is logged" grep -q "user died with status 137; started again in 1 s" "$data/log/run.log"
old=$(program_pid order)
./run --restart order --data "$data" >/dev/null; check "--restart restarts" equals "$?$(new_pid order "$old" && echo " new")" "0 new"
curl -s "http://127.0.0.1:$base/say/6000" >/dev/null
check "a log is rotated at its limit" eventually test -f "$data/log/gateway.log.4"
four_kept() { [[ $(ls "$data"/log/gateway.log.* | wc -l) == 4 ]]; }
check "four old logs are kept" eventually four_kept
# The last files may still be moving up.
ends_whole() { [[ $(tail -c 1 "$data/log/gateway.log.1" 2>/dev/null | od -An -tx1 | tr -d ' ') == 0a ]]; }
check "a rotated log ends with a whole line" eventually ends_whole

pids="$(program_pid user) $(program_pid order) $(program_pid gateway)"
./run --stop --data "$data" >/dev/null; check "--stop stops" equals $? 0
for pid in $pids; do check "pid $pid is gone" bash -c "! kill -0 $pid 2>/dev/null"; done
check "all have drained" equals "$(grep -l drained "$data"/log/{user,order,gateway}.log | wc -l)" 3

said=$(STANDIN_FAILS=order ./run --port "$base" --data "$data" 2>&1); check "a program that cannot start fails the run" equals $? 1
check "with its own last words" contains "$said" "order ended with status 3 before it was ready: cannot open the database"
check "and nothing is left running" bash -c "! grep -qi ':$(printf %04X $((base + 1))) .* 0A ' /proc/net/tcp"

start "$dir/foreground" env --default-signal=INT ./run --port "$base" --data "$data"
eventually grep -q '^ready' "$dir/foreground" >/dev/null
kill -INT "$last"; wait "$last"; check "SIGINT drains and exits 0" equals $? 0
check "its last word is that all have stopped" equals "$(tail -n1 "$dir/foreground")" stopped
start "$dir/foreground" ./run --port "$base" --data "$data"
eventually grep -q '^ready' "$dir/foreground" >/dev/null
kill -TERM "$last"; wait "$last"; check "SIGTERM drains and exits 0" equals $? 0
check "run.json is gone with it" bash -c "! test -e '$data/run.json'"
start "$dir/foreground" env --default-signal=INT ./run --port "$base" --data "$data"
eventually grep -q '^ready' "$dir/foreground" >/dev/null
held=$(program_pid user)
kill -KILL "$last"
check "programs do not outlive a killed ./run" eventually bash -c "! kill -0 $held 2>/dev/null"

said=$(./run --check 2>&1); check "--check fails where steps fail" equals $? 1
check "and says how many" matches "$(tail -n1 <<<"$said")" "^the golden journey failed in [0-9]+ steps$"
journeyed=$(sed -nE 's/.*are ready on (http.*)$/\1/p' <<<"$said")
check "and leaves nothing running" bash -c "[[ -n '$journeyed' ]] && ! curl -s -o /dev/null -m 2 '$journeyed/health'"

said=$(./run --port "$base" --data /proc/yun 2>&1); check "a data folder that cannot be made fails" equals $? 1
check "in one line that names it" matches "$said" "^run: data folder /proc/yun cannot be written[^"$'\n'"]*$"
if [[ $(id -u) == 0 ]] && mkdir "$dir/small" && mount -t tmpfs -o size=512k tmpfs "$dir/small" 2>/dev/null; then
  said=$(./run --port "$base" --data "$dir/small/data" 2>&1); check "a full data folder fails" equals $? 1
  check "and says so in one line" matches "$said" "^run: data folder $dir/small/data is full or cannot be written: No space left on device$"
  umount "$dir/small"
else
  skip "a full data folder fails" "no right to mount a small file system"
fi

check "the back-off is 1 s .. 30 s, and 1 s again after ten seconds of life" equals "$(
  source tools/shop/supervise
  born[user]=$SECONDS
  for _ in {1..7}; do back_off user; printf '%s ' "${delay[user]}"; done
  born[user]=$((SECONDS - 10))
  back_off user; printf '%s' "${delay[user]}")" "1 2 4 8 16 30 30 1"
finish
