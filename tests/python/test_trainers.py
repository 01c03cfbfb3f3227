"""The trainers and studies: the command's bits, their own refusals, Ctrl-C."""
import json
import pickle

import numpy as np
import pytest

import heatbath
from heatbath import errors, judges, studies, trainers
from command import run_command
from interrupt import interrupted

SMALL = {"hidden": 16, "updates": 6, "tf": 0.5}


def test_images_are_arrays():
    images = trainers.draw_digits(1, 2)
    assert len(images) == 20 and images.pixels.shape == (20, 28, 28) and list(images.labels[:10]) == list(range(10))
    again = trainers.Images(images.pixels, images.labels)
    assert np.array_equal(again.pixels, images.pixels)
    for pixels, labels, error in ((images.pixels.astype(float), images.labels, TypeError), (images.pixels[0], images.labels, ValueError),
                                  (images.pixels, images.labels[:3], ValueError), (images.pixels, images.labels + 3, ValueError)):
        with pytest.raises(error):
            trainers.Images(pixels, labels)
    with pytest.raises(errors.IoError, match="/nowhere"):
        trainers.read_idx("/nowhere")


@pytest.mark.parametrize("optimizer", ["gradient", "online", "least-squares"])
def test_a_training_goes_on_and_pickles(optimizer):
    with heatbath.open("func:cells=900&lanes=8&threads=1") as device:
        images = trainers.draw_digits()
        whole = trainers.GenerativeTrainer(device, images, optimizer=optimizer, **SMALL)
        told = []
        whole.train(lambda done, total, action: told.append((done, total, action)))
        assert [row[:2] for row in told][:6] == [(k + 1, 6) for k in range(6)]
        assert np.array_equal(whole.actions, [row[2] for row in told[:6]])
        model = whole.model
        assert model.couplings.shape == (1, 800, 800) and np.array_equal(model.couplings[0], model.couplings[0].T)
        assert model.couplings.any() and not model.couplings[0, :784, :784].any()
        parts = trainers.GenerativeTrainer(device, images, optimizer=optimizer, threads=2, **SMALL)
        parts.train(lambda done, total, action: done < 2)
        assert len(parts.actions) == 2
        parts.train()
        assert np.array_equal(parts.model.couplings, model.couplings) and np.array_equal(parts.model.bias, model.bias)
        copied = pickle.loads(pickle.dumps(model))
        assert np.array_equal(copied.couplings, model.couplings) and copied.optimizer == optimizer and copied.kT == model.kT
        if optimizer == "gradient":
            third = trainers.GenerativeTrainer(device, images, optimizer=optimizer, **SMALL)
            third.train(lambda done, total, action: done < 3)
            fourth = trainers.GenerativeTrainer(device, images, optimizer=optimizer, **SMALL)
            fourth.resume(pickle.loads(pickle.dumps(third.model)), third.actions)
            fourth.train()
            assert np.array_equal(fourth.model.couplings, model.couplings)
        drawn = trainers.generate(device, copied, 6, seed=2)
        assert drawn.images.shape == (6, 784) and len(drawn) == 6 and drawn.heat.shape == (6,)
        assert drawn.trajectories.shape == (3, 8, 784)
        assert np.array_equal(drawn.images[:4], trainers.generate(device, model, 4, seed=2).images)
        found = trainers.classify(drawn, model)
        assert found["prototype"].shape == (6,) and found["fractions"].sum() == pytest.approx(1)
        assert whole.held_out(3).shape == (3, 2)


def test_samples_are_judged():
    with heatbath.open("func:cells=900&lanes=8&threads=1") as device:
        trainer = trainers.GenerativeTrainer(device, trainers.draw_digits(), optimizer="least-squares", **SMALL)
        trainer.train()
        quality = trainers.judge(trainers.generate(device, trainer.model, 8), trainer.model, trainers.draw_digits(1, 30))
    assert 0.5 < quality["classifier_accuracy"] <= 1 and 0 <= quality["recognised"] <= 1


def test_wrong_options_are_refused_before_anything():
    images = trainers.draw_digits()
    with heatbath.open("func:cells=900&lanes=8&threads=1") as device:
        for options, match in (({"optimizer": "adam"}, "gradient or online"), ({"digits": [11]}, "11"), ({"hidden": 500}, "900"),
                               ({"segments": 2}, "least"), ({"ramp_end": 2}, "ramp")):
            with pytest.raises(heatbath.Error, match=match):
                trainers.GenerativeTrainer(device, images, **options)
        trainer = trainers.GenerativeTrainer(device, images, **SMALL)
    with pytest.raises(errors.BadArgError, match="closed"):
        trainer.train()


@pytest.mark.parametrize("what", ["train", "generate", "bound", "validate"])
def test_ctrl_c_ends_long_calls(what):
    images = trainers.draw_digits()
    with heatbath.open("func:cells=1296&lanes=32&threads=1") as device:
        trainer = trainers.GenerativeTrainer(device, images, updates=100000)
        untrained = trainers.GenerativeTrainer(device, images, updates=1, hidden=16)
        untrained.train()
        call = {"train": trainer.train, "generate": lambda: trainers.generate(device, untrained.model, 100000),
                "bound": lambda: studies.score_bound(device, studies.DataLaw.gaussian(1.0), samples=1 << 19),
                "validate": lambda: judges.validate(["landauer"], threads=1)}[what]
        took = interrupted(call, 0.4)
        print(f"{what}: {took * 1e3:.0f} ms")
        assert took < 30  # of calls that would take hours
        if what == "train":
            made = len(trainer.actions)
            trainer.train(lambda done, total, action: False)
            assert len(trainer.actions) == made + 1  # whole, and it goes on
        assert device.now() > 0


def test_the_bound_of_a_gaussian_is_its_entropy():
    with heatbath.open("func:cells=64&lanes=64&threads=1") as device:
        result = studies.score_bound(device, studies.DataLaw.gaussian(1.5), samples=8192, levels=16, generate=False)
    exact = 0.5 * np.log(2 * np.pi * np.e * 1.5**2)
    assert abs(result.nll.z(exact)) < 4 and result.gap.value > -4 * result.gap.standard_error
    assert len(result.rates) == 16 and result.rates[0].time == 0 and result.heat_source in ("meter", "states")
    assert np.isnan(result.generation_ratio.value) and result.generations == []
    with pytest.raises(errors.BadArgError, match="vp or ve"):
        with heatbath.open("func:cells=4&threads=1") as device:
            studies.score_bound(device, studies.DataLaw.gaussian(1.0), process="sde")
    with pytest.raises(errors.BadArgError):
        studies.DataLaw.gaussian(-1)


def test_experts_beat_one_machine():
    with pytest.raises(ValueError, match=r"\+1 and -1"):
        studies.Patterns([[1, 0]])
    patterns = studies.Patterns([[1, 1, 1, 1], [1, 1, -1, -1]], weights=[3, 1])
    assert np.array_equal(patterns.spins, studies.Patterns.two().spins) and patterns.weights.tolist() == [0.75, 0.25]
    opened = []

    def boards(board, cells):
        opened.append((board, cells))
        return studies.emulated_boards(board, cells) + "&threads=1"

    report = studies.ergodicity_of_patterns(studies.Patterns.parity(), boards=boards, updates=60, effort=0.1)
    assert {board for board, _ in opened} == {"spins", "spins one by one", "bistable"}
    assert report.kl_experts_exact < 0.2 < report.kl_single_exact
    assert abs(report.library.transition.z(report.library.transition_exact)) < 4
    assert report.ladder[0].order == 1 and report.left_out == [] and report.escapes_wells
    for escape in report.escapes_spins + report.escapes_wells:
        assert abs(escape.measured.z(escape.exact)) < 5

    def spins_only(board, cells):
        if board != "spins":
            raise errors.UnsupportedError("one chip")
        return studies.emulated_boards(board, cells) + "&threads=1"

    partial = studies.ergodicity_of_patterns(studies.Patterns.two(), boards=spins_only, updates=20, effort=0.05)
    assert partial.left_out and not partial.escapes_wells


def test_the_command_trains_the_same_machine(tmp_path):
    options = ["--device", "func:cells=900&lanes=8&threads=1", "--updates", "8", "--hidden", "16", "--shots", "4", "--seed", "3",
               "--threads", "1", "--held-out", "3", "--out", tmp_path]
    run_command("train", "generate", *options)
    with heatbath.open("func:cells=900&lanes=8&threads=1") as device:
        trainer = trainers.GenerativeTrainer(device, trainers.draw_digits(), hidden=16, updates=8, seed=3, threads=1)
        trainer.train()
        held_out = trainer.held_out(3)
    training = json.loads((tmp_path / "report.json").read_text())["training"]
    # Doubles that are the same: every parameter is in them.
    assert training["action_above_floor_by_update"] == (trainer.actions[:, 0] - trainer.actions[:, 1]).tolist()
    assert training["held_out_above_floor"] == (held_out[:, 0] - held_out[:, 1]).tolist()
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "model.h5") as file:
        couplings, bias = trainer.model.couplings[0], trainer.model.bias[0]
        assert np.array_equal(np.asarray(file["couplings_visible_hidden"]), couplings[:784, 784:])
        assert np.array_equal(np.asarray(file["couplings_hidden_hidden"]), couplings[784:, 784:])
        assert np.array_equal(np.asarray(file["bias_hidden"]), bias[784:])
