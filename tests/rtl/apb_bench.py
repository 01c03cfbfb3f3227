"""A bench for cocotb: the chip behind its APB port. Random words in registers and memory with random strobes, wrong
addresses, and a program that ends with an interrupt."""

import json
import pathlib
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAP = json.loads((ROOT / "firmware_api/regmap/exports/heatbath.json").read_text())
AT = {r["name"]: r["offset"] for r in MAP["registers"]}
MEMORY, WORDS = MAP["memory_base"], 1024
FINE, ERROR = 0, 1


class Port:
    def __init__(self, dut):
        self.dut = dut

    async def access(self, address, word=None, strobes=15):
        """(PSLVERR, PRDATA) of an access: a write of `word`, or a read."""
        dut = self.dut
        dut.paddr.value, dut.psel.value, dut.penable.value, dut.pwrite.value = address, 1, 0, int(word is not None)
        dut.pwdata.value, dut.pstrb.value = word or 0, strobes if word is not None else 0
        await RisingEdge(dut.pclk)
        dut.penable.value = 1
        while True:
            await ReadOnly()
            answer = (int(dut.pslverr.value), int(dut.prdata.value)) if dut.pready.value == 1 else None
            await RisingEdge(dut.pclk)
            if answer is not None:
                break
        dut.psel.value = dut.penable.value = 0
        return answer

    async def write(self, address, word):
        assert (await self.access(address, word))[0] == FINE, f"write to {address:#x}"

    async def read(self, address):
        error, word = await self.access(address)
        assert error == FINE, f"read of {address:#x}"
        return word


@cocotb.test()
async def registers_memory_and_a_program(dut):
    dice = random.Random(1)
    port = Port(dut)
    for signal in (dut.psel, dut.penable, dut.pwrite, dut.paddr, dut.pwdata, dut.pstrb, dut.presetn):
        signal.value = 0
    Clock(dut.pclk, 10, "ns").start()
    for _ in range(4):
        await RisingEdge(dut.pclk)
    dut.presetn.value = 1

    assert await port.read(AT["ID"]) == 0x48544248
    assert await port.read(AT["CAPS_CELLS"]) == 16
    words = {AT["SCRATCH"]: 0}
    for address in dice.sample(range(MEMORY, MEMORY + 4 * WORDS, 4), 20):
        words[address] = dice.getrandbits(32)
        await port.write(address, words[address])
    for _ in range(300):
        address, word, strobes = dice.choice(list(words)), dice.getrandbits(32), dice.randrange(16)
        if dice.random() < 0.5:
            assert await port.read(address) == words[address], f"{address:#x}"
        else:
            assert (await port.access(address, word, strobes))[0] == FINE
            lanes = sum(0xFF << 8 * byte for byte in range(4) if strobes >> byte & 1)
            words[address] = words[address] & ~lanes | word & lanes
    for address in (0x3FC, 0x2000, MEMORY + 4 * WORDS, MEMORY + 2, 0xFFFFFFFC):
        assert (await port.access(address))[0] == ERROR, f"read of {address:#x}"
    assert (await port.access(AT["ID"], 1))[0] == ERROR

    # HALT is 64 bytes of 0.
    for address in range(MEMORY, MEMORY + 64, 4):
        await port.write(address, 0)
    for name, word in (("PROGRAM_ADDR_LO", 0), ("PROGRAM_COUNT", 1), ("SHOTS", 1), ("INTR_ENABLE", 1)):
        await port.write(AT[name], word)
    assert dut.irq.value == 0
    await port.write(AT["COMMAND"], 1 << 16 | 1)
    for _ in range(100000):
        await RisingEdge(dut.pclk)
        if dut.irq.value == 1:
            break
    assert dut.irq.value == 1, "no interrupt"
    assert await port.read(AT["INTR_STATE"]) == 1
    await port.write(AT["INTR_ACK"], 1 << 16 | 1)
    await port.read(AT["INTR_STATE"])
    assert dut.irq.value == 0

    # An evolution by 2^48 ticks is longer than the time of this part.
    for word, value in enumerate([4, 0, 0, 0, 0, 0, 0, 0, 0, 1 << 16] + [0] * 22):
        await port.write(MEMORY + 4 * word, value)
    await port.write(AT["PROGRAM_COUNT"], 2)
    await port.write(AT["COMMAND"], 2 << 16 | 1)
    bad_program, field_of_ticks = 7, 9
    assert await port.read(AT["COMMAND_ACK"]) == 2 << 16 | bad_program
    assert [await port.read(AT[f"FAULT_{name}"]) for name in ("CODE", "PC", "FIELD")] == [bad_program, 0, field_of_ticks]
    await port.write(MEMORY + 36, 1 << 15)  # and half of it is not
    await port.write(AT["COMMAND"], 3 << 16 | 1)
    assert await port.read(AT["COMMAND_ACK"]) == 3 << 16
    assert await port.read(AT["STATUS"]) == 1
