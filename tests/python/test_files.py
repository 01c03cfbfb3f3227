"""Trained models as the command's files: what one writes the other reads, and goes on from to the same bits."""
import json

import numpy as np
import pytest

import heatbath
from heatbath import errors, trainers
from command import run_command

URI = "func:cells=820&lanes=4&threads=1"


def generator(device, updates):
    return trainers.GenerativeTrainer(device, trainers.draw_digits(), hidden=16, updates=updates, tf=0.3, seed=3, threads=1)


def digits():
    return trainers.split_images(trainers.draw_digits(1, 6), 10)[0]


def scores(**more):
    return trainers.ScoreTrainer(digits(), **{"hidden": 8, "segments": 2, "steps": 6, "first_steps": 6, "batch": 8, "threads": 1, **more})


def classes(**more):
    return trainers.ClassifierTrainer(digits(), **{"layer": 3, "teacher_steps": 60, "steps": 60, "batch": 8, "threads": 1, **more})


def test_a_generator_is_written_as_the_command_writes_it(tmp_path):
    h5py = pytest.importorskip("h5py")
    with heatbath.open(URI) as device:
        whole = generator(device, 4)
        whole.train()
        stopped = generator(device, 4)
        stopped.train(lambda done, total, action: done < 2)
        stopped.save(tmp_path / "model.h5")
        again = generator(device, 4)
        again.resume(tmp_path / "model.h5")
        again.train()
        assert np.array_equal(again.model.couplings, whole.model.couplings) and np.array_equal(again.actions, whole.actions)
        again.save(tmp_path / "model.h5")
        read = trainers.GenerativeModel.read(tmp_path / "model.h5")
        for name in ("couplings", "bias", "prototype_images"):
            assert np.array_equal(getattr(read, name), getattr(whole.model, name)), name
        for name in ("visible", "hidden", "labels", "segments", "j2", "j4", "kT", "tf", "scaling", "drive", "optimizer", "ramp_end", "updates", "seed",
                     "prototype_digits", "data_source", "capture_period"):
            assert getattr(read, name) == getattr(whole.model, name), name
        assert np.array_equal(trainers.generate(device, read, 2).images, trainers.generate(device, whole.model, 2).images)
        read.save(tmp_path / "copy.h5")
    with h5py.File(tmp_path / "copy.h5") as file:
        assert file.attrs["format"] in ("heatbath generative model", b"heatbath generative model") and file.attrs["hidden"] == 16
        assert np.array_equal(file["bias_hidden"][()], whole.model.bias[0, 784:]) and "units" in file["bias_hidden"].attrs
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.h5", "model.h5"]
    drawn = run_command("generate", "--model", tmp_path / "copy.h5", "--shots", "2", "--device", URI, "--out", tmp_path / "drawn", "--json")
    assert len(json.loads(drawn.stdout)) > 5


def test_a_score_network_is_written_as_the_command_writes_it(tmp_path):
    pytest.importorskip("h5py")
    whole = scores()
    whole.train()
    for at in (3, 9):  # within a segment, and in the second
        stopped = scores()
        stopped.train(lambda done, total, loss: done < at)
        stopped.save(tmp_path / "score_network.h5", held_out=10)
        again = scores()
        again.resume(tmp_path / "score_network.h5")
        again.train()
        for one, other in zip(again.network.parameters, whole.network.parameters):
            assert np.array_equal(one, other)
        assert np.array_equal(again.losses, whole.losses)
    whole.save(tmp_path / "score_network.h5", held_out=10)
    read = trainers.ScoreNetwork.read(tmp_path / "score_network.h5")
    assert np.array_equal(read.tau, whole.network.tau) and len(read.parameters) == 2
    for one, other in zip(read.parameters, whole.network.parameters):
        assert np.array_equal(one, other)
    with pytest.raises(errors.BadArgError, match="steps"):
        scores(steps=7).resume(tmp_path / "score_network.h5")


def test_a_classifier_is_written_as_the_command_writes_it(tmp_path):
    whole = classes()
    whole.train()
    assert whole.finished and len(whole.losses) == 4  # 50 and 10 steps of each
    for at in (30, 90):  # of the teacher, of the machine
        stopped = classes()
        stopped.train(lambda done, total, loss: done < at)
        stopped.save(tmp_path / "classifier.json", held_out=10)
        again = classes()
        again.resume(tmp_path / "classifier.json")
        again.train()
        assert np.array_equal(again.machine.inward, whole.machine.inward) and np.array_equal(again.teacher.parameters, whole.teacher.parameters)
    with pytest.raises(errors.BadArgError, match="layer was 3, is 4"):
        classes(layer=4).resume(tmp_path / "classifier.json")


def test_the_command_goes_on_from_what_python_wrote(tmp_path):
    """Both ways: the command trains, Python reads; Python stops in the middle, the command ends with its own bits."""
    images = tmp_path / "digits"
    images.mkdir()
    write_idx(images, trainers.draw_digits(1, 6))
    options = ["--data", images, "--held-out", "10", "--layer", "3", "--teacher-steps", "60", "--steps", "60", "--batch", "8", "--runs", "2", "--threads", "1",
               "--device", "func:cells=800&lanes=4&threads=1", "--json", "--out", tmp_path]
    told = json.loads(run_command("train", "classifier", *options).stdout)
    machine = json.loads((tmp_path / "classifier.json").read_text())["machine"]["parameters"]
    learned, held_out = trainers.split_images(trainers.read_idx(images), 10)

    def trainer():
        return trainers.ClassifierTrainer(learned, layer=3, teacher_steps=60, steps=60, batch=8, threads=1)

    own = trainer()
    own.train()
    for name in ("bias", "inward", "couplings"):
        assert np.array_equal(getattr(own.machine, name).ravel(), np.array(machine[name], np.float32)), name
    with heatbath.open("func:cells=800&lanes=4&threads=1") as device:
        found = trainers.infer(device, own.machine, held_out, runs=2)
    assert found.outputs.shape == (10, 10) and np.array_equal(found.outputs.argmax(axis=1), found.classes)
    assert found.accuracy.value == pytest.approx(np.mean(found.classes == held_out.labels))
    assert found.accuracy.value == pytest.approx(told["accuracy"])
    stopped = trainer()
    stopped.train(lambda done, total, loss: done < 77)
    stopped.save(tmp_path / "classifier.json", held_out=10)
    run_command("train", "classifier", *options, "--continue")
    assert json.loads((tmp_path / "classifier.json").read_text())["machine"]["parameters"] == machine


def write_idx(folder, images):
    head = bytes.fromhex("00000803") + len(images).to_bytes(4, "big") + bytes.fromhex("0000001c0000001c")
    (folder / "train-images-idx3-ubyte").write_bytes(head + images.pixels.tobytes())
    (folder / "train-labels-idx1-ubyte").write_bytes(bytes.fromhex("00000801") + len(images).to_bytes(4, "big") + images.labels.tobytes())


def test_a_file_that_is_none_is_named(tmp_path):
    h5py = pytest.importorskip("h5py")
    read = trainers.ScoreNetwork.read
    with pytest.raises(errors.IoError, match="missing.h5: no such file"):
        read(tmp_path / "missing.h5")
    with pytest.raises(errors.IoError, match="is a folder"):
        trainers.GenerativeModel.read(tmp_path)
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(errors.IoError, match="text.h5: not an HDF5 file"):
        read(tmp_path / "text.h5")
    with pytest.raises(errors.BadArgError, match="text.h5: not the machines of a training"):
        classes().resume(tmp_path / "text.h5")
    good = tmp_path / "score_network.h5"
    trainer = scores(segments=1, coarse_noise=1.0)
    trainer.train()
    trainer.save(good)

    def changed(change, match):
        path = tmp_path / "changed.h5"
        path.write_bytes(good.read_bytes())
        with h5py.File(path, "a") as file:
            change(file)
        with pytest.raises(errors.IoError, match=match):
            read(path)

    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["tau"] = np.array([3.0, 0.01])

    def elsewhere(file):
        del file["tau"]
        file["tau"] = h5py.ExternalLink(str(other), "/tau")

    def virtual(file):
        del file["tau"]
        layout = h5py.VirtualLayout(shape=(2,), dtype="f8")
        layout[:] = h5py.VirtualSource(str(other), "tau", shape=(2,))
        file.create_virtual_dataset("tau", layout)

    def filtered(file):
        del file["tau"]
        file.create_dataset("tau", data=np.array([3.0, 0.01]), chunks=(2,), compression="lzf")

    def huge(file):
        del file["parameters"]
        file.attrs["hidden"] = np.uint64(65536)
        file.create_dataset("parameters", shape=(1, 65536 * 784 + 12 * 784 + 11 * 65536), dtype="f4", chunks=(1, 4096))

    changed(lambda file: file.attrs.__setitem__("format", "other"), "not a score network")
    changed(lambda file: file.attrs.__delitem__("hidden"), "attribute hidden is missing")
    changed(lambda file: file.attrs.__setitem__("hidden", -1), "negative")
    changed(lambda file: file.attrs.__setitem__("hidden", 8.0), "not a whole number")
    changed(lambda file: file.attrs.__setitem__("A", np.nan), "finite")
    changed(lambda file: file.__delitem__("tau"), "tau is missing")
    changed(lambda file: file["tau"].write_direct(np.array([0.01, 3.0])), "fall")
    changed(elsewhere, "tau is a link")
    changed(virtual, "another file")
    changed(filtered, "filter 32000")
    changed(huge, "too large")
