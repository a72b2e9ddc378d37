#!/usr/bin/env bash
# tools/setup: what is missing is told from a package database, and the backports entry from the machine's own sources.
cd "$(dirname "$0")/../.." || exit 1
source tests/lib.sh
source tools/setup

dir=$(scratch)
mkdir -p "$dir/dpkg/updates" "$dir/one-line" "$dir/deb822/sources.list.d" "$dir/has/sources.list.d" "$dir/none"
printf 'Package: cmake\nStatus: install ok installed\nVersion: 3.25\nArchitecture: amd64\nMaintainer: x\nDescription: x\n\nPackage: g++\nStatus: deinstall ok config-files\nVersion: 12\nArchitecture: amd64\nMaintainer: x\nDescription: x\n' >"$dir/dpkg/status"
touch "$dir/dpkg/available"
missing() { SETUP_DPKG_ADMINDIR="$dir/dpkg" setup_missing "$@" | tr '\n' ' '; }
check "an installed package is not missing" equals "$(missing cmake)" ""
check "a removed package with its configuration left is missing" equals "$(missing cmake g++ mold)" "g++ mold "

said=$(SETUP_NO_INSTALL=1 SETUP_DPKG_ADMINDIR="$dir/dpkg" setup_packages "a test" mold 2>&1)
check "--no-install installs nothing and fails" equals "$?" 1
check "--no-install names what is missing and why" equals "$said" "set-up: missing for a test: mold (--no-install forbids installing them)"
mkdir "$dir/bin" && printf '#!/bin/sh\necho called >>"%s"\n' "$dir/apt-called" >"$dir/bin/apt-get" && chmod +x "$dir/bin/apt-get"
PATH="$dir/bin:$PATH" SETUP_DPKG_ADMINDIR="$dir/dpkg" setup_packages "a test" cmake
check "nothing missing makes no apt call" equals "$?$(cat "$dir/apt-called" 2>/dev/null)" "0"

# What apt-get says it would do, word for word.
says() { printf '#!/bin/sh\ncat <<"END"\n%s\nEND\n' "$1" >"$dir/bin/apt-get"; PATH="$dir/bin:$PATH" setup_conflict mold; }
check "what would be removed is named" equals "$(says $'Reading package lists...\nRemv theirs [1.0]\nInst mold (1.10 Debian:12 [amd64])')" \
  "installing them would remove theirs"
check "what is on hold is named" equals "$(says $'The following held packages will be changed:\n  libfmt9 mold\nThe following packages will be upgraded:\n  other\nE: Held packages were changed')" \
  "libfmt9, mold is on hold (apt-mark showhold)"
check "what does not fit is named" equals "$(says $'The following packages have unmet dependencies:\n libfmt-dev : Depends: libfmt9 (= 9.1) but 0.1 is to be installed\nE: Unable to correct problems, you have held broken packages.')" \
  "libfmt-dev Depends: libfmt9 (= 9.1) but 0.1 is to be installed"
check "a plan with nothing in its way is no conflict" equals "$(says 'Inst mold (1.10 Debian:12 [amd64])')" ""

echo 'deb [signed-by=/key] http://mirror/debian bookworm main contrib' >"$dir/one-line/sources.list"
check "a one-line entry keeps its options, host and components" equals "$(setup_backports_entry "$dir/one-line")" \
  $'list\ndeb [signed-by=/key] http://mirror/debian bookworm-backports main contrib'
printf 'Types: deb\n# a note\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /key\n\nTypes: deb\nURIs: http://mirror/security\nSuites: bookworm-security\nComponents: main\n' >"$dir/deb822/sources.list.d/debian.sources"
check "a deb822 stanza keeps all but its suites" equals "$(setup_backports_entry "$dir/deb822")" \
  $'sources\nTypes: deb\nURIs: http://mirror/debian\nSuites: bookworm-backports\nComponents: main\nSigned-By: /key'
echo 'deb http://mirror/debian bookworm-backports main' >"$dir/has/sources.list.d/b.list"
check "backports already there add nothing" equals "$(setup_backports_entry "$dir/has")" ""
mkdir -p "$dir/third/sources.list.d"
echo 'deb http://elsewhere/linux bookworm stable' >"$dir/third/sources.list.d/elsewhere.list"
cp "$dir/deb822/sources.list.d/debian.sources" "$dir/third/sources.list.d"
check "somebody else's archive is not taken for the machine's own" contains "$(setup_backports_entry "$dir/third")" "URIs: http://mirror/debian"
setup_backports_entry "$dir/none" >/dev/null
check "no bookworm entry is an error" equals "$?" 1
finish
