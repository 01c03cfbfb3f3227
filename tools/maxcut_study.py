#!/usr/bin/env python3
"""Max-Cut of the Gset and of K2000 by `heatbath anneal --method cycles`, and by other annealers at equal flips.

maxcut_study.py HEATBATH FOLDER [--graphs G1,G11] [--seeds 20] [--record FILE] [--side-by-side 2] [--peers NAMES] [--table]

FOLDER holds the graphs as G1.txt and so on, in the rudy format (they are not part of this repository). Every seed is a run of
its own on one thread, so many side by side; a run ends at the best known value. With --record runs are written as lines of
JSON, and those that are there already are not made again. --table prints what is there and makes no run.
Printed for each graph: the seeds that reach the best known value and that come within 0.1 % of it, the median and the worst,
processor time of a seed, and the time to solution TTS(99 %) = t ln 0.01/ln(1 - p), t the mean time of a seed, with the 95 %
interval of p (Wilson).
--peers dwave,openjij,bifurcation makes the same number of updates by dwave-samplers, openjij and simulated-bifurcation
(from PyPI), as many reads as Heatbath's sweeps go into theirs, for --peer-seeds seeds.
"""
import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

# Best known cuts, and options: reads of 512 fill the widest vectors.
GRAPHS = {
    "G1": (11624, "--sweeps 500 --cycles 4 --cycle-sweeps 200"),
    "G11": (564, "--sweeps 300 --cycles 20 --cycle-sweeps 100"),
    "G14": (3064, "--sweeps 8000 --cycles 10 --cycle-sweeps 1000 --warmest 1.5 --families 32"),
    "G22": (13359, "--sweeps 1000 --cycles 10 --cycle-sweeps 300"),
    "G39": (2408, "--sweeps 3000 --cycles 10 --cycle-sweeps 400 --warmest 1.6 --families 16"),
    "G43": (6660, "--sweeps 500 --cycles 10 --cycle-sweeps 200"),
    "G55": (10299, "--sweeps 500 --cycles 20 --cycle-sweeps 150 --families 16"),
    "G60": (14188, "--sweeps 500 --cycles 16 --cycle-sweeps 150 --families 8"),
    "G70": (9591, "--sweeps 300 --cycles 30 --cycle-sweeps 60 --families 16"),
    "G81": (14060, "--sweeps 300 --cycles 10 --cycle-sweeps 200 --families 4"),
    "K2000": (33337, "--sweeps 1000 --cycles 2 --cycle-sweeps 250 --warmest 20 --families 16"),
}

parser = argparse.ArgumentParser()
parser.add_argument("heatbath")
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--graphs", default=",".join(GRAPHS))
parser.add_argument("--seeds", type=int, default=20)
parser.add_argument("--reads", type=int, default=512)
parser.add_argument("--record", type=pathlib.Path)
parser.add_argument("--side-by-side", type=int, default=2)
parser.add_argument("--options", help="in place of the table's")
parser.add_argument("--peers", default="")
parser.add_argument("--peer-seeds", type=int, default=3)
parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no run after that")
parser.add_argument("--table", action="store_true")
given = parser.parse_args()
names = given.graphs.split(",")
for name in names:
    if name not in GRAPHS:
        sys.exit(f"{name}: known are {', '.join(GRAPHS)}")
begin = time.monotonic()
done = {}


def keep(run, fresh=True):
    done[run["solver"], run["graph"], run["seed"], run["options"]] = run
    if fresh and given.record:
        with given.record.open("a") as file:
            file.write(json.dumps(run) + "\n")


def out_of_time():
    return time.monotonic() - begin > given.seconds


def options_of(name):
    return given.options or GRAPHS[name][1]


def path_of(name):
    return given.folder / f"{name}.txt"


def heatbath_runs():
    waiting = [(name, seed) for name in names for seed in range(1, given.seeds + 1)
               if ("heatbath", name, seed, options_of(name)) not in done]
    running = {}
    while waiting or running:
        while waiting and len(running) < given.side_by_side and not out_of_time():
            name, seed = waiting.pop(0)
            command = [given.heatbath, "anneal", path_of(name), "--method", "cycles", "--reads", given.reads, *options_of(name).split(),
                       "--seed", seed, "--target", GRAPHS[name][0], "--device", "func:threads=1", "--json"]
            child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            running[child.pid] = (child, name, seed)
        if not running:
            return
        # Of the one that began first: others wait with their result in the pipe, which is small beside its room.
        child, name, seed = running.pop(next(iter(running)))
        text = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        if status != 0:
            sys.exit(f"{name}, seed {seed}: {child.stderr.read()}")
        result = json.loads(text)
        keep({"solver": "heatbath", "graph": name, "seed": seed, "options": options_of(name), "value": result["best"],
              "seconds": used.ru_utime + used.ru_stime, "updates": result["updates"], "device": result["device"],
              "lowest": result["cycles"]["lowest"]})


def edges_of(name):
    lines = path_of(name).read_text().split("\n")
    cells = int(lines[0].split()[0])
    edges = [(int(a) - 1, int(b) - 1, float(w)) for a, b, w in (line.split() for line in lines[1:] if line.strip())]
    return cells, edges


def peer_runs(peer):
    for name in names:
        updates = [run["updates"] for (solver, graph, _, options), run in done.items()
                   if solver == "heatbath" and graph == name and options == options_of(name)]
        if not updates:
            print(f"{name}: no run of heatbath to be equal to", file=sys.stderr)
            continue
        cells, edges = edges_of(name)
        total = sum(w for _, _, w in edges)
        # As many sweeps as an annealing and its cycles have, and reads for what is left.
        words = options_of(name).split()
        value = dict(zip(words[::2], map(float, words[1::2])))
        sweeps = int(value["--sweeps"] + value["--cycles"] * value["--cycle-sweeps"])
        reads = max(1, round(statistics.median(updates) / cells / sweeps))
        for seed in range(1, given.peer_seeds + 1):
            how = f"{reads} x {sweeps}"
            if (peer, name, seed, how) in done or out_of_time():
                continue
            used = time.process_time()
            if peer == "dwave":
                from dwave.samplers import SimulatedAnnealingSampler
                sampled = SimulatedAnnealingSampler().sample_ising({}, {(a, b): w for a, b, w in edges}, num_reads=reads,
                                                                   num_sweeps=sweeps, seed=seed)
                energies = sampled.record.energy
            elif peer == "openjij":
                import openjij
                sampled = openjij.SASampler().sample_ising({}, {(a, b): w for a, b, w in edges}, num_reads=reads, num_sweeps=sweeps, seed=seed)
                energies = sampled.record.energy
            else:
                import simulated_bifurcation
                import torch
                torch.manual_seed(seed)
                torch.set_num_threads(1)
                matrix = torch.zeros(cells, cells)
                for a, b, w in edges:
                    matrix[a, b] = matrix[b, a] = w / 2
                _, values = simulated_bifurcation.minimize(matrix, domain="spin", agents=reads, max_steps=sweeps, mode="discrete", best_only=False,
                                                           verbose=False, early_stopping=False)
                energies = values.tolist()
            cuts = [(total - energy) / 2 for energy in energies]
            keep({"solver": peer, "graph": name, "seed": seed, "options": how, "value": max(cuts), "seconds": time.process_time() - used,
                  "updates": reads * sweeps * cells, "reads": reads, "mean": statistics.fmean(cuts)})
            print(peer, name, seed, how, max(cuts), file=sys.stderr)


def wilson(hits, tries):
    z, p = 1.96, hits / tries
    middle, half = p + z * z / (2 * tries), z * math.sqrt(p * (1 - p) / tries + z * z / (4 * tries * tries))
    return max(0.0, middle - half) / (1 + z * z / tries), min(1.0, (middle + half) / (1 + z * z / tries))


def to_solution(seconds, p):
    return math.inf if p <= 0 else seconds if p >= 0.99 else seconds * math.log(0.01) / math.log(1 - p)


def spelled(seconds):
    return "-" if math.isinf(seconds) else f"{seconds:.3g}"


def table():
    print("| graph | best known | solver | reached | within 0.1 % | median | worst | s of a seed | TTS(99 %), s | updates of a seed | options |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    all_seconds = 0
    for name in names:
        best = GRAPHS[name][0]
        kinds = sorted({(solver, options) for solver, graph, _, options in done if graph == name and (solver != "heatbath" or options == options_of(name))},
                       key=lambda kind: kind[0] != "heatbath")
        for solver, options in kinds:
            runs = [run for key, run in done.items() if key[0] == solver and key[1] == name and key[3] == options]
            values = sorted(run["value"] for run in runs)
            hits, near = sum(v >= best for v in values), sum(v >= 0.999 * best for v in values)
            seconds = statistics.fmean(run["seconds"] for run in runs)
            all_seconds += len(runs) * seconds if solver == "heatbath" else 0
            low, high = wilson(hits, len(runs))
            solution = f"{spelled(to_solution(seconds, hits / len(runs)))} ({spelled(to_solution(seconds, high))}-{spelled(to_solution(seconds, low))})"
            print(f"| {name} | {best} | {solver} | {hits} of {len(runs)} | {near} of {len(runs)} | {statistics.median(values):g} | {values[0]:g} | "
                  f"{seconds:.3g} | {solution} | {statistics.median(run['updates'] for run in runs):.2g} | {options} |")
    print(f"\n{all_seconds:.4g} s of processor time by heatbath in all")


if given.record and given.record.exists():
    for line in given.record.read_text().splitlines():
        keep(json.loads(line), fresh=False)
if not given.table:
    heatbath_runs()
    for peer in filter(None, given.peers.split(",")):
        peer_runs(peer)
table()
