#!/usr/bin/env python3
"""How honest the error bars of `heatbath solve` are: one system, solved again with many seeds.

solver_study.py HEATBATH [--rows 256] [--condition 100] [--repeats 200] [--tolerance 0.01] [--device URI]
                [--first-seed 1] [--seconds 280]

Ends after --seconds with what it has. Prints the part of all numbers that lie within one error bar of the solution in double precision (68 % where bars are
honest), the same of their norm, and the error beside its law (2 kT/tau) Tr A^-2/shots.
Needs numpy.
"""
import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import numpy

parser = argparse.ArgumentParser()
parser.add_argument("heatbath")
parser.add_argument("--rows", type=int, default=256)
parser.add_argument("--condition", type=float, default=100)
parser.add_argument("--repeats", type=int, default=200)
parser.add_argument("--tolerance", type=float, default=0.01)
parser.add_argument("--device", default="func:stepper=exact-ou&threads=1")
parser.add_argument("--first-seed", type=int, default=1)
parser.add_argument("--seconds", type=float, default=float("inf"))
given = parser.parse_args()

random = numpy.random.default_rng(1)
modes = given.condition ** (numpy.arange(given.rows) / (given.rows - 1))
basis = numpy.linalg.qr(random.normal(size=(given.rows, given.rows)))[0]
matrix = (basis * modes) @ basis.T
matrix = ((matrix + matrix.T) / 2).astype(numpy.float32)
right = random.normal(size=given.rows).astype(numpy.float32)
exact = numpy.linalg.solve(matrix.astype(float), right.astype(float))

with tempfile.TemporaryDirectory() as folder:
    a, b = pathlib.Path(folder, "a.npy"), pathlib.Path(folder, "b.npy")
    numpy.save(a, matrix)
    numpy.save(b, right)
    inside, norms, errors, laws, reached = [], [], [], [], 0
    begin = time.monotonic()
    for seed in range(given.first_seed, given.first_seed + given.repeats):
        if inside and time.monotonic() - begin > given.seconds:
            break
        done = subprocess.run([given.heatbath, "solve", a, "--rhs", b, "--tolerance", str(given.tolerance), "--seed", str(seed),
                               "--device", given.device, "--json"], capture_output=True, text=True)
        result = json.loads(done.stdout)
        reached += result["reached"]
        off = numpy.array(result["values"]) - exact
        bars = numpy.array(result["standard_errors"])
        inside.append(numpy.mean(numpy.abs(off) <= bars))
        norms.append(numpy.linalg.norm(off) <= numpy.linalg.norm(bars))
        errors.append(float(off @ off))
        laws.append(2 * result["kT"] / (64 * result["averaged_time"]) * float(numpy.sum(modes ** -2.0)))
print(f"{len(inside)} repeats, {reached} reached {given.tolerance:g}; relative error (root mean square) "
      f"{numpy.sqrt(numpy.mean(errors)) / numpy.linalg.norm(exact):.4f}")
print(f"within one error bar: numbers {numpy.mean(inside):.3f} +- {numpy.std(inside) / len(inside) ** 0.5:.3f}, norm {numpy.mean(norms):.3f}")
print(f"squared error over its law: {numpy.mean(errors) / numpy.mean(laws):.3f} +- "
      f"{numpy.std(errors) / len(errors) ** 0.5 / numpy.mean(laws):.3f}")
