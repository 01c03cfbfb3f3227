#!/bin/sh
# calibration_study.sh [CHIPS [BUILD]]: a random linear network of 64 cells on chips before and after calibration, a line
# of a Markdown table for each chip. A chip takes minutes.
set -eu
cd "$(dirname "$0")/.."
build=${2:-build/release}
ninja -C "$build" calibration_study >&2
for chip in $(seq 1 "${1:-3}"); do "$build/tests/network/calibration_study" "$chip"; done
