#!/usr/bin/env python3
"""Reads the JSON of many runs of `heatbath validate` with different seeds and says how honest its standard errors are.

standard_errors.py FOLDER [PICTURE.png]   FOLDER holds one .json per seed. Prints a Markdown table, a row per kind of
estimator. Exit status 1 when |z| < 2 covers less than 92 % or more than 98 % of all checks together or of a kind of
estimator, when a check of its own is beyond what chance allows, when detailed balance raised more than 1 % of false
alarms, or when more than 1 % of the ladders fail: by an improbable deviation, or by a limit of a standard error, errors of
ladders of less effort being brought to full effort first. The picture is drawn by gnuplot where it is installed.
"""

import json
import math
import pathlib
import re
import subprocess
import sys

ERROR_OF_ERRORS = 0.18  # kErrorOfErrors of validate/check.hpp
ALARM = 0.005  # corrected probability below which a pair current counts as an alarm
CURRENTS = "largest pair current"  # the largest of many: its z is not normal, its alarms are counted
# What estimates a check: the first pattern that "suite: name" holds.
FAMILIES = [
    ("largest pair currents", CURRENTS),
    ("free energies from two directions (Bennett, Crooks)", r"Bennett|Crooks|slope|P_F"),
    ("free energies and exponential averages of work", r"dF|Jarzynski|path weight|exp\(-W"),
    ("averages under path weights", r"^free-energy"),
    ("variances", r"Var W|[Vv]ariance|diffusion|uncertainty product"),
    ("work and heat", r"^work.*<W>|heat"),
    ("entropy production by score", r"entropy production"),
    ("signed currents", r"current <"),
    ("entropies and their rates", r"^score.*(entropy|divergence)"),
    ("decay rates", r"decay rate"),
    ("escape and passage times", r"mean time|escape time"),
    ("ratios, logarithms (effective temperature, information, Binder)", r"temperature|information|Binder|reweighting|ln Z|C/N"),
    ("means", r""),
]


def family(key):
    text = f"{key[0]}: {key[1]}"
    return next(name for name, pattern in FAMILIES if re.search(pattern, text))


def limit_share(check, shrink):
    """The larger part that a check uses of its two limits, of the standard error and, at full effort (a bias may fall with
    the number of samples), of the predicted bias; its name."""
    name = f"{check['suite']}: {check['name']}"
    if check["bound"] != "equal" or check["stderr"] is None:
        return 0, name
    error, bias = shrink * check["stderr"], 4 * abs(check["bias"] or 0) if shrink == 1 else 0
    share = error / check["stderr_limit"] if check["stderr_limit"] else (math.inf if error else 0)
    if bias:
        share = max(share, bias / error if error else math.inf)
    return share / (1 + ERROR_OF_ERRORS), name


def main():
    folder = pathlib.Path(sys.argv[1])
    scores = {}
    failing, limits, nearest = [], [], (0, "")
    for file in sorted(folder.glob("*.json")):
        ladder = json.loads(file.read_text())
        if not all(check["pass"] for check in ladder["checks"]):
            failing.append(file.stem)
        shrink = math.sqrt(min(1, ladder["effort"]))  # what full effort makes of an error
        share, name = max(limit_share(check, shrink) for check in ladder["checks"])
        nearest = max(nearest, (share, f"{name}, seed {ladder['seed']}"))
        if share > 1:
            limits.append(f"{file.stem} ({name})")
        for check in ladder["checks"]:
            if check["bound"] == "equal" and check["z"] is not None:
                scores.setdefault((check["suite"], check["name"]), []).append(check["z"])
    if not scores:
        print(f"{folder}: no results of heatbath validate --json", file=sys.stderr)
        return 2
    runs = max(len(values) for values in scores.values())
    currents = {key for key in scores if CURRENTS in key[1]}
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
    print("\n| estimator | checks | values | \\|z\\| < 2 | of single checks | mean z | spread of z |")
    print("|---|---|---|---|---|---|---|")
    for name, _ in FAMILIES:
        mine = [key for key in scores if family(key) == name and key not in currents]
        values = [z for key in mine for z in scores[key]]
        if not values:
            continue
        share = sum(abs(z) < 2 for z in values) / len(values)
        single = [sum(abs(z) < 2 for z in scores[key]) / len(scores[key]) for key in mine]
        mean = sum(values) / len(values)
        spread = math.sqrt(sum((z - mean) ** 2 for z in values) / (len(values) - 1))
        print(f"| {name} | {len(mine)} | {len(values)} | {100 * share:.1f} % | {100 * min(single):.1f} to "
              f"{100 * max(single):.1f} % | {mean:+.2f} | {spread:.2f} |")
        # Few values scatter by themselves: 3 standard deviations of the count beyond the bounds.
        slack = 3 * math.sqrt(0.954 * 0.046 / len(values)) if len(values) < 1000 else 0
        if not 0.92 - slack <= share <= 0.98 + slack:
            wrong.append(f"{name}: {100 * share:.1f} %")
    print()
    alarms = [z for key in currents for z in scores[key] if math.erfc(abs(z) / math.sqrt(2)) < ALARM]
    tested = sum(len(scores[key]) for key in currents)
    print(f"detailed balance: {len(alarms)} false alarms in {tested} sound machines")
    print(f"{len(set(failing))} of {runs} ladders fail by a deviation{': seeds ' if failing else ''}{', '.join(failing)}; "
          f"{len(limits)} of {runs} by a limit{': seeds ' if limits else ''}{', '.join(limits)}; the nearest to its limit "
          f"reaches {100 * nearest[0]:.0f} % of it: {nearest[1]}")
    bad = len(failing) + len(limits)
    if bad > max(1, 0.01 * runs):
        wrong.append(f"{bad} of {runs} ladders fail, more than 1 in 100")
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
