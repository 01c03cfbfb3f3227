"""heatbath_board under Icarus: a job over Wishbone, with the states of the law of p-bits in integers as it is computed
here, from Philox on. Skipped by name without Icarus."""

import decimal
import pathlib
import random
import shutil
import struct
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEMORY = 0x10000000
PROGRAM, OPERANDS, RING = 0x0000, 0x1000, 0x2000
CELLS = 64
SWEEPS = 12


def philox(counter, key):
    """Philox4x32-10, from its paper (Salmon et al., SC'11)."""
    x, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = x[0] * 0xD2511F53, x[2] * 0xCD9E8D57
        x = [(p1 >> 32) ^ x[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ x[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return x


def thresholds():
    decimal.getcontext().prec = 40
    return [round(decimal.Decimal(2**31) / (1 + (decimal.Decimal(i) / 16).exp())) for i in range(512)] + [0]


def sweep(spins, couplings, biases, kT, seed, shot, step, table):
    """One sweep, gain 1: biases in 1/16, couplings in 1/64, kT in 1/4096."""
    for cell in range(CELLS):
        word = philox([16 * (cell // 64) + cell % 16, step, shot, 3 << 24], [seed, 0])[cell // 16 % 4]
        total = sum(couplings[cell][k] * spins[k] for k in range(CELLS) if k != cell)
        field = 4096 * (total * 4096 + biases[cell] * 4 * 4096)   # in 2^-24 of a coupling's step
        x = min(2**17 - 1, (abs(field) >> 5) // kT)
        p = table[x >> 8] - ((table[x >> 8] - table[(x >> 8) + 1]) * (x & 255) >> 8)
        likely = -1 if field > 0 else 1
        spins[cell] = -likely if word >> 1 < p else likely


def instruction(op, section=0, flags=0, imm=0, addr=0, ticks=0):
    return struct.pack("<HHIIIIIQQ24x", op, section, flags, 0, 0, imm, 0, addr, ticks)


@unittest.skipIf(shutil.which("iverilog") is None, "iverilog is not installed")
class Board(unittest.TestCase):
    def test_a_job_over_wishbone_has_the_states_of_the_law(self):
        rng = random.Random(1)
        biases = [rng.randrange(-20, 21) for _ in range(CELLS)]
        couplings = [[0] * CELLS for _ in range(CELLS)]
        triangle = []
        for i in range(CELLS):
            for j in range(i + 1, CELLS):
                couplings[i][j] = couplings[j][i] = rng.randrange(-30, 31)
                triangle.append(couplings[i][j])
        program = b"".join([instruction(1, 2, addr=OPERANDS), instruction(1, 3, addr=OPERANDS + 64),
                            instruction(1, 5, flags=1, imm=struct.unpack("<I", struct.pack("<f", 1.5))[0]),
                            instruction(2), instruction(9, ticks=4096), instruction(4, ticks=SWEEPS * 4096), instruction(0)])
        operands = struct.pack("64b", *biases) + struct.pack(f"{len(triangle)}b", *triangle)
        lines = ["r 0 0 0", "w 20 12345678 f", "w 20 aabbccdd 5", "r 20 0 0", "r 3fc 0 0"]
        for at, data in ((PROGRAM, program), (OPERANDS, operands)):
            for word in range(0, len(data), 4):
                value = int.from_bytes(data[word:word + 4], "little")
                lines.append(f"w {MEMORY + at + word:x} {value:x} f")
        for offset, value in ((0x140, PROGRAM), (0x148, 7), (0x240, RING), (0x248, SWEEPS), (0x150, 1), (0x154, 77),
                              (0x15C, 9), (0x204, 5), (0x100, 0x00010001)):
            lines.append(f"w {offset:x} {value:x} f")
        lines += ["i 0 0 0", "r 108 0 0", "r 25c 0 0", "r 110 0 0"]
        lines += [f"r {MEMORY + RING + 320 * record + 32 + 4 * cell:x} 0 0" for record in range(SWEEPS) for cell in range(CELLS)]
        with tempfile.TemporaryDirectory() as folder:
            sources = [str(path) for path in sorted((ROOT / "hw_model/rtl").glob("*.v"))]
            subprocess.run(["iverilog", "-g2005", "-o", "board", "-s", "board_tb", str(ROOT / "tests/rtl/board_tb.v"),
                            *sources], cwd=folder, check=True)
            (pathlib.Path(folder) / "accesses.txt").write_text("\n".join(lines) + "\n")
            result = subprocess.run(["vvp", "board"], cwd=folder, capture_output=True, text=True, check=True)
        said = [line.split() for line in result.stdout.splitlines() if line[:2] in ("r ", "i ", "e ")]
        self.assertEqual(said[0][2], "48544248")
        self.assertEqual(said[1][2], "12bb56dd")
        self.assertEqual(said[2][2], "bad0bad0")   # no register
        self.assertEqual(said[3][:2], ["i", "1"])
        clocks = int(said[3][2])
        self.assertEqual(int(said[4][2], 16), 4)   # DONE
        self.assertEqual(int(said[5][2], 16), SWEEPS)   # records
        # Device time follows the clock: sweeps of 4096 ticks from the next one on, in as many clocks.
        self.assertLess(abs(clocks - SWEEPS * 4096), 2 * 4096 + 3000)
        self.assertGreater(int(said[6][2], 16), SWEEPS * 4096)
        spins, table = [1] * CELLS, thresholds()
        found = [1 if value[2] == "3f800000" else -1 if value[2] == "bf800000" else 0 for value in said[7:]]
        for record in range(SWEEPS):
            sweep(spins, couplings, biases, int(1.5 * 4096), 77, 9, record, table)
            self.assertEqual(found[64 * record:64 * record + 64], spins, f"record {record}")
        self.assertEqual(len(set(found)), 2)


if __name__ == "__main__":
    unittest.main()
