"""rack_command_test.py HEATBATH SOURCE [CASE...]: heatbath rack, merge and run --shots as a person uses them.

Cases whose programs are absent are skipped by name."""
import json
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile

heatbath, source, *cases = sys.argv[1:]
heatbath, source = os.path.abspath(heatbath), os.path.abspath(source)
PROGRAM = """
[network]
cells = 6
couplings = { chain = -0.5 }
[[schedule]]
op = "evolve"
duration = 1.0
[[schedule]]
op = "meters"
name = "end"
[samples]
shots = 120
seed = 3
"""
DEVICE = "func:cells=6&lanes=4"


def run(*words, status=0, **more):
    done = subprocess.run([heatbath, *map(str, words)], capture_output=True, text=True, timeout=100, **more)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done


def refused(*words, says):
    done = run(*words, status=2)
    assert says in done.stderr and done.stderr.count("\n") == 1, (says, done.stderr)


def arrays(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "provenance.npy"}


def servers():
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == heatbath.encode() and b"serve" in words[1:2]:
            found.append(int(entry.name))
    return set(found)


def wait_until(claim):
    end = time.monotonic() + 60
    while not claim():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def whole():
    run("run", "program.toml", "--device", DEVICE, "--out", "whole.npz")
    return arrays("whole.npz")


def case_shots_and_merge():
    same = whole()
    for k, (a, b) in enumerate([(70, 120), (0, 33), (33, 70)]):
        run("run", "program.toml", "--device", DEVICE, "--shots", f"{a}:{b}", "--out", f"part{k}.npz")
    run("merge", "merged.npz", "part0.npz", "part1.npz", "part2.npz")
    assert arrays("merged.npz") == same
    refused("merge", "gap.npz", "part0.npz", "part1.npz", says="begins with shot 70; the parts before it end with shot 32")
    refused("merge", "twice.npz", "part1.npz", "part1.npz", says="begins with shot 0")
    run("run", "program.toml", "--device", DEVICE, "--seed", 4, "--shots", "33:70", "--out", "other.npz")
    refused("merge", "mixed.npz", "part0.npz", "part1.npz", "other.npz", says="was made with another seed")
    assert not any(pathlib.Path(name).exists() for name in ("gap.npz", "twice.npz", "mixed.npz"))
    # Parts in .h5: the same arrays, as .npz at once and by way of an .h5, which is a file of a run as others are.
    for k, part in enumerate(("0:33", "33:70", "70:120")):
        run("run", "program.toml", "--device", DEVICE, "--shots", part, "--out", f"part{k}.h5")
    run("merge", "from_h5.npz", "part1.h5", "part2.h5", "part0.h5")
    assert arrays("from_h5.npz") == same
    run("merge", "all.h5", "part2.h5", "part0.h5", "part1.h5")
    run("merge", "again.npz", "all.h5")
    assert arrays("again.npz") == same
    run("merge", "mixed_kinds.npz", "part0.npz", "part0.h5", "part2.npz")
    assert arrays("mixed_kinds.npz") == same
    run("run", "program.toml", "--device", DEVICE, "--out", "whole.h5")
    if shutil.which("h5diff"):
        told = subprocess.run(["h5diff", "-v", "--exclude-attribute", "/provenance", "all.h5", "whole.h5"], capture_output=True, text=True)
        assert told.returncode == 0 and "states" in told.stdout, told.stdout
    refused("merge", "gap.h5", "part0.h5", "part2.h5", says="begins with shot 70; the parts before it end with shot 32")
    refused("merge", "mixed.h5", "part0.h5", "part1.npz", says="part1.npz: an .h5 is made of .h5 parts")
    refused("merge", "out.txt", "part0.h5", says="must end in .npz or .h5")
    pathlib.Path("no.h5").write_text("none")
    refused("merge", "out.h5", "no.h5", says="no.h5: not an HDF5 file")
    assert not any(pathlib.Path(name).exists() for name in ("gap.h5", "mixed.h5", "out.h5"))
    pathlib.Path("no.npz").write_text("none")
    refused("merge", "out.npz", "no.npz", says="no.npz: is no .npz file")
    for wrong in ("5:5", "7:3", ":", "1:2:3", "0", "-1:4", "x"):
        refused("run", "program.toml", f"--shots={wrong}", says="--shots")
    refused("run", "program.toml", "--shots", "0:2", "--sweep", "network.kT=1,2", says="--sweep")
    # Rows that differ from shot to shot go with their shots.
    values = struct.pack("<54f", *(0.03 * (k % 17) for k in range(54)))
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (9, 6), }".ljust(117) + "\n"
    pathlib.Path("b.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values)
    pathlib.Path("rows.toml").write_text(PROGRAM.replace("shots = 120\n", "").replace("cells = 6\n", "cells = 6\nbias = { file = \"b.npy\" }\n"))
    run("run", "rows.toml", "--device", DEVICE, "--out", "rows.npz")
    run("run", "rows.toml", "--device", DEVICE, "--shots", "0:4", "--out", "rows0.npz")
    run("run", "rows.toml", "--device", DEVICE, "--shots", "4:9", "--out", "rows1.npz")
    run("merge", "rows_merged.npz", "rows1.npz", "rows0.npz")
    assert arrays("rows_merged.npz") == arrays("rows.npz")
    refused("run", "rows.toml", "--device", DEVICE, "--shots", "4:10", says="have 9 rows")


def case_up_run_down():
    same = whole()
    before = servers()
    began = time.monotonic()
    run("rack", "up", "-n", 4, "--device", DEVICE, "--out", "rack.toml")
    print(f"a rack of 4 was up after {time.monotonic() - began:.2f} s")
    assert len(servers() - before) == 4
    refused("rack", "up", "-n", 1, "--device", DEVICE, "--out", "rack.toml", says="is there already")
    status = json.loads(run("rack", "status", "rack.toml", "--json").stdout)
    assert [device["state"] for device in status["devices"]] == ["ready"] * 4, status
    summary = json.loads(run("run", "program.toml", "--device", "rack:rack.toml", "--out", "rack.npz", "--json").stdout)
    assert arrays("rack.npz") == same
    shares = summary["rack"]["shares"]
    assert sum(share["shots"] for share in shares) == 120 and [s["first_shot"] for s in shares] == sorted(s["first_shot"] for s in shares)
    assert len(summary["rack"]["devices"]) == 4
    text = run("run", "program.toml", "--device", "rack:rack.toml").stdout
    assert "who did what" in text and text.count("given back") == 4, text
    # One of them is killed; the file still lists it.
    killed = sorted(servers() - before)[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in servers())
    assert "absent" in run("rack", "status", "rack.toml", status=1).stdout
    done = run("run", "program.toml", "--device", "rack:rack.toml", status=1)
    assert "rack device 'unix:" in done.stderr, done.stderr
    pathlib.Path("three.toml").write_text("incomplete = true\n" + pathlib.Path("rack.toml").read_text())
    run("run", "program.toml", "--device", "rack:three.toml", "--out", "three.npz")
    assert arrays("three.npz") == same
    run("rack", "down", "rack.toml")
    wait_until(lambda: servers() == before)
    assert not pathlib.Path("rack.toml").exists()
    refused("rack", "up", "-n", 2, "--device", "func:cels=3", "--out", "rack.toml", says="server 0: ")
    assert servers() == before and not pathlib.Path("rack.toml").exists()
    refused("rack", "up", "--device", DEVICE, "--out", "rack.toml", says="-n N says how many")
    refused("rack", "up", "-n", 2, "--slurm", "--mpi", "--out", "rack.toml", says="exclude each other")
    refused("rack", "up", "-n", 2, "--slurm", "--out", "rack.toml", says="this is no task of srun")
    refused("rack", "up", "--mpi", "--device", "mpi:topology=torus:8x8", "--out", "rack.toml", says="mpi: one device over all tasks")
    refused("rack", "down", "none.toml", says="no such file")
    pathlib.Path("mine.toml").write_text('[[device]]\nuri = "func:"\n')
    refused("rack", "down", "mine.toml", says="has started none of its devices")


def case_ssh():
    """With a stand-in for ssh that runs the command here."""
    same = whole()
    before = servers()
    pathlib.Path("ssh.sh").write_text('#!/bin/sh\n[ "$1" = "$(hostname)" ] || { echo "no host $1" >&2; exit 255; }\nshift\nexec sh -c "$*"\n')
    os.chmod("ssh.sh", 0o755)
    here = {**os.environ, "HEATBATH_SSH": os.path.abspath("ssh.sh")}
    name = subprocess.run(["hostname"], capture_output=True, text=True, check=True).stdout.strip()
    pathlib.Path("hosts").write_text(f"# two here\n{name} slots=2\n")
    run("rack", "up", "--ssh", "hosts", "--device", DEVICE, "--out", "ssh.toml", env=here)
    text = pathlib.Path("ssh.toml").read_text()
    assert text.count("tcp://") == 2 and text.count("token_file") == 2, text
    assert all(path.stat().st_mode & 0o077 == 0 for path in pathlib.Path("ssh.toml.servers").iterdir())
    run("run", "program.toml", "--device", "rack:ssh.toml", "--out", "ssh.npz")
    assert arrays("ssh.npz") == same
    pathlib.Path("untold.toml").write_text(text.replace("token_file", "# token_file", 1))
    refused("run", "program.toml", "--device", "rack:untold.toml", says="this server asks for a token")
    run("rack", "down", "ssh.toml", env=here)
    wait_until(lambda: servers() == before)
    pathlib.Path("hosts").write_text("nowhere\n")
    done = run("rack", "up", "--ssh", "hosts", "--device", DEVICE, "--out", "ssh.toml", env=here, status=1)
    assert "server 0 on nowhere: no host nowhere" in done.stderr, done.stderr
    pathlib.Path("hosts").write_text(f"{name} slot=2\n")
    refused("rack", "up", "--ssh", "hosts", "--device", DEVICE, "--out", "ssh.toml", says="hosts:1: 'slot=2'")


def tasks(launcher, flag):
    """A rack of four tasks of a launcher."""
    same = whole()
    words = [*launcher, heatbath, "rack", "up", flag, "--device", DEVICE, "--out", "tasks.toml"]
    wrong = subprocess.run([*words, "-n", "3"], capture_output=True, text=True, timeout=60)
    assert wrong.returncode != 0 and wrong.stderr.count("rack up -n 3") == 1, wrong.stderr
    began = time.monotonic()
    rack = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while not pathlib.Path("tasks.toml").exists():
        assert rack.poll() is None, rack.communicate()
        assert time.monotonic() - began < 60
        time.sleep(0.05)
    print(f"a rack of 4 tasks of {launcher[0]} was up after {time.monotonic() - began:.2f} s")
    assert pathlib.Path("tasks.toml").read_text().count("tcp://") == 4
    run("run", "program.toml", "--device", "rack:tasks.toml", "--out", "tasks.npz")
    assert arrays("tasks.npz") == same
    run("rack", "down", "tasks.toml")
    out, _ = rack.communicate(timeout=60)
    assert rack.returncode == 0, out
    assert not pathlib.Path("tasks.toml.servers").exists()


def case_mpirun():
    if shutil.which("mpirun") is None:
        return "mpirun is absent"
    root = ["--allow-run-as-root"] if os.getuid() == 0 else []
    tasks(["mpirun", *root, "--oversubscribe", "-n", "4"], "--mpi")


def case_srun():
    """The tasks of srun as their environment describes them, without a cluster."""
    pathlib.Path("srun.sh").write_text('#!/bin/sh\nfor k in 0 1 2 3; do SLURM_JOB_ID=7 SLURM_STEP_ID=$$ SLURM_NTASKS=4 SLURM_PROCID=$k "$@" & p="$p $!"; done\n'
                                       's=0\nfor k in $p; do wait $k || s=$?; done\nexit $s\n')
    tasks(["sh", "srun.sh"], "--slurm")


def case_array_script():
    """examples/racks/array.sbatch, its tasks one after the other."""
    env = {**os.environ, "PATH": os.path.dirname(heatbath) + ":" + os.environ["PATH"], "SLURM_ARRAY_TASK_COUNT": "3",
           "SLURM_CPUS_PER_TASK": "1", "SHOTS_OF_A_TASK": "40", "DEVICE_KEYS": "&cells=6&lanes=4"}
    script = os.path.join(source, "examples/racks/array.sbatch")
    pathlib.Path("array.toml").write_text(PROGRAM)
    for task in range(3):
        subprocess.run(["sh", script, "array.toml", "array"], env={**env, "SLURM_ARRAY_TASK_ID": str(task)}, check=True,
                       capture_output=True, timeout=100)
    run("run", "array.toml", "--device", DEVICE, "--seed", 1, "--out", "one.npz")
    assert arrays("array/all.npz") == arrays("one.npz")


def case_sbatch():
    if shutil.which("sbatch") is None or subprocess.run(["sinfo"], capture_output=True).returncode != 0:
        return "sbatch, or a Slurm controller that answers, is absent"
    env = {**os.environ, "PATH": os.path.dirname(heatbath) + ":" + os.environ["PATH"], "SHOTS_OF_A_TASK": "40", "DEVICE_KEYS": "&cells=6&lanes=4"}
    subprocess.run(["sbatch", "--wait", "--array=0-2", "--cpus-per-task=1", os.path.join(source, "examples/racks/array.sbatch"),
                    "program.toml", "batch"], env=env, check=True, timeout=200)
    run("run", "program.toml", "--device", DEVICE, "--seed", 1, "--out", "one.npz")
    assert arrays("batch/all.npz") == arrays("one.npz")


home = os.getcwd()
for name in cases or [name[5:] for name in dir() if name.startswith("case_")]:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        pathlib.Path("program.toml").write_text(PROGRAM)
        skipped = globals()["case_" + name]()
        print(f"{name}: {'skipped: ' + skipped if skipped else 'passed'}", flush=True)
        os.chdir(home)
