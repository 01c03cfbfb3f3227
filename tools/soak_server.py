#!/usr/bin/env python3
"""A served device under a hostile load: honest clients must be served in time, and nothing may grow.

    soak_server.py HEATBATH [--seconds 600] [--honest 20] [--stops 1000] [--device URI]

Clients that say nothing, that send garbage, that leave half-way, that hold the device as long as they may, that run
programs without end (in which no device time passes, or whose steps take long) and then die, beside honest ones in line.
Then a server is started, loaded and ended by SIGTERM at a moment by chance, again and again. Prints what it measured;
exit status 1 when an honest client waited longer than its bound, memory or descriptors grew, or a stop took over 2 s.
"""
import argparse
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

MAGIC = 0x4B4C4248
HELLO, READ, WRITE, WRITE_BLOCK, WAIT = 1, 2, 3, 5, 6
WELCOME, QUEUED, REFUSED, REPLY, ENDED = 32, 33, 34, 35, 37
MEMORY = 0x10000000
SESSION_SECONDS = 1
COUPLING, IMMEDIATE = 3, 1


def register_offsets(tree):
    """NAME -> offset, from the list of the map."""
    offsets = {}
    with open(os.path.join(tree, "firmware_api/include/heatbath/register_list.h")) as table:
        for line in table:
            if line.startswith("  X("):
                name, offset = line[len("  X("):].split(",")[:2]
                offsets[name] = int(offset.strip().rstrip("u"), 0)
    return offsets


def operations(tree):
    """NAME -> number, from the list of the program format."""
    with open(os.path.join(tree, "firmware_api/include/heatbath/program.h")) as header:
        return {name: int(value) for name, value in re.findall(r"X\(([A-Z_]+), (\d+),", header.read())}


TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REGISTER = register_offsets(TREE)
OPERATION = operations(TREE)


class Gone(Exception):
    pass


class Client:
    """A connection; frames out and in."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(path)
        self.number = 0

    def frame(self, kind, address=0, value=0, payload=b"", number=None):
        if number is None:
            self.number += 1
            number = self.number
        head = struct.pack("<IHHIIQQQ", MAGIC, kind, 0, number, len(payload), 2**64 - 1, address, value)
        self.socket.sendall(head + payload)

    def exactly(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise Gone()
            data += part
        return data

    def receive(self):
        _, kind, status, number, length, _, _, value = struct.unpack("<IHHIIQQQ", self.exactly(40))
        return kind, value, self.exactly(length)

    def hello(self):
        self.frame(HELLO, payload=struct.pack("<HHHHII", 2, 1, 2, 0, 0, 0), number=0)

    def begin(self):
        self.hello()
        while True:
            kind, _, text = self.receive()
            if kind == WELCOME:
                return
            if kind == REFUSED:
                raise Gone(text.decode())

    def reply(self):
        while True:
            kind, value, text = self.receive()
            if kind == REPLY:
                return value
            if kind == ENDED:
                raise Gone(text.decode())

    def read(self, name):
        self.frame(READ, REGISTER[name])
        return self.reply()

    def write(self, name, value):
        self.frame(WRITE, REGISTER[name], value)

    def run(self, program, shots):
        self.frame(WRITE_BLOCK, MEMORY, payload=program)
        self.write("SHOTS", shots)
        self.write("PROGRAM_COUNT", len(program) // 64)
        self.write("COMMAND", 1 | 1 << 16)


def instruction(name, section=0, flags=0, count=0, imm=0, ticks=0):
    return struct.pack("<HHIIIIIQQ24x", OPERATION[name], section, flags, 0, count, imm, 0, 0, ticks)


class Load:
    """Hostile clients against one server, until told to stop."""

    def __init__(self, path, programs):
        self.path, self.programs, self.over = path, programs, threading.Event()
        self.threads = [threading.Thread(target=self.repeat, args=(what,), daemon=True)
                        for what in (self.silent, self.garbage, self.half_open, self.endless, self.endless, self.holding)]
        for thread in self.threads:
            thread.start()

    def repeat(self, what):
        chance = random.Random(what.__name__)
        while not self.over.is_set():
            try:
                what(chance)
            except (OSError, Gone, struct.error):
                pass
            time.sleep(chance.uniform(0.01, 0.2))

    def silent(self, chance):
        several = [Client(self.path) for _ in range(40)]
        time.sleep(chance.uniform(0, 2))
        for client in several:
            client.socket.close()

    def garbage(self, chance):
        client = Client(self.path)
        client.socket.sendall(chance.randbytes(chance.randrange(1, 300)))
        client.socket.close()

    def half_open(self, chance):
        client = Client(self.path)
        client.hello()
        if chance.random() < 0.5:
            client.socket.shutdown(socket.SHUT_WR)
            time.sleep(0.2)
        client.socket.close()

    def endless(self, chance):
        client = Client(self.path)
        client.begin()
        client.run(*chance.choice(self.programs))
        client.frame(WAIT, value=2**chance.randrange(1, 64) - 1)
        if chance.random() < 0.5:
            client.reply()
        else:
            time.sleep(chance.uniform(0, 0.5))
        client.socket.close()

    def holding(self, chance):
        client = Client(self.path)
        client.begin()
        while True:
            client.read("ID")
            time.sleep(0.02)

    def stop(self):
        self.over.set()


class Server:
    def __init__(self, heatbath, device, folder, *options):
        self.path = os.path.join(folder, "device")
        self.process = subprocess.Popen([heatbath, "serve", "--device", device, "--listen", f"unix:{self.path}",
                                         "--session-seconds", str(SESSION_SECONDS), "--idle-seconds", "1", "--queue", "1000",
                                         *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process.stdout.readline()

    def resident(self):
        with open(f"/proc/{self.process.pid}/statm") as status:
            return int(status.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        """Seconds until it has ended."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        return time.monotonic() - began


def honest(path, over, waits, problems):
    while not over.is_set():
        began = time.monotonic()
        try:
            client = Client(path)
            client.begin()
            served = time.monotonic() - began
            value = random.getrandbits(32)
            fresh = client.read("SCRATCH")
            client.write("SCRATCH", value)
            if client.read("ID") != 0x48544248 or fresh != 0 or client.read("SCRATCH") != value:
                problems.append("an honest client read something else than it wrote")
            client.socket.close()
            waits.append(served)
        except (OSError, Gone) as why:
            if not over.is_set():
                problems.append(f"an honest client was turned away: {why}")
        time.sleep(0.1)


def soak(options, programs, folder):
    problems, waits, over = [], [], threading.Event()
    server = Server(options.heatbath, options.device, folder)
    load = Load(server.path, programs)
    hosts = [threading.Thread(target=honest, args=(server.path, over, waits, problems), daemon=True)
             for _ in range(options.honest)]
    for host in hosts:
        host.start()
    memory, files = [], []
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        time.sleep(min(1, max(0.01, end - time.monotonic())))
        if server.process.poll() is not None:
            problems.append(f"the server ended with status {server.process.returncode}")
            break
        memory.append(server.resident())
        files.append(server.descriptors())
    over.set()
    load.stop()
    if server.process.poll() is None:
        took = server.stop()
        print(f"SIGTERM under load: {took:.2f} s, exit status {server.process.returncode}")
        if took > 2 or server.process.returncode != 0:
            problems.append(f"the stop took {took:.2f} s, exit status {server.process.returncode}")
    # In line before a client: the other honest ones, and four that keep the device as long as they may.
    bound = (options.honest + 4) * (SESSION_SECONDS + 1)
    if not waits:
        problems.append("no honest client was served")
    else:
        print(f"{len(waits)} honest sessions, longest wait {max(waits):.2f} s of at most {bound} s")
        if max(waits) > bound:
            problems.append(f"an honest client waited {max(waits):.1f} s; its bound is {bound} s")
    third = len(memory) // 3
    if third:
        early, late = max(memory[third:2 * third]), max(memory[2 * third:])
        print(f"memory {early / 2**20:.1f} MB in the second third, {late / 2**20:.1f} MB in the last; "
              f"descriptors {max(files[third:2 * third])}, {max(files[2 * third:])}")
        if late > 1.2 * early + 32 * 2**20:
            problems.append("memory grows")
        if max(files[2 * third:]) > 2 * max(files[third:2 * third]) + 50:
            problems.append("descriptors grow")
    return problems


def stops(options, programs, folder):
    chance, times, problems = random.Random(1), [], []
    for _ in range(options.stops):
        server = Server(options.heatbath, options.device, folder)
        load = Load(server.path, programs)
        time.sleep(chance.uniform(0, 0.6))
        took = server.stop()
        load.stop()
        times.append(took)
        if server.process.returncode != 0:
            problems.append(f"a stopped server ended with status {server.process.returncode}")
    if times:
        print(f"{len(times)} stops by SIGTERM, the longest {max(times):.2f} s")
        if max(times) > 2:
            problems.append(f"a stop took {max(times):.2f} s")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("heatbath")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--honest", type=int, default=20)
    parser.add_argument("--stops", type=int, default=1000)
    parser.add_argument("--device", default="func:cells=512&lanes=32&threads=1")
    options = parser.parse_args()
    coupled = [instruction("LOAD", section=COUPLING, flags=IMMEDIATE, imm=struct.unpack("<I", struct.pack("<f", 1e-4))[0]), instruction("COMMIT")]
    programs = [(b"".join(coupled + [instruction("LOOP_BEGIN", count=500000), instruction("COMMIT"), instruction("LOOP_END"),
                                     instruction("HALT")]), 32),
                (b"".join(coupled + [instruction("EVOLVE", ticks=2**60), instruction("HALT")]), 32)]
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        problems = soak(options, programs, folder) + stops(options, programs, folder)
    for problem in sorted(set(problems)):
        print(f"PROBLEM: {problem} (x {problems.count(problem)})")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
