"""console_test.py COMMAND CONFORMANCE ROOT [--whole]: the shell lines of the pages work.

Runs each line of a console block that calls heatbath or heatbath-conformance, block after block in one folder for each page, as
a reader would; sizes and efforts are cut (SMALLER), and data that a reader brings are made (a few patterns, digits as noise).
What a page shows of other programs is run by the tests named in ELSEWHERE: a line that is in neither is a failure.
Lines that take long even so (LONG) are left out, but with --whole. --times prints the processor time of each line.
"""
import gzip
import os
import pathlib
import re
import resource
import shlex
import signal
import struct
import subprocess
import sys
import tempfile
import time

command, conformance, root = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
whole = "--whole" in sys.argv
sys.path.insert(0, str(root / "tests/docs"))
from check_texts import pages, prose_and_blocks  # noqa: E402

SMALLER = {
    "train generate": {"--digits": "0,2", "--updates": "4", "--shots": "3", "--hidden": "8", "--segments": "2", "--balance": "0", "--threads": "1"},
    "train score": {"--hidden": "4", "--segments": "2", "--steps": "2", "--shots": "20", "--draw-steps": "4", "--threads": "1",
                    "--free-shots": "20"},
    "train boltzmann": {"--updates": "2", "--shots": "32", "--draw": "20", "--draw-sweeps": "4", "--hidden": "4"},
    "train graph": {"--updates": "2"},
    "train memory": {"--cells": "32", "--loads": "0.1", "--shots": "8"},
    "train equilibrium": {"--updates": "2", "--repeats": "2"},
    "train classifier": {"--layer": "4", "--teacher-steps": "4", "--steps": "4", "--runs": "2", "--held-out": "20", "--fine-tune": "2", "--tune-batch": "4",
                         "--threads": "1"},
    "train ergodicity": {"--updates": "4", "--effort": "0.02"},
    "bound": {"--samples": "2048", "--levels": "12"},
    "generate": {"--shots": "3", "--threads": "1"},
    "gap": {"--shots": "3", "--threads": "1"},
    "calibrate": {"--effort": "0.05", "--cells": "4"},
}
# May end with 1 where so few samples judge something; 2 is a wrong line.
JUDGED = ("train boltzmann", "train memory", "train ergodicity", "validate", "conformance", "heatbath-conformance", "bound")
LONG = ("train memory", "train score", "train classifier", "train ergodicity", "bound", "validate", "heatbath-conformance")
# Lines of other programs, and who runs them.
ELSEWHERE = {
    r"tools/(demo|test|build)\.sh\b": "continuous integration builds and tests with them; the demo is a test",
    r"sudo apt-get install ": "the packages of tools/packages.txt, which tools/setup.sh installs",
    r"cmake |build/platform/|rv32": "tests/platform, from docs/firmware.md",
    r"firmware_api/regmap/generate\.py|verilator ": "tests/firmware_api and tests/rtl",
    r"python3 (examples/python/|-m zipfile)|PYTHONPATH=|export P": "tests/python runs the examples",
    r"cosimulation_master |ngspice ": "tests/bridges",
    r"cc -std=c11 two_cells\.c": "tests/capi builds the example as an installed program",
    r"build/release/examples/": "examples.* of ctest",
}


def make_data(folder):
    """patterns.txt, and the folder mnist: stripes, as many of each class as a trainer asks for."""
    (folder / "patterns.txt").write_text("110011\n001100\n101010 0.5\n010101\n")
    (folder / "mnist").mkdir()
    labels = [digit for digit in range(10) for _ in range(720 if digit < 3 else 20)]
    drawn = [bytes(255 if (row // 3 + 3 * digit + column // 4) % 4 == 0 else 0 for row in range(28) for column in range(28)) for digit in range(10)]
    images = b"".join(drawn[digit] for digit in labels)
    for name, text in (("images-idx3-ubyte", struct.pack(">4i", 2051, len(labels), 28, 28) + images),
                       ("labels-idx1-ubyte", struct.pack(">2i", 2049, len(labels)) + bytes(labels))):
        with gzip.open(folder / f"mnist/train-{name}.gz", "wb", 1) as file:
            file.write(text)


def missing_schemes():
    """Emulators that this build was made without: lines with them are left out."""
    return tuple(scheme for scheme in ("tlm:", "rtl:")
                 if subprocess.run([command, "info", "--device", scheme], capture_output=True).returncode != 0)


def smaller(words):
    """The words of a call with other sizes, and the name of its command."""
    name = " ".join(words[1:3]) if " ".join(words[1:3]) in SMALLER else words[1] if len(words) > 1 else ""
    for option, value in SMALLER.get(name, {}).items():
        if option in words:
            words[words.index(option) + 1] = value
        elif (option, name) not in (("--free-shots", "train score"), ("--segments", "train generate")) and not (
                option == "--balance" and ("--recipe" not in words or "--labels" in words)):
            words = [*words, option, value]
    return words, name


def console_lines(page):
    for number, info, body in prose_and_blocks(page.read_text())[1]:
        if info.split()[:1] == ["console"]:
            for offset, line in enumerate(body, 1):
                if line.startswith("$ "):
                    yield number + offset, line[2:].split("  #")[0].strip()


def run_page(page, data, missing, servers):
    """(lines run, left out, failures) of one page; what serves goes to `servers`."""
    ran, left, failures = 0, 0, []
    lines = list(console_lines(page))
    if not lines:
        return ran, left, failures
    environment = os.environ | {"PATH": f"{command.parent}:{conformance.parent}:{os.environ['PATH']}", "HOME": ""}
    environment.pop("HEATBATH_DEVICE", None)
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        environment["HOME"] = place
        (folder / "examples").symlink_to(root / "examples")
        for name in ("patterns.txt", "mnist"):
            (folder / name).symlink_to(data / name)
        for number, line in lines:
            where = f"{page.relative_to(root)}:{number}"
            words = shlex.split(line)
            if words[0].endswith("/heatbath"):
                words[0] = "heatbath"
            if words[0] not in ("heatbath", "heatbath-conformance"):
                if not any(re.match(pattern, line) for pattern in ELSEWHERE):
                    failures.append(f"{where}: nobody runs {line}")
                continue
            words, name = smaller(words)
            kind = name if words[0] == "heatbath" else words[0]
            if (not whole and kind in LONG) or any(word.startswith(missing) for word in words):
                left += 1
                continue
            model = words[words.index("--model") + 1] if "--model" in words else None
            if model is not None and not (folder / model).exists():
                found = sorted(folder.glob("*/model.h5"))
                if not found:  # the page has it from another
                    made, _ = smaller(["heatbath", "train", "generate", "--labels", "--recipe", "schedule", "--out", "given"])
                    subprocess.run(made, cwd=folder, env=environment, check=True, capture_output=True)
                    found = [folder / "given/model.h5"]
                words[words.index("--model") + 1] = str(found[0].relative_to(folder))
            words = [word.replace("unix:/tmp/", "unix:") for word in words]
            ran += 1
            if kind == "serve":
                socket = folder / words[words.index("--listen") + 1].removeprefix("unix:")
                servers.append(subprocess.Popen(words, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
                end = time.monotonic() + 60
                while not socket.exists() and servers[-1].poll() is None and time.monotonic() < end:
                    time.sleep(0.05)
                continue
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            if "--times" in sys.argv:
                print(f"{spent:7.2f} s  {where}: {' '.join(words)}", flush=True)
            if done.returncode not in ((0, 1) if kind in JUDGED else (0,)):
                said = (done.stderr.strip().splitlines() or [""])[-1]
                failures.append(f"{where}: {' '.join(words)}: exit status {done.returncode}: {said}")
    return ran, left, failures


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        make_data(pathlib.Path(made))
        missing, results = missing_schemes(), []
        for page in sorted(pages(root)):
            servers = []
            try:
                results.append(run_page(page, pathlib.Path(made), missing, servers))
            finally:
                for server in servers:
                    server.send_signal(signal.SIGTERM)
                    server.wait(60)
    wrong = [failure for _, _, failures in results for failure in failures]
    print("\n".join(wrong), end="\n" if wrong else "")
    print(f"{sum(ran for ran, _, _ in results)} lines ran, {sum(left for _, left, _ in results)} left out")
    sys.exit(1 if wrong else 0)
