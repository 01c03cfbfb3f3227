"""command_test.py HEATBATH HEATBATH_CONFORMANCE: the claims' own command, on a served device."""
import pathlib
import subprocess
import sys
import tempfile
import time

heatbath, conformance = sys.argv[1:]


def run(*words):
    return subprocess.run([conformance, *words], capture_output=True, text=True, timeout=100)


listed = run("--list")
assert listed.returncode == 0 and "identity" in listed.stdout, listed
for words, says in (((), "--device"), (("--device", "func:"), "'func' is no link"), (("--divice", "tcp:"), "--divice"),
                    (("--device", "unix:/nowhere"), "unix:/nowhere"), (("--device", "unix:/nowhere", "more"), "--device"),
                    (("--device", "unix:/nowhere", "--only", "speed"), "--only speed: there is no such claim")):
    wrong = run(*words)
    assert wrong.returncode == 2 and says in wrong.stderr and not wrong.stdout, wrong

with tempfile.TemporaryDirectory() as folder:
    socket = pathlib.Path(folder, "device")
    server = subprocess.Popen([heatbath, "serve", "--device", "func:cells=8&lanes=4&threads=1", "--listen", f"unix:{socket}",
                               "--quiet"])
    try:
        for _ in range(1200):
            if socket.exists():
                break
            time.sleep(0.05)
        kept = run("--device", f"unix:{socket}", "--only", "identity", "--only", "programs")
        assert kept.returncode == 0 and "2 kept, 0 broken, 0 skipped" in kept.stdout, kept
    finally:
        server.terminate()
        server.wait()
