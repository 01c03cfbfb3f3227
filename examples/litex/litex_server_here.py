"""litex_server_here.py BOARD_PORT [TCP_PORT]: LiteX's server for a device that `heatbath serve` has on this computer.

litex_server talks to a board from the board's own port number, which on one computer the board's server has already. This
is the same server with any free port; litex_client and RemoteClient then work as with a board:

    heatbath serve --device "func:lanes=16" --listen etherbone://127.0.0.1:20000
    python3 examples/litex/litex_server_here.py 20000
    heatbath regs --format litex --out csr.csv
    litex_cli --regs

Needs the package litex.
"""
import socket
import sys

from litex.tools.litex_server import RemoteServer
from litex.tools.remote.comm_udp import CommUDP


class CommHere(CommUDP):
    """A board on this computer, which answers to the port that asks."""

    def open(self, probe=True):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(self.timeout)
        if probe:
            self.probe(self.server, self.port)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3 or not all(word.isdecimal() for word in sys.argv[1:]):
        sys.exit(__doc__.split(":")[0].strip())
    server = RemoteServer(CommHere("127.0.0.1", int(sys.argv[1])), "127.0.0.1", int((sys.argv[2:] or ["1234"])[0]))
    server.open()
    server.start(4)
    server.serve_thread.join()
