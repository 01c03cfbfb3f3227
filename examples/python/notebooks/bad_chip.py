# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # A bad chip and its calibration
# A chip does not apply the values that it is given: each cell and each coupler has a gain and an offset of its own, the noise a
# temperature, the converters a step. `hb-1024` is such a chip, and which one it is, is its number.

# %%
import os
import typing

import numpy as np

import heatbath
from heatbath import calibration, solvers

QUICK = "HEATBATH_QUICK" in os.environ
CELLS = 8
URI = f"func:profile=hb-1024&chip=7&cells={CELLS}"
KT = 0.3

# %% [markdown]
# A ring of springs: the covariance of its cells is kT A⁻¹, and their means are 0.

# %%
A = 1.5 * np.eye(CELLS) + 0.2 * (np.eye(CELLS, k=1) + np.eye(CELLS, k=-1))
A[0, -1] = A[-1, 0] = 0.2
exact = KT * np.linalg.inv(A)
springs = heatbath.Network.quadratic_form(A, np.zeros(CELLS))


def measure(chip: typing.Optional[heatbath.Calibration] = None) -> tuple[solvers.Sampling, float]:
    """Samples of the ring on the chip, and by how much their covariance is off."""
    with heatbath.open(URI, calibration=chip) as device:
        found = solvers.sample(device, springs, kT=KT, chains=16, records=2500 if QUICK else 10_000)
    states = found.samples.states
    off = float(np.linalg.norm(np.cov(states.T) - exact) / np.linalg.norm(exact))
    print(f"covariance off by {off:.1%}, largest mean {np.abs(states.mean(axis=0)).max():.3f}")
    return found, off


raw, raw_off = measure()

# %% [markdown]
# The samples tell that something is wrong without knowing the chip: their energy has another temperature than the one asked for.

# %%
print(raw.certificate)

# %% [markdown]
# Calibration measures the chip from what it shows: noisy states, and the codes that were sent.

# %%
with heatbath.open(URI) as device:
    chip = calibration.calibrate(device, cells=CELLS, effort=0.6 if QUICK else 2.0)
    print(calibration.standing(chip, device))
for name, (gain, error) in (("J2", chip.j2_gain), ("bias", chip.bias_gain), ("temperature", chip.temperature), ("couplers", chip.coupler_gain)):
    print(f"{name:12} {gain.min():.3f} to {gain.max():.3f}, each +- {error.mean():.3f}")

# %% [markdown]
# A device that is corrected by it loads values that undo what the chip does, whatever runs on it:

# %%
corrected, corrected_off = measure(chip)
print(corrected.certificate)
assert corrected_off < 0.6 * raw_off

# %% [markdown]
# It is of one chip, and for a time. `chip.keep()` puts it where `heatbath calibrate` keeps it, and `Calibration.kept(device)` finds it
# there; a device that is another one is refused by name.

# %%
with heatbath.open(URI.replace("chip=7", "chip=8")) as other:
    try:
        other.correct(chip)
    except heatbath.Error as error:
        print(error)

# %%
try:
    from heatbath import plot
    plot.calibration(chip).figure.savefig("bad_chip.png", dpi=120)
except ImportError:
    print("matplotlib is not installed: no picture")
