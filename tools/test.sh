#!/usr/bin/env bash
# Sets up, builds and runs the test suite; .ci/run calls exactly this.
set -euo pipefail

usage() {
  cat <<'END'
usage: tools/test.sh [--quick]

Installs missing Debian packages, then builds and tests two presets of CMakePresets.json:
asan (tests labelled unit of what takes input, holds memory or runs threads, with AddressSanitizer and
UndefinedBehaviorSanitizer), then release (all tests).
Exit status 0 when all passed.

  --quick   only the tests labelled unit, only the release preset
END
}

quick=no
case "${1-}" in
  '') ;;
  --quick) quick=yes ;;
  -h | --help) usage; exit 0 ;;
  *) printf "test: unknown option '%s'; tools/test.sh --help lists the options\n" "$1" >&2; exit 2 ;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." >/dev/null && pwd)
cd "$root"
if [ "$quick" = yes ]; then
  tools/build.sh release
  exec ctest --no-tests=error --preset release --label-regex '^unit$' --parallel 2
fi

# Numbers come from fixed seeds, so a wrong one fails twice. A test of servers, signals or processes can lose a race
# against a machine that stands still for a while: it may try once more, and both runs are printed. Nothing is compiled
# beside them for the same reason.
tools/build.sh asan unit_tests
sanitized=$(mktemp)
judges=
trap '[ -z "$judges" ] || kill "$judges" 2>/dev/null || true; rm -f "$sanitized"' EXIT
status=0
ctest --no-tests=error --preset asan --parallel 3 --repeat until-pass:2 2>&1 | tee "$sanitized" || status=1
timeout 600 tools/judges.sh &  # waits for a network while the processor compiles
judges=$!
tools/build.sh release
wait "$judges" || echo "test: without other people's programs; the tests that they judge are skipped"
judges=
ctest --no-tests=error --preset release --parallel 3 --repeat until-pass:2 || status=1
# The last lines are all that some readers keep: what failed under the sanitizers is said there again.
if grep -q '^The following tests FAILED:' "$sanitized"; then
  echo 'test: under the sanitizers:'
  sed -n '/^The following tests FAILED:/,$p' "$sanitized"
fi
exit "$status"
