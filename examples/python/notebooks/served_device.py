# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # The same script on a served device
# `heatbath serve` puts a device into another process, here or on another computer. A program does not notice: the same
# seed gives the same bits.

# %%
import os
import shutil
import subprocess
import tempfile

import numpy as np
import numpy.typing as npt

import heatbath


def sample(uri: str) -> npt.NDArray[np.float32]:
    with heatbath.open(uri) as device:
        program = heatbath.Program(device, 8).load("j2", 1.0).load("kT", 0.5).commit().evolve(device.ticks(2)).sample()
        return device.run(program, 100, seed=3).states


here = sample("func:cells=8&lanes=16")
here.var()

# %%
command = os.environ.get("HEATBATH_COMMAND") or shutil.which("heatbath")
if command is None:
    print("the command heatbath is not in PATH: no server, no comparison")
else:
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen([command, "serve", "--device", "func:cells=8&lanes=16", "--listen", f"unix:{folder}/chip"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert server.stdout is not None
            with server.stdout:
                uri = server.stdout.readline().strip()
            there = sample(uri)
        finally:
            server.terminate()
            server.wait()
    print(uri, "gives the same bits:", np.array_equal(here, there))
    assert np.array_equal(here, there)
