#!/bin/sh
# certificate_coverage.sh [SEEDS [BUILD]]: how often the interval of a certificate's inverse temperature holds the truth
# (docs/certificate.md has the table). 200 seeds take some minutes; exit status 1 where a row lies outside of 92 to 98 %.
set -eu
cd "$(dirname "$0")/.."
build=${2:-build/release}
ninja -C "$build" certificate_coverage >&2
exec "$build/tests/measure/certificate_coverage" "${1:-200}"
