"""result_judge_test.py HEATBATH: what h5py and pyvcd read of the files of a run."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import judge_environment

judge_environment.enter(h5py="h5py", numpy="numpy", vcd="pyvcd")

import h5py
import numpy
import vcd.reader

HEATBATH = sys.argv.pop(1)
PROGRAM = """[network]
cells = 3
couplings = { chain = -0.3 }
[[schedule]]
op = "capture"
period = 0.5
[[schedule]]
op = "evolve"
duration = 2.0
[samples]
shots = 2
"""


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        work = pathlib.Path(folder.name)
        (work / "run.toml").write_text(PROGRAM)
        for name in ("run.h5", "run.npz"):
            subprocess.run([HEATBATH, "run", work / "run.toml", "--seed", "7", "--quiet", "--out", work / name, "--vcd",
                            work / "run.vcd", "--signals", "cells=0..2,shot=1"], check=True, capture_output=True)
        cls.file = h5py.File(work / "run.h5")
        cls.addClassCleanup(cls.file.close)
        cls.npz = numpy.load(work / "run.npz")
        cls.addClassCleanup(cls.npz.close)
        cls.vcd = work / "run.vcd"

    def test_dimensions_have_scales(self):
        states = self.file["states"]
        self.assertEqual([[scale.name for scale in dimension.values()] for dimension in states.dims],
                         [["/shot"], ["/time"], ["/variable"]])
        for dimension, side in zip(states.dims, states.shape):
            self.assertTrue(dimension[0].is_scale)
            self.assertEqual(dimension[0].shape, (side,))
        numpy.testing.assert_array_equal(states, self.npz["states"])
        numpy.testing.assert_array_equal(states.dims[1][0], self.npz["time"])

    def test_provenance_is_text(self):
        for provenance in (self.file.attrs["provenance"], str(self.npz["provenance"])):
            self.assertEqual(json.loads(provenance)["device"]["cell"]["kind"], "overdamped")

    def test_waveforms_are_the_states(self):
        with open(self.vcd, "rb") as file:
            tokens = list(vcd.reader.tokenize(file))
        kinds = [token.kind for token in tokens]
        names = {token.var.id_code: token.var.reference for token in tokens if token.kind is vcd.reader.TokenKind.VAR}
        first = kinds.index(vcd.reader.TokenKind.DUMPVARS)
        self.assertIs(kinds[first - 1], vcd.reader.TokenKind.CHANGE_TIME)
        time, changes = None, {}
        for token in tokens:
            if token.kind is vcd.reader.TokenKind.CHANGE_TIME:
                time = token.time_change
            elif token.kind is vcd.reader.TokenKind.CHANGE_REAL:
                changes[time, names[token.real_change.id_code]] = token.real_change.value
        ticks = [int(tick) for tick in self.npz["ticks"]]  # of 1 ps
        self.assertEqual({(tick, f"x_{cell}"): self.npz["states"][1, record, cell]
                          for record, tick in enumerate(ticks) for cell in range(3)},
                         {key: numpy.float32(value) for key, value in changes.items()})


if __name__ == "__main__":
    unittest.main()
