"""Boltzmann machines, memories, equilibrium propagation, the natural gradient, score networks: laws, the command's bits, going on."""
import itertools
import json
import pickle

import numpy as np
import pytest

import heatbath
from heatbath import errors, studies, trainers
from command import run_command
from interrupt import interrupted


@pytest.fixture
def spins():
    with heatbath.open("func:cell=pbit&cells=24&lanes=64&threads=1") as device:
        yield device


@pytest.fixture
def cells():
    with heatbath.open("func:cells=16&lanes=64&threads=1") as device:
        yield device


def states_of(cells):
    """All states, in the order of SpinMachine.law: bit i of the index is spin i."""
    return np.array([[1.0 if index >> i & 1 else -1.0 for i in range(cells)] for index in range(1 << cells)])


MACHINE = trainers.SpinMachine([0.3, -0.2, 0.1, 0.4], [[0, 0.5, 0.2, -0.7], [0.5, 0, 0.3, 0.6], [0.2, 0.3, 0, 0], [-0.7, 0.6, 0, 0]], visible=3)


def test_a_machine_has_the_law_of_its_energy(spins):
    states = states_of(4)
    h, J = MACHINE.fields.astype(float), MACHINE.couplings.astype(float)
    energies = -states @ h - 0.5 * np.einsum("si,ij,sj->s", states, J, states)
    assert MACHINE.energy(states) == pytest.approx(energies, abs=1e-6) and MACHINE.energy(states[3]) == pytest.approx(energies[3], abs=1e-6)
    assert MACHINE.network().energy(states) == pytest.approx(energies, abs=1e-6)
    weights = np.exp(-energies / 1.5)
    law = (weights / weights.sum()).reshape(2, 8).sum(axis=0)
    assert MACHINE.law(1.5) == pytest.approx(law, abs=1e-6)
    drawn = trainers.draw_spins(spins, MACHINE, 4096, kT=1.5, burn=60, seed=4)
    assert drawn.shape == (4096, 1, 4) and drawn.dtype == np.int8
    means, exact = drawn[:, 0, :3].mean(axis=0), law @ states_of(3)
    assert np.abs((means - exact) / np.sqrt((1 - exact**2) / 4096)).max() < 4
    F, effective = trainers.free_energy(spins, MACHINE, kT=1.5, shots=2048, sweeps=50)
    assert abs(F.z(-1.5 * np.log(weights.sum()))) < 4 and 100 < effective <= 2048
    same = pickle.loads(pickle.dumps(MACHINE))
    assert np.array_equal(same.couplings, MACHINE.couplings) and same.visible == 3 and same.hidden == 1


def test_the_gradient_is_that_of_all_states(spins):
    patterns = studies.Patterns.parity()
    starts = trainers.exact_spins(MACHINE, 4096, seed=2)
    pairs, values = trainers.gradient_of_machine(spins, patterns, MACHINE, shots=4096, sweeps=5, starts=starts)
    exact = trainers.exact_gradient(patterns, MACHINE)
    assert len(pairs) == len(exact) == values.shape[1] and pairs[0] == (0, 0)
    assert np.abs((values[0] - exact) / np.maximum(values[1], 1 / 4096)).max() < 4.5
    with pytest.raises(errors.BadArgError, match="8 starts for 16 shots"):
        trainers.gradient_of_machine(spins, patterns, MACHINE, shots=16, starts=starts[:8])


@pytest.mark.parametrize("chains", ["contrastive", "tempered"])
def test_a_boltzmann_machine_learns_and_goes_on(spins, chains):
    patterns = studies.Patterns.two()
    options = {"hidden": 2, "general": True, "chains": chains, "updates": 120, "shots": 128, "rate": 0.3, "seed": 3}
    whole = trainers.BoltzmannTrainer(spins, patterns, **options)
    before = whole.machine.divergence(patterns)
    told = []
    whole.train(lambda done, total, difference: told.append((done, total, difference)))
    assert [row[0] for row in told] == list(range(1, 121)) and np.array_equal(whole.differences, [row[2] for row in told])
    assert whole.machine.divergence(patterns) < 0.3 * before
    parts = trainers.BoltzmannTrainer(spins, patterns, **options)
    parts.train(lambda done, total, difference: done < 50)
    assert parts.updates == 50
    later = trainers.BoltzmannTrainer(spins, patterns, **options)
    later.resume(pickle.loads(pickle.dumps(parts.training)))
    later.train()
    assert np.array_equal(later.machine.couplings, whole.machine.couplings) and np.array_equal(later.machine.fields, whole.machine.fields)
    assert later.exchanges == whole.exchanges and (whole.exchanges[1] > 0) == (chains == "tempered")
    drawn = whole.draw(64, sweeps=20)
    assert drawn.shape == (64, 4) and set(np.unique(drawn)) <= {-1, 1}
    with pytest.raises(errors.BadArgError, match="this one has 4 \\+ 2"):
        later.resume(trainers.BoltzmannTrainer(spins, patterns, hidden=3).training)


def test_a_machine_on_a_graph_learns_goes_on_and_is_the_commands(tmp_path):
    uri = "func:cell=pbit&topology=torus:4x3&lanes=16&threads=1"
    random = np.random.default_rng(1)
    rows = random.choice([-1, 1], (400, 1)) * random.choice([-1, 1], (400, 12), p=[0.2, 0.8])
    patterns, options = trainers.Patterns(rows), {"updates": 40, "shots": 64, "sweeps": 3.0, "seed": 3}
    with heatbath.open(uri) as device:
        whole = trainers.GraphTrainer(device, patterns, **options)
        assert np.array_equal(whole.training.edges, device.capabilities.couplers)
        before = whole.pseudolikelihood(patterns)
        whole.train()
        assert whole.pseudolikelihood(patterns) > before + 0.1 and whole.differences.shape == (40,)
        parts = trainers.GraphTrainer(device, patterns, **options)
        parts.train(lambda done, total, difference: done < 15)
        later = trainers.GraphTrainer(device, patterns, **options)
        later.resume(pickle.loads(pickle.dumps(parts.training)))
        later.train()
        assert np.array_equal(later.training.couplings, whole.training.couplings) and np.array_equal(later.training.fields, whole.training.fields)
        with pytest.raises(errors.BadArgError, match="other visible cells"):
            trainers.GraphTrainer(device, trainers.Patterns(rows[:, :3]), visible=[0, 2, 7], **options).resume(parts.training)
        with pytest.raises(errors.BadArgError, match="visible cell 9"):
            trainers.GraphTrainer(device, trainers.Patterns(rows[:, :3]), visible=[9, 9, 7])
    np.save(tmp_path / "p.npy", rows.astype(np.int8))
    run_command("train", "graph", "--patterns", tmp_path / "p.npy", "--updates", 40, "--shots", 64, "--sweeps", 3, "--seed", 3, "--device", uri,
                "--out", tmp_path / "out")
    machine = np.load(tmp_path / "out" / "machine.npz")
    assert np.array_equal(machine["coupling"], whole.training.couplings) and np.array_equal(machine["field"], whole.training.fields)


def test_the_command_trains_the_same_machine(spins, tmp_path):
    run_command("train", "boltzmann", "--problem", "parity", "--machine", "general", "--hidden", 2, "--updates", 30, "--shots", 64, "--seed", 5,
                "--device", "func:cell=pbit&cells=24&lanes=16&threads=1", "--draw", 16, "--draw-sweeps", 20, "--out", tmp_path)
    machine = json.loads((tmp_path / "machine.json").read_text())["machine"]
    trainer = trainers.BoltzmannTrainer(spins, studies.Patterns.parity(), hidden=2, general=True, updates=30, shots=64, seed=5)
    trainer.train()
    J = trainer.machine.couplings
    assert machine["couplings"] == [float(J[i, j]) for i, j in itertools.combinations(range(5), 2)]
    assert machine["fields"] == [float(h) for h in trainer.machine.fields]


def test_memories_recall(spins):
    patterns = trainers.random_patterns(16, 2, seed=1)
    hebbian = trainers.hebbian_memory(patterns)
    rows = patterns.spins.astype(float)
    expected = rows.T @ rows / 16
    np.fill_diagonal(expected, 0)
    assert hebbian.couplings == pytest.approx(expected, abs=1e-6)
    assert trainers.overlaps(patterns, patterns.spins) == pytest.approx(rows @ rows.T / 16)
    found = trainers.recall(spins, hebbian, patterns, shots=64, corrupted=0.1, sweeps=20)
    assert found.first.value < found.overlap.value and found.overlap.value > 0.8
    dense = trainers.dense_memory(patterns, 0.5, 2)
    assert dense.machine.visible == 16 and dense.machine.hidden == 8 and len(dense.width) == 2
    small = trainers.random_patterns(6, 2, seed=1)
    m = states_of(6) @ small.spins.T / 6
    weights = np.exp((6 / 4) * (m**4).sum(axis=1) / 0.5)
    assert trainers.memory_law(small, 4, 0.5) == pytest.approx(weights / weights.sum())
    assert trainers.hebbian_overlap(0.05) > 0.99 and trainers.hebbian_overlap(0.2) == 0
    assert len(trainers.bars_and_stripes(3)) == 14


INPUTS, TARGETS = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1.0]]), np.array([[1], [-1], [-1], [1.0]])


def test_equilibrium_propagation_goes_on(cells):
    options = {"hidden": 3, "updates": 8, "repeats": 4, "relax": 2.0, "seed": 2}
    whole = trainers.EquilibriumTrainer(cells, INPUTS, TARGETS, **options)
    whole.train()
    assert len(whole.costs) == 8 and whole.outputs().shape == (4, 1)
    parts = trainers.EquilibriumTrainer(cells, INPUTS, TARGETS, **options)
    parts.train(lambda done, total, cost: done < 3)
    later = trainers.EquilibriumTrainer(cells, INPUTS, TARGETS, **options)
    later.resume(pickle.loads(pickle.dumps(parts.net)), parts.costs)
    later.train()
    assert np.array_equal(later.net.couplings, whole.net.couplings) and np.array_equal(later.costs, whole.costs)
    derivatives, cost = whole.gradient()
    assert derivatives.shape == (2, 4 + len(whole.net.pairs)) and cost > 0 and (derivatives[1] > 0).all()
    for wrong, match in (({"inputs": INPUTS[:3]}, "\\(3, outputs\\)"), ({"nudge": 0.0}, "above 0"), ({"hidden": 40}, "44 cells|46 cells")):
        with pytest.raises(errors.BadArgError, match=match):
            trainers.EquilibriumTrainer(cells, **{"inputs": INPUTS, "targets": TARGETS, **options, **wrong})


def test_the_command_trains_the_same_net(cells, tmp_path):
    run_command("train", "equilibrium", "--hidden", 3, "--updates", 5, "--relax", 2, "--seed", 4, "--device", "func:cells=16&lanes=8&threads=1",
                "--out", tmp_path)
    net = json.loads((tmp_path / "net.json").read_text())
    patterns = studies.Patterns.parity()
    trainer = trainers.EquilibriumTrainer(cells, patterns.spins[:, :2], patterns.spins[:, 2:], hidden=3, updates=5, relax=2.0, seed=4)
    trainer.train()
    assert net["couplings"] == trainer.net.couplings.tolist() and net["bias"] == trainer.net.bias.tolist() and net["costs"] == trainer.costs.tolist()


def test_natural_gradients_solve(cells):
    A, b = np.array([[2.0, 0.5, 0.0], [0.5, 1.5, -0.4], [0.0, -0.4, 1.0]]), np.array([1.0, -0.5, 0.25])
    made = trainers.natural_step(cells, A, b, time=20.0, kT=1e-3, shots=256)
    assert np.abs((made.x[0] - np.linalg.solve(A, b)) / made.x[1]).max() < 4
    w, v = np.linalg.eigh(A)
    short = trainers.natural_step(cells, A, b, time=0.5, kT=1e-3, shots=256, stiffness=0.005)
    assert np.abs((short.x[0] - v @ ((1 - np.exp(-w * short.time)) / w * (v.T @ b))) / short.x[1]).max() < 4.5
    descent = trainers.NaturalDescent(cells, np.zeros(3), rate=1.0, damping=0.0, time=20.0)
    descent.step(A @ descent.theta - b, A)
    assert descent.theta == pytest.approx(np.linalg.solve(A, b), abs=0.02) and descent.steps == 1
    later = trainers.NaturalDescent(cells, np.zeros(3), rate=1.0, damping=0.0, time=20.0)
    later.resume(descent.theta, descent.x, descent.steps)
    for each in (descent, later):
        each.step(A @ each.theta - b, A)
    assert np.array_equal(descent.theta, later.theta)
    for wrong in (lambda: trainers.natural_step(cells, A, b[:2]), lambda: trainers.natural_step(cells, -A, b), lambda: descent.step(b, A[:2, :2]),
                  lambda: trainers.NaturalDescent(cells, [[1.0]])):
        with pytest.raises(errors.BadArgError):
            wrong()


def small_digits():
    """Digits of 7 x 7 pixels, and which were held out."""
    images = trainers.draw_digits(1, 12)
    return trainers.Images(np.ascontiguousarray(images.pixels[:, 2:23:3, 2:23:3]), images.labels)


def test_a_score_network_learns_draws_and_goes_on():
    learned, held_out = trainers.split_images(small_digits(), 20)
    assert len(learned) == 100 and len(held_out) == 20
    options = {"hidden": 12, "segments": 3, "steps": 60, "batch": 32, "tau_last": 0.1, "seed": 2}
    whole = trainers.ScoreTrainer(learned, threads=1, **options)
    losses = []
    whole.train(lambda done, total, loss: losses.append(loss))
    # 120 + 60 + 60 steps, then three fifths of the first two segments, which are coarse, again.
    assert whole.finished and len(losses) == 240 + 72 + 36 and np.mean(losses[220:240]) < np.mean(losses[180:185]) and len(whole.losses) == 10
    once = trainers.ScoreTrainer(learned, threads=1, coarse_noise=1.0, **options)
    once.train()
    assert len(once.losses) == 7
    parts = trainers.ScoreTrainer(learned, threads=2, **options)
    parts.train(lambda done, total, loss: done < 260)  # while the first segment is learned again
    assert not parts.finished
    later = trainers.ScoreTrainer(learned, threads=1, **options)
    later.resume(pickle.loads(pickle.dumps(parts.state)))
    later.train()
    network, same = whole.network, pickle.loads(pickle.dumps(later.network))
    assert all(np.array_equal(a, b) for a, b in zip(network.parameters, same.parameters)) and len(network.parameters) == 3
    last = network.segment(2)
    assert last["W"].shape == (12, 49) and np.array_equal(last["W"].ravel(), network.parameters[2][: 12 * 49]) and last["U"].shape == (10, 12)
    with heatbath.open("func:cells=80&lanes=16&threads=1") as device:
        drawn = trainers.draw(device, same, 12, asked=[3, 7], steps=30, finish_steps=5)
        assert drawn.images.shape == (12, 49) and drawn.asked.tolist() == [3, 7] * 6 and drawn.heat_kT.shape == (12,) and len(drawn) == 12
        assert np.array_equal(drawn.images[:4], trainers.draw(device, network, 4, asked=[3, 7], steps=30, finish_steps=5).images)
        assert drawn.paths.shape[0] == 3 and np.array_equal(drawn.paths[0, -1], drawn.images[0])
        for wrong in ({"guidance": [1.0] * 5}, {"asked": [11]}):
            with pytest.raises(errors.BadArgError):
                trainers.draw(device, network, 2, **wrong)
    with pytest.raises(errors.BadArgError, match="hidden was 12 and is 13"):
        trainers.ScoreTrainer(learned, **{**options, "hidden": 13}).resume(parts.state)
    with pytest.raises(errors.BadArgError, match="fall"):
        trainers.ScoreNetwork(rows=2, columns=2, hidden=1, labels=0, A=0.5, B=1.0, tau=[1.0, 2.0], parameters=[])


@pytest.mark.parametrize("what", ["boltzmann", "equilibrium", "natural", "score", "recall", "draw_spins"])
def test_ctrl_c_ends_long_calls(what):
    with heatbath.open("func:cell=pbit&cells=64&lanes=16&threads=1") as spins, heatbath.open("func:cells=64&lanes=16&threads=1") as cells:
        patterns = trainers.random_patterns(12, 8)
        memory = trainers.hebbian_memory(patterns)
        call = {
            "boltzmann": trainers.BoltzmannTrainer(spins, patterns, hidden=4, updates=1000, sweeps=1e8).train,
            "equilibrium": trainers.EquilibriumTrainer(cells, INPUTS, TARGETS, updates=10_000, relax=20_000.0).train,
            "natural": lambda: trainers.natural_step(cells, np.eye(8), np.ones(8), time=1e7, shots=64),
            "score": trainers.ScoreTrainer(small_digits(), hidden=64, steps=10_000_000, threads=1).train,
            "recall": lambda: trainers.recall(spins, memory, patterns, shots=64, sweeps=1e9),
            "draw_spins": lambda: trainers.draw_spins(spins, memory, 64, burn=1e9),
        }[what]
        print(f"{what}: {1e3 * interrupted(call, 0.2):.0f} ms")
        assert spins.now() >= 0 and cells.now() >= 0


def test_a_classifier_reads_digits_and_is_fitted_to_a_chip():
    learned, held_out = trainers.split_images(trainers.draw_digits(1, 60), 60)
    trainer = trainers.ClassifierTrainer(learned, layer=8, teacher_steps=400, steps=200, batch=50, threads=1)
    trainer.train()
    machine = trainer.machine
    assert machine.cells == 784 + 10 + 16 and trainer.teacher.accuracy(held_out) > 0.7
    again = pickle.loads(pickle.dumps(machine))
    with heatbath.open("func:cells=810&lanes=30&threads=1") as device:
        found, same = (trainers.infer(device, each, held_out, runs=4, seed=2) for each in (machine, again))
    assert np.array_equal(found.outputs, same.outputs) and np.array_equal(found.outputs.argmax(axis=1), found.classes)
    right = np.mean(found.classes == held_out.labels)
    assert found.accuracy.value == pytest.approx(right) and right > 0.5 > 4 * 0.1  # a tenth by chance
    assert found.top_two.value >= found.accuracy.value and found.heat_kT.value > 0 and found.steps > 0
    with heatbath.open("func:profile=ideal&cells=810&lanes=30&threads=1") as chip:
        told = []
        tuned = trainers.fine_tune(chip, machine, trainer.teacher, learned, updates=3, batch=30, after=lambda done, total, miss: told.append((done, total, miss)))
        assert [one[:2] for one in told] == [(1, 3), (2, 3), (3, 3)] and tuned.misses.tolist() == [one[2] for one in told]
        assert not np.array_equal(tuned.machine.inward, machine.inward)
        stopped = trainers.fine_tune(chip, machine, trainer.teacher, learned, updates=3, batch=30, after=lambda done, total, miss: False)
        assert len(stopped.misses) == 1 and stopped.misses[0] == tuned.misses[0]
    with pytest.raises(errors.UnsupportedError, match="810 cells are needed"):
        with heatbath.open("func:cells=100&lanes=4&threads=1") as small:
            trainers.infer(small, machine, held_out)
