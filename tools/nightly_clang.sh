#!/usr/bin/env bash
# The other compiler: builds the unit tests with clang (Debian 12: clang 14) and runs them. Some ten minutes on two
# cores.
set -euo pipefail

case "${1-}" in
  '') ;;
  -h | --help) printf 'usage: tools/nightly_clang.sh\n\nBuilds the preset clang (unit tests) and runs them; needs the package clang.\n'; exit 0 ;;
  *) printf "nightly_clang: unknown option '%s'\n" "$1" >&2; exit 2 ;;
esac
command -v clang++ >/dev/null || { printf 'nightly_clang: clang++ is missing; install the package clang\n' >&2; exit 2; }

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/build.sh clang unit_tests
exec ctest --no-tests=error --preset clang --parallel 2
