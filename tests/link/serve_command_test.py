"""serve_command_test.py HEATBATH REMOTE_HOST: the command serves a device to the command and to a host of its own."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

HEATBATH, REMOTE_HOST = sys.argv[1:]
DEVICE = "func:cells=8&lanes=16&threads=1"


class Served:
    """`heatbath serve` from entering to leaving; `uri` is what it printed."""

    def __init__(self, *options, device=DEVICE):
        self.command = [HEATBATH, "serve", "--device", device, *options]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.uri = self.process.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.log = self.process.communicate(timeout=300)[1]
        self.status = self.process.returncode


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


class Serve(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(self.folder.cleanup)
        self.unix = f"unix:{self.folder.name}/device"

    def listens(self):
        return ("tcp://127.0.0.1:0", self.unix, f"shm:/hb-{os.getpid()}", "etherbone://127.0.0.1:0", f"uio:/dev/shm/hb-{os.getpid()}")

    def test_a_host_without_an_emulator_gets_its_numbers(self):
        for listen in self.listens():
            with self.subTest(listen), Served("--listen", listen) as served:
                host = run(REMOTE_HOST, served.uri)
                self.assertEqual(host.stderr, "")
                value = float(re.fullmatch(r"<x\^2> = ([0-9.]+) kT\n", host.stdout)[1])
                self.assertAlmostEqual(value, 0.5, delta=4.5 * (0.5 / 400) ** 0.5)
            self.assertEqual(served.status, 0, served.log)

    def test_info_and_conformance_see_the_served_device(self):
        with Served("--listen", self.unix, "--quiet") as served:
            self.assertEqual(served.uri, self.unix)
            info = run(HEATBATH, "info", "--device", served.uri, "--json")
            self.assertEqual(info.returncode, 0, info.stderr)
            self.assertIn("served device: func:profile=ideal&cells=8&lanes=16", info.stdout)
            claims = run(HEATBATH, "conformance", "--device", served.uri, "--only", "identity", "--only", "memory", "--json")
            self.assertEqual(claims.returncode, 0, claims.stderr)
            self.assertEqual([claim["verdict"] for claim in json.loads(claims.stdout)["claims"]], ["kept", "kept"])
        self.assertEqual((served.status, served.log), (0, ""))
        self.assertFalse(os.path.exists(self.unix[5:]), "the socket goes with its server")

    def test_conformance_fails_where_a_claim_is_broken(self):
        record = f"{self.folder.name}/session"
        keep = run(HEATBATH, "conformance", "--device", f"record:{record}?device={DEVICE}", "--only", "identity")
        self.assertEqual(keep.returncode, 0, keep.stderr)
        again = run(HEATBATH, "conformance", "--device", f"replay:{record}", "--only", "identity")
        self.assertEqual(again.returncode, 0, again.stdout)
        other = run(HEATBATH, "conformance", "--device", f"replay:{record}", "--only", "time")
        self.assertEqual(other.returncode, 1, other.stdout)
        self.assertIn("BROKEN   time", other.stdout)
        self.assertIn("differs: the host makes", other.stdout)

    def test_realtime_reports_its_pace(self):
        with Served("--listen", self.unix, "--realtime", "--slowdown", "1e4") as served:
            self.assertEqual(run(REMOTE_HOST, served.uri).returncode, 0)
        self.assertRegex(served.log, r"realtime: [0-9]+ holds, jitter mean [0-9.]+ us, worst [0-9.]+ us; [0-9]+ overruns")

    def test_mistakes_are_one_line_and_status_2(self):
        for options, part in (
            (["--listen", "tcp://0.0.0.0:0"], "not a loopback address"),
            (["--listen", "nowhere"], "tcp://host:port, unix:/path, shm:/name, etherbone://host:port, uio:FILE or systemd"),
            (["--listen", self.unix, "--token-file", "/nowhere"], "/nowhere"),
            (["--listen", self.unix, "--slowdown", "0"], "above 0"),
            ([], "--listen"),
        ):
            with self.subTest(options):
                failed = run(HEATBATH, "serve", "--device", DEVICE, *options)
                self.assertEqual(failed.returncode, 2, failed.stderr)
                self.assertIn(part, failed.stderr)
                self.assertEqual(failed.stderr.count("\n"), 1)
        unknown = run(HEATBATH, "conformance", "--device", DEVICE, "--only", "everything")
        self.assertEqual(unknown.returncode, 2)
        self.assertIn("--list shows them", unknown.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
