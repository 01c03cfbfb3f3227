# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # Train the generator, and look
# A chip of 784 visible cells and some hidden ones learns to turn thermal noise into digits (arXiv:2506.15121): the exact
# optimum of noising trajectories, with label cells, so that a digit can be asked for. HEATBATH_QUICK=1 makes it small.

# %%
import os

import numpy as np

import heatbath
from heatbath import trainers

quick = bool(os.environ.get("HEATBATH_QUICK"))
device = heatbath.open("func:lanes=32")
digits = trainers.draw_digits()
trainer = trainers.GenerativeTrainer(
    device, digits, hidden=16 if quick else 128, updates=12 if quick else 60, optimizer="least-squares", drive="projection",
    segments=2 if quick else 8, ramp_end=0.35, labels=True, tf=1.0 if quick else 2.5)
actions: list[float] = []


def after(done: int, total: int, action: tuple[float, float]) -> None:
    actions.append(action[0] - action[1])


trainer.train(after)
model = trainer.model
print(model, f"action above its floor {np.mean(actions):.2f}")

# %%
drawn = trainers.generate(device, model, 12 if quick else 25)
found = trainers.classify(drawn, model)
print(f"{found['asked_fraction']:.0%} of the digits asked for, {found['inverted_fraction']:.0%} negatives, "
      f"heat {drawn.heat.mean() / drawn.kT:.0f} kT per drawing")
assert quick or found["asked_fraction"] > 0.8

# %%
try:
    from matplotlib import pyplot
except ImportError:
    print("no pictures without matplotlib")
else:
    figure, axes = pyplot.subplots(2, 6, figsize=(9, 3), layout="constrained")
    for axis, image, digit in zip(axes.flat, drawn.images, drawn.asked):
        axis.imshow(image.reshape(28, 28), cmap="gray")
        axis.set(xticks=[], yticks=[], title=str(digit))
