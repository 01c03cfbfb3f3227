"""What programs that nobody here wrote say of the Verilog: verilator's lint, Icarus and Yosys, each with its version. A
judge that is not installed is skipped by name."""

import pathlib
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
RTL = sorted(str(path) for path in (ROOT / "hw_model/rtl").glob("*.v"))
TOP = "heatbath_chip"


def said(command):
    """Standard output and error of a command, which must succeed."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
    return (result.stdout + result.stderr).strip()


class Judges(unittest.TestCase):
    def judge(self, name, version_option):
        if shutil.which(name) is None:
            self.skipTest(f"{name} is not installed")
        print(said([name, version_option]).splitlines()[0])

    def test_verilator_finds_nothing(self):
        self.judge("verilator", "--version")
        for top, parameters in ((TOP, ("-GSLICED=0",)), (TOP, ("-GSLICED=1", "-GTICK_BITS=40")), ("heatbath_apb", ())):
            command = ["verilator", "--lint-only", "-Wall", "--top-module", top, *parameters, *RTL]
            self.assertEqual(said(command), "")

    def test_icarus_finds_nothing(self):
        self.judge("iverilog", "-V")
        for standard in ("-g2005", "-g2012"):
            self.assertEqual(said(["iverilog", standard, "-Wall", "-Wno-timescale", "-t", "null", "-s", TOP, *RTL]), "")

    def test_yosys_finds_neither_latches_nor_problems(self):
        self.judge("yosys", "-V")
        log = said(["yosys", "-p", f"read_verilog {' '.join(RTL)}; hierarchy -check -top {TOP} -chparam MEMORY_BYTES 4096; "
                                   "proc; opt_clean; check -assert; select -assert-none t:$dlatch t:$_DLATCH_*"])
        self.assertIn("Found and reported 0 problems.", log)


class Sigmoid(unittest.TestCase):
    def test_tables_are_those_of_the_script(self):
        self.assertEqual(said(["python3", "-B", str(ROOT / "hw_model/rtl/sigmoid.py"), "--check"]), "")


if __name__ == "__main__":
    unittest.main()
