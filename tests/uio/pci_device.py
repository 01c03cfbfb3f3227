#!/usr/bin/env python3
"""A part on the PCI bus of a QEMU guest, in front of `heatbath serve`.

    pci_device.py PCI_FD QTEST_LISTENER_FD SERVER

QEMU's own device x-pci-proxy-dev sends each access to configuration space and BARs over a socket, whose other end is
PCI_FD; here they become frames of docs/wire_protocol.md to the socket SERVER. So QEMU is Debian's and nothing of it is
compiled. BAR 0 is the register window, BAR 1 device memory, BAR 2 the list of couplers where the part has one. The
interrupt is level-triggered INTx, the AND of INTR_STATE and INTR_ENABLE. x-pci-proxy-dev needs KVM to raise it, so it
is raised through QEMU's qtest socket (it connects to QTEST_LISTENER_FD), at the pin of the IO-APIC that the firmware
wrote into the interrupt line register. Device time passes while nobody asks: SLICE ticks at a time."""

import json
import pathlib
import select
import socket
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLICE = 2_000_000                    # ticks that pass after a millisecond without an access
VENDOR, DEVICE = 0x1234, 0x4842      # QEMU's vendor id for what has none; heatbath_uio.c knows both
IO_APIC = "/machine/i440fx/ioapic"

# QEMU's messages (hw/remote/mpqemu-link.h of 7.2): int command, 4 bytes, size_t size, then that many bytes.
HEADER = struct.Struct("<ixxxxQ")
SYNC_MEMORY, ANSWER, CONFIG_WRITE, CONFIG_READ, BAR_WRITE, BAR_READ, SET_IRQ, RESET = range(8)
UNANSWERED = SYNC_MEMORY, SET_IRQ
CONFIG = struct.Struct("<IIi")       # address, value, bytes
ACCESS = struct.Struct("<QQI?xxx")   # address on the bus, value, bytes, memory (and not ports)


def read_exactly(stream, count):
    data = bytearray()
    while len(data) < count:
        piece = stream.recv(count - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


class Server:
    """The one session of a served device."""

    FRAME = struct.Struct("<IHHIIQQQ")
    MAGIC = 0x4B4C4248
    HELLO, READ32, WRITE32, READ_BLOCK, WRITE_BLOCK, WAIT_IRQ = range(1, 7)
    WELCOME, QUEUED, REFUSED, REPLY, ALIVE, ENDED = range(32, 38)

    def __init__(self, path, version):
        self.stream = socket.socket(socket.AF_UNIX)
        self.stream.connect(path)
        self.number = 0
        self.say(self.HELLO, 0, 0, struct.pack("<HHHHII", 2, *version, 0, 0, 0))
        _, welcome = self.hear(self.WELCOME)
        self.memory_bytes = struct.unpack_from("<Q", welcome, 16)[0]

    def say(self, kind, address, value, payload=b""):
        frame = self.FRAME.pack(self.MAGIC, kind, 0, self.number, len(payload), 0, address, value)
        self.stream.sendall(frame + payload)
        self.number += 1

    def hear(self, wanted):
        while True:
            magic, kind, status, _, length, _, _, value = self.FRAME.unpack(read_exactly(self.stream, self.FRAME.size))
            payload = read_exactly(self.stream, length)
            if magic != self.MAGIC or kind in (self.REFUSED, self.ENDED):
                raise SystemExit(f"pci_device: the server said {payload.decode(errors='replace')}")
            if kind == wanted:
                if status:
                    print(f"pci_device: {payload.decode(errors='replace')}", file=sys.stderr, flush=True)
                return value, payload

    def ask(self, kind, address, value):
        self.say(kind, address, value)
        return self.hear(self.REPLY)

    def read32(self, address):
        return self.ask(self.READ32, address, 0)[0]


class Part:
    def __init__(self, server, registers, bases):
        self.server, self.registers, self.bases = server, registers, bases
        couplers = server.read32(registers["CAPS_COUPLERS"])
        # a BAR is a power of two; a coupler takes 16 bytes at most, and the module knows how many it takes
        sizes = 0x1000, server.memory_bytes, couplers * 16
        self.sizes = [1 << max(12, (size - 1).bit_length()) if size else 0 for size in sizes]
        self.config = bytearray(64)
        struct.pack_into("<HHHH", self.config, 0, VENDOR, DEVICE, 0, 0)
        struct.pack_into("<BBBB", self.config, 8, 1, 0, 0, 0xFF)  # revision 1, of no class
        struct.pack_into("<HH", self.config, 0x2C, VENDOR, DEVICE)
        self.config[0x3D] = 1  # INTA

    def configure(self, address, value, count):
        if address in (0x04, 0x3C):  # command, interrupt line
            width = min(count, 2 if address == 0x04 else 1)
            self.config[address:address + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
        bar = (address - 0x10) // 4
        if address % 4 == 0 and 0 <= bar < len(self.sizes) and self.sizes[bar]:
            struct.pack_into("<I", self.config, address, value & -self.sizes[bar] & 0xFFFFFFFF)

    def configuration(self, address, count):
        return int.from_bytes(self.config[address:address + count].ljust(count, b"\0"), "little")

    def place(self, address):
        """Address in the register map of an address on the bus."""
        for bar, size in enumerate(self.sizes):
            start = self.configuration(0x10 + 4 * bar, 4)
            if size and start <= address < start + size:
                return bar, self.bases[bar] + address - start
        return None, 0

    def read(self, address, count):
        bar, at = self.place(address)
        if bar == 0:
            return self.server.read32(at)
        if bar is None:
            return 0
        return int.from_bytes(self.server.ask(Server.READ_BLOCK, at, count)[1], "little")

    def write(self, address, value, count):
        """True for a register: the interrupt may have changed."""
        bar, at = self.place(address)
        if bar == 0:
            self.server.say(Server.WRITE32, at, value & 0xFFFFFFFF)
        elif bar == 1:
            data = (value & ((1 << 8 * count) - 1)).to_bytes(count, "little")
            self.server.say(Server.WRITE_BLOCK, at, 0, data)
        return bar == 0

    def interrupts(self):
        return self.server.read32(self.registers["INTR_STATE"]) & self.server.read32(self.registers["INTR_ENABLE"]) != 0


class Line:
    """The interrupt line of the guest."""

    def __init__(self, listener):
        self.listener, self.stream, self.level = listener, None, False

    def set(self, level, pin):
        if level == self.level:
            return
        if self.stream is None:
            self.stream, _ = self.listener.accept()
        self.stream.sendall(f"set_irq_in {IO_APIC} unnamed-gpio-in {pin} {int(level)}\n".encode())
        answer = b""
        while not answer.endswith(b"\n"):
            answer += read_exactly(self.stream, 1)
        if not answer.startswith(b"OK"):
            raise SystemExit(f"pci_device: QEMU said {answer.decode()}")
        self.level = level


def message(stream):
    """The next of QEMU's messages: command and data. Descriptors that come with it are of no use here."""
    header, descriptors, _, _ = socket.recv_fds(stream, HEADER.size, 8)
    for descriptor in descriptors:
        socket.close(descriptor)
    if not header:
        raise EOFError
    command, size = HEADER.unpack(header + read_exactly(stream, HEADER.size - len(header)))
    return command, read_exactly(stream, size)


def main():
    pci, listener = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    generator = [sys.executable, "-B", ROOT / "firmware_api/regmap/generate.py", "--format", "json"]
    regmap = json.loads(subprocess.run(generator, check=True, capture_output=True, text=True).stdout)
    registers = {register["name"]: register["offset"] for register in regmap["registers"]}
    bases = 0, regmap["memory_base"], regmap["topology_base"]
    server = Server(sys.argv[3], (regmap["major"], regmap["minor"]))
    part, line = Part(server, registers, bases), Line(listener)
    try:
        while True:
            if not select.select([pci], [], [], 0.001)[0]:
                if part.config[0x3C]:
                    line.set(server.ask(Server.WAIT_IRQ, 0, SLICE)[0] != 0, part.config[0x3C])
                continue
            command, data = message(pci)
            answer = changed = 0
            if command == CONFIG_WRITE:
                part.configure(*CONFIG.unpack(data))
            elif command == CONFIG_READ:
                address, _, count = CONFIG.unpack(data)
                answer = part.configuration(address, count)
            elif command == BAR_READ:
                address, _, count, _ = ACCESS.unpack(data)
                answer = part.read(address, count)
            elif command == BAR_WRITE:
                address, value, count, _ = ACCESS.unpack(data)
                changed = part.write(address, value, count)
            if command not in UNANSWERED:
                pci.sendall(HEADER.pack(ANSWER, 8) + struct.pack("<Q", answer))
            if changed:
                line.set(part.interrupts(), part.config[0x3C])
    except (EOFError, ConnectionResetError, BrokenPipeError):
        pass  # the guest is off


if __name__ == "__main__":
    main()
