"""Trainers: machines that learn on a device, or for one.

    from heatbath import trainers

    trainer = trainers.GenerativeTrainer(heatbath.open("func:"), trainers.draw_digits(), updates=100)
    trainer.train(progress=True)
    drawn = trainers.generate(heatbath.open("func:"), trainer.model, shots=20)

Images out of thermal noise (docs/generative.md): GenerativeTrainer, generate, classify, judge. Score networks (docs/score.md):
ScoreTrainer, draw, DigitReader, judge_drawings. Boltzmann machines (docs/boltzmann.md): BoltzmannTrainer, GraphTrainer, draw_spins,
free_energy, gradient_of_machine. Memories (docs/memory.md): hebbian_memory, dense_memory, recall. Equilibrium propagation and the natural
gradient (docs/analog_training.md): EquilibriumTrainer, natural_step, NaturalDescent. A classifier of guide paths
(docs/classifier.md): ClassifierTrainer, infer, fine_tune. Trainings stop after any step and go on, in
this process or from a pickle, to the bits of one that was never stopped.
"""

from __future__ import annotations

import typing

from heatbath import _core
from heatbath._core import (
    BoltzmannTrainer, ClassifierMachine, ClassifierTeacher, ClassifierTrainer, DenseMemory, DigitReader, EquilibriumTrainer, GenerativeModel,
    GenerativeTrainer, GraphTrainer, GraphTraining, Images, MachineTraining, NaturalDescent, Patterns, QuarticNet, Samples, ScoreDrawings,
    ScoreNetwork, ScoreTrainer, SpinMachine, bars_and_stripes, classify, dense_memory, draw,
    draw_digits, draw_spins, exact_gradient, exact_spins, free_energy, generate, gradient_of_machine, hebbian_memory, hebbian_overlap, judge,
    memory_law, overlaps, random_patterns, read_idx, split_images)
from heatbath.estimates import Estimate

if typing.TYPE_CHECKING:
    import collections.abc

    import numpy as np
    import numpy.typing as npt

__all__ = [
    "BoltzmannTrainer", "ClassifierMachine", "ClassifierTeacher", "ClassifierTrainer", "DenseMemory", "DigitReader", "DrawingQuality",
    "EquilibriumTrainer", "FineTuned", "GenerativeModel", "GenerativeTrainer", "GraphTrainer", "GraphTraining", "Images", "Inference",
    "MachineTraining", "NaturalDescent", "NaturalStep", "Patterns", "QuarticNet", "Recall", "Samples", "ScoreDrawings", "ScoreNetwork",
    "ScoreTrainer", "SpinMachine", "bars_and_stripes", "classify", "dense_memory", "draw", "draw_digits", "draw_spins", "exact_gradient",
    "exact_spins", "fine_tune", "free_energy", "generate", "gradient_of_machine", "hebbian_memory", "hebbian_overlap", "infer", "judge", "judge_drawings", "memory_law",
    "natural_step", "overlaps", "random_patterns", "read_idx", "recall", "split_images",
]


class Recall(typing.NamedTuple):
    """What a memory made of patterns of which a part was turned."""

    overlap: Estimate
    """With the pattern that each shot began at."""
    recalled: Estimate
    """Share of the shots whose overlap is 0.9 or more."""
    first: Estimate
    """Overlap that they began with."""


def recall(device: _core.Device, machine: SpinMachine, patterns: Patterns, *, kT: float = 0.1, corrupted: float = 0.1, shots: int = 128,
           sweeps: float = 50.0, settle: float = 1.0, seed: int = 1, progress: typing.Optional[_core.Progress] = None) -> Recall:
    """Shots start at a pattern (in turn), a share `corrupted` of whose spins are turned, and run for `sweeps`.

    machine: of hebbian_memory or dense_memory; its visible cells are held while hidden ones settle for `settle` sweeps.
    """
    return Recall(*_core.recall(device, machine, patterns, kT, corrupted, shots, sweeps, settle, seed, progress))


class DrawingQuality(typing.NamedTuple):
    """What drawings of digits are worth."""

    reader_accuracy: float
    """On held-out digits."""
    asked_fraction: Estimate
    """Read as the class asked for."""
    inverted_fraction: float
    """Nearer to the negative of a digit than to any digit."""
    class_fractions: list[float]
    frechet: Estimate
    """Distance to the learned digits in the reader's hidden units."""
    frechet_held_out: Estimate
    """That of as many held-out digits."""
    within_class_variance: Estimate
    """Over that of the learned digits."""
    nearest_training_distance: Estimate
    """Median distance to the nearest learned digit, pixels in [-1, 1]."""
    nearest_held_out_distance: Estimate


def judge_drawings(drawings: npt.ArrayLike, reader: DigitReader, learned: Images, held_out: Images, *,
                   asked: typing.Optional[npt.ArrayLike] = None, threads: int = 0) -> DrawingQuality:
    """What drawings, (images, pixels) in [-1, 1], are worth, by a reader and by distances. asked: class of each, (images,)."""
    return DrawingQuality(**_core.judge_drawings(drawings, asked, reader, learned, held_out, threads))


class Inference(typing.NamedTuple):
    """What a device made of images."""

    outputs: npt.NDArray[np.float32]
    """Output cells, means over the runs: (images, outputs)."""
    classes: npt.NDArray[np.uint8]
    """Of the largest: (images,)."""
    accuracy: Estimate
    top_two: Estimate
    """By the means over the runs."""
    single: Estimate
    """Accuracy of one run; its error is over images."""
    heat_kT: Estimate
    """Of one run, from the meters; nan where the device has none."""
    heat_joules: float
    device_seconds: float
    """Of one run."""
    steps: int
    """Of the array in one run; 0 where the device hides its step."""


def infer(device: _core.Device, machine: ClassifierMachine, images: Images, *, runs: int = 10, seed: int = 1, first_shot: int = 0,
          progress: typing.Optional[_core.Progress] = None) -> Inference:
    """Runs a classifier on a device of overdamped cells; the means over `runs` of each image decide.

    Image n, run r is shot first_shot + n runs + r. The same bits as `heatbath train classifier`.
    """
    return Inference(**_core.infer(device, machine, images, runs, seed, first_shot, progress))


class FineTuned(typing.NamedTuple):
    """A classifier that was fitted to a chip."""

    machine: ClassifierMachine
    misses: npt.NDArray[np.float64]
    """Root mean square of what cells end off their guides, (updates,)."""


def fine_tune(device: _core.Device, machine: ClassifierMachine, teacher: ClassifierTeacher, images: Images, *, updates: int = 100, batch: int = 200,
              rate: float = 3e-3, drive: float = 100.0, seed: int = 1, first_shot: int = _core.FIRST_TUNING_SHOT,
              after: typing.Optional[collections.abc.Callable[[int, int, float], typing.Optional[bool]]] = None,
              progress: typing.Optional[_core.Progress] = None) -> FineTuned:
    """A machine that reads better on a chip that is not what its parameters say: images run on it, and biases and couplings follow the delta rule.

    drive: of the training. after(done, total, miss) is called after each update; False ends it with what there is. The same bits as
    `heatbath train classifier --fine-tune`.
    """
    return FineTuned(*_core.fine_tune(device, machine, teacher, images, updates, batch, rate, drive, seed, first_shot, after, progress))


class NaturalStep(typing.NamedTuple):
    """Where cells are after they relaxed for a while."""

    x: npt.NDArray[np.float64]
    """(2, cells): means of the readings and their standard errors."""
    covariance: npt.NDArray[np.float64]
    """Of one reading, (cells, cells)."""
    time: float
    """That the cells ran, time units of A."""


def natural_step(device: _core.Device, A: npt.ArrayLike, b: npt.ArrayLike, *, time: float = 5.0, kT: float = 1e-4, shots: int = 64,
                 stiffness: float = 0.02, seed: int = 1, start: typing.Optional[npt.ArrayLike] = None, first_shot: int = 0,
                 progress: typing.Optional[_core.Progress] = None) -> NaturalStep:
    """Cells in V = x'Ax/2 - b'x relax from `start` (None: 0) for `time` and are read: long, x is A^-1 b, short, time b (arXiv:2405.13817).

    A: (cells, cells), symmetric and positive definite; b: (cells,). shots: independent readings; first_shot: their numbers.
    """
    return NaturalStep(*_core.natural_step(device, A, b, time, kT, shots, stiffness, seed, start, first_shot, progress))
