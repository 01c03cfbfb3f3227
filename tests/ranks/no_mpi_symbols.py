"""no_mpi_symbols.py NM LIBRARY...: fails where a library needs something of MPI."""
import re
import subprocess
import sys

nm, *libraries = sys.argv[1:]
assert libraries
for library in libraries:
    words = [nm, "-D", "-u"] if ".so" in library else [nm, "-u"]
    needs = set(re.findall(r"\bU (P?MPI_\w+|ompi_\w+)", subprocess.run([*words, library], capture_output=True, text=True, check=True).stdout))
    assert not needs, (library, sorted(needs))
