"""Trainers: couplings with which a device turns thermal noise into images (docs/generative.md).

    from heatbath import trainers

    trainer = trainers.GenerativeTrainer(heatbath.open("func:"), trainers.draw_digits(), updates=100)
    trainer.train(progress=True)
    drawn = trainers.generate(heatbath.open("func:"), trainer.model, shots=20)
"""

from heatbath._core import (
    GenerativeModel, GenerativeTrainer, Images, Samples, classify, draw_digits, generate, judge, read_idx)

__all__ = [
    "GenerativeModel", "GenerativeTrainer", "Images", "Samples", "classify", "draw_digits", "generate", "judge", "read_idx",
]
