#!/usr/bin/env python3
"""Critical slowing of the Ising torus at Tc: sweeps of p-bits on a device beside cluster moves.

critical_study.py HEATBATH [--sides 8,16,32,64] [--value-side 32] [--device KEYS] [--seed 1]

Sweeps are those of `heatbath sample`; the correlation time of the magnetisation is what its statistics report. Cluster
moves are those of Swendsen and Wang, made here on the host (connected components of scipy), with no code of Heatbath's:
they are also the long reference of <|m|> on the torus of --value-side, whose energy is held to Kaufman's exact sum.
Printed are times in sweeps and in moves of all spins (of m squared), the exponents z of tau = c L^z from a weighted fit,
and the values with their errors. Figures stand in docs/solvers.md. Needs numpy and scipy.
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import tempfile
import time

import numpy
import scipy.sparse.csgraph

TC = 2 / math.log(1 + math.sqrt(2))

parser = argparse.ArgumentParser()
parser.add_argument("heatbath")
parser.add_argument("--sides", default="8,16,32,64")
parser.add_argument("--value-side", type=int, default=32)
parser.add_argument("--device", default="lanes={chains}&noise_planes=yes&threads=1")
parser.add_argument("--seed", type=int, default=1)
given = parser.parse_args()
sides = [int(side) for side in given.sides.split(",")]


def bonds(side):
    """Cells and their right and lower neighbours, as two arrays."""
    cells = numpy.arange(side * side).reshape(side, side)
    return numpy.tile(cells.ravel(), 2), numpy.concatenate([numpy.roll(cells, -1, axis).ravel() for axis in (1, 0)])


def sample(side, chains, records, burn_in, spacing, *options):
    with tempfile.TemporaryDirectory() as folder:
        file, out = pathlib.Path(folder, "torus.toml"), pathlib.Path(folder, "out.npz")
        pairs = ",".join(f"[{i},{j},1]" for i, j in zip(*bonds(side)))
        file.write_text(f"[ising]\nspins = {side * side}\ncouplings = [{pairs}]\n")
        device = f"func:cell=pbit&topology=torus:{side}x{side}&" + given.device.format(chains=chains)
        command = [given.heatbath, "sample", file, "--kT", repr(TC), "--chains", chains, "--records", records,
                   "--burn-in", burn_in, "--spacing", spacing, "--seed", given.seed, "--device", device, "--json",
                   *options, "--out", out]
        child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True)
        text = child.stdout.read()
        _, status, used = os.wait4(child.pid, 0)
        if status != 0:
            raise SystemExit(status)
        states = dict(numpy.load(out))
    return json.loads(text), states, used.ru_utime + used.ru_stime


def kaufman_energy(side):
    """Mean energy of a spin of the side x side torus at Tc: a central difference of Kaufman's ln Z."""
    def log_partition(beta):
        def gamma(q):
            if q == 0:
                return 2 * beta + math.log(math.tanh(beta))
            return math.acosh(math.cosh(2 * beta) / math.tanh(2 * beta) - math.cos(math.pi * q / side))

        def product(first, function):
            values = [function(side * gamma(q) / 2) for q in range(first, 2 * side, 2)]
            return sum(math.log(abs(2 * v)) for v in values), math.prod(math.copysign(1, v) for v in values)

        parts = [product(1, math.cosh), product(1, math.sinh), product(0, math.cosh), product(0, math.sinh)]
        top = max(size for size, _ in parts)
        total = sum(sign * math.exp(size - top) for size, sign in parts)
        return side * side / 2 * math.log(2 * math.sinh(2 * beta)) + top + math.log(total / 2)

    h = 1e-5
    return -(log_partition(1 / TC + h) - log_partition(1 / TC - h)) / (2 * h) / side ** 2


def correlation_time(series):
    """Integrated time 1/2 + sum rho and its error, of chains x records, by Sokal's window of six times."""
    chains, records = series.shape
    off = series - series.mean()
    covariance = numpy.array([numpy.mean(off[:, :records - k] * off[:, k:], axis=1) for k in range(records // 3)])

    def time_of(mean):
        total = 0.5
        for k in range(1, len(mean)):
            total += mean[k] / mean[0]
            if k > 6 * total:
                break
        return total

    parts = [time_of(numpy.delete(covariance, numpy.arange(g, chains, 16), axis=1).mean(axis=1)) for g in range(16)]
    return time_of(covariance.mean(axis=1)), math.sqrt(15 / 16 * numpy.sum((parts - numpy.mean(parts)) ** 2))


def swendsen_wang(side, chains, moves, burn_in, seed):
    """Magnetisation and energy per spin, chains x moves."""
    random = numpy.random.default_rng(seed)
    left, right = bonds(side)
    cells = side * side
    first = (numpy.arange(chains)[:, None] * cells + left).ravel()
    second = (numpy.arange(chains)[:, None] * cells + right).ravel()
    spins = numpy.ones(chains * cells, numpy.int8)
    share = -math.expm1(-2 / TC)
    m, e = numpy.empty((chains, moves)), numpy.empty((chains, moves))
    for move in range(-burn_in, moves):
        joined = (spins[first] == spins[second]) & (random.random(first.size) < share)
        graph = scipy.sparse.coo_array((numpy.ones(joined.sum(), bool), (first[joined], second[joined])),
                                       (spins.size, spins.size))
        count, label = scipy.sparse.csgraph.connected_components(graph, directed=False)
        spins = (2 * random.integers(0, 2, count, numpy.int8) - 1)[label]
        if move >= 0:
            m[:, move] = spins.reshape(chains, cells).mean(axis=1, dtype=float)
            e[:, move] = -(spins[first] * spins[second]).reshape(chains, -1).sum(axis=1, dtype=float) / cells
    return m, e


def fitted(points):
    """z and its error of tau = c L^z, points (L, tau, error)."""
    x = numpy.log([p[0] for p in points])
    y = numpy.log([p[1] for p in points])
    w = numpy.array([(p[1] / p[2]) ** 2 for p in points])
    middle = numpy.sum(w * x) / numpy.sum(w)
    spread = numpy.sum(w * (x - middle) ** 2)
    return numpy.sum(w * (x - middle) * y) / spread, spread ** -0.5


def mean_of(chains):
    """Mean and error of chains x records, chains independent."""
    return chains.mean(), chains.mean(axis=1).std(ddof=1) / math.sqrt(len(chains))


side = given.value_side
spacing = round(0.6 * side ** 2.17)
_, states, seconds = sample(side, 512, 40, 5 * spacing, spacing)
m = numpy.abs(states["states"].mean(axis=1, dtype=float)).reshape(512, -1)  # chain by chain
energies = states["energies"].reshape(512, -1)
reference = swendsen_wang(side, 64, 1500, 50, given.seed + 1)
(value, error), (long, long_error) = mean_of(m), mean_of(numpy.abs(reference[0]))
(energy, energy_error), exact = mean_of(energies / side ** 2), kaufman_energy(side)
print(f"{side} x {side}, {m.size} records of 512 chains, {seconds:.3g} s of processor time:")
print(f"<|m|> {value:.5f} ± {error:.5f}, clusters {long:.5f} ± {long_error:.5f}: {100 * (value / long - 1):+.2f} %")
print(f"energy per spin {energy:.5f} ± {energy_error:.5f}, exact {exact:.5f} "
      f"(clusters {mean_of(reference[1])[0]:.5f}): {100 * (energy / exact - 1):+.2f} %", flush=True)

print("\n| L | sweeps of p-bits: tau of m | processor s | clusters: tau of m² | processor s |")
print("|---|---|---|---|---|")
by_sweeps, by_clusters = [], []
for side in sides:
    # The longest lag, of 64 records, is some eight times the correlation time, c = 2.
    spacing = round(0.25 * side ** 2.17)
    chains, records = 64, 300 if side < 32 else 150 if side < 64 else 90
    result, _, seconds = sample(side, chains, records, 30 * spacing, spacing, "--statistics", "autocorrelation",
                                "--no-states")
    found = result["statistics"]["series"]["order"]["correlation_time"]
    by_sweeps.append((side, found["value"], found["standard_error"]))
    begin = time.process_time()
    m, _ = swendsen_wang(side, max(16, 4096 * 16 // side ** 2), 200, 30, given.seed)
    by_clusters.append((side, *correlation_time(m ** 2)))
    print(f"| {side} | {found['value']:.4g} ± {found['standard_error']:.2g} | {seconds:.3g} | "
          f"{by_clusters[-1][1]:.3g} ± {by_clusters[-1][2]:.2g} | {time.process_time() - begin:.3g} |", flush=True)
if len(sides) > 1:
    print("| z | {:.2f} ± {:.2f} | | {:.2f} ± {:.2f} | |".format(*fitted(by_sweeps), *fitted(by_clusters)))
