"""A bench for cocotb: random AXI4-Lite traffic against heatbath_regs, judged by a model made from the register map's JSON.

Address, data and answers come in any order and after any pause; strobes, sequence numbers and wrong addresses are random.
At the end every register has been read and written, and every kind of answer has come up."""

import collections
import json
import os
import pathlib
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAP = json.loads((ROOT / "firmware_api/regmap/exports/heatbath.json").read_text())
ACCESSES = int(os.environ.get("HEATBATH_AXI_ACCESSES", "3000"))
OKAY, SLVERR = 0, 2


def declared(register):
    fields = register["fields"]
    return sum((2 << f["high"] - f["low"]) - 1 << f["low"] for f in fields) if fields else 0xFFFFFFFF


class Model:
    """What the map promises of reads and writes."""

    def __init__(self, shown, reset):
        self.registers = {r["offset"]: r for r in MAP["registers"]}
        self.shown = shown  # of read-only registers that the hardware shows
        self.stored, self.sequence = {}, {}
        for offset, r in self.registers.items():
            if r["access"] == "ro":
                continue
            self.stored[offset] = reset[r["name"]] & declared(r) if r["reset"] == "profile" else r["reset"]
            if r["access"] == "cmd":
                self.sequence[offset] = self.number(r, self.stored[offset])

    @staticmethod
    def number(register, word):
        field = next(f for f in register["fields"] if f["name"] == "SEQ")
        return word >> field["low"] & (2 << field["high"] - field["low"]) - 1

    def read(self, address):
        r = self.registers.get(address)
        if r is None:
            return SLVERR, 0
        if r["access"] != "ro":
            return OKAY, self.stored[address]
        return OKAY, r["reset"] if isinstance(r["reset"], int) else self.shown[r["name"]] & declared(r)

    def write(self, address, word, strobes):
        r = self.registers.get(address)
        if r is None or r["access"] == "ro" or (r["access"] == "cmd" and strobes not in (0, 15)):
            return SLVERR
        if strobes == 0:
            return OKAY
        if r["access"] == "cmd":
            if self.number(r, word) == self.sequence[address]:
                return OKAY
            self.sequence[address] = self.number(r, word)
        lanes = sum(0xFF << 8 * byte for byte in range(4) if strobes >> byte & 1)
        self.stored[address] = (self.stored[address] & ~lanes | word & lanes) & r["write_mask"]
        return OKAY


async def pause(dut, dice):
    while dice.random() < 0.3:
        await RisingEdge(dut.aclk)


async def send(dut, dice, valid, ready, **signals):
    """A transfer of one channel, after a pause."""
    await pause(dut, dice)
    for name, value in signals.items():
        getattr(dut, name).value = value
    valid.value = 1
    while True:
        await ReadOnly()
        taken = ready.value == 1
        await RisingEdge(dut.aclk)
        if taken:
            break
    valid.value = 0


async def receive(dut, dice, valid, ready, names):
    """The answer of one channel, taken after a pause."""
    await pause(dut, dice)
    ready.value = 1
    while True:
        await ReadOnly()
        answer = [int(getattr(dut, name).value) for name in names] if valid.value == 1 else None
        await RisingEdge(dut.aclk)
        if answer is not None:
            break
    ready.value = 0
    return answer


@cocotb.test()
async def random_traffic(dut):
    dice = random.Random(1)
    shown, reset = {}, {}
    for r in MAP["registers"]:
        if r["access"] == "ro" and not isinstance(r["reset"], int):
            shown[r["name"]] = dice.getrandbits(32)
            getattr(dut, f"hw_{r['name']}").value = shown[r["name"]]
        elif r["access"] != "ro" and r["reset"] == "profile":
            reset[r["name"]] = dice.getrandbits(32)
            getattr(dut, f"hw_reset_{r['name']}").value = reset[r["name"]]
    for name in ("soft_reset", "hw_busy", "hw_load", "hw_load_offset", "hw_load_data", "s_axi_awprot", "s_axi_arprot",
                 "s_axi_awvalid", "s_axi_wvalid", "s_axi_bready", "s_axi_arvalid", "s_axi_rready"):
        getattr(dut, name).value = 0
    dut.aresetn.value = 0
    Clock(dut.aclk, 10, "ns").start()
    for _ in range(4):
        await RisingEdge(dut.aclk)
    dut.aresetn.value = 1

    model = Model(shown, reset)
    offsets = list(model.registers)
    covered = collections.Counter()
    for _ in range(ACCESSES):
        address = dice.choice(offsets)
        if dice.random() < 0.1:
            address = dice.choice((address + dice.randrange(1, 4), dice.randrange(0, 0x1000, 4), dice.getrandbits(32) & ~3))
        if dice.random() < 0.5:
            await send(dut, dice, dut.s_axi_arvalid, dut.s_axi_arready, s_axi_araddr=address)
            answer, word = await receive(dut, dice, dut.s_axi_rvalid, dut.s_axi_rready, ("s_axi_rresp", "s_axi_rdata"))
            assert (answer, word) == model.read(address), f"read of {address:#x}: {answer} {word:#x}, not {model.read(address)}"
            covered["read", address if address in model.registers else None, answer] += 1
        else:
            word, strobes = dice.getrandbits(32), dice.choice((15, 15, 15, dice.randrange(16)))
            if address in model.sequence and dice.random() < 0.3:
                word = model.stored[address]  # a repeat
            channels = [cocotb.start_soon(send(dut, dice, dut.s_axi_awvalid, dut.s_axi_awready, s_axi_awaddr=address)),
                        cocotb.start_soon(send(dut, dice, dut.s_axi_wvalid, dut.s_axi_wready, s_axi_wdata=word,
                                               s_axi_wstrb=strobes))]
            answer, = await receive(dut, dice, dut.s_axi_bvalid, dut.s_axi_bready, ("s_axi_bresp",))
            for channel in channels:
                await channel
            expected = model.write(address, word, strobes)
            assert answer == expected, f"write of {word:#x} to {address:#x}, strobes {strobes}: {answer}, not {expected}"
            covered["write", address if address in model.registers else None, answer] += 1

    for offset, r in model.registers.items():
        assert covered["read", offset, OKAY], f"{r['name']} was not read"
        assert covered["write", offset, SLVERR if r["access"] == "ro" else OKAY], f"{r['name']} was not written"
        stored = getattr(dut, f"q_{r['name']}", None) if r["access"] != "ro" else None
        assert stored is None or int(stored.value) == model.stored[offset], f"q_{r['name']}"
    assert covered["read", None, SLVERR] and covered["write", None, SLVERR]
    dut._log.info("%d accesses, %d of %d registers", ACCESSES, len(offsets), len(offsets))
