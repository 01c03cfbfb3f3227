#!/bin/sh
# Honest standard errors: repeats the ladder of small effort with 200 seeds and counts how often |z| < 2 and how often
# detailed balance raises a false alarm. Usage: tools/nightly_validate.sh [HEATBATH [SEEDS [FOLDER]]]
# HEATBATH: the command (default build/release/apps/heatbath). Results and figure go to FOLDER (default: a new one).
set -eu
heatbath=${1:-build/release/apps/heatbath}
seeds=${2:-200}
folder=${3:-$(mktemp -d)}
mkdir -p "$folder"
here=$(dirname "$0")
seed=1
while [ "$seed" -le "$seeds" ]; do
  # Some of 200 ladders fail a check by chance: the count below decides, not the exit status.
  "$heatbath" validate --suite work free-energy linear-solver currents inertia \
    --effort 0.02 --seed "$seed" --threads 1 --json > "$folder/$seed.json" 2> "$folder/$seed.log" || [ $? -eq 1 ]
  seed=$((seed + 1))
done
exec python3 "$here/standard_errors.py" "$folder"
