#!/bin/sh
# Honest standard errors: repeats the ladder of small effort with 200 seeds and counts how often |z| < 2 and how often
# detailed balance raises a false alarm. Usage: tools/nightly_validate.sh [HEATBATH [SEEDS [FOLDER]]]
# HEATBATH: the command (default build/release/apps/heatbath). Results and picture go to FOLDER (default: a new one).
# Seeds that are there or under way are left out, so that several of these may work on one folder, or go on with it. A
# seed takes about 3 s of one processor.
set -eu
heatbath=${1:-build/release/apps/heatbath}
seeds=${2:-200}
folder=${3:-$(mktemp -d)}
mkdir -p "$folder"
here=$(dirname "$0")
# Every kind of estimator; of rows that differ in a parameter only, the quick ones.
rows="work free-energy linear-solver/early linear-solver/stationary score escape/rate-2 escape/rate-4 escape/passage-2
  currents/reciprocal currents/rotor currents/one-way-ring currents/two-temperatures inertia phase/uniform-drift
  phase/washboard ising/ferromagnet ising/swap-acceptance ising/pair-information"
seed=1
while [ "$seed" -le "$seeds" ]; do
  if mkdir "$folder/$seed" 2> /dev/null; then
    # Some of 200 ladders fail a check by chance: the count below decides, not the exit status.
    # shellcheck disable=SC2086
    "$heatbath" validate --suite $rows --effort 0.02 --seed "$seed" --threads 1 --json \
      > "$folder/$seed/part" 2> "$folder/$seed/log" || [ $? -eq 1 ]
    mv "$folder/$seed/part" "$folder/$seed.json"
  fi
  seed=$((seed + 1))
done
exec python3 "$here/standard_errors.py" "$folder" "$folder/standard_errors.png"
