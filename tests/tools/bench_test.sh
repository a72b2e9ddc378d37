#!/usr/bin/env bash
# The bench itself: its statistics, the void rule on servers that cheat, and latencies on a server that stalls.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh

dir=$(scratch)
if ! g++ -std=c++23 -O1 -I. -o "$dir/openloop" bench/load/*.cpp -lnghttp2 -lssl -lcrypto >"$dir/compiled" 2>&1; then
  not_ok "the open-loop generator compiles" "$(cat "$dir/compiled")"
  finish
fi
# Its lines are this script's: `ok - ..`, `not ok - ..`.
PYTHONDONTWRITEBYTECODE=1 OPENLOOP=$dir/openloop SCRATCH=$dir "$python" tests/tools/bench_cases.py || failures=1
said=$(bench/run no-such-row 2>&1); check "a row that does not exist is wrong usage" equals "$?" 2
check "and the rows that do are named" contains "$said" "http-json"
said=$(bench/run --rounds 3 http-json 2>&1); check "fewer than five rounds are refused unless quick" equals "$?" 2
finish
