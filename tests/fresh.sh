#!/usr/bin/env bash
# ./run on a Debian 12 that has nothing but its base system, made here by debootstrap from this machine's own package source: what it says
# where it may not install, what it installs where it may, and how long it takes from nothing to ready.
#
#   tests/fresh.sh           ./run only
#   tests/fresh.sh --unit    then `tools/setup tests`, `tools/setup go` and `./test unit` there too
#
# Wants root. The base system is kept for 30 days in ~/.cache/yun; all else is gone when it ends.
cd "$(dirname "$0")/.." || exit 1
source tests/lib.sh
source tools/setup

if [[ $(id -u) != 0 ]]; then skip "a fresh Debian 12" "only root can make one"; finish; fi
if ! setup_packages "making a fresh Debian 12" debootstrap git curl iproute2; then skip "a fresh Debian 12" "no debootstrap"; finish; fi
# Compiling makes some 2 GB, which a small /tmp does not hold.
TMPDIR=${TMPDIR:-/var/tmp}
dir=$(scratch)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/yun
base=$cache/fresh-bookworm.tar

# own_sources: this machine's entries for bookworm and its updates, each format in a file; no third party's.
own_sources() {
  local to=$1/etc/apt/sources.list.d entry suite
  rm -f "$1/etc/apt/sources.list"
  for suite in bookworm bookworm-updates bookworm-security; do
    entry=$(setup_suite_entry /etc/apt "$suite" "$suite") || continue
    printf '%s\n' "${entry#*$'\n'}" >"$to/$suite.${entry%%$'\n'*}"
  done
  ls "$to"/bookworm.* >/dev/null
}

# own_apt_settings: how apt reaches that source from here (proxies, certificates, credentials).
own_apt_settings() {
  local file
  apt-config dump | grep -E '^Acquire::(https?|ForceIPv4|ForceIPv6)(::|[ "])' >"$1/etc/apt/apt.conf.d/90machine"
  cp -a /etc/apt/auth.conf /etc/apt/auth.conf.d "$1/etc/apt/" 2>/dev/null
  while read -r file; do [[ -f $file ]] && install -D -m 644 "$file" "$1$file"; done < <(
    echo /etc/resolv.conf; echo /etc/hosts; echo /etc/ssl/certs/ca-certificates.crt
    grep -hoE '/[^ "]+\.(gpg|asc|pem|crt|key)' "$1"/etc/apt/sources.list.d/* "$1/etc/apt/apt.conf.d/90machine")
}

make_base() {
  local entry mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  entry=$(setup_suite_entry /etc/apt bookworm) || { echo "no bookworm entry under /etc/apt"; return 1; }
  mirror=$(grep -oE '[a-z]+://[^ ]+' <<<"$entry" | head -n1)
  mkdir -p "$cache"
  debootstrap --variant=minbase ${keyring:+--keyring="$keyring"} bookworm "$dir/base" "$mirror" >"$dir/debootstrap.log" 2>&1 || { tail -n 3 "$dir/debootstrap.log"; return 1; }
  tar -C "$dir/base" -cf "$base.new" . && mv "$base.new" "$base" && rm -rf "$dir/base"
}

# fresh_machine: makes $machine, with a clean clone in /home/ada/yun.
fresh_machine() {
  mkdir "$machine"
  tar -C "$machine" -xf "$base" && own_sources "$machine" && own_apt_settings "$machine" &&
    on "$machine" useradd --create-home ada && git clone -q --no-local "$top" "$machine/home/ada/yun"
}

# on MACHINE [--offline] COMMAND..: there, as root, in /home/ada/yun if that exists; whatever it leaves running ends with it.
on() {
  local root=$1 apart=() name settings=(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8)
  shift
  [[ $1 != --offline ]] || { apart=(--net); shift; }
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY GOPROXY GONOSUMDB GOFLAGS; do
    [[ -z ${!name:-} ]] || settings+=("$name=${!name}")
  done
  setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child "${apart[@]}" bash -c '
    root=$1; shift
    mount -t proc proc "$root/proc" && mkdir -p "$root/dev/shm" && mount -t tmpfs tmpfs "$root/dev/shm" || exit 99
    ip link set lo up 2>/dev/null
    exec chroot "$root" "$@"' _ "$root" env -i "${settings[@]}" sh -c 'cd /home/ada/yun 2>/dev/null; exec "$@"' _ "$@" </dev/null
}

installed_on() { chroot "$1" dpkg-query -W -f='${Package} ${db:Status-Status}\n' | sort; }
one_line() { equals "$(grep -c . <<<"$1")" 1; }

if [[ ! -f $base || -n $(find "$base" -mtime +30) ]]; then check "debootstrap makes the base of a Debian 12" make_base; fi
[[ -f $base ]] || finish

# Where it may not install, or must not.
machine=$dir/refusing
check "a fresh machine" fresh_machine
before=$(installed_on "$machine")
said=$(on "$machine" setpriv --reuid=ada --regid=ada --clear-groups env HOME=/home/ada ./run 2>&1)
check "neither root nor sudo: exit 1" equals $? 1
check "it says in one line what root is to install" bash -c '[[ $(wc -l <<<"$1") == 1 && $1 == *"as root: apt-get install"*g++*libyaml-cpp-dev* ]] || { echo "$1"; exit 1; }' _ "$said"
said=$(on "$machine" ./run --no-install 2>&1)
check "--no-install: exit 1" equals $? 1
check "it says in one line what is missing" bash -c '[[ $(wc -l <<<"$1") == 1 && $1 == *"missing for building the three programs: g++ "* ]] || { echo "$1"; exit 1; }' _ "$said"
check "nothing was installed" equals "$(installed_on "$machine")" "$before"

# package NAME VERSION [FIELD]: somebody's own package, installed there.
package() {
  mkdir -p "$machine/tmp/own/DEBIAN"
  printf 'Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: somebody <somebody@example.com>\nDescription: their own\n%s' "$1" "$2" "${3:+$3$'\n'}" >"$machine/tmp/own/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$machine/tmp/own" "$machine/tmp/own.deb" >/dev/null && on "$machine" dpkg -i /tmp/own.deb >/dev/null 2>&1
}
check "a package of theirs that conflicts with mold" package their-linker 1.0 "Conflicts: mold"
before=$(installed_on "$machine")
said=$(on "$machine" ./run 2>&1)
check "is not removed: exit 1" equals $? 1
check "and named in one line" matches "$(tail -n +2 <<<"$said")" $'^set-up: conflict: [^\n]*their-linker[^\n]*$'
check "and is there still, with nothing else" equals "$(installed_on "$machine")" "$before"
on "$machine" dpkg -r their-linker >/dev/null

check "an old library of theirs, held" package libfmt9 0.1
on "$machine" apt-mark hold libfmt9 >/dev/null
before=$(installed_on "$machine")
said=$(on "$machine" ./run 2>&1)
check "is not replaced: exit 1" equals $? 1
check "and named in one line" matches "$(tail -n +2 <<<"$said")" $'^set-up: conflict: [^\n]*libfmt9[^\n]*$'
check "and is there still" equals "$(installed_on "$machine")" "$before"
rm -rf "$machine"

# From nothing to ready.
machine=$dir/open
check "another fresh machine" fresh_machine
before=$(installed_on "$machine")
port=$(free_port 13)
load=$(cut -d. -f1 /proc/loadavg)
begun=$SECONDS
{
  TIMEFORMAT='%U %S'
  time on "$machine" sh -c "./run --detach --port $port --data /srv/shop && touch /tmp/ready && until [ -e /tmp/enough ]; do sleep 0.2; done
    ./run --stop --data /srv/shop; echo stopped with \$?" >"$dir/out" 2>&1
} 2>"$dir/cpu" &
started+=($!)
until [[ -e $machine/tmp/ready ]] || ! kill -0 $! 2>/dev/null; do sleep 0.2; done
took=$((SECONDS - begun))
check "./run comes up" test -e "$machine/tmp/ready"
check "the ready line is last" equals "$(tail -n1 "$dir/out")" "ready http://127.0.0.1:$port"
check "it says what it installs and why" grep -q '^set-up: installing for building the three programs: g++ ' "$dir/out"
check "the shop answers" contains "$(curl -s -m 5 "http://127.0.0.1:$port/api/products")" '"products":[{'
touch "$machine/tmp/enough"
wait $!
check "--stop stops it" grep -q '^stopped with 0$' "$dir/out"
[[ -e $machine/tmp/ready ]] || { tail -n 20 "$dir/out"; finish; }
built=$(sed -nE 's/^built in ([0-9]+) s$/\1/p' "$dir/out")
comm -13 <(echo "$before") <(installed_on "$machine") | cut -d' ' -f1 >"$dir/installed"
echo "# from nothing to ready in $took s, of which compiling $built s; CPU seconds (user, system) $(cat "$dir/cpu"); $(nproc) cores, load before $load"
echo "# $(wc -l <"$dir/installed") packages came: $(tr '\n' ' ' <"$dir/installed")"
check "all of it is within the CPU seconds that two cores have in 360 s" at_most "$(awk '{ print $1 + $2 }' "$dir/cpu")" 720
if ((load > 1)); then
  skip "from nothing to ready within 360 s, of which compiling within 240 s" "the machine was busy with other things"
else
  check "from nothing to ready within 360 s" at_most "$took" 360
  check "of which compiling within 240 s" at_most "$built" 240
fi

on "$machine" --offline bash -c 'begun=${EPOCHREALTIME/./}; ./run --detach --data /srv/shop >/dev/null 2>&1; s=$?; echo "$s $(((${EPOCHREALTIME/./} - begun) / 1000))"; ./run --stop --data /srv/shop >/dev/null' >"$dir/out" 2>&1
read -r status took <"$dir/out"
check "a second ./run works without a network" equals "$status" 0
check "and is ready in $took ms, at most 5000" at_most "$took" 5000
on "$machine" ./run --check >"$dir/out" 2>&1
check "./run --check passes" bash -c '(($1 == 0)) || { tail -n 12 "$2"; exit 1; }' _ $? "$dir/out"
on "$machine" chown -R ada: /home/ada
on "$machine" --offline setpriv --reuid=ada --regid=ada --clear-groups env HOME=/home/ada bash -c './run --detach && ./run --stop' >"$dir/out" 2>&1
check "once all is there, a user without rights runs it" bash -c '(($1 == 0)) || { tail -n 5 "$2"; exit 1; }' _ $? "$dir/out"

if [[ ${1:-} == --unit ]]; then
  on "$machine" tools/setup tests >"$dir/out" 2>&1
  check "tools/setup tests" bash -c '(($1 == 0)) || { tail -n 5 "$2"; exit 1; }' _ $? "$dir/out"
  on "$machine" tools/setup go >"$dir/out" 2>&1
  check "tools/setup go" bash -c '(($1 == 0)) || { tail -n 5 "$2"; exit 1; }' _ $? "$dir/out"
  on "$machine" setpriv --reuid=ada --regid=ada --clear-groups env HOME=/home/ada ./test unit >"$dir/out" 2>&1
  check "./test unit passes there" bash -c '(($1 == 0)) || { grep -A 12 -E "^(FAILED|failed:)" "$2"; tail -n 4 "$2"; exit 1; }' _ $? "$dir/out"
  tail -n 3 "$dir/out" | sed 's/^/# /'
fi
finish
