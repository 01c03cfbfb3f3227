#!/usr/bin/env python3
"""Success against hardness of `heatbath anneal` on planted problems and glasses; the figures stand in docs/solvers.md.

planted_study.py HEATBATH [clusters | wishart | tiles | glass | residual | cooling FILE ...] [--seeds N] [--device URI] [--seconds S]

clusters  tempering of the +-1 glass on 24 x 24 with and without cluster moves, equal rounds: who comes to the lowest energy
          of both first, counted in updates of cells
wishart   part of the reads that reach the planted energy, 32 cells, against alpha
tiles     the same on 32 x 32 tiles, against the probability of weak couplings
glass     +-1 on the cubic lattice: part of the reads that reach the lowest energy that tempering finds, against the side
residual  the same, side 8: energy of a read above the lowest, per spin, against sweeps, and the exponent between the ends
cooling   equal steps of 1/kT and equal ratios of kT on Max-Cut files: part of the reads that reach the best value of both
Ends after --seconds with what it has. `residual` needs numpy.
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import tempfile
import time

parser = argparse.ArgumentParser()
parser.add_argument("heatbath")
parser.add_argument("study", choices=["clusters", "wishart", "tiles", "glass", "residual", "cooling"])
parser.add_argument("files", nargs="*")
parser.add_argument("--seeds", type=int, default=20)
parser.add_argument("--device", default="func:lanes=256&threads=1&noise_planes=yes")
parser.add_argument("--seconds", type=float, default=float("inf"))
parser.add_argument("--reads", type=int, default=256)
parser.add_argument("--sweeps", type=int, default=1000)
given = parser.parse_args()
begin = time.monotonic()


def anneal(problem, *options, device=given.device):
    done = subprocess.run([given.heatbath, "anneal", problem, *map(str, options), "--device", device, "--json"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def out_of_time():
    return time.monotonic() - begin > given.seconds


def wilson(hits, tries):
    """A 95 % interval of a probability."""
    z, p = 1.96, hits / tries
    middle, half = p + z * z / (2 * tries), z * math.sqrt(p * (1 - p) / tries + z * z / (4 * tries * tries))
    return max(0.0, middle - half) / (1 + z * z / tries), (middle + half) / (1 + z * z / tries)


def rate(hits, tries):
    low, high = wilson(hits, tries)
    return f"{hits} of {tries} ({100 * low:.2g}-{100 * high:.2g} %)"


def clusters():
    wins = ties = 0
    for seed in range(1, given.seeds + 1):
        if out_of_time():
            break
        common = ["--method", "tempering", "--temperatures", 20, "--replicas", 16, "--rounds", 400, "--coldest", 0.2, "--hottest", 2.0,
                  "--seed", seed]
        plain, moved = anneal(f"square:24:{seed}", *common), anneal(f"square:24:{seed}", *common, "--clusters")
        with_energy = [(run["best_energy"], run["tempering"]["best_updates"]) for run in (moved, plain)]
        wins += with_energy[0] < with_energy[1]
        ties += with_energy[0] == with_energy[1]
        print(f"seed {seed}: with clusters {with_energy[0][0]:g} after {with_energy[0][1]:.3g} updates, without {with_energy[1][0]:g} "
              f"after {with_energy[1][1]:.3g}", flush=True)
    print(f"clusters first in {wins} seeds, equal in {ties}")


def planted(names):
    for label, name in names:
        hits = tries = 0
        for seed in range(1, given.seeds + 1):
            if out_of_time():
                break
            result = anneal(f"{name}:{seed}", "--reads", given.reads, "--sweeps", given.sweeps, "--seed", seed)
            hits += round(result["success"] * given.reads)
            tries += given.reads
        if tries:
            print(f"{label}: {rate(hits, tries)}", flush=True)


def glass():
    for side in (4, 6, 8, 10):
        hits = tries = 0
        for seed in range(1, given.seeds + 1):
            if out_of_time():
                break
            name = f"cubic:{side}:{seed}"
            best = anneal(name, "--method", "tempering", "--temperatures", 20, "--replicas", 16, "--rounds", 400, "--coldest", 0.3,
                          "--hottest", 2.5)["best_energy"]
            found = anneal(name, "--reads", given.reads, "--sweeps", given.sweeps, "--target", best, "--seed", seed)
            if found["best_energy"] < best:
                found = anneal(name, "--reads", given.reads, "--sweeps", given.sweeps, "--target", found["best_energy"],
                               "--seed", seed)
            hits += round(found["success"] * given.reads)
            tries += given.reads
        if tries:
            print(f"cubic, side {side}: {rate(hits, tries)}", flush=True)


def residual():
    import numpy

    side, sweeps = 8, (10, 30, 100, 300, 1000, 3000)
    above = {count: [] for count in sweeps}
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "states.npz")
        for seed in range(1, given.seeds + 1):
            if out_of_time():
                break
            name = f"cubic:{side}:{seed}"
            lowest = anneal(name, "--method", "tempering", "--temperatures", 20, "--replicas", 16, "--rounds", 400, "--coldest", 0.3,
                            "--hottest", 2.5)["best_energy"]
            means = []
            for count in sweeps:
                lowest = min(lowest, anneal(name, "--reads", given.reads, "--sweeps", count, "--seed", seed, "--out",
                                            out)["best_energy"])
                with numpy.load(out) as states:
                    means.append(numpy.average(states["energies"], weights=states["occurrences"]))
            for count, mean in zip(sweeps, means):
                above[count].append((mean - lowest) / side ** 3)
    middle = {count: (numpy.mean(of), numpy.std(of) / max(1, len(of) - 1) ** 0.5) for count, of in above.items()}
    for count, (mean, error) in middle.items():
        print(f"{count} sweeps: {mean:.5f} +- {error:.5f} per spin above the lowest")
    ends = middle[30][0], middle[3000][0]
    print(f"exponent between 30 and 3000 sweeps: {math.log(ends[0] / ends[1]) / math.log(100):.3f}")


def cooling():
    for file in given.files:
        runs = {}
        for way in ("inverse", "ratio"):
            runs[way] = [anneal(file, "--reads", given.reads, "--sweeps", given.sweeps, "--cooling", way, "--seed", seed)
                         for seed in range(1, given.seeds + 1) if not out_of_time()]
        best = max(run["best"] for of in runs.values() for run in of)
        for way, of in runs.items():
            hits = sum(round(run["best_occurrences"]) for run in of if run["best"] == best)
            print(f"{os.path.basename(file)}, {way}: {best:g} in {sum(run['best'] == best for run in of)} of {len(of)} seeds, "
                  f"{rate(hits, len(of) * given.reads)} of the reads", flush=True)


if given.study == "clusters":
    clusters()
elif given.study == "wishart":
    planted([(f"alpha {columns / 32:g}", f"wishart:32:{columns}") for columns in (6, 8, 13, 16, 19, 24, 32)])
elif given.study == "tiles":
    planted([(f"weak {weak:g}", f"tiles:32:{weak:g}") for weak in (0, 0.25, 0.5, 0.75, 1)])
elif given.study == "glass":
    glass()
elif given.study == "residual":
    residual()
else:
    cooling()
