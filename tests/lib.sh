# What the test scripts share. A script sources it, calls `check WORDS COMMAND..` (or ok, not_ok, skip) once for each thing it
# proves and ends with `finish`. Each prints one line `ok - words`, `not ok - words` or `skip - words: why`, which ./test counts.
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin=${SHOP_BIN:-$top/build/release/bin}
python=/usr/bin/python3
failures=0
scratch_dirs=()
started=()

ok() { printf 'ok - %s\n' "$1"; }
not_ok() { printf 'not ok - %s\n' "$1"; shift; (($#)) && printf '%s\n' "$@" | head -n 12 | sed 's/^/    /'; failures=$((failures + 1)); }
skip() { printf 'skip - %s: %s\n' "$1" "$2"; }

# check WORDS COMMAND..: the command's status is the verdict; what it prints is shown when it fails.
check() {
  local words=$1 said
  shift
  if said=$("$@" 2>&1); then ok "$words"; else not_ok "$words" "$said"; fi
}
equals() { [[ $1 == "$2" ]] || { printf 'got:  %s\nwant: %s\n' "$1" "$2"; return 1; }; }
contains() { [[ $1 == *"$2"* ]] || { printf 'got:  %s\nwant in it: %s\n' "$1" "$2"; return 1; }; }
matches() { [[ $1 =~ $2 ]] || { printf 'got:  %s\nwant a match of: %s\n' "$1" "$2"; return 1; }; }
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a <= b) }' || { printf 'got:  %s\nwant at most: %s\n' "$1" "$2"; return 1; }; }

# scratch: a folder of this script's own, gone when it ends. (Made under the parent shell's pid, since $() is a subshell.)
scratch() { mktemp -d "${TMPDIR:-/tmp}/yun-test.$$.XXXXXX"; }

# free_port [SPAN]: a port below the ephemeral range such that it and the next SPAN-1 listen nowhere.
free_port() {
  local span=${1:-1} base offset used
  used=$(awk '$4 == "0A" { split($2, a, ":"); print a[2] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  while :; do
    base=$((20000 + (RANDOM % 12000)))
    for ((offset = 0; offset < span; offset++)); do
      [[ $used == *$(printf '%04X' $((base + offset)))* ]] && continue 2
    done
    echo "$base"
    return
  done
}

# start LOG COMMAND..: in the background; the pid is in $last and is ended by `finish`.
start() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 &
  last=$!
  started+=("$last")
}

# wait_http URL [SECONDS]: until it answers 200.
wait_http() {
  local until=$((SECONDS + ${2:-15}))
  while ((SECONDS < until)); do
    [[ $(curl -s -o /dev/null -m 2 -w '%{http_code}' "$1") == 200 ]] && return 0
    sleep 0.05
  done
  echo "no 200 from $1 within ${2:-15} s"
  return 1
}

# end PID: SIGTERM, then at most ten seconds, then SIGKILL.
end() {
  local i
  kill -TERM "$1" 2>/dev/null || return 0
  for ((i = 0; i < 100; i++)); do
    kill -0 "$1" 2>/dev/null || { wait "$1" 2>/dev/null; return 0; }
    sleep 0.1
  done
  kill -KILL "$1" 2>/dev/null
  return 0
}

# The shop under ./run on free ports with a data folder of its own; sets $shop (URL), $port and $data.
start_shop() {
  data=${1:-$(scratch)}
  port=${2:-$(free_port 13)}
  shop=http://127.0.0.1:$port
  "$top/run" --no-install --detach --port "$port" --data "$data" >"$data.out" 2>&1 || { cat "$data.out"; return 1; }
}
stop_shop() { "$top/run" --stop --data "$data" >/dev/null 2>&1; }

# program_pid NAME: from run.json.
program_pid() { sed -nE "s/.*\"program\": *\"$1\", *\"pid\": *([0-9]+).*/\\1/p" "$data/run.json"; }

# json FIELD: the first string, number or boolean of that name in what stands on stdin.
json() { grep -oE "\"$1\": *(\"[^\"]*\"|-?[0-9.]+|true|false|null)" | head -n1 | sed -E "s/^\"$1\": *//; s/^\"(.*)\"\$/\\1/"; }

finish() { exit $((failures > 0)); }

clean_up() {
  local pid
  for pid in "${started[@]}"; do end "$pid"; done
  [[ -n ${data:-} && -f $data/run.json ]] && stop_shop
  rm -rf "${TMPDIR:-/tmp}/yun-test.$$."*
}
trap clean_up EXIT
trap 'exit 130' INT TERM
