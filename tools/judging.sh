#!/bin/sh
# judging.sh [SEEDS [BUILD]]: what conformance says of wrong and of honest devices in many varieties (docs/validation.md
# has the table). A hundred take half an hour; exit status 1 where a wrong one passed or honest ones did not.
set -eu
cd "$(dirname "$0")/.."
build=${2:-build/release}
ninja -C "$build" judging >&2
exec "$build/tests/conformance/judging" "${1:-100}"
