#!/bin/bash
# fault_campaign.sh [COUNT]: so many single faults (10,000) on a chip with monitors and on one without, as tables for
# docs/chips.md. Takes a test program that tools/build.sh has built.
set -eu
cd "$(dirname "$0")/.."
HEATBATH_FAULTS="${1:-10000}" build/release/tests/driver/driver_faults --gtest_filter='FaultCampaign.*'
