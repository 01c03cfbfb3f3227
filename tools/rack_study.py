"""rack_study.py HEATBATH: how long a rack of four takes when one device is killed in the middle and one is ten times slower,
beside the ideal of the three that are left, and whether the bits are those of one device.

Devices keep to the wall clock (heatbath serve --realtime), so the processors of this machine do not matter: three have the
same speed, the clock of the slow one goes a tenth as fast. The ideal is the time in which the two fast ones and the slow one, by
speeds measured before, would do all shots but those that the killed one had done, without a moment lost."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

heatbath = os.path.abspath(sys.argv[1])
SHOTS, LANES, PASS_SECONDS = 240, 4, 2.0
DEVICE = f"func:cells=4&lanes={LANES}&threads=1"
PROGRAM = """
[network]
cells = 4
couplings = { chain = -0.5 }
[[schedule]]
op = "evolve"
duration = 4.0
[[schedule]]
op = "meters"
name = "end"
[samples]
seed = 3
"""


def run(device, out, shots=SHOTS):
    began = time.monotonic()
    done = subprocess.run([heatbath, "run", "program.toml", "--shots", str(shots), "--device", device, "--out", out, "--json"],
                          capture_output=True, text=True, check=True)
    return time.monotonic() - began, json.loads(done.stdout)


def arrays(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "provenance.npy"}


def serve(name, slowdown):
    server = subprocess.Popen([heatbath, "serve", "--device", DEVICE, "--listen", f"unix:{os.getcwd()}/{name}", "--realtime",
                               "--slowdown", str(slowdown), "--quiet"], stdout=subprocess.PIPE, text=True)
    server.stdout.readline()
    return server


def rack(names):
    text = "".join(f'[[device]]\nuri = "unix:{os.getcwd()}/{name}"\n' for name in names)
    pathlib.Path("rack.toml").write_text(text)
    return "rack:rack.toml"


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    pathlib.Path("program.toml").write_text(PROGRAM)
    run(DEVICE, "whole.npz")
    info = json.loads(subprocess.run([heatbath, "info", "--device", DEVICE, "--json"], capture_output=True, text=True, check=True).stdout)
    slowdown = PASS_SECONDS / (4.0 * info["time"]["time_unit_seconds"])
    servers = [serve(f"s{k}", slowdown * (10 if k == 3 else 1)) for k in range(4)]
    try:
        fast = 2 * LANES / run(f"unix:{os.getcwd()}/s0", "one.npz", 2 * LANES)[0]  # shots a second, with the costs of a command
        slow = LANES / run(f"unix:{os.getcwd()}/s3", "one.npz", LANES)[0]
        print(f"one device {fast:.3g} shots a second, the slow one {slow:.3g}")
        for what, names, kill in [("four devices, one slow", "s0 s1 s2 s3", False), ("the same, one killed in the middle", "s0 s1 s2 s3", True)]:
            left = (2 if kill else 3) * fast + slow
            ideal = SHOTS / left
            rack_uri = rack(names.split())
            killer = None
            if kill:
                killer = subprocess.Popen([sys.executable, "-c", f"import os, time; time.sleep({ideal / 2}); os.kill({servers[1].pid}, {signal.SIGKILL})"])
            took, summary = run(rack_uri, "rack.npz")
            if killer:
                killer.wait()
            same = arrays("rack.npz") == arrays("whole.npz")
            if kill:
                ideal = (SHOTS - summary["rack"]["devices"][1]["shots"]) / left
            print(f"{what}: {took:.2f} s, ideal {ideal:.2f} s, ratio {took / ideal:.2f}, bits {'the same' if same else 'DIFFER'}")
            for device in summary["rack"]["devices"]:
                print(f"    {device['shots']:>5} shots in {device['ranges']} ranges, {device['given_back']} given back"
                      f"{', lost' if device['lost'] else ''}")
            if not same or took > 1.3 * ideal:
                sys.exit(1)
    finally:
        for server in servers:
            server.kill()
            server.wait()
