"""page_test.py SOURCE BUILD WORK HEADING: the commands of docs/firmware.md under a heading do what the page says.

Runs the lines that begin with "$ " of the console blocks there, one after the other, in WORK, where the folders of the
source tree that they name and build/release are links. The last command prints the mean product of two coupled cells
with its standard error. It must agree with the Boltzmann average, and the error must be that of its shots.

The oracle is the trapezoidal rule over exp(-V/kT) for V = sum(-2 x^2 + x^4) - 0.5 x0 x1 at kT = 1. Four standard
errors are allowed, and 0.5 % for the finite step of the integrator. A platform of 1024 shots with one record each must
state sd/sqrt(1023); the firmware's 64 shots of 100 correlated records must lie between the error of 6400 independent
records and that of 64.
"""
import math
import pathlib
import re
import shutil
import subprocess
import sys

source, build, work = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
heading = sys.argv[4]


def exact():
    """Mean and standard deviation of x0 x1."""
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
    return mean, math.sqrt(second / norm - mean**2)


def commands():
    page = (source / "docs/firmware.md").read_text()
    section = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", page, re.S | re.M).group(1)
    blocks = re.findall(r"^```console\n(.*?)^```", section, re.S | re.M)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def run(command):
    done = subprocess.run(command, shell=True, cwd=work, capture_output=True, text=True, timeout=240)
    print(f"$ {command}\n{done.stdout}{done.stderr}")
    if done.returncode != 0:
        sys.exit(f"ended with {done.returncode}: {command}")
    return done.stdout


if heading == "The platform":
    shutil.rmtree(work, ignore_errors=True)
    (work / "build").mkdir(parents=True)
    (work / "build/release").symlink_to(build)
    for folder in ("examples", "firmware_api"):
        (work / folder).symlink_to(source / folder)

listed = commands()
if not listed:
    sys.exit(f"docs/firmware.md has no commands under {heading}")
output = [run(command) for command in listed][-1]

mean, sd = exact()
printed = re.search(r"^<x0 x1> = (-?[0-9.]+) \+- ([0-9.]+)$", output, re.M)
if not printed:
    sys.exit("the last command prints no correlation")
value, error = float(printed.group(1)), float(printed.group(2))
print(f"printed {value} +- {error}, exact {mean:.4f}, standard deviation of one sample {sd:.4f}")
wrong = []
if abs(value - mean) > 4 * error + 0.005 * abs(mean):
    wrong.append("the correlation is not that of the Boltzmann distribution")
shots = re.search(r"(\d+) shots(?: of (\d+) records)?", output)
if shots.group(2):
    count, records = int(shots.group(1)), int(shots.group(2))
    low, high = sd / math.sqrt(count * records), sd / math.sqrt(count)
    bars = [int(n) for n in re.findall(r"^ *-?[0-9.]+ +(\d+) #*$", output, re.M)]
    half = len(bars) // 2
    if len(bars) != 16 or sum(bars) < 0.98 * count * records:
        wrong.append("the histogram has lost samples")
    elif min(max(bars[:half]), max(bars[half:])) < 2 * max(bars[half - 1], bars[half]):
        wrong.append("the histogram shows no two wells")
else:
    low = high = sd / math.sqrt(int(shots.group(1)) - 1)
if not 0.9 * low < error < 1.1 * high:
    wrong.append(f"the standard error is not between {low:.4f} and {high:.4f}")
sys.exit("; ".join(wrong) or 0)
