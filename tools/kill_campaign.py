#!/usr/bin/env python3
"""SIGKILL at random moments: whatever was killed must go on to the same bits, and no file may be unreadable.

    kill_campaign.py HEATBATH [--kills 1000] [--seed 1] [--only NAME,...] [--seconds S]

Work is started, killed at a moment by chance, started again to go on from what it left, killed again, and in the end let
go; then every result must equal that of work that nobody killed, byte by byte (but for the provenance, which has dates).
After each kill every file that is there must be whole: checkpoints by their checksum, archives member by member, HDF5 by
its length, JSON and pictures by their ends. Kinds of work: run (states kept), statistics (a run that keeps sums only),
silicon (a chip without seeds), tlm (the chip in SystemC), generate, score, ergodicity, boltzmann, equilibrium, classifier
(the trainers), served (a trainer whose device is served), serve (the server of a run is killed; the run must end with a
clear error and leave nothing, and run anew). Whatever can, is kept at every occasion, so that many kills meet the writing
of a file: the column "writing" counts those that left a temporary one.

Prints a table; exit status 1 when one result differed, a file could not be read, or a temporary file stayed.
"""
import argparse
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib

PROGRAM = """
[network]
cells = {cells}
j2 = 1.0
kT = 0.5
couplings = {{ chain = -0.2, periodic = true }}
{dt}
[[schedule]]
op = "commit"
{meters}
[[schedule]]
op = "capture"
period = {period}
[[schedule]]
op = "evolve"
duration = {duration}
{snapshot}
[samples]
shots = {shots}
{statistics}
"""
METERS = '[[schedule]]\nop = "meters_clear"\n'
SNAPSHOT = '[[schedule]]\nop = "meters"\nname = "end"\n'
STATISTICS = '[statistics]\nfrom = 1\nlags = [0.25, 0.5]\nonly = true\n'


def content(path):
    """What must be equal: the members of an archive but its provenance, else the bytes."""
    if path.endswith(".npz"):
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist() if "provenance" not in name}
    with open(path, "rb") as file:
        return file.read()


def torn(path):
    """What is wrong with a file that a killed program left, or nothing."""
    with open(path, "rb") as file:
        data = file.read()
    name = os.path.basename(path)
    try:
        if name == "kept":  # docs/checkpoints.md, The format
            magic, length = data[:8], struct.unpack("<Q", data[24:32])[0]
            whole = magic == b"heatbath" and len(data) == 32 + length + 4
            if not whole or zlib.crc32(data[:-4]) != struct.unpack("<I", data[-4:])[0]:
                return f"{name}: a damaged checkpoint"
        elif name.endswith(".npz"):
            with zipfile.ZipFile(path) as archive:
                if archive.testzip() is not None:
                    return f"{name}: a damaged archive"
        elif name.endswith(".json"):
            json.loads(data)
        elif name.endswith(".h5"):  # superblock of version 0 or 2: where the file ends
            at = {0: 40, 2: 28, 3: 28}[data[8]]
            if data[:8] != b"\x89HDF\r\n\x1a\n" or struct.unpack("<Q", data[at:at + 8])[0] != len(data):
                return f"{name}: a cut HDF5 file"
        elif name.endswith(".png") and data[-8:-4] != b"IEND":
            return f"{name}: a cut picture"
        elif name.endswith(".html") and not data.rstrip().endswith(b"</html>"):
            return f"{name}: a cut page"
    except (ValueError, KeyError, IndexError, EOFError, NotImplementedError, struct.error, zlib.error, zipfile.BadZipFile) as error:
        return f"{name}: unreadable: {error}"
    return None


def files_of(folder):
    """Every file below, those with temporary names apart."""
    whole, temporary = [], []
    for place, _, names in os.walk(folder):
        for name in names:
            if os.path.isfile(os.path.join(place, name)):  # not a socket
                (temporary if name.startswith(".") else whole).append(os.path.join(place, name))
    return whole, temporary


class Work:
    """A command that is killed and goes on. `first` starts it in a folder, `again` goes on; `results` are compared."""

    def __init__(self, name, first, again, results, prepare=None, server=None):
        self.name, self.first, self.again, self.results, self.prepare = name, first, again, results, prepare
        self.server = server
        self.kills = self.ended = self.wrong = self.writing = 0
        self.expected = self.seconds = None

    def start(self, folder, command):
        log = open(os.path.join(folder, "log"), "ab")
        return subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def run_unbroken(self, folder):
        if self.prepare:
            self.prepare(folder)
        server = self.server(folder) if self.server else None
        begin = time.monotonic()
        if self.start(folder, self.first(folder)).wait(600) != 0:
            raise SystemExit(f"{self.name}: the unbroken work failed:\n" + open(os.path.join(folder, "log")).read()[-2000:])
        self.seconds = time.monotonic() - begin
        self.expected = [content(os.path.join(folder, name)) for name in self.results]
        if server:
            server.kill()
            server.wait()

    def campaign(self, folder, rng):
        """One piece of work; returns what was wrong, or nothing."""
        if self.prepare:
            self.prepare(folder)
        server = self.server(folder) if self.server else None
        try:
            return self.killed(folder, rng)
        finally:
            if server:
                server.kill()
                server.wait()

    def killed(self, folder, rng):
        """Killed one to four times, then let go."""
        for kill in range(rng.randint(1, 4)):
            process = self.start(folder, self.first(folder) if kill == 0 else self.again(folder))
            begin = time.monotonic()
            try:
                process.wait(rng.random() * self.seconds)
                if process.returncode != 0:
                    return f"ended with {process.returncode} before it was killed"
                if kill == 0:  # the machine has less to do than when the unbroken work was timed
                    self.seconds = min(self.seconds, time.monotonic() - begin)
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                self.kills += 1
                whole, temporary = files_of(folder)
                self.writing += len(temporary) > 0
                if damaged := [wrong for wrong in map(torn, whole) if wrong]:
                    return "; ".join(damaged)
        status = self.start(folder, self.again(folder)).wait(600)
        if status != 0:
            return f"does not go on: exit status {status}"
        found = [content(os.path.join(folder, name)) for name in self.results]
        if found != self.expected:
            return "other bits than the unbroken work"
        whole, temporary = files_of(folder)
        if damaged := [wrong for wrong in map(torn, whole) if wrong]:
            return "; ".join(damaged)
        return f"left {temporary}" if temporary else None


def serve(heatbath, folder, device):
    """A server at the socket `s` of the folder, which answers."""
    server = subprocess.Popen([heatbath, "serve", "--listen", "unix:s", "--device", device], cwd=folder,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    server.stdout.readline()
    return server


class Served:
    """The server of a run is killed; a new one serves the same run anew."""
    name = "serve"

    def __init__(self, heatbath):
        self.heatbath, self.kills, self.ended, self.wrong, self.writing = heatbath, 0, 0, 0, 0
        self.expected = self.seconds = None

    def serve(self, folder):
        return serve(self.heatbath, folder, "func:cells=64&lanes=16&threads=1")

    def client(self, folder):
        log = open(os.path.join(folder, "log"), "ab")
        return subprocess.Popen([self.heatbath, "run", "p.toml", "--out", "r.npz", "--device", "unix:s"],
                                cwd=folder, stdout=log, stderr=log)

    def run_unbroken(self, folder):
        write_program(64, 0.25, 20, 16)(folder)
        server = self.serve(folder)
        begin = time.monotonic()
        if self.client(folder).wait(600) != 0:
            raise SystemExit("serve: the unbroken run failed:\n" + open(os.path.join(folder, "log")).read()[-2000:])
        self.seconds = time.monotonic() - begin
        self.expected = content(os.path.join(folder, "r.npz"))
        server.kill()
        server.wait()

    def campaign(self, folder, rng):
        write_program(64, 0.25, 20, 16)(folder)
        result = os.path.join(folder, "r.npz")
        server = self.serve(folder)
        client = self.client(folder)
        time.sleep(rng.random() * self.seconds)
        server.kill()
        server.wait()
        self.kills += 1
        status = client.wait(60)
        if status not in (0, 1):  # 1: the link was lost
            return f"the run ended with {status}"
        if status == 1 and os.path.exists(result):
            return "a run that failed left a result"
        server = self.serve(folder)
        status = self.client(folder).wait(600)
        server.kill()
        server.wait()
        if status != 0:
            return f"a new server does not serve: exit status {status}"
        return None if content(result) == self.expected else "other bits than the unbroken run"


def write_program(cells, period, duration, shots, dt="", metered=True, statistics=False):
    text = PROGRAM.format(cells=cells, period=period, duration=duration, shots=shots, dt=dt, meters=METERS if metered else "",
                          snapshot=SNAPSHOT if metered else "", statistics=STATISTICS if statistics else "")
    return lambda folder: open(os.path.join(folder, "p.toml"), "w").write(text) and None


def write_images(folder):
    """A data set in IDX format, 120 images of 28 x 28 in ten classes of stripes, for the trainers that read one."""
    def image(k):
        return bytes(255 if (row // 3 + column // 3 * (k % 10 + 1) + k // 10) % 5 == 0 and 4 < row < 24 and 4 < column < 24 else 0
                     for row in range(28) for column in range(28))
    os.mkdir(os.path.join(folder, "idx"))
    with open(os.path.join(folder, "idx", "train-images-idx3-ubyte"), "wb") as file:
        file.write(struct.pack(">IIII", 2051, 120, 28, 28) + b"".join(map(image, range(120))))
    with open(os.path.join(folder, "idx", "train-labels-idx1-ubyte"), "wb") as file:
        file.write(struct.pack(">II", 2049, 120) + bytes(k % 10 for k in range(120)))


def write_patterns(folder):
    """Twenty patterns of a torus of 12 x 12 cells as an array of NumPy."""
    header = "{'descr': '|i1', 'fortran_order': False, 'shape': (20, 144), }"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(os.path.join(folder, "patterns.npy"), "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(bytes(1 if (row * cell // 7 + cell) % 3 else 255 for row in range(20) for cell in range(144)))


def all_work(heatbath):
    kept = ["--checkpoint", "kept", "--checkpoint-every", "0", "--resume"]
    every = ["--checkpoint-every", "0"]
    small = "func:cells=64&lanes=16&threads=1"
    digits = ["--device", "func:cells=1024&lanes=8&threads=1", "--data", "idx"] + every

    def runs(name, device, *program, **more):
        command = lambda folder: [heatbath, "run", "p.toml", "--out", "r.npz", "--device", device] + kept
        return Work(name, command, command, ["r.npz"], write_program(*program, **more))

    def trains(name, trainer, saved, words, prepare=None, server=None):
        command = [heatbath, "train", trainer] + words + ["--out", "out"]

        def again(folder):
            there = os.path.exists(os.path.join(folder, "out", saved))
            return command + (["--continue"] if there else [])
        return Work(name, lambda folder: command, again, [os.path.join("out", saved)], prepare, server)

    return [
        runs("run", small, 64, 0.25, 30, 20),
        runs("statistics", small, 64, 0.25, 30, 20, statistics=True),
        runs("silicon", "func:profile=silicon&cells=64&threads=1", 64, 0.25, 20, 4, metered=False),
        runs("tlm", "tlm:cells=16&lanes=4&threads=1", 16, 0.25, 4, 8),
        trains("generate", "generate", "model.h5", ["--hidden", "2", "--updates", "8", "--shots", "2", "--digits", "0"] + digits,
               write_images),
        trains("score", "score", "score_network.h5", ["--hidden", "4", "--segments", "2", "--steps", "40", "--batch", "2", "--shots",
                                                      "10", "--held-out", "10", "--threads", "1"] + digits, write_images),
        trains("ergodicity", "ergodicity", "machines.json", ["--problem", "two-patterns", "--updates", "20", "--effort", "0.01"]),
        trains("boltzmann", "boltzmann", "machine.json", ["--updates", "40", "--shots", "16", "--draw", "50", "--draw-sweeps", "20",
                                                          "--device", "func:lanes=16&threads=1"] + every),
        trains("graph", "graph", "machine.npz", ["--patterns", "patterns.npy", "--updates", "40", "--device",
                                                 "func:cell=pbit&topology=torus:12x12&threads=1"] + every, write_patterns),
        trains("equilibrium", "equilibrium", "net.json", ["--updates", "20", "--device", "func:lanes=16&threads=1"] + every),
        trains("classifier", "classifier", "classifier.json", ["--held-out", "20", "--layer", "4", "--teacher-steps", "40", "--steps", "40",
                                                               "--batch", "4", "--runs", "2", "--threads", "1"] + digits, write_images),
        trains("served", "equilibrium", "net.json", ["--updates", "20", "--device", "unix:s"] + every,
               server=lambda folder: serve(heatbath, folder, "func:lanes=16&threads=1")),
        Served(heatbath),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("heatbath")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    arguments = parser.parse_args()
    works = all_work(os.path.abspath(arguments.heatbath))
    if arguments.only:
        names = arguments.only.split(",")
        if unknown := set(names) - {work.name for work in works}:
            parser.error(f"--only: no {', '.join(sorted(unknown))}; there are {', '.join(work.name for work in works)}")
        works = [work for work in works if work.name in names]
    rng = random.Random(arguments.seed)
    begin = time.monotonic()
    folder = tempfile.mkdtemp(prefix="kill_campaign.")
    try:
        for work in works:
            place = os.path.join(folder, work.name)
            os.mkdir(place)
            work.run_unbroken(place)
        number = 0
        while sum(work.kills for work in works) < arguments.kills and time.monotonic() - begin < arguments.seconds:
            work = works[number % len(works)]
            place = os.path.join(folder, str(number))
            number += 1
            os.mkdir(place)
            wrong = work.campaign(place, rng)
            work.ended += 1
            if wrong:
                work.wrong += 1
                print(f"{work.name}, piece {number}: {wrong}\n" + open(os.path.join(place, "log")).read()[-600:])
            shutil.rmtree(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'work':12} {'unbroken':>10} {'kills':>6} {'writing':>8} {'pieces':>7} {'equal':>6}")
    for work in works:
        print(f"{work.name:12} {work.seconds:8.2f} s {work.kills:6} {work.writing:8} {work.ended:7} {work.ended - work.wrong:6}")
    print(f"{sum(w.kills for w in works)} kills in {time.monotonic() - begin:.0f} s, seed {arguments.seed}")
    return 1 if any(work.wrong for work in works) else 0


if __name__ == "__main__":
    sys.exit(main())
