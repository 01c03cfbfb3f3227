#!/usr/bin/env bash
# The sanitizers without what tools/test.sh leaves out of them for time: all checks, in oracles and tests too, and all
# tests labelled unit. Some forty minutes on two cores.
set -euo pipefail

case "${1-}" in
  '') ;;
  -h | --help) printf 'usage: tools/nightly_sanitizers.sh\n\nBuilds the preset asan-whole (unit tests) and runs them.\n'; exit 0 ;;
  *) printf "nightly_sanitizers: unknown option '%s'\n" "$1" >&2; exit 2 ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/build.sh asan-whole unit_tests
exec ctest --no-tests=error --preset asan-whole --parallel 2
