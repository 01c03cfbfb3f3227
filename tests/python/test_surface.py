"""Whatever is given to the module: a clear exception or a correct answer, never a crash."""
import gc
import os
import pickle

import numpy as np
import pytest

import heatbath
from heatbath import calibration, errors, estimates, judges, solvers, studies, trainers

hypothesis = pytest.importorskip("hypothesis")
from hypothesis import given, settings, strategies as st  # noqa: E402
from hypothesis.extra import numpy as hn  # noqa: E402
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule  # noqa: E402

URI = "func:cells=4&lanes=2&threads=1"
REFUSALS = (heatbath.Error, TypeError, ValueError, OverflowError)
quick = settings(max_examples=150, deadline=None, derandomize=True, database=None)

dtypes = st.one_of(hn.floating_dtypes(endianness="?"), hn.integer_dtypes(endianness="?"), hn.unsigned_integer_dtypes(endianness="?"),
                   hn.boolean_dtypes(), hn.complex_number_dtypes(), hn.datetime64_dtypes(), hn.unicode_string_dtypes(max_len=3),
                   st.just(np.dtype(object)))
shapes = st.one_of(st.just(()), st.just((4,)), st.just((4, 4)), st.just((2, 4)), st.just((3, 2, 4)),
                   hn.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))


@st.composite
def arrays(draw):
    """Arrays of any type, shape, byte order and layout, often of the right ones; lists and things that are none."""
    kind = draw(st.sampled_from(["small", "small", "any", "list", "odd"]))
    shape = draw(shapes)
    if kind == "odd":
        return draw(st.sampled_from([None, "text", b"bytes", {}, {1: 2}, object(), [[1], [2, 3]], float("nan"), 10**400, -1, 1j, (), [[]]]))
    if kind == "small":
        values = draw(hn.arrays(np.float64, shape, elements=st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0])))
        values = values.astype(draw(st.sampled_from(["<f4", ">f8", "<f8", "<i2", ">i8", "i1", "<f2"])))
    else:
        dtype = draw(dtypes)
        values = np.array(1, dtype=object) if dtype == object else draw(hn.arrays(dtype, shape))
    layout = draw(st.sampled_from(["C", "F", "strided", "reversed", "read-only"]))
    if layout == "F":
        values = np.asfortranarray(values)
    elif layout == "strided" and values.ndim:
        wide = np.repeat(values, 2, axis=-1)
        values = wide[..., ::2]
    elif layout == "reversed" and values.ndim:
        values = np.ascontiguousarray(values[..., ::-1])[..., ::-1]
    elif layout == "read-only":
        values.flags.writeable = False
    return values.tolist() if kind == "list" else values


def is_plain(values, shape):
    """Whether these are finite real numbers of this shape, small enough for float32."""
    try:
        array = np.asarray(values)
    except ValueError:
        return False
    return (array.dtype.kind in "fiub" and array.shape == shape and bool(np.isfinite(array.astype(np.float64)).all())
            and bool((np.abs(array.astype(np.float64)) < 1e30).all()))


@quick
@given(arrays())
def test_loads_are_right_or_refused(values):
    with heatbath.open(URI) as device:
        program = heatbath.Program(device, 4)
        before = repr(program)
        try:
            program.load("j2", values)
        except REFUSALS as error:
            assert str(error) and repr(program) == before
            assert not is_plain(values, (4,)) and not is_plain(values, ()), values
            return
        try:
            held = device.run(program.commit().readback("j2")).readback[0]
        except errors.UnstableError:
            return  # steeper than the step allows
        wanted = np.clip(np.broadcast_to(np.asarray(values), (4,)).astype(np.float32), -1e6, 1e6)  # the range of J2, clipped and counted
        assert np.array_equal(held, wanted)


@quick
@given(arrays())
def test_networks_are_right_or_refused(values):
    network = heatbath.Network("overdamped", 4)
    for call, shape, held in (
            (lambda: network.set("bias", values), (4,), lambda: network.values("bias")),
            (lambda: network.set_fields(values), (4,), lambda: -network.values("bias"))):
        try:
            call()
        except REFUSALS as error:
            assert str(error) and not is_plain(values, shape), values
        else:
            assert np.array_equal(held(), np.broadcast_to(np.asarray(values, np.float64), (4,)))
    try:
        energies = network.energy(values)
    except REFUSALS as error:
        assert str(error)
    else:
        assert np.shape(energies) == np.shape(values)[:-1]


CALLS = [
    lambda p, n, v: p.load_couplings(v), lambda p, n, v: p.load("kT", v), lambda p, n, v: p.load("bias", v), lambda p, n, v: p.set(v),
    lambda p, n, v: p.clamp(v), lambda p, n, v: p.load_coupling_list(v, v, v), lambda p, n, v: p.load_coupler_values(v),
    lambda p, n, v: p.load_gain(v), lambda p, n, v: p.evolve(v), lambda p, n, v: p.loop(v), lambda p, n, v: p.capture_start(v),
    lambda p, n, v: p.release(v), lambda p, n, v: n.set_couplings(v), lambda p, n, v: n.set_couplings((v, v, v)),
    lambda p, n, v: n.set_aligning({(0, 1): v}), lambda p, n, v: n.set_half_quadratic(v), lambda p, n, v: n.set_constant(v),
    lambda p, n, v: n.gradient(v), lambda p, n, v: heatbath.Network.quadratic_form(v, v), lambda p, n, v: heatbath.Network.qubo(v),
    lambda p, n, v: heatbath.Network.ising(v, v), lambda p, n, v: heatbath.Network.kuramoto({(0, 1): 1.0}, v),
    lambda p, n, v: heatbath.Network(v, 3), lambda p, n, v: heatbath.Network("pbit", v), lambda p, n, v: heatbath.open(v),
    lambda p, n, v: heatbath.Program(v, 2), lambda p, n, v: estimates.mean(v), lambda p, n, v: estimates.r_hat(v),
    lambda p, n, v: estimates.autocorrelation_time(v), lambda p, n, v: heatbath.certificate(n, v), lambda p, n, v: judges.validate([v]),
    lambda p, n, v: trainers.Images(v, v), lambda p, n, v: studies.Patterns(v, v), lambda p, n, v: studies.DataLaw.values(v),
    lambda p, n, v: studies.DataLaw.gaussian(v), lambda p, n, v: trainers.GenerativeModel(couplings=v),
    lambda p, n, v: trainers.draw_digits(1, v) if not isinstance(v, int) else None,
    lambda p, n, v: trainers.SpinMachine(v, v), lambda p, n, v: trainers.SpinMachine([0, 0], v), lambda p, n, v: MACHINE.energy(v),
    lambda p, n, v: MACHINE.law(v), lambda p, n, v: trainers.overlaps(PATTERNS, v), lambda p, n, v: trainers.dense_memory(PATTERNS, v),
    lambda p, n, v: trainers.memory_law(PATTERNS, 4, v), lambda p, n, v: trainers.hebbian_overlap(v), lambda p, n, v: trainers.bars_and_stripes(v),
    lambda p, n, v: trainers.QuarticNet(1, 1, 1, v, v), lambda p, n, v: trainers.ScoreNetwork(tau=v),
    lambda p, n, v: trainers.ScoreNetwork(rows=1, columns=1, hidden=1, labels=0, A=0.5, B=1.0, tau=v, parameters=v),
    lambda p, n, v: trainers.ScoreTrainer(v), lambda p, n, v: trainers.split_images(IMAGES, v), lambda p, n, v: estimates.fit_curve(v, v, v),
    lambda p, n, v: estimates.fit_relaxation(v, v), lambda p, n, v: estimates.Multistate(v, v), lambda p, n, v: estimates.Multistate([1.0, 2.0], v),
    lambda p, n, v: estimates.log_partitions(v, v), lambda p, n, v: calibration.Calibration.read(v) if not isinstance(v, int) else None,
    lambda p, n, v: trainers.ClassifierMachine(**{**CLASSIFIER, "bias": v}), lambda p, n, v: trainers.ClassifierMachine(**{**CLASSIFIER, "inward": v}),
    lambda p, n, v: trainers.ClassifierMachine(bias=v), lambda p, n, v: trainers.ClassifierTrainer(v), lambda p, n, v: trainers.ClassifierTrainer(IMAGES, layer=v),
    lambda p, n, v: trainers.ScoreNetwork.read(v) if not isinstance(v, int) else None, lambda p, n, v: solvers.oscillator_cells(v),
    lambda p, n, v: trainers.GenerativeModel.read(v) if not isinstance(v, int) else None, lambda p, n, v: solvers.oscillator_cells(n, coldest=v),
    lambda p, n, v: solvers.sign_glass(2, v), lambda p, n, v: solvers.tiles(v, v), lambda p, n, v: solvers.bifurcation_cells(v),
]
# On the device of the test.
OF_DEVICE = [
    lambda d, v: trainers.natural_step(d, v, v, shots=4), lambda d, v: trainers.natural_step(d, np.eye(2), v, shots=4),
    lambda d, v: trainers.natural_step(d, np.eye(2), [1, 1], start=v, shots=4), lambda d, v: trainers.NaturalDescent(d, v),
    lambda d, v: trainers.NaturalDescent(d, [1.0, 2.0], shots=4).step(v, v), lambda d, v: trainers.EquilibriumTrainer(d, v, v, hidden=1),
    lambda d, v: trainers.EquilibriumTrainer(d, [[1.0]], v, hidden=1), lambda d, v: trainers.draw_spins(d, v, 2),
    lambda d, v: trainers.BoltzmannTrainer(d, v), lambda d, v: trainers.GraphTrainer(d, v), lambda d, v: trainers.draw(d, v), lambda d, v: calibration.calibrate(d, effort=v),
    lambda d, v: solvers.anneal(d, v), lambda d, v: solvers.sample(d, v), lambda d, v: d.correct(v) if v is not None else None,
    lambda d, v: solvers.cycle(d, v), lambda d, v: solvers.oscillate(d, v), lambda d, v: trainers.infer(d, v, IMAGES), lambda d, v: trainers.fine_tune(d, v, v, IMAGES),
    lambda d, v: solvers.logistic(d, v, v, v, draws=4, chains=4), lambda d, v: solvers.logistic(d, np.eye(2), v, v, draws=4, chains=4, burn_in=0),
    lambda d, v: solvers.logistic(d, np.eye(2), [[1.0, 0.5]], v, draws=4, chains=4, burn_in=0), lambda d, v: solvers.solve(d, v, v, most_time=1.0), lambda d, v: solvers.inverse(d, v, most_time=1.0),
]
MACHINE = trainers.SpinMachine([0.5, 0.0, -0.5], np.zeros((3, 3)))
PATTERNS = studies.Patterns.parity()
IMAGES = trainers.draw_digits(1, 1)
CLASSIFIER = {"inputs": 4, "outputs": 10, "hidden": 2, "j2": 1.0, "j4": 1.0, "kT": 1.0, "duration": 0.2, "pixel_scale": 2.4, "bias": np.zeros(12),
              "inward": np.zeros((4, 12)), "couplings": np.zeros((12, 12))}


@settings(quick, max_examples=400)
@given(st.sampled_from(CALLS), arrays())
def test_every_call_takes_or_refuses(call, values):
    network = heatbath.Network("overdamped", 4)
    with heatbath.open(URI) as device:
        program = heatbath.Program(device, 4)
        try:
            call(program, network, values)
        except (*REFUSALS, KeyError, AttributeError, MemoryError) as error:
            assert str(error)
        device.run(heatbath.Program(device, 1).evolve(device.step))  # it works on


@settings(quick, max_examples=200)
@given(st.sampled_from(OF_DEVICE), arrays())
def test_every_call_of_a_device_takes_or_refuses(call, values):
    with heatbath.open(URI) as device:
        try:
            call(device, values)
        except (*REFUSALS, KeyError, AttributeError, MemoryError) as error:
            assert str(error)
        device.run(heatbath.Program(device, 1).evolve(device.step))  # it works on


class Handles(RuleBasedStateMachine):
    """Devices, jobs and results opened, closed, dropped, pickled and used after a fork, in any order."""

    @initialize()
    def begin(self):
        self.devices, self.jobs, self.results = [], [], []

    @rule()
    def open(self):
        self.devices.append(heatbath.open(URI))

    @precondition(lambda self: self.devices)
    @rule(k=st.integers(0, 9), shots=st.integers(1, 5), seed=st.integers(0, 3), wait=st.booleans(), long=st.booleans())
    def use(self, k, shots, seed, wait, long):
        device = self.devices[k % len(self.devices)]
        if device.closed:
            with pytest.raises(errors.BadArgError, match="closed"):
                heatbath.Program(device, 2)
            return
        program = heatbath.Program(device, 2).load("j2", 1).commit()
        program.evolve(device.ticks(1e6) if long and not wait else device.ticks(0.1)).sample()
        try:
            job = device.submit(program, shots, seed=seed)
        except errors.BusyError:
            return  # a job of before runs
        if wait:
            states = job.result().states
            self.results.append((states, states.copy()))
        else:
            self.jobs.append(job)

    @precondition(lambda self: self.jobs)
    @rule(k=st.integers(0, 9), drop=st.booleans())
    def end(self, k, drop):
        job = self.jobs.pop(k % len(self.jobs))
        assert job.state in ("running", "done", "failed", "cancelled")
        if not drop:
            job.cancel()
            try:
                states = job.result().states
                self.results.append((states, states.copy()))
            except errors.AbortedError:
                assert job.state in ("cancelled", "failed")

    @precondition(lambda self: self.devices)
    @rule(k=st.integers(0, 9), drop=st.booleans())
    def close(self, k, drop):
        if drop:
            del self.devices[k % len(self.devices)]
            gc.collect()
        else:
            self.devices[k % len(self.devices)].close()

    @precondition(lambda self: self.devices)
    @rule(k=st.integers(0, 9))
    def pickle(self, k):
        self.devices.append(pickle.loads(pickle.dumps(self.devices[k % len(self.devices)])))

    @precondition(lambda self: self.devices)
    @rule()
    def fork(self):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for device in self.devices:
                    try:
                        device.now()
                    except errors.BadArgError:
                        continue
                    os._exit(2)
                for states, copy in self.results:
                    assert np.array_equal(states, copy)
                self.devices.clear()
                self.jobs.clear()
                gc.collect()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0

    @invariant()
    def results_stay(self):
        for states, copy in getattr(self, "results", []):
            assert np.array_equal(states, copy)


Handles.TestCase.settings = settings(max_examples=10, stateful_step_count=15, deadline=None, derandomize=True, database=None)
TestHandles = Handles.TestCase
