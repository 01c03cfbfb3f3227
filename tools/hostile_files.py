#!/usr/bin/env python3
"""Files that no reader may take: each must be refused in one line with exit status 2, in little memory.

    hostile_files.py HEATBATH [--files 500] [--seed 1] [--only NAME,...] [--keep DIR]

A good file of each kind is made by the command itself or written here; then it is spoilt: bytes changed, cut short, nothing,
megabytes of one sign, of nested brackets, of one token, of noise, numbers at the ends of their ranges, another kind's file.
Each goes to the command that reads such files. Refused: exit status 2, one line on standard error, without control
characters, and a peak of resident memory of at most BASE + 2 x the file (24 x of JSON, whose values are a tree before they are
looked at), BASE being what the same command takes for its good file and 16 MiB. Taken: the spoilt file was still a good one, or what follows from it ran until it was ended. Anything else is
wrong: another status, a signal, more lines, more memory. Goes on until so many files were refused.

Prints a table; exit status 1 where something was wrong. --keep DIR keeps each file that was.
"""
import argparse
import gzip
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

import kill_campaign

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = os.path.join(HERE, "..", "tests", "fuzz", "corpus", "readers")
SPARE = 16 << 20
BARE = kill_campaign.PROGRAM.format(cells=8, period=0.25, duration=2, shots=2, dt="", meters="", snapshot="", statistics="")
LONG = 20.0  # seconds after which what goes on is ended


def corpus(name):
    with open(os.path.join(CORPUS, name), "rb") as file:
        return file.read()[1:]  # the first byte says which reader


class Kind:
    """A kind of file: `name` with its ending, a good one, and the command that reads it at its place in the folder."""

    def __init__(self, name, place, good, command):
        self.name, self.place, self.good, self.command = name, place, good, command
        self.refused = self.taken = self.wrong = 0
        self.base = self.most = 0


def made(heatbath, folder):
    """The kinds of file that the command itself writes."""
    def run(*words):
        done = subprocess.run([heatbath, *words], cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"hostile_files: {' '.join(words)}: {done.stderr[-500:]}")

    def read(name):
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()

    kill_campaign.write_program(8, 0.25, 2, 4)(folder)
    kill_campaign.write_images(folder)
    with open(os.path.join(folder, "bare.toml"), "w") as file:
        file.write(BARE)
    small = ["--device", "func:lanes=16&threads=1"]
    digits = ["--device", "func:cells=1024&lanes=8&threads=1", "--data", "idx"]
    run("run", "p.toml", "--out", "r.npz", "--device", "func:cells=8&lanes=4&threads=1", "--checkpoint", "kept", "--checkpoint-every", "0")
    run("run", "p.toml", "--out", "r.h5", "--device", "record:session.rec?device=func:cells=8&lanes=4&threads=1")
    run("train", "equilibrium", "--updates", "3", "--out", "equilibrium", *small)
    run("train", "boltzmann", "--updates", "3", "--shots", "16", "--draw", "16", "--draw-sweeps", "4", "--out", "boltzmann", *small)
    run("train", "ergodicity", "--problem", "two-patterns", "--updates", "2", "--effort", "0.01", "--out", "ergodicity")
    run("train", "generate", "--hidden", "2", "--updates", "1", "--shots", "2", "--digits", "0", "--out", "generate", *digits)
    run("train", "score", "--hidden", "2", "--segments", "2", "--steps", "2", "--batch", "2", "--shots", "10", "--held-out", "10",
        "--threads", "1", "--out", "score", *digits)
    run("train", "classifier", "--held-out", "20", "--layer", "2", "--teacher-steps", "2", "--steps", "2", "--batch", "2", "--runs", "2",
        "--threads", "1", "--out", "classifier", *digits)
    run("calibrate", "--device", "func:profile=hb-1024&cells=8&chip=1&threads=1", "--effort", "0.02", "--no-couplers", "--out", "c.json")
    kept = os.path.exists(os.path.join(folder, "kept"))
    go_on = lambda trainer, *words: ["train", trainer, *words, "--continue", "--out", trainer]
    few = ["--updates", "3"]
    kinds = [
        Kind("result .npz, plot", "x.npz", read("r.npz"), ["plot", "x.npz", "--out", "o.png"]),
        Kind("result .h5, plot", "x.h5", read("r.h5"), ["plot", "x.h5", "--out", "o.png"]),
        Kind("result .npz, merge", "x.npz", read("r.npz"), ["merge", "o.npz", "x.npz"]),
        Kind("session .rec", "x.rec", read("session.rec"), ["run", "p.toml", "--out", "o.h5", "--device", "replay:x.rec"]),
        Kind("net.json", "equilibrium/net.json", read("equilibrium/net.json"), go_on("equilibrium", *few, *small)),
        Kind("machine.json", "boltzmann/machine.json", read("boltzmann/machine.json"),
             go_on("boltzmann", *few, "--shots", "16", "--draw", "16", "--draw-sweeps", "4", *small)),
        Kind("machines.json", "ergodicity/machines.json", read("ergodicity/machines.json"),
             go_on("ergodicity", "--problem", "two-patterns", "--updates", "2", "--effort", "0.01")),
        Kind("model.h5", "generate/model.h5", read("generate/model.h5"),
             ["generate", "--model", "generate/model.h5", "--shots", "2", "--out", "o", "--device", "func:cells=1024&lanes=2&threads=1"]),
        Kind("score_network.h5", "score/score_network.h5", read("score/score_network.h5"),
             go_on("score", "--hidden", "2", "--segments", "2", "--steps", "2", "--batch", "2", "--shots", "10", "--held-out", "10", *digits)),
        Kind("classifier.json", "classifier/classifier.json", read("classifier/classifier.json"),
             go_on("classifier", "--held-out", "20", "--layer", "2", "--teacher-steps", "2", "--steps", "2", "--batch", "2", "--runs", "2",
                   "--threads", "1", *digits)),
        Kind("calibration .json", "c.json", read("c.json"),
             ["run", "bare.toml", "--out", "o.npz", "--calibration", "c.json", "--use-expired", "--device",
              "func:profile=hb-1024&cells=8&chip=1&threads=1"]),
        Kind("images (IDX)", "idx/train-images-idx3-ubyte", read("idx/train-images-idx3-ubyte"),
             ["train", "generate", "--hidden", "2", "--updates", "1", "--shots", "2", "--digits", "0", "--out", "o", *digits]),
        Kind("labels (IDX)", "idx/train-labels-idx1-ubyte", read("idx/train-labels-idx1-ubyte"),
             ["train", "generate", "--hidden", "2", "--updates", "1", "--shots", "2", "--digits", "0", "--out", "o", *digits]),
    ]
    if kept:
        kinds.append(Kind("checkpoint of a run", "kept", read("kept"),
                          ["run", "p.toml", "--out", "o.npz", "--device", "func:cells=8&lanes=4&threads=1", "--checkpoint", "kept", "--resume"]))
    return kinds


def written():
    """The kinds of file that people write."""
    anneal = lambda name, *words: ["anneal", name, *words, "--reads", "2", "--device", "func:lanes=2&threads=1"]
    solve = lambda name: ["solve", name, "--log-determinant", "--device", "func:lanes=2&threads=1"]
    matrix = b"%%MatrixMarket matrix coordinate real symmetric\n3 3 5\n1 1 2\n2 2 2\n3 3 2\n2 1 -0.5\n3 2 -0.5\n"
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 3), }".ljust(117) + b"\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack("<9d", 2, -0.5, 0, -0.5, 2, -0.5, 0, -0.5, 2)
    return [
        Kind("program .toml", "x.toml", BARE.encode(), ["run", "x.toml", "--out", "o.npz", "--device", "func:cells=8&lanes=2&threads=1"]),
        Kind("profile .toml", "x.toml", corpus("01.profile.toml"), ["info", "--device", "func:profile=x.toml&threads=1"]),
        Kind("graph .mtx", "x.mtx", corpus("02.graph.mtx"), ["info", "--device", "func:topology=x.mtx&threads=1"]),
        Kind("edge list", "x.txt", b"# a chain\n0 1 0.5\n1 2 0.25\n2 3 -1\n", ["info", "--device", "func:topology=x.txt&threads=1"]),
        Kind("problem .toml", "x.toml", corpus("04.ising.toml"), anneal("x.toml")),
        Kind("problem .mtx", "x.mtx", corpus("05.cut.mtx"), anneal("x.mtx", "--as", "max-cut")),
        Kind("problem .cnf", "x.cnf", corpus("06.sat.cnf"), anneal("x.cnf")),
        Kind("problem .wcnf", "x.wcnf", corpus("07.sat.wcnf"), anneal("x.wcnf")),
        Kind("problem .qubo", "x.qubo", corpus("08.qubo.qubo"), anneal("x.qubo")),
        Kind("problem .coo", "x.coo", corpus("09.dimod.coo"), anneal("x.coo")),
        Kind("problem .json", "x.json", corpus("10.bqm.json"), anneal("x.json")),
        Kind("problem, rudy", "x.txt", corpus("11.rudy.txt"), anneal("x.txt")),
        Kind("matrix .mtx", "x.mtx", matrix, solve("x.mtx")),
        Kind("matrix .npy", "x.npy", array, solve("x.npy")),
        Kind("fit: curve", "x.txt", b"bias ones trials\n" + b"".join(b"%d %d 1000\n" % (k, 100 * k + 450) for k in range(-4, 5)),
             ["fit", "--data", "x.txt"]),
        Kind("patterns", "x.txt", b"++-+-\n--+-+ 2\n+-+-+\n", ["train", "boltzmann", "--problem", "x.txt", "--updates", "2", "--shots", "16",
                                                             "--draw", "16", "--draw-sweeps", "4", "--out", "o", "--device",
                                                             "func:lanes=16&threads=1"]),
        Kind("rack file", "x.json", b"", ["info", "--device", "rack:x.json"]),
    ]


def spoilt(kind, kinds, rng):
    """One file that is wrong in one way, mostly."""
    data = bytearray(kind.good)
    how = rng.randrange(13)
    if how == 12:  # as many values as such a text can have
        return b"[" + rng.choice([b"1,", b"[],", b"{},", b'"",', b"null,"]) * (1 << 20) + b"1]"
    if how == 0:
        return bytes(data[:rng.randrange(len(data) + 1) if data else 0])
    if how == 1:
        return b""
    if how == 2:
        return bytes([rng.choice(b"[{(<\"'0 9-+.,\n\x00\xff\x1b")]) * rng.choice([1, 1000, 4 << 20])
    if how == 3:
        return rng.choice([b"[[", b"{\"a\":", b"[a]\n", b"a.", b"1 ", b"1\n", b"1 2\n", b"-", b"x = [", b"\x1b[31m"]) * (1 << 19)
    if how == 4:
        return rng.randbytes(rng.choice([1, 100, 1 << 20]))
    if how == 5 and kind.good:
        return kind.good + rng.choice([b"\x00", b"\n", kind.good, b"x" * (1 << 20)])
    if how == 6:
        return rng.choice(kinds).good
    if how == 7:
        return gzip.compress(bytes(8 << 20)) if rng.random() < 0.5 else gzip.compress(kind.good)[:-3]
    if how in (8, 9):  # a number at an end of its range
        found = list(re.finditer(rb"\d+", kind.good[:1 << 16]))
        if found:
            at = rng.choice(found)
            value = rng.choice([b"4294967296", b"99999999999999999999", b"-1", b"nan", b"1e999", b"0", b"2147483647", b"4000000000", b"1e9"])
            return kind.good[:at.start()] + value + kind.good[at.end():]
    for _ in range(rng.choice([1, 1, 4, 64])):
        if data:
            at = rng.randrange(len(data) if rng.random() < 0.5 else min(len(data), 256))
            data[at:at + rng.choice([1, 1, 4, 8])] = rng.choice([b"\xff" * 8, b"\x00" * 8, rng.randbytes(1), rng.randbytes(4)])
    return bytes(data)


def run(command, folder):
    """Status, standard error and peak of resident memory; None for a status where it had to be ended."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)
        signal.setitimer(signal.ITIMER_REAL, LONG)
        ended = False
        while True:
            try:
                _, status, usage = os.wait4(process.pid, 0)
                break
            except TimeoutError:
                ended = True
                process.kill()
        signal.setitimer(signal.ITIMER_REAL, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        return None if ended else process.returncode, errors.read(), usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("heatbath")
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", default="")
    arguments = parser.parse_args()
    heatbath = os.path.abspath(arguments.heatbath)

    def late(*_):
        raise TimeoutError
    signal.signal(signal.SIGALRM, late)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if arguments.keep:
        os.makedirs(arguments.keep, exist_ok=True)
    pristine = tempfile.mkdtemp(prefix="hostile_files.")
    folder = pristine + ".work"
    try:
        kinds = made(heatbath, pristine) + written()
        chosen = [kind for kind in kinds if not arguments.only or kind.name in arguments.only.split(",")]
        rng = random.Random(arguments.seed)

        def turn(kind, data):
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(pristine, folder)
            with open(os.path.join(folder, kind.place), "wb") as file:
                file.write(data)
            return run([heatbath, *kind.command], folder)

        for kind in chosen:
            status, errors, kind.base = turn(kind, kind.good)
            if status != 0 and kind.good:
                raise SystemExit(f"hostile_files: the good file of {kind.name}: status {status}: {errors.decode(errors='replace')[-400:]}")
        number = 0
        while sum(kind.refused for kind in chosen) < arguments.files:
            kind = chosen[number % len(chosen)]
            number += 1
            data = spoilt(kind, kinds, rng)
            status, errors, peak = turn(kind, data)
            over = peak - kind.base
            faults = []
            if status == 2:
                kind.refused += 1
                kind.most = max(kind.most, over)
                if errors.count(b"\n") != 1 or not errors.endswith(b"\n"):
                    faults.append(f"{errors.count(10)} lines")
                if any(byte < 0x20 and byte != 10 or byte == 0x7F for byte in errors):
                    faults.append("control characters")
                if over > SPARE + (24 if kind.place.endswith(".json") else 2) * len(data):
                    faults.append(f"{over / 1048576:.1f} MiB more than for the good file")
            elif status in (0, None):
                kind.taken += 1
            else:
                faults.append(f"exit status {status}")
            if faults:
                kind.wrong += 1
                print(f"{kind.name}, file {number} of {len(data)} bytes: {', '.join(faults)}: {errors.decode(errors='replace')[:300]!r}")
                if arguments.keep:
                    with open(os.path.join(arguments.keep, f"{number}-{os.path.basename(kind.place)}"), "wb") as file:
                        file.write(data)
    finally:
        shutil.rmtree(pristine, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'kind':22} {'refused':>7} {'taken':>6} {'wrong':>6} {'base':>9} {'most beyond it':>15}")
    for kind in chosen:
        print(f"{kind.name:22} {kind.refused:7} {kind.taken:6} {kind.wrong:6} {kind.base / 1048576:5.0f} MiB {kind.most / 1048576:11.1f} MiB")
    print(f"{sum(kind.refused for kind in chosen)} refused of {number}, seed {arguments.seed}")
    return 1 if any(kind.wrong for kind in chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
