"""page_test.py SOURCE COMMAND... : the commands of docs/cosimulation.md end well and leave the files that they name.

SOURCE is the source tree, COMMAND are programs by path, called by their file names on the page. The lines that begin
with "$ " of the console blocks run one after the other in a fresh folder with a link to examples/. A block whose first
word needs a program that is not among the COMMANDs is an error; one that is not installed (ngspice) is left out.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

source = pathlib.Path(sys.argv[1]).resolve()
programs = {pathlib.Path(path).name: path for path in sys.argv[2:]}
page = (source / "docs/cosimulation.md").read_text()
commands = [line[2:] for block in re.findall(r"^```console\n(.*?)^```", page, re.S | re.M)
            for line in block.splitlines() if line.startswith("$ ")]
if not commands:
    sys.exit("docs/cosimulation.md shows no command")
with tempfile.TemporaryDirectory() as folder:
    work = pathlib.Path(folder)
    (work / "examples").symlink_to(source / "examples")
    (work / "bin").mkdir()
    for name, path in programs.items():
        (work / "bin" / name).symlink_to(pathlib.Path(path).resolve())
    environment = {**os.environ, "PATH": f"{work / 'bin'}:{os.environ['PATH']}"}
    for command in commands:
        words = command.split()
        if words[0] == "ngspice" and not shutil.which("ngspice"):
            print(f"left out, there is no ngspice: {command}")
            continue
        done = subprocess.run(command, shell=True, cwd=work, env=environment, capture_output=True, text=True, timeout=120)
        print(f"$ {command}\n{done.stdout}{done.stderr}")
        if done.returncode != 0:
            sys.exit(f"ended with {done.returncode}: {command}")
        for option in ("--out", "-r", "--vcd"):
            if option in words:
                name = words[words.index(option) + 1]
                if not (work / name).exists():
                    sys.exit(f"{command}: wrote no {name}")
