#!/usr/bin/env python3
"""Several chips on one board: how a cut spin glass anneals, against how often its tiles talk.

A 3-D +-J glass of L^3 p-bits is annealed on one chip and on L/2 that exchange their boundaries eta times in a sweep
(arXiv:2606.25313 has the machine and the law). Writes a table and a figure (gnuplot, where installed).

eta_study.py [--heatbath build/release/apps/heatbath] [--size 8] [--instances 4] [--shots 64] [--out out/eta]
"""

import argparse
import math
import pathlib
import random
import struct
import subprocess
import tempfile
import zipfile

SWEEPS = (16, 48, 144, 432, 1296)
ETAS = (1.0, 0.25, 0.0625, 0.015625, 0.00390625)
PROFILE = """[features]
meters = false
[array]
cell = "pbit"
stepper = "two-colour"
topology = "{graph}"
cells_max = 65536
lanes = {shots}
[multi]
tiles = {tiles}
eta = {eta}
bits = 1
"""
PROGRAM = """[network]
cells = {cells}
kT = 3.0

[[schedule]]
op = "ramp"
duration = {sweeps}
kT = 0.1

[samples]
shots = {shots}
seed = {seed}
"""


def glass(size, seed):
    """Couplers (i, j, J) of an open cube, z slowest: tiles are slabs."""
    draw = random.Random(seed)
    at = lambda x, y, z: (z * size + y) * size + x
    pairs = []
    for z in range(size):
        for y in range(size):
            for x in range(size):
                for dx, dy, dz in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
                    if max(x + dx, y + dy, z + dz) < size:
                        pairs.append((at(x, y, z), at(x + dx, y + dy, z + dz), draw.choice((-1, 1))))
    return sorted(pairs)


def states_in(path):
    """Final states of an .npz of `heatbath run`: one row per shot."""
    with zipfile.ZipFile(path) as archive:
        data = archive.read("states.npy")
    length = struct.unpack("<H", data[8:10])[0]
    header = data[10:10 + length].decode()
    shape = [int(n) for n in header.split("'shape': (")[1].split(")")[0].split(",") if n.strip()]
    values = struct.unpack("<%df" % math.prod(shape), data[10 + length:])
    row, cells = math.prod(shape[1:]), shape[-1]
    return [values[k * row + row - cells:(k + 1) * row] for k in range(shape[0])]


def energies(pairs, states):
    return [sum(j * s[a] * s[b] for a, b, j in pairs) for s in states]


def slope(points):
    """Exponent of a power law through (x, y)."""
    points = [(x, y) for x, y in points if y > 0]
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mx, my = sum(xs) / len(xs), sum(ys) / len(ys)
    return -sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def mean_error(values):
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1) / len(values))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--heatbath", default="build/release/apps/heatbath")
    parser.add_argument("--size", type=int, default=8)
    parser.add_argument("--instances", type=int, default=4)
    parser.add_argument("--shots", type=int, default=64)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out/eta"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    cells = args.size ** 3
    boards = [("one chip", 1, 1.0)] + [(f"eta 1/{1 / eta:.0f}" if eta < 1 else "eta 1", args.size // 2, eta) for eta in ETAS]
    found = {name: {s: [] for s in SWEEPS} for name, _, _ in boards}
    for instance in range(args.instances):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            pairs = glass(args.size, instance)
            graph = folder / "glass.txt"
            graph.write_text("".join(f"{a} {b} {j}\n" for a, b, j in pairs))
            means = {}
            best = 0.0
            for name, tiles, eta in boards:
                profile = folder / "board.toml"
                profile.write_text(PROFILE.format(graph=graph, shots=args.shots, tiles=tiles, eta=eta))
                for sweeps in SWEEPS:
                    program = folder / "anneal.toml"
                    program.write_text(PROGRAM.format(cells=cells, sweeps=float(sweeps), shots=args.shots, seed=instance + 1))
                    out = folder / "out.npz"
                    subprocess.run([args.heatbath, "run", str(program), "--device", f"func:profile={profile}&threads=1",
                                    "--out", str(out), "--json"], check=True, stdout=subprocess.DEVNULL)
                    energy = energies(pairs, states_in(out))
                    means[name, sweeps] = sum(energy) / len(energy)
                    best = min(best, min(energy))
            for (name, sweeps), mean in means.items():
                found[name][sweeps].append((mean - best) / cells)
    # An exponent for each instance: their scatter is its error, and boards are compared instance by instance.
    fitted = {name: [slope([(s, found[name][s][k]) for s in SWEEPS]) for k in range(args.instances)] for name, _, _ in boards}
    lines = ["| | " + " | ".join(f"{s} sweeps" for s in SWEEPS) + " | exponent | less that of one chip |", "|---" * (len(SWEEPS) + 3) + "|"]
    data = []
    for name, _, _ in boards:
        residual = [(s, sum(found[name][s]) / args.instances) for s in SWEEPS]
        exponent, error = mean_error(fitted[name])
        less, less_error = mean_error([a - b for a, b in zip(fitted[name], fitted["one chip"])])
        lines.append(f"| {name} | " + " | ".join(f"{r:.4f}" for _, r in residual) + f" | {exponent:.3f} ± {error:.3f} | " +
                     ("" if name == "one chip" else f"{less:+.3f} ± {less_error:.3f}") + " |")
        data.append(f'"{name}"\n' + "".join(f"{s} {r}\n" for s, r in residual))
    table = "\n".join(lines) + "\n"
    print(table)
    (args.out / "eta.md").write_text(table)
    (args.out / "data").write_text("\n\n".join(data))
    plot = ("set terminal pngcairo size 760,520\nset output 'eta.png'\nset logscale xy\nset xrange [12:1700]\nset yrange [0.015:0.5]\nset xtics (16, 48, 144, 432, 1296)\nset grid\nset xlabel 'sweeps'\n"
            "set ylabel 'energy of a spin above the best found'\nset key left bottom\n"
            f"plot for [k=0:{len(boards) - 1}] 'data' index k using 1:2 with linespoints lw 2 pt 7 title columnheader(1)\n")
    try:
        subprocess.run(["gnuplot"], input=plot, text=True, check=True, cwd=args.out)
    except FileNotFoundError:
        print("no figure: gnuplot is not installed")


if __name__ == "__main__":
    main()
