"""exports_test.py CAPI NM LIBRARY: the library shows the functions of the header and nothing else.

exports.txt is the committed list. A function that is added goes there, too; one that is taken away or renamed breaks every
program that was linked with it, and needs another SOVERSION.
"""
import pathlib
import re
import subprocess
import sys


def main():
    folder, nm, library = pathlib.Path(sys.argv[1]), *sys.argv[2:]
    committed = (folder / "exports.txt").read_text().split()
    header = (folder / "include/heatbath/heatbath.h").read_text()
    declared = sorted(re.findall(r"^HEATBATH_API [^;()]*?\b(heatbath_\w+)\(", header, re.MULTILINE))
    listing = subprocess.run([nm, "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    shown = sorted(line.split()[-1].split("@")[0] for line in listing.splitlines() if line.split()[1] != "A")
    wrong = 0
    for name, others in (("heatbath.h", declared), ("the library", shown)):
        for missing in sorted(set(committed) - set(others)):
            print(f"{missing} stands in exports.txt, but not in {name}")
            wrong += 1
        for added in sorted(set(others) - set(committed)):
            print(f"{added} is in {name}, but not in exports.txt")
            wrong += 1
    if committed != sorted(set(committed)):
        print("exports.txt is not sorted, or has a name twice")
        wrong += 1
    print(f"{len(shown)} functions")
    return 1 if wrong or not shown else 0


if __name__ == "__main__":
    sys.exit(main())
