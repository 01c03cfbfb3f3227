"""systemd_test.py HEATBATH SERVICE SOCKET: the command serves a socket it was given, and the shipped units are sound."""
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

HEATBATH, SERVICE, SOCKET = sys.argv[1:]
LIMIT = 100  # seconds; for a machine that does much else


class Activated:
    """`heatbath serve --listen systemd` with sockets from descriptor 3 on, as systemd starts a service."""

    def __init__(self, sockets, *options, pid=None):
        read, write = os.pipe()
        errors = tempfile.TemporaryFile()
        self.errors = errors
        self.pid = os.fork()
        if self.pid == 0:
            try:
                above = [fcntl.fcntl(one.fileno(), fcntl.F_DUPFD, 100) for one in sockets]
                os.dup2(write, 1)
                os.dup2(errors.fileno(), 2)
                for k, one in enumerate(above):
                    os.dup2(one, 3 + k)
                environment = dict(os.environ, LISTEN_PID=str(pid or os.getpid()), LISTEN_FDS=str(len(sockets)))
                os.execve(HEATBATH, [HEATBATH, "serve", "--device", "func:cells=4&threads=1", "--listen", "systemd", *options], environment)
            finally:
                os._exit(99)
        os.close(write)
        with os.fdopen(read) as output:
            self.uri = output.readline().strip()

    def end(self, stop=True):
        if stop:
            os.kill(self.pid, signal.SIGTERM)
        _, status = os.waitpid(self.pid, 0)
        self.errors.seek(0)
        with self.errors:
            return os.waitstatus_to_exitcode(status), self.errors.read().decode()


class Systemd(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(self.folder.cleanup)

    def listening(self, family=socket.AF_UNIX, address=None):
        one = socket.socket(family)
        one.bind(address or f"{self.folder.name}/device")
        one.listen()
        self.addCleanup(one.close)
        return one

    def serves(self, one, uri):
        served = Activated([one])
        self.assertRegex(served.uri, uri)
        info = subprocess.run([HEATBATH, "info", "--device", served.uri], capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(info.returncode, 0, info.stderr)
        status, errors = served.end()
        self.assertEqual(status, 0, errors)
        self.assertIn("1 sessions", errors)

    def test_serves_the_socket_it_is_given(self):
        self.serves(self.listening(), re.escape(f"unix:{self.folder.name}/device"))
        self.assertTrue(os.path.exists(f"{self.folder.name}/device"), "the socket is systemd's to remove")
        self.serves(self.listening(socket.AF_INET, ("127.0.0.1", 0)), r"tcp://127\.0\.0\.1:\d+")

    def test_refuses_what_it_cannot_serve(self):
        plain = subprocess.run([HEATBATH, "serve", "--listen", "systemd"], capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual(plain.returncode, 2)
        self.assertIn("systemd gave this process no socket", plain.stderr)
        self.assertEqual(len(plain.stderr.splitlines()), 1)
        one, other = self.listening(), self.listening(address=f"{self.folder.name}/other")
        deaf = socket.socket(socket.AF_UNIX)
        self.addCleanup(deaf.close)
        for sockets, pid, says in (([one, other], None, "systemd gave 2 sockets"), ([one], 1, "no socket"),
                                   ([deaf], None, "none that listens for streams"),
                                   ([self.listening(socket.AF_INET, ("0.0.0.0", 0))], None, "not at a loopback address")):
            status, errors = Activated(sockets, pid=pid).end(stop=False)
            self.assertEqual(status, 2, errors)
            self.assertIn(says, errors)

    def test_its_units_are_sound(self):
        analyze = shutil.which("systemd-analyze")
        if analyze is None:
            self.skipTest("there is no systemd-analyze")
        with open(SERVICE) as unit:
            text = unit.read()
        command = re.search(r"^ExecStart=(\S+)", text, re.M).group(1)
        self.assertTrue(command.endswith("/bin/heatbath"), command)
        with open(f"{self.folder.name}/heatbath.service", "w") as unit:
            unit.write(text.replace(command, HEATBATH))
        shutil.copy(SOCKET, f"{self.folder.name}/heatbath.socket")
        for unit in ("heatbath.service", "heatbath.socket"):
            said = subprocess.run([analyze, "verify", "--man=no", f"{self.folder.name}/{unit}"], capture_output=True, text=True, timeout=LIMIT)
            about = [line for line in (said.stdout + said.stderr).splitlines() if "heatbath" in line]
            self.assertEqual(about, [], said.stderr)
            if said.returncode != 0:
                self.skipTest(f"systemd-analyze does not work here: {said.stderr}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
