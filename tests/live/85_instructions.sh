#!/usr/bin/env bash
# The request path costs no more instructions than the committed counts say (bench/guard/run).
source "$(dirname "$0")/../lib.sh"
cd "$top" || exit 1
while read -r line; do
  if [[ $line == *" not over its baseline" ]]; then ok "${line% not over*}, not over its baseline"; else not_ok "instructions" "$line"; fi
done < <(bench/guard/run 2>&1 | awk '/instructions a request/ { if ($NF + 0 > 0 && $2 * 100 <= $NF * 103) print $0 " not over its baseline"; else print; next } { print }')

# The gate itself: a count that rose by 4 % over a baseline fails, one that rose by 2 % does not; and nothing is forgotten.
dir=$(scratch)
cost=$(bench/guard/run rpc | awk '{ print $2 }')
verdict() { GUARD_BASELINE=$dir/$1 bench/guard/run rpc >/dev/null 2>&1 && echo passes || echo fails; }
for percent in 102 104; do echo "rpc $((cost * 100 / percent))" >"$dir/$percent"; done
check "a path that costs 4 % more than its baseline fails" equals "$(verdict 104)" fails
check "one that costs 2 % more does not" equals "$(verdict 102)" passes
echo "forgotten 1" >"$dir/forgotten"
said=$(GUARD_BASELINE=$dir/forgotten bench/guard/run 2>&1)
check "a baseline whose program is not built fails" equals "$?" 1
check "and says which" contains "$said" "guard_forgotten is not built"
finish
