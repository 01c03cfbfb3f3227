"""examples_test.py HEATBATH TWO_CELLS MAPPED: the jobs of examples/c give the same numbers on every way to a device."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

HEATBATH, TWO_CELLS, MAPPED = sys.argv[1:]
DEVICE = "func:cells=2&lanes=1&threads=1"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


class Examples(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir="/dev/shm")
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name, "a part").as_posix()

    @contextlib.contextmanager
    def served(self, device):
        command = [HEATBATH, "serve", "--device", device, "--listen", f"uio:{self.file}", "--quiet"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            self.assertEqual(server.stdout.readline().strip(), f"uio:{self.file}")
            yield
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=300)

    def test_a_host_and_a_memory_map_get_the_same_numbers(self):
        for profile in ("ideal", "coded"):
            with self.subTest(profile):
                device = f"{DEVICE}&profile={profile}"
                host = run(TWO_CELLS, device)
                self.assertEqual((host.returncode, host.stderr), (0, ""))
                self.assertRegex(host.stdout, r"<x0 x1> = 0\.[0-9]+ over 100 records\n")
                with self.served(device):
                    for _ in range(5):  # each finds what the one before has left
                        mapped = run(MAPPED, self.file)
                        self.assertEqual((mapped.returncode, mapped.stderr, mapped.stdout), (0, "", host.stdout))
                    self.assertEqual(run(TWO_CELLS, f"uio:{self.file}").stdout, host.stdout)

    def test_what_a_part_lacks_is_said(self):
        device = DEVICE + "&profile=silicon"
        with self.served(device):
            mapped = run(MAPPED, self.file)
        self.assertEqual((mapped.returncode, mapped.stderr.split(":")[0]), (1, "UNSUPPORTED"))
        host = run(TWO_CELLS, device)
        self.assertEqual(host.returncode, 1)
        self.assertIn("SEEDED", host.stderr)

    def test_wrong_uses_end_in_a_line(self):
        wrong = run(TWO_CELLS, "tlm:cells=2")
        self.assertEqual(wrong.returncode, 1)
        self.assertRegex(wrong.stderr, r"^BAD_ARG: .*no SystemC.*\n$")
        empty = pathlib.Path(self.file)
        empty.write_bytes(b"")
        self.assertEqual(run(MAPPED, self.file).returncode, 2)
        os.truncate(self.file, 1 << 20)  # a file that nobody serves
        self.assertEqual(run(MAPPED).returncode, 2)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
