"""fmu_judge_test.py HEATBATH: what FMPy says of the units that the command writes.

Each must pass its validation, which has the schema of FMI 3.0, and simulated by it give the states of `heatbath run`, bit
for bit: cells of every kind, arrays and scalars, seconds and time units.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import judge_environment

judge_environment.enter(fmpy="FMPy", numpy="numpy")

import fmpy
import fmpy.validation
import numpy

HEATBATH = sys.argv.pop(1)
CELLS, SEED, PERIOD, DURATION = 6, 7, 0.5, 5.0
MICROSECOND = 1e-6  # the time unit of the profile `ideal`
KINDS = {"overdamped": "dt = 0.01\nj2 = -1.0", "underdamped": "dt = 0.01\nmass = 2.0\ndamping = 0.5",
         "rlc": "dt = 0.01\nmass = 2.0", "phase": "dt = 0.01\nfrequency = 3.0", "pbit": ""}


def command(*words):
    done = subprocess.run([HEATBATH, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}: {done.stderr}")


class Unit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.work = pathlib.Path(cls.folder.name)
        for kind, keys in KINDS.items():
            duration, period = (10 * DURATION, 10 * PERIOD) if kind == "pbit" else (DURATION, PERIOD)
            program = cls.work / f"{kind}.toml"
            program.write_text(f"[network]\ncells = {CELLS}\n{keys}\nkT = 0.5\nbias = 0.2\ncouplings = {{ chain = -0.3 }}\n"
                               f"[[schedule]]\nop = \"capture\"\nperiod = {period}\n"
                               f"[[schedule]]\nop = \"evolve\"\nduration = {duration}\n"
                               f"[[schedule]]\nop = \"capture_stop\"\n"
                               f"[samples]\ncells = {CELLS if kind in ('overdamped', 'pbit') else 2 * CELLS}\n")
            command("run", program, "--device", f"func:cell={kind}", "--seed", SEED, "--out", cls.work / f"{kind}.npz")
        cls.units = {}
        for kind, scalar, unit in [*((kind, False, MICROSECOND) for kind in KINDS), ("overdamped", True, 1.0),
                                   ("underdamped", True, MICROSECOND), ("pbit", False, 1.0)]:
            name = f"{kind}{'_scalar' if scalar else ''}{'_units' if unit == 1 else ''}"
            command("fmu", "--cell", kind, "--program", cls.work / f"{kind}.toml", *(["--scalar"] if scalar else []),
                    *(["--time-unit-seconds", "1"] if unit == 1 else []), "--out", cls.work / f"{name}.fmu")
            cls.units[name] = (kind, scalar, unit)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_validation_finds_nothing(self):
        for name in self.units:
            with self.subTest(name):
                self.assertEqual(fmpy.validation.validate_fmu(self.work / f"{name}.fmu"), [])

    def test_validation_finds_a_mistake(self):
        broken = self.work / "broken.fmu"
        with zipfile.ZipFile(self.work / "overdamped.fmu") as good, zipfile.ZipFile(broken, "w") as bad:
            for member in good.infolist():
                text = good.read(member)
                if member.filename == "modelDescription.xml":
                    text = re.sub(rb"<Output valueReference=\"20\" ?/>", b"", text)
                bad.writestr(member, text)
        self.assertNotEqual(fmpy.validation.validate_fmu(broken), [])

    def test_states_are_those_of_the_command(self):
        for name, (kind, scalar, unit) in self.units.items():
            with self.subTest(name):
                expected = numpy.load(self.work / f"{kind}.npz")["states"][0]
                records = expected.shape[0]
                period = (10 * PERIOD if kind == "pbit" else PERIOD) * unit
                got = fmpy.simulate_fmu(self.work / f"{name}.fmu", start_values={"seed": SEED}, output_interval=period,
                                        stop_time=period * (records - 1), step_size=period)
                self.assertEqual(len(got), records)
                columns = [f"{array}[{i + 1}]" if scalar else array
                           for array in ("x", "second")[:expected.shape[1] // CELLS]
                           for i in range(CELLS if scalar else 1)]
                states = numpy.column_stack([got[column] for column in columns]).astype(numpy.float32)
                numpy.testing.assert_array_equal(states.view(numpy.uint32), expected.view(numpy.uint32))

    def test_a_run_without_arguments_is_ten_time_units(self):
        for name in ("overdamped", "overdamped_scalar_units", "pbit_units"):
            with self.subTest(name):
                kind, _, unit = self.units[name]
                got = fmpy.simulate_fmu(self.work / f"{name}.fmu")
                self.assertAlmostEqual(got["time"][-1] / unit, 100 if kind == "pbit" else 10, places=6)
                self.assertLessEqual(len(got), 1001)


if __name__ == "__main__":
    unittest.main()
