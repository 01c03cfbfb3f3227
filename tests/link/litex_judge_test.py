"""litex_judge_test.py HEATBATH: LiteX's client, server and Etherbone against `heatbath serve`, on one computer."""

import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import judge_environment

judge_environment.enter(litex="litex")
sys.path.insert(0, str(ROOT / "examples/litex"))

from litex.tools.litex_client import RemoteClient
from litex.tools.litex_server import RemoteServer
from litex_server_here import CommHere

HEATBATH = sys.argv.pop(1)
ID, MEMORY = 0x48544248, 0x10000000


class Served(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.csr = str(pathlib.Path(folder.name) / "csr.csv")
        subprocess.run([HEATBATH, "regs", "--format", "litex", "--out", self.csr], check=True)

    def comm(self, device):
        """LiteX's Etherbone to a device that is served until the test has ended."""
        served = subprocess.Popen([HEATBATH, "serve", "--device", device, "--listen", "etherbone://127.0.0.1:0"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(served.communicate)
        self.addCleanup(served.terminate)
        uri = served.stdout.readline().strip()
        if not uri:
            self.skipTest(f"{device} is not served: {served.stderr.read().strip()}")
        return CommHere("127.0.0.1", int(uri.rsplit(":", 1)[1]), timeout=6)

    def check_comm(self, device):
        comm = self.comm(device)
        comm.open()
        self.addCleanup(comm.close)
        self.assertEqual(comm.read(0), ID)
        comm.write(0x20, 0x12345678)
        self.assertEqual(comm.read(0x20), 0x12345678)
        words = [random.Random(1).getrandbits(32) for _ in range(255)]
        comm.write(MEMORY + 64, words)
        self.assertEqual(comm.read(MEMORY + 64, 255), words)
        self.assertEqual(comm.read(0, 3)[0], ID)

    def test_bursts_of_255_words(self):
        self.check_comm("func:lanes=16&threads=1")

    def test_bursts_of_255_words_on_the_chip_in_verilog(self):
        self.check_comm("rtl:")

    def test_server_and_client(self):
        server = RemoteServer(self.comm("func:lanes=16&threads=1"), "127.0.0.1", 0)
        server.open()
        self.addCleanup(server.close)
        server.start(1)
        client = RemoteClient(port=server.socket.getsockname()[1], csr_csv=self.csr)
        client.open()
        self.addCleanup(client.close)
        client.socket.settimeout(60)
        self.assertEqual(client.regs.heatbath_id.read(), ID)
        client.regs.heatbath_scratch.write(0xCAFE0001)
        self.assertEqual(client.regs.heatbath_scratch.read(), 0xCAFE0001)
        base = client.mems.heatbath_memory.base
        self.assertEqual(base, MEMORY)
        client.write(base, list(range(100)))
        self.assertEqual(client.read(base, 100), list(range(100)))


if __name__ == "__main__":
    unittest.main(warnings="ignore")
