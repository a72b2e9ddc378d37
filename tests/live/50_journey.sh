#!/usr/bin/env bash
# ./run --check, the golden journey, and how quickly a second ./run is ready.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh

dir=$(scratch)
timeout 120 ./run --no-install --check >"$dir/out" 2>&1
status=$?
while read -r word took _ words; do
  case $word in
    ok) ok "$words" ;;
    FAIL) not_ok "$words" ;;
  esac
done < <(grep -E '^(ok|FAIL) ' "$dir/out")
check "./run --check is well" equals "$status $(tail -n1 "$dir/out")" "0 the golden journey is walked"

start_shop "$dir/data" >"$dir/first"
stop_shop
begun=${EPOCHREALTIME/./}
start_shop "$dir/data" >"$dir/second"  # not under check: it sets $shop, which a subshell would keep to itself
status=$?
took=$(((${EPOCHREALTIME/./} - begun) / 1000))
check "./run starts again on a warm folder" equals "$status" 0
check "the second ./run is ready in $took ms, at most 5000" at_most "$took" 5000
curl -s "$shop/api/products" >"$dir/products"
check "and serves what was there" grep -q '"products"' "$dir/products"
check "as many products as before, at least five" at_most 5 "$(grep -o '"stock"' "$dir/products" | wc -l)"
finish
