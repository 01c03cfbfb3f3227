"""ranks_command_test.py HEATBATH OTHER_VERSION MPIRUN CASE: the command on devices mpi:, as a person uses them."""
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

heatbath, other_version, mpirun, case = *map(os.path.abspath, sys.argv[1:3]), *sys.argv[3:]
PROGRAM = """
[network]
cells = 320
couplings = { each = -0.4 }
kT = 0.5
[[schedule]]
op = "evolve"
duration = 0.2
[[schedule]]
op = "capture"
period = 0.1
[[schedule]]
op = "ramp"
duration = 0.2
kT = 0.2
bias = 0.1
[[schedule]]
op = "capture_stop"
[[schedule]]
op = "meters"
name = "end"
[samples]
shots = 3
seed = 5
"""


def ranks(count, *words):
    return [mpirun, "--oversubscribe", "--allow-run-as-root", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1", "-n", str(count), *map(str, words)]


def run(words, status=0):
    done = subprocess.run(words, capture_output=True, text=True, timeout=500)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done


def refused(words, says):
    """One line of ours, and all ranks end; mpirun adds what it has to say of an exit status."""
    done = run(words, 2)
    ours = [line for line in done.stderr.splitlines() if "heatbath" in line and "mpirun" not in line and "Process name" not in line]
    assert len(ours) == 1 and says in ours[0], (says, done.stderr)


def arrays(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "provenance.npy"}


def same_file():
    """A program's file from func: and from one, two and four ranks; the device named by option and by environment."""
    random.seed(3)
    pairs = set()
    while len(pairs) < 600:
        i, j = random.sample(range(320), 2)
        pairs.add((min(i, j), max(i, j)))
    pathlib.Path("graph.txt").write_text("".join(f"{i} {j}\n" for i, j in sorted(pairs) if j < 320) + "318 319\n" * ((318, 319) not in pairs))
    for name, device in {"grid": "topology=torus:20x16&lanes=2", "graph": "topology=graph.txt&lanes=3&cell=phase"}.items():
        run([heatbath, "run", "program.toml", "--device", "func:" + device, "--out", "whole.npz"])
        whole = arrays("whole.npz")
        for count in (1, 2, 4):
            run(ranks(count, heatbath, "run", "program.toml", "--device", "mpi:" + device, "--out", "cut.npz"))
            assert arrays("cut.npz") == whole, (name, count)
    run([heatbath, "run", "program.toml", "--device=mpi:" + device, "--out", "cut.npz"])  # without mpirun: one rank
    assert arrays("cut.npz") == whole
    os.environ["HEATBATH_DEVICE"] = "mpi:" + device
    run(ranks(2, heatbath, "run", "program.toml", "--out", "cut.npz"))
    assert arrays("cut.npz") == whole
    info = json.loads(run(ranks(2, heatbath, "info", "--json")).stdout)
    assert "on 2 ranks" in json.dumps(info), info


def one_line():
    refused(ranks(3, heatbath, "run", "program.toml", "--device", "mpi:topology=torus:20x16", "--oot", "x"), "--oot")
    refused(ranks(3, heatbath, "run", "nowhere.toml", "--device", "mpi:topology=torus:20x16"), "nowhere.toml")
    refused(ranks(3, heatbath, "info", "--device", "mpi:cells=64"), "mpi: an array cut over ranks is on a graph")
    refused(ranks(2, heatbath, "info", "--device", "mpi:topology=torus:20x16&stepper=exact-ou"), "exact-ou")
    refused(ranks(2, heatbath, "info", "--device", "mpi:threads=2"), "threads")
    refused(ranks(2, heatbath, "info", "--device", "mpi:topology=absent.txt"), "absent.txt")


def file_of_the_first():
    """Only the first rank reads files: the others run where there are none."""
    pathlib.Path("graph.txt").write_text("".join(f"{i} {i + 1}\n" for i in range(319)))
    pathlib.Path("empty").mkdir()
    device = "topology=graph.txt"
    run([heatbath, "run", "program.toml", "--device", "func:" + device, "--out", "whole.npz"])
    words = [heatbath, "run", "program.toml", "--device", "mpi:" + device, "--out", "cut.npz"]
    run(ranks(1, *words) + [":", "-n", "2", "-wdir", os.path.abspath("empty"), *words])
    assert arrays("cut.npz") == arrays("whole.npz")
    assert not list(pathlib.Path("empty").iterdir())


def versions():
    refused(ranks(1, heatbath, "info", "--device", "mpi:topology=ring:200") + [":", "-n", "2", other_version],
            "rank 1 is version 9.9.9")


def lost():
    """A run that loses a rank ends, and goes on from its checkpoint with another number of ranks."""
    pathlib.Path("program.toml").write_text(PROGRAM.replace("shots = 3", "shots = 80"))
    device = "topology=torus:20x16&lanes=2"
    run([heatbath, "run", "program.toml", "--device", "func:" + device, "--out", "whole.npz"])

    def words(scheme):
        return [heatbath, "run", "program.toml", "--device", scheme + device, "--out", "cut.npz", "--checkpoint", "kept",
                "--checkpoint-every", "0", "--resume"]

    def written():
        try:
            return pathlib.Path("kept").stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    for count in (3, 2):
        before, limit = written(), time.monotonic() + 300
        process = subprocess.Popen(ranks(count, *words("mpi:")), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while written() == before and process.poll() is None:
            assert time.monotonic() < limit, "no checkpoint was written"
            time.sleep(0.01)
        try:
            children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(children[-1]), signal.SIGKILL)  # mpirun ends the others
        except (OSError, IndexError):
            pass  # the run was done before the test looked; it has its file then
        if process.wait(timeout=60) == 0:
            assert arrays("cut.npz") == arrays("whole.npz")
    run(ranks(4, *words("mpi:")))
    assert arrays("cut.npz") == arrays("whole.npz")


def interrupted():
    """An interrupt of mpirun ends all ranks."""
    pathlib.Path("long.toml").write_text(PROGRAM.replace("duration = 0.2", "duration = 1e9"))
    process = subprocess.Popen(ranks(2, heatbath, "run", "long.toml", "--device", "mpi:topology=torus:20x16"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode != 0


def example():
    """The program of docs/ranks.md: the first argument is it, not the command."""
    device = "topology=torus:32x32&lanes=2"
    whole = run([heatbath, "func:" + device]).stdout
    assert len(whole.splitlines()) == 4 and len(set(whole.splitlines())) == 4, whole
    for count in (1, 3):
        assert run(ranks(count, heatbath, "mpi:" + device)).stdout == whole
    os.environ["HEATBATH_DEVICE"] = "mpi:" + device
    assert run(ranks(2, heatbath)).stdout == whole


home = tempfile.mkdtemp()
os.chdir(home)
pathlib.Path("program.toml").write_text(PROGRAM)
os.environ.pop("HEATBATH_DEVICE", None)
{"same_file": same_file, "one_line": one_line, "file_of_the_first": file_of_the_first, "versions": versions, "lost": lost,
 "interrupted": interrupted, "example": example}[case]()
