#!/usr/bin/env python3
"""Four served devices at work for long: random programs, trainers, planned faults, clients that are killed.

    soak.py HEATBATH [--minutes 60] [--seed 1]

Each device is served by a process of its own and used by one client after another: a run of a random program (its ramps,
periods and meters by chance), a training, a host that is killed in the middle. After each run the first law is looked at:
between two snapshots of each shot, the energy has changed by work less heat, to rounding. Four times a minute each server is
looked at: memory that is its own (anonymous pages), descriptors, threads. The first fifth is warm-up.

Prints a table; exit status 1 where memory grew by 1 MB an hour or more (and by more than 0.5 MB in all), descriptors or
threads grew, the first law was violated, a client ended with a status that it must not have, or a server ended.
"""
import argparse
import ast
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

DEVICES = {
    "ideal": "func:profile=ideal&cells=64&lanes=8&threads=1",
    "tlm": "tlm:profile=ideal&cells=16&lanes=4&threads=1",
    "coded": "func:profile=coded&cells=16&lanes=6&threads=1",
    "harsh": "func:profile=harsh&chip=5&cells=24&threads=1&faults=memory-flip@900000:12345,cell-dead@4000000:3",
}


def doubles(archive, name):
    """Shape and values of an array of an .npz in double precision."""
    data = archive.read(name)
    length = struct.unpack("<H", data[8:10])[0]
    shape = ast.literal_eval(data[10:10 + length].decode())["shape"]
    return shape, struct.unpack(f"<{(len(data) - 10 - length) // 8}d", data[10 + length:])


def first_law(path):
    """The largest |dE - W + Q| over the scale of its terms, between the two snapshots of each shot."""
    with zipfile.ZipFile(path) as archive:
        (snapshots, shots), energy = doubles(archive, "meters_energy.npy")
        work, heat = (doubles(archive, f"meters_{name}.npy")[1] for name in ("work", "heat"))
    worst = 0.0
    for shot in range(shots):
        first, last = shot, (snapshots - 1) * shots + shot
        change, w, q = (of[last] - of[first] for of in (energy, work, heat))
        scale = max(abs(energy[first]), abs(energy[last]), abs(work[last]), abs(heat[last]), 1.0)
        off = abs(change - w + q) / scale
        if not math.isfinite(off):
            return math.inf
        worst = max(worst, off)
    return worst


def program(rng, cells, metered):
    """A random program in TOML; with meters, two snapshots."""
    step = lambda op, **keys: f'[[schedule]]\nop = "{op}"\n' + "".join(f"{key} = {value}\n" for key, value in keys.items())
    number = lambda low, high: round(rng.uniform(low, high), 3)
    text = (f"[network]\ncells = {cells}\nj2 = {number(0.5, 2)}\nj4 = {rng.choice([0, 0.5])}\nkT = {number(0.1, 1)}\n"
            f"couplings = {{ chain = {number(-0.3, 0.3)}, periodic = true }}\n")
    text += step("commit")
    if metered:
        text += step("meters_clear") + step("meters", name='"begin"')
    if rng.random() < 0.7:
        text += step("capture", period=rng.choice([0.5, 1.0]))
    for _ in range(rng.randint(1, 4)):
        text += rng.choice([lambda: step("evolve", duration=rng.choice([1.0, 8.0, 32.0])),
                            lambda: step("ramp", duration=rng.choice([1.0, 8.0]), kT=number(0.1, 1))])()
    if metered:
        text += step("meters", name='"end"')
    return text + f"[samples]\nshots = {rng.choice([1, 4, 8])}\n"


class Soak(threading.Thread):
    """One device and its clients, until `until`."""

    def __init__(self, heatbath, name, folder, seed, until):
        super().__init__(daemon=True)
        self.heatbath, self.name, self.folder, self.until = heatbath, name, folder, until
        self.rng = random.Random(f"{seed} {name}")
        self.clients = self.killed = self.laws = 0
        self.worst_law, self.wrong, self.looks = 0.0, [], []
        os.mkdir(folder)
        self.server = subprocess.Popen([heatbath, "serve", "--listen", "unix:s", "--device", DEVICES[name]], cwd=folder,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.server.stdout.readline()

    def look(self, hours):
        """Hours since the begin, anonymous memory in MB, descriptors, threads."""
        place = f"/proc/{self.server.pid}"
        with open(f"{place}/smaps_rollup") as file:
            own = next(int(line.split()[1]) for line in file if line.startswith("Anonymous:"))
        self.looks.append((hours, own / 1024, len(os.listdir(f"{place}/fd")), len(os.listdir(f"{place}/task"))))

    def client(self, words, allowed, kill=False):
        self.clients += 1
        with open(os.path.join(self.folder, "log"), "wb") as log:
            process = subprocess.Popen([self.heatbath, *words, "--device", "unix:s"], cwd=self.folder, stdout=log, stderr=log,
                                       stdin=subprocess.DEVNULL)
            if kill:
                try:
                    process.wait(self.rng.uniform(0, 0.3))
                except subprocess.TimeoutExpired:
                    process.kill()
                    self.killed += 1
                process.wait()
                return None
            try:
                status = process.wait(600)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                status = None
        if status not in allowed:
            with open(os.path.join(self.folder, "log"), errors="replace") as log:
                self.wrong.append(f"{words[:2]}: status {status}: {log.read()[-300:]}")
        return status

    def run(self):
        try:
            self.work()
        except Exception as error:  # a torn result, an array that is missing: what a soak looks for
            self.wrong.append(f"a client's result: {error!r}")

    def work(self):
        rng, faulty = self.rng, self.name == "harsh"
        cells = int(DEVICES[self.name].split("cells=")[1].split("&")[0])
        while time.monotonic() < self.until and self.server.poll() is None and len(self.wrong) < 20:
            if rng.random() < 0.15 and self.name in ("ideal", "coded"):
                self.client(["train", "equilibrium", "--hidden", "2", "--updates", "3", "--out", "trained"], {0, 1})
                shutil.rmtree(os.path.join(self.folder, "trained"), ignore_errors=True)
                continue
            metered = not faulty
            with open(os.path.join(self.folder, "p.toml"), "w") as file:
                file.write(program(rng, rng.randint(4, cells), metered))
            kill = rng.random() < 0.25
            status = self.client(["run", "p.toml", "--out", "r.npz"], {0, 1} if faulty else {0}, kill)
            result = os.path.join(self.folder, "r.npz")
            if status == 0 and metered:
                self.laws += 1
                law = first_law(result)
                self.worst_law = max(self.worst_law, law)
                if not law < 1e-9:
                    self.wrong.append(f"the first law is violated by {law:.2e}")
            if os.path.exists(result):
                os.remove(result)
        if self.server.poll() is not None:
            self.wrong.append(f"the server ended with {self.server.returncode}")


def slope(points):
    """Least squares, in units of y an hour."""
    n = len(points)
    if n < 3:
        return 0.0
    x0, y0 = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    return sum((x - x0) * (y - y0) for x, y in points) / max(sum((x - x0) ** 2 for x, _ in points), 1e-12)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("heatbath")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begin = time.monotonic()
    until = begin + 60 * arguments.minutes
    folder = tempfile.mkdtemp(prefix="soak.")
    soaks = [Soak(os.path.abspath(arguments.heatbath), name, os.path.join(folder, name), arguments.seed, until) for name in DEVICES]
    try:
        for soak in soaks:
            soak.start()
        while any(soak.is_alive() for soak in soaks):
            time.sleep(min(15, max(1, 0.6 * arguments.minutes)))
            for soak in soaks:
                try:
                    if soak.server.poll() is None:
                        soak.look((time.monotonic() - begin) / 3600)
                except OSError:
                    pass  # it has ended meanwhile, which its thread reports
    finally:
        for soak in soaks:
            soak.server.kill()
            soak.server.wait()
        shutil.rmtree(folder, ignore_errors=True)
    bad = False
    print(f"{'device':8} {'clients':>8} {'killed':>7} {'first law':>20} {'memory after warm-up':>24} {'MB an hour':>11} {'descriptors':>12} {'threads':>8}")
    for soak in soaks:
        warm = [look for look in soak.looks if look[0] >= arguments.minutes / 60 / 5] or soak.looks
        grows = slope([(look[0], look[1]) for look in warm])
        third = max(1, len(warm) // 3)
        middle = lambda looks, k: sorted(look[k] for look in looks)[len(looks) // 2]
        more = [middle(warm[-third:], k) - middle(warm[:third], k) for k in (1, 2, 3)]
        print(f"{soak.name:8} {soak.clients:8} {soak.killed:7} {soak.laws:8} x < {soak.worst_law:8.1e} "
              f"{middle(warm[:third], 1):10.2f} -> {middle(warm[-third:], 1):7.2f} MB {grows:11.2f} "
              f"{middle(warm[:third], 2):5} -> {middle(warm[-third:], 2):3} {middle(warm[:third], 3):3} -> {middle(warm[-third:], 3)}")
        if grows >= 1 and more[0] > 0.5:
            soak.wrong.append("memory grows")
        if more[1] > 2:  # a client that has just come or gone
            soak.wrong.append("descriptors are lost")
        if more[2] > 1:
            soak.wrong.append("threads are lost")
        for wrong in soak.wrong:
            bad = True
            print(f"  {soak.name}: {wrong}")
    print(f"{(time.monotonic() - begin) / 60:.1f} minutes, seed {arguments.seed}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
