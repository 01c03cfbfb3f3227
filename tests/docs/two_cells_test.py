"""two_cells_test.py PROGRAM: the correlation that the README's example prints agrees with the Boltzmann average.

The oracle is the trapezoidal rule over exp(-V/kT) for V = sum(-2 x^2 + x^4) - 0.5 x0 x1 at kT = 1. A thousand
independent shots give the mean of x0 x1 with a standard error of sd/sqrt(1000); four of them are allowed.
"""
import math
import re
import subprocess
import sys

grid = [-3 + 0.02 * i for i in range(301)]
cell = [math.exp(2 * x * x - x**4) for x in grid]
norm = first = second = 0.0
for x, px in zip(grid, cell):
    for y, py in zip(grid, cell):
        p = px * py * math.exp(0.5 * x * y)
        norm += p
        first += p * x * y
        second += p * (x * y) ** 2
mean = first / norm
error = math.sqrt((second / norm - mean**2) / 1000)

output = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout
printed = float(re.fullmatch(r"<x0 x1> = (-?[0-9.]+)\n", output).group(1))
print(f"printed {printed}, exact {mean:.4f} +- {error:.4f}")
sys.exit(0 if abs(printed - mean) < 4 * error else 1)
