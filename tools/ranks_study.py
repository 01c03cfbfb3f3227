#!/usr/bin/env python3
"""ranks_study.py HEATBATH [--cells N] [--ranks 1,2,3,4,7]: one array on many ranks against one process, at full size.

For every kind of cell, on a torus and on a random graph: captures, states and meters of a program on func: and on mpi: with
each number of ranks, compared byte by byte, and how long each took. docs/ranks.md has its results."""
import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time
import zipfile

KINDS = {"overdamped": 0.05, "underdamped": 0.02, "phase": 0.02, "pbit": 2.0, "categorical": 2.0}
PROGRAM = """
[network]
cells = {cells}
couplings = {{ each = -0.4 }}
kT = 0.5
[[schedule]]
op = "evolve"
duration = {duration}
[[schedule]]
op = "capture"
period = {duration}
[[schedule]]
op = "ramp"
duration = {duration}
kT = 0.2
[[schedule]]
op = "capture_stop"
[[schedule]]
op = "meters"
name = "end"
[samples]
shots = 1
seed = 5
"""


def arrays(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "provenance.npy"}


def random_graph(path, cells):
    """Two couplers for each cell; cell 0 and the last are in it."""
    rng = random.Random(1)
    pairs = {(i, i + 1) for i in range(cells - 1)}
    while len(pairs) < 2 * cells:
        i, j = rng.randrange(cells), rng.randrange(cells)
        if i != j:
            pairs.add((min(i, j), max(i, j)))
    path.write_text("".join(f"{i} {j}\n" for i, j in sorted(pairs)))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("heatbath")
    options.add_argument("--cells", type=int, default=1000000)
    options.add_argument("--ranks", default="1,2,3,4,7")
    options.add_argument("--kinds", default=",".join(KINDS))
    options.add_argument("--graphs", default="torus,random")
    chosen = options.parse_args()
    heatbath = os.path.abspath(chosen.heatbath)
    side = round(chosen.cells ** 0.5)
    failures = 0
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        graphs = {"torus": f"torus:{side}x{chosen.cells // side}", "random": "random.txt"}
        if "random" in chosen.graphs:
            random_graph(pathlib.Path("random.txt"), side * (chosen.cells // side))
        for kind in chosen.kinds.split(","):
            pathlib.Path("program.toml").write_text(PROGRAM.format(cells=side * (chosen.cells // side), duration=KINDS[kind]))
            for graph in chosen.graphs.split(","):
                device = f"topology={graphs[graph]}&cell={kind}&lanes=1"
                times = {}

                def run(words, uri, out):
                    began = time.monotonic()
                    subprocess.run([*words, heatbath, "run", "program.toml", "--device", uri, "--out", out], check=True,
                                   stdout=subprocess.DEVNULL)
                    return time.monotonic() - began

                times["func:"] = run([], "func:" + device, "whole.npz")
                whole = arrays("whole.npz")
                for ranks in chosen.ranks.split(","):
                    mpirun = ["mpirun", "--oversubscribe", "--allow-run-as-root", "--mca", "mpi_yield_when_idle", "1", "-n", ranks]
                    times[ranks] = run(mpirun, "mpi:" + device, "cut.npz")
                    if arrays("cut.npz") != whole:
                        failures += 1
                        print(f"{kind}, {graph}: {ranks} ranks have other bits", flush=True)
                print(f"| {kind} | {graph} | " + " | ".join(f"{t:.1f}" for t in times.values()) + " |", flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
