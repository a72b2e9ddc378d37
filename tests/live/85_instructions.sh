#!/usr/bin/env bash
# The request path costs no more instructions than the committed counts say (bench/guard/run).
source "$(dirname "$0")/../lib.sh"
cd "$top" || exit 1
while read -r line; do
  if [[ $line == *" not over its baseline" ]]; then ok "${line% not over*}, not over its baseline"; else not_ok "instructions" "$line"; fi
done < <(bench/guard/run 2>&1 | awk '/instructions a request/ { if ($NF + 0 > 0 && $2 * 100 <= $NF * 103) print $0 " not over its baseline"; else print; next } { print }')
finish
