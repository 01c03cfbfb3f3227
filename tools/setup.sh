#!/usr/bin/env bash
# Installs the Debian packages of tools/packages.txt that are missing. Does nothing when none is.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/setup.sh [--check]

Installs the Debian packages listed in tools/packages.txt that this machine lacks,
with apt-get (as root, or through sudo). Says what it will install before it does.
Does nothing and needs no rights when nothing is missing.

  --check   only print the missing packages, one per line; exit 1 when there are any
END
}

fail() {
  printf 'setup: %s\n' "$1" >&2
  exit 2
}

check_only=no
case "${1-}" in
  '') ;;
  --check) check_only=yes ;;
  -h | --help) usage; exit 0 ;;
  *) fail "unknown option '$1'; tools/setup.sh --help lists the options" ;;
esac

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" >/dev/null && pwd)
mapfile -t wanted <<<"$(sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$tools/packages.txt")"

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  fail "this is no Debian system (no dpkg-query and apt-get); install the equivalents of: ${wanted[*]}; then: cmake --preset release && cmake --build --preset release"
fi

declare -A installed=()
while read -r state package; do
  if [ "$state" = installed ]; then installed[$package]=yes; fi
done <<<"$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)"

missing=()
for package in "${wanted[@]}"; do
  if [ -z "${installed[$package]-}" ]; then missing+=("$package"); fi
done

if [ "${#missing[@]}" -eq 0 ]; then exit 0; fi
if [ "$check_only" = yes ]; then
  printf '%s\n' "${missing[@]}"
  exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null ||
    fail "needs root or sudo to install; as root run: apt-get install --no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi

printf 'setup: installing with apt-get: %s\n' "${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
"${apt[@]}" update || fail "apt-get update failed; is the network reachable?"
"${apt[@]}" install --yes --no-install-recommends "${missing[@]}" >/dev/null ||
  fail "apt-get could not install: ${missing[*]}"
echo 'setup: done'
