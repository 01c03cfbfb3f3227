"""The Ising world: dimod's own assertions, laws by enumeration, composites of others on top."""
import itertools
import pickle
import unittest

import numpy as np
import pytest

import heatbath
from heatbath import errors

dimod = pytest.importorskip("dimod", minversion="0.12")
import dimod.testing  # noqa: E402

import heatbath.dimod  # noqa: E402
from heatbath.dimod import HeatbathSampler  # noqa: E402

DENSE = "func:cell=pbit&cells=32&lanes=64&threads=1"
RING = "func:cell=pbit&topology=ring:6&lanes=64&threads=1"


@dimod.testing.load_sampler_bqm_tests(HeatbathSampler)
class TestDimodsOwn(unittest.TestCase):
    """The tests that dimod gives to makers of samplers."""


@pytest.mark.parametrize("device", [None, DENSE, RING])
def test_it_is_a_sampler_with_a_structure(device):
    with HeatbathSampler(device, cells=6) as sampler:
        dimod.testing.assert_sampler_api(sampler)
        dimod.testing.assert_structured_api(sampler)
        for name in sampler.parameters:
            bqm = dimod.BQM.from_ising({0: 1}, {(0, 1): 1})
            value = {"num_reads": 2, "seed": 1, "beta": 2.0, "num_sweeps": 3, "beta_range": (0.1, 2), "certificate": False, "progress": None}[name]
            assert len(sampler.sample(bqm, **{name: value})) == (2 if name == "num_reads" else 1)
        with pytest.warns(dimod.exceptions.SamplerUnknownArgWarning):
            sampler.sample(bqm, chain_strength=1)


def enumerated(bqm, beta):
    """All states, in the order of the bits of their index, with their Boltzmann weights and energies, by numpy."""
    n = len(bqm)
    states = (np.arange(2**n)[:, None] >> np.arange(n)[::-1] & 1).astype(np.int8)
    if bqm.vartype is dimod.SPIN:
        states = 2 * states - 1
    h, (i, j, values), offset = bqm.to_numpy_vectors(variable_order=list(bqm.variables))
    matrix = np.zeros((n, n), np.float32)
    matrix[i, j] = values
    real = states.astype(np.float32)
    energies = ((real @ matrix) * real).sum(axis=1) + real @ h + offset
    weights = np.exp(-beta * (energies - energies.min()))
    weights /= weights.sum()
    return states, weights, energies


def chi_square_z(index, weights, bin_of_state, reads):
    """Pearson's chi square of reads in bins of states, of 5 expected reads or more, as a normal z (Wilson and Hilferty)."""
    expected = reads * np.bincount(bin_of_state, weights)
    observed = np.bincount(bin_of_state[index], minlength=len(expected))
    kept = expected >= 5
    assert reads - expected[kept].sum() < 0.2 * reads
    expected, observed = (np.append(part[kept], part[~kept].sum()) for part in (expected, observed))
    if expected[-1] < 5:
        expected, observed = (np.append(part[:-2], part[-2:].sum()) for part in (expected, observed))
    freedom = len(expected) - 1
    spread = 2 / (9 * freedom)
    return ((((observed - expected) ** 2 / expected).sum() / freedom) ** (1 / 3) - (1 - spread)) / np.sqrt(spread)


def test_two_hundred_models_have_their_distributions():
    """Of each model: the mean energy, and chi squares over states grouped by energy and by a hash of all their bits. No
    correction for 600 numbers: a |z| of 4 or more has a chance of 4 % among them."""
    rng = np.random.default_rng(20)
    reads, zs = 1000, []
    for k in range(200):
        n = int(rng.integers(8, 17))
        density = rng.uniform(0.2, 1)
        beta = float(rng.uniform(0.3, 1.2))
        pairs = [pair for pair in itertools.combinations(range(n), 2) if rng.random() < density]
        scale = 1 / np.sqrt(max(1, density * n))
        bqm = dimod.BQM({i: rng.normal() for i in range(n)}, {pair: scale * rng.normal() for pair in pairs}, rng.normal(),
                        ("SPIN", "BINARY")[k % 2])
        bqm.relabel_variables({i: f"x{i}" for i in range(n)})
        samples = HeatbathSampler(threads=1).sample(bqm, num_reads=reads, seed=1000 + k, beta=beta, num_sweeps=50)
        states, weights, energies = enumerated(bqm, beta)
        found = samples.record.sample[:, [samples.variables.index(v) for v in bqm.variables]]
        index = ((found > 0) @ (1 << np.arange(n)[::-1])).astype(int)
        assert np.array_equal(states[index], found)
        mean = weights @ energies
        by_energy = np.empty(2**n, int)
        by_energy[np.argsort(energies)] = (32 * np.cumsum(weights[np.argsort(energies)])).astype(int).clip(0, 31)
        by_hash = (np.arange(2**n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(59)).astype(int)
        zs.append([(samples.record.energy.mean() - mean) / np.sqrt(weights @ (energies - mean) ** 2 / reads),
                   chi_square_z(index, weights, by_energy, reads), chi_square_z(index, weights, by_hash, reads)])
    zs = np.array(zs)
    print(f"largest |z| {np.abs(zs).max():.2f}, means {zs.mean(axis=0)}, deviations {zs.std(axis=0)}")
    assert np.abs(zs).max() < 4
    assert (np.abs(zs.mean(axis=0)) < 4 / np.sqrt(200)).all() and (np.abs(zs.std(axis=0) - 1) < 4 / np.sqrt(400)).all()


def test_reads_are_repeated_by_their_seed():
    bqm = dimod.BQM.from_ising({}, {(i, (i + 1) % 5): 1.0 for i in range(5)})
    with HeatbathSampler(DENSE) as sampler:
        one, two = (sampler.sample(bqm, num_reads=20, seed=3) for _ in range(2))
        assert np.array_equal(one.record.sample, two.record.sample)
        free = sampler.sample(bqm, num_reads=20)
        again = sampler.sample(bqm, num_reads=20, seed=free.info["provenance"]["seed"])
        assert np.array_equal(free.record.sample, again.record.sample)
        assert not np.array_equal(free.record.sample, one.record.sample)
        assert free.info["certificate"] is None
        judged = sampler.sample(bqm, num_reads=2000, seed=1, certificate=True).info["certificate"]
        assert judged["findings"] == [] and judged["low"] < 1 < judged["high"]
    copied = pickle.loads(pickle.dumps(HeatbathSampler(DENSE)))
    assert np.array_equal(copied.sample(bqm, num_reads=20, seed=3).record.sample, one.record.sample)
    alone = HeatbathSampler(threads=1).sample(bqm, num_reads=20, seed=3)
    assert np.array_equal(alone.record.sample, one.record.sample)


def test_a_sparse_model_gets_its_graph_and_the_same_reads():
    bqm = dimod.BQM.from_ising({}, {(i, i + 1): -1.0 + i % 3 for i in range(39)})
    sparse = HeatbathSampler(threads=1).sample(bqm, num_reads=16, seed=1)
    assert "topology" in sparse.info["provenance"]["device"]
    energies = [bqm.energy(row) for row in sparse.samples(sorted_by=None)]
    assert np.allclose(energies, sparse.record.energy)


def test_annealing_finds_the_ground_state_more_often():
    rng = np.random.default_rng(4)
    bqm = dimod.BQM.from_ising({}, {pair: rng.choice([-1.0, 1.0]) for pair in itertools.combinations(range(14), 2)})
    lowest = enumerated(bqm, 1.0)[2].min()
    with HeatbathSampler(DENSE) as sampler:
        quenched, annealed = ((sampler.sample(bqm, num_reads=400, seed=1, num_sweeps=60, **how).record.energy < lowest + 0.5).mean()
                              for how in ({"beta": 10.0}, {"beta_range": (0.05, 10.0)}))
    assert annealed > quenched + 4 * np.sqrt(0.5 / 400), (quenched, annealed)


def test_work_less_heat_is_the_change_of_energy():
    bqm = dimod.BQM.from_ising({"a": 0.5, "b": -0.2}, {"ab": 1.5}, 3.0)
    with HeatbathSampler(DENSE) as sampler:
        for how in ({"beta": 0.7}, {"beta_range": (0.2, 3.0)}):
            samples = sampler.sample(bqm, num_reads=300, seed=5, num_sweeps=50, **how)
            energy = samples.info["energy"]
            # The cells start with E = 0 without parameters; the offset is not part of the machine.
            assert energy["work"] - energy["heat"] == pytest.approx(samples.record.energy.mean() - 3.0, abs=1e-5)
            assert energy["heat"] > 0
        timing, provenance = samples.info["timing"], samples.info["provenance"]
        assert timing["sampling_ns"] > 0 and provenance["device"] == heatbath.open(DENSE).uri
        assert provenance["seed"] == 5 and provenance["clips"] == 0 and provenance["beta_range"] == [0.2, 3.0]


def test_a_graph_wants_models_that_fit_it():
    with HeatbathSampler(RING) as sampler:
        assert sampler.edgelist == [(0, 1), (0, 5), (1, 2), (2, 3), (3, 4), (4, 5)]
        assert len(sampler.sample_ising({5: 1}, {(5, 0): -1}, num_reads=3)) == 3
        for h, J in (({}, {(0, 2): 1}), ({"a": 1}, {}), ({6: 1}, {})):
            with pytest.raises(dimod.exceptions.BinaryQuadraticModelStructureError, match="couplers of the device"):
                sampler.sample_ising(h, J)
    with HeatbathSampler("func:cell=pbit&cells=2&lanes=1&threads=1") as sampler:
        with pytest.raises(dimod.exceptions.BinaryQuadraticModelStructureError, match="3 variables"):
            sampler.sample_ising({"a": 1, "b": 1, "c": 1}, {})


def test_what_cannot_be_is_refused():
    with pytest.raises(errors.UnsupportedError, match="p-bits"):
        HeatbathSampler("func:cells=4")
    sampler = HeatbathSampler(DENSE)
    bqm = dimod.BQM.from_ising({0: 1}, {})
    for wrong in ({"num_reads": 0}, {"num_reads": 1.5}, {"num_sweeps": 0}, {"beta": -1}, {"beta": float("nan")},
                  {"beta_range": (1, 0)}, {"beta_range": (1,)}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            sampler.sample(bqm, **wrong)
    with pytest.raises(ValueError, match="no finite number"):
        sampler.sample_ising({0: float("nan")}, {})
    with pytest.raises(errors.UnsupportedError, match="SEEDED"):
        HeatbathSampler("func:profile=silicon&cell=pbit&stepper=sequential&threads=1").sample(bqm, seed=1)
    sampler.close()
    with pytest.raises(errors.BadArgError, match="closed"):
        sampler.sample(bqm)


def test_a_chip_without_seeds_or_meters_samples():
    with HeatbathSampler("func:profile=silicon&cell=pbit&stepper=sequential&threads=1") as sampler:
        samples = sampler.sample_ising({"a": -2}, {("a", "b"): -2}, num_reads=50, num_sweeps=20)
        assert samples.info["energy"] is None and samples.info["provenance"]["seed"] is None
        assert samples.record.sample.mean() > 0.5


def composites(sampler):
    others = pytest.importorskip("dwave.preprocessing")
    yield "spin reversal", others.SpinReversalTransformComposite(sampler, seed=1), {"num_spin_reversal_transforms": 2}
    yield "scale", others.ScaleComposite(sampler), {"scalar": 0.5}
    yield "clip", others.ClipComposite(sampler), {"lower_bound": -2, "upper_bound": 2}
    yield "fixed", others.FixVariablesComposite(sampler), {"fixed_variables": {3: -1}}
    yield "components", others.ConnectedComponentsComposite(sampler), {}
    yield "tracking", dimod.TrackingComposite(sampler), {}
    yield "truncated", dimod.TruncateComposite(sampler, 5), {}
    yield "structure", dimod.StructureComposite(sampler, list(range(4)), [(0, 1), (1, 2), (2, 3)]), {}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_composites_on_top_keep_the_law():
    bqm = dimod.BQM.from_ising({0: 0.3, 3: -0.5}, {(0, 1): 1.0, (1, 2): -0.7, (2, 3): 0.4})
    with HeatbathSampler(DENSE) as sampler:
        for name, composite, parameters in composites(sampler):
            dimod.testing.assert_composite_api(composite)
            reads = composite.sample(bqm, num_reads=2000, seed=9, num_sweeps=40, **parameters)
            dimod.testing.assert_sampleset_energies(reads, bqm)
            law, beta = bqm, 0.5 if name == "scale" else 1
            if name == "fixed":
                law = bqm.copy()
                law.fix_variable(3, -1)
            if name == "truncated":
                assert len(reads) == 5
                continue  # the lowest: no law any more
            _, weights, energies = enumerated(law, beta)
            mean = weights @ energies
            counts = reads.record.num_occurrences
            found = np.average(reads.record.energy, weights=counts)
            z = (found - mean) / np.sqrt(weights @ (energies - mean) ** 2 / counts.sum())
            assert abs(z) < 4, (name, z)


def test_models_are_embedded_in_a_graph():
    system = pytest.importorskip("dwave.system")
    with HeatbathSampler("func:cell=pbit&topology=king:6x6&lanes=64&threads=1") as sampler:
        composite = system.EmbeddingComposite(sampler)
        bqm = dimod.BQM.from_ising({}, {pair: 0.4 for pair in itertools.combinations("abcde", 2)})
        reads = composite.sample(bqm, num_reads=200, seed=2, num_sweeps=200, chain_strength=3.0,
                                 embedding_parameters={"random_seed": 1})
        dimod.testing.assert_sampleset_energies(reads, bqm)
        assert reads.first.energy == pytest.approx(dimod.ExactSolver().sample(bqm).first.energy)
