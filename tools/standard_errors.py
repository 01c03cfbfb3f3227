#!/usr/bin/env python3
"""Reads the JSON of many runs of `heatbath validate` with different seeds and says how honest its standard errors are.

standard_errors.py FOLDER [PICTURE.png]   FOLDER holds one .json per seed. Exit status 1 when |z| < 2 covers less than
92 % or more than 98 % of all checks together, when a check of its own is beyond what chance allows, or when detailed
balance raised more than 1 % of false alarms. The picture is drawn by gnuplot where it is installed.
"""

import json
import math
import pathlib
import subprocess
import sys

ALARM = 0.005  # corrected probability below which a pair current counts as an alarm


def main():
    folder = pathlib.Path(sys.argv[1])
    scores = {}
    for file in sorted(folder.glob("*.json")):
        for check in json.loads(file.read_text())["checks"]:
            if check["bound"] == "equal" and check["z"] is not None:
                scores.setdefault((check["suite"], check["name"]), []).append(check["z"])
    if not scores:
        print(f"{folder}: no results of heatbath validate --json", file=sys.stderr)
        return 2
    runs = max(len(values) for values in scores.values())
    currents = {key for key in scores if "largest pair current" in key[1]}
    wrong, shares = [], []
    for key, values in sorted(scores.items()):
        if key in currents:
            continue
        share = sum(abs(z) < 2 for z in values) / len(values)
        shares.append((share, key))
        # 95.4 % for a normal law; 4 standard deviations of the count, for the number of checks there are.
        allowed = 4 * math.sqrt(0.954 * 0.046 / len(values)) + 0.004
        if abs(share - 0.954) > allowed:
            wrong.append(f"{key[0]}: {key[1]}: {100 * share:.1f} %")
    everything = [z for key, values in scores.items() if key not in currents for z in values]
    total = sum(abs(z) < 2 for z in everything) / len(everything)
    inside = sum(0.92 <= share <= 0.98 for share, _ in shares)
    print(f"{runs} seeds, {len(shares)} checks: |z| < 2 in {100 * total:.2f} % of {len(everything)} values; "
          f"{inside} of {len(shares)} checks within 92 to 98 %, all from {100 * min(shares)[0]:.1f} % "
          f"({min(shares)[1][1]}) to {100 * max(shares)[0]:.1f} %")
    alarms = [z for key in currents for z in scores[key] if math.erfc(abs(z) / math.sqrt(2)) < ALARM]
    tested = sum(len(scores[key]) for key in currents)
    print(f"detailed balance: {len(alarms)} false alarms in {tested} sound machines")
    for line in wrong:
        print(line)
    if len(sys.argv) > 2:
        bins = {}
        for z in everything:
            k = math.floor(z / 0.25)
            bins[k] = bins.get(k, 0) + 1
        lines = "\n".join(f"{(k + 0.5) * 0.25} {n / len(everything) / 0.25}" for k, n in sorted(bins.items()))
        script = f"""set terminal pngcairo size 900,520 font 'sans,12' linewidth 1.4
set output '{sys.argv[2]}'
set xlabel 'z = (measured - expected)/standard error'
set ylabel 'density'
set xrange [-5:5]
set style fill solid 0.4
$data << END
{lines}
END
plot $data with boxes title '{len(everything)} values, {runs} seeds', exp(-x*x/2)/sqrt(2*pi) lw 2 title 'normal law'
"""
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
    failed = wrong or not 0.92 <= total <= 0.98 or len(alarms) > 0.01 * tested
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
