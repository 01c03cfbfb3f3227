#!/usr/bin/env python3
"""memory_study.py HEATBATH [--cells 1000000,100000000] [--kinds overdamped,pbit] [--ranks 0,1,2] [--steps 10] [--limit 80]: bytes
a cell, and nanoseconds a cell and step, of square tori; whole (0 ranks: func:, one thread) and cut over ranks.

All cells of the program have one temperature and all couplers one coupling; 1000 cells are captured. Memory is the highest resident
size of a process less that of an array of 64 cells: of ranks the first one's, and the sum. Time is the difference between runs of N and 3 N steps.
With --limit it ends with 1 where a process takes more bytes a cell. docs/ranks.md has its results."""
import argparse
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

PROGRAM = """
[network]
cells = {cells}
dt = {dt}
couplings = {{ each = -0.5 }}
{own}
kT = 0.5
[[schedule]]
op = "evolve"
duration = {duration}
[[schedule]]
op = "sample"
[samples]
shots = 1
seed = 5
cells = {captured}
"""
STEP = {"overdamped": 0.01, "pbit": 1.0}
OWN = {"overdamped": "j2 = 0.5\nj4 = 0.25", "pbit": ""}


def run(heatbath, kind, side, steps, ranks):
    """Seconds, and the highest resident bytes of each process."""
    cells = side * side
    pathlib.Path("program.toml").write_text(PROGRAM.format(
        cells=cells, dt=STEP[kind], own=OWN[kind], duration=f"{steps * STEP[kind]:.6g}", captured=min(cells, 1000)))
    device = f"topology=torus:{side}x{side}&cell={kind}&lanes=1"
    command = [heatbath, "run", "program.toml", "--device", f"func:{device}&threads=1" if ranks == 0 else f"mpi:{device}"]
    peaks = pathlib.Path("peaks")
    peaks.unlink(missing_ok=True)
    launcher = [] if ranks == 0 else ["mpirun", "--oversubscribe", "--allow-run-as-root", "--mca", "mpi_yield_when_idle", "1", "-n", str(ranks)]
    began = time.monotonic()
    subprocess.run([*launcher, sys.executable, __file__, "--one", str(peaks.absolute()), *command], check=True, stdout=subprocess.DEVNULL)
    took = time.monotonic() - began
    of_ranks = dict(line.split() for line in peaks.read_text().splitlines())
    return took, [1024 * int(of_ranks[rank]) for rank in sorted(of_ranks, key=int)]


def one(peaks, command):
    status = subprocess.run(command).returncode
    with open(peaks, "a") as file:
        file.write(f"{os.environ.get('OMPI_COMM_WORLD_RANK', 0)} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}\n")
    return status


def main():
    if sys.argv[1:2] == ["--one"]:
        return one(sys.argv[2], sys.argv[3:])
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("heatbath")
    options.add_argument("--cells", default="1000000,100000000")
    options.add_argument("--kinds", default=",".join(STEP))
    options.add_argument("--ranks", default="0,1,2")
    options.add_argument("--steps", type=int, default=10)
    options.add_argument("--limit", type=float, default=0)
    chosen = options.parse_args()
    heatbath = os.path.abspath(chosen.heatbath)
    worst = 0
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        print("| kind | ranks | cells | bytes a cell, first process | all | ns a cell and step |")
        for kind in chosen.kinds.split(","):
            for ranks in map(int, chosen.ranks.split(",")):
                empty = run(heatbath, kind, 8, 1, ranks)[1]
                for cells in map(int, chosen.cells.split(",")):
                    side = round(cells ** 0.5)
                    short, peaks = run(heatbath, kind, side, chosen.steps, ranks)
                    longer = run(heatbath, kind, side, 3 * chosen.steps, ranks)[0]
                    of_cells = [(most - base) / side**2 for most, base in zip(peaks, empty)]
                    worst = max(worst, *of_cells)
                    ns = (longer - short) / (2 * chosen.steps * side**2) * 1e9
                    print(f"| {kind} | {ranks} | {side**2} | {of_cells[0]:.1f} | {sum(of_cells):.1f} | {ns:.2f} |", flush=True)
    return 1 if chosen.limit and worst > chosen.limit else 0


if __name__ == "__main__":
    sys.exit(main())
