"""Programs, jobs and their results as numpy arrays."""
import gc
import signal
import threading
import time

import numpy as np
import pytest

import heatbath
from heatbath import errors

URI = "func:cells=4&lanes=4&threads=1"


@pytest.fixture
def device():
    with heatbath.open(URI) as opened:
        yield opened


def well(device, cells=3):
    return heatbath.Program(device, cells).load("j2", 1).load("kT", 0.5).commit()


def test_states_have_the_variance_of_equipartition(device):
    program = well(device).evolve(device.ticks(5)).sample()
    states = device.run(program, 4000, seed=3).states
    assert states.shape == (4000, 1, 3) and states.dtype == np.float32
    # V = x^2 at kT = 1/2: <x^2> = 1/4; a step of 1e-3 biases it by 1e-3 of that.
    assert abs(states.var() - 0.25) < 4 * 0.25 * np.sqrt(2 / states.size) + 3e-4


def test_results_are_not_copied_and_outlive_everything(device):
    program = well(device).meter_clear().capture_start(device.ticks(0.5)).evolve(device.ticks(2)).capture_stop()
    program.meter_snapshot(per_cell=True).readback("j2").readback("coupling")
    job = device.submit(program, 5, seed=1)
    result = job.result()
    assert job.result() is result and job.state == "done" and job.progress == 1
    arrays = [result.states, result.ticks, result.meters[0], result.heat_per_cell[0], *result.readback]
    again = [result.states, result.ticks, result.meters[0], result.heat_per_cell[0], *result.readback]
    for one, other in zip(arrays, again):
        assert one.__array_interface__["data"][0] == other.__array_interface__["data"][0] and not one.flags.owndata
    copies = [array.copy() for array in arrays]
    assert result.turns is None
    device.close()
    del result, again, job, program
    gc.collect()
    for _ in range(20):
        np.empty(100_000).fill(7)
    for array, copy in zip(arrays, copies):
        assert array.tobytes() == copy.tobytes()
    states, ticks, meters, heat, j2, couplings = arrays
    assert states.shape == (5, 5, 3) and ticks.tolist() == [0, 500000, 1000000, 1500000, 2000000]
    assert meters.dtype.names[:6] == ("energy", "work", "heat", "heat_path", "work_shadow", "ticks")
    assert heat.shape == (5, 3)
    assert np.allclose(heat.sum(axis=1), meters["heat_path"], rtol=1e-5, atol=1e-6)  # float32 noises, summed otherwise
    assert j2.tolist() == [1, 1, 1] and couplings.tolist() == [0] * 9


def test_meters_are_asked_for_by_name(device):
    program = well(device, 2).meter_clear().capture_start(device.step).evolve(1000 * device.step)
    result = device.run(program.meter_snapshot(also=["activity", "activity_per_cell"]).meter_snapshot(), 3, seed=4)
    signs = result.states >= 0
    changes = (signs[:, 1:] != signs[:, :-1]).sum(axis=1)
    assert changes.sum() > 10
    assert result.meter("activity_per_cell")[0].tolist() == changes.tolist()
    assert result.meter("activity")[0].tolist() == changes.sum(axis=1).tolist()
    assert result.meter("activity")[1] is None and result.heat_per_cell == (None, None)
    with pytest.raises(errors.BadArgError, match="no meter on request is called 'heat'; there are heat_per_cell, activity"):
        program.meter_snapshot(also=["heat"])
    with pytest.raises(errors.BadArgError, match="'activities'"):
        result.meter("activities")


def test_seeds_give_the_same_bits_and_shots_are_numbered(device):
    program = well(device).evolve(device.ticks(1)).sample()
    all_of_it = device.run(program, 8, seed=9).states
    assert np.array_equal(all_of_it, device.run(program, 8, seed=9).states)
    assert np.array_equal(all_of_it[5:], device.run(program, 3, seed=9, first_shot=5).states)
    assert not np.array_equal(all_of_it, device.run(program, 8, seed=10).states)
    assert np.array_equal(all_of_it[:, :, 1:], device.run(program, 8, seed=9, capture=(1, 2)).states)


def test_every_instruction_is_there(device):
    program = heatbath.Program(device, 4)
    matrix = np.zeros((4, 4))
    matrix[0, 1] = matrix[1, 0] = -0.5
    program.load("j2", [1, 2, 3, 4]).load("j4", 0.5).load_couplings(matrix).load_gain(2).commit()
    program.set(0.25).set([0.5, 0.75], first=1).clamp(1.5, first=3).evolve(device.ticks(0.1)).sample().release(3)
    with program.loop(3) as inside:
        inside.ramp(device.ticks(0.1)).sample()
    program.interrupt(3)
    assert (program.records, program.cells, program.variables) == (4, 4, 4)
    assert program.duration == device.ticks(0.4)
    copy = program.copy().sample()
    assert (program.records, copy.records) == (4, 5)
    states = device.run(program, seed=1).states[0]
    assert states[0, 3] == 1.5 and states[1, 3] != 1.5


def test_one_number_sets_the_rest_of_a_component():
    with heatbath.open("func:cell=underdamped&cells=3&lanes=1&threads=1") as device:
        for first, rest in ((0, 3), (1, 2), (3, 3), (5, 1)):
            filled = heatbath.Program(device, 3).set(0.5, first=first)
            assert filled.records == heatbath.Program(device, 3).set(np.full(rest, 0.5), first=first).records
        with pytest.raises(errors.BadArgError):
            heatbath.Program(device, 3).set(0.5, first=6)


def test_operands_of_each_shot(device):
    biases = np.linspace(-2, 2, 6).reshape(6, 1)
    program = heatbath.Program(device, 1).load("j2", 1).load("kT", 0).load("bias", biases).commit()
    program.evolve(device.ticks(10)).sample()
    states = device.run(program, 6).states[:, 0]
    assert np.allclose(states, -biases / 2, atol=1e-5)
    with pytest.raises(errors.BadArgError, match="per-shot operands are for 6"):
        device.run(program, 5)
    held = heatbath.Program(device, 2).clamp([[1, 2], [3, 4], [-1, -2]]).evolve(device.step).sample()
    assert device.run(held, 3).states[:, 0].tolist() == [[1, 2], [3, 4], [-1, -2]]


def test_graphs_take_pairs_and_coupler_values():
    with heatbath.open("func:topology=ring:4&lanes=1&threads=1") as device:
        pairs = heatbath.Program(device, 4).load_coupling_list([0, 2], np.array([1, 3], ">i8"), [0.5, -1]).commit()
        couplers = pairs.couplers()
        values = [{(0, 1): 0.5, (2, 3): -1}.get(tuple(map(int, pair)), 0) for pair in couplers]
        same = heatbath.Program(device, 4).load_coupler_values(values).commit()
        rows = [device.run(program.readback_coupler_values(), seed=1).readback[0] for program in (pairs, same)]
        assert np.array_equal(*rows) and rows[0].tolist() == values
        with pytest.raises(errors.BadArgError, match="-1 is no cell"):
            pairs.load_coupling_list([-1], [1], [1])
        with pytest.raises(TypeError, match="whole numbers"):
            pairs.load_coupling_list([0.5], [1], [1])


@pytest.mark.parametrize("values", [
    np.array([1, 2, 3, 4]), np.array([1, 2, 3, 4], ">f8"), np.array([1, 2, 3, 4], "<f2"), np.array([1, 2, 3, 4], ">i2"),
    np.arange(1, 9, dtype=np.float32)[::2] // 2 + 1, np.asfortranarray(np.array([[1, 2, 3, 4]]).T)[:, 0], [1, 2, 3, 4],
    (1.0, 2.0, 3.0, 4.0), np.array([[1, 9], [2, 9], [3, 9], [4, 9]], np.float32)[:, 0]])
def test_arrays_of_every_make_are_read_right(device, values):
    program = heatbath.Program(device, 4).load("j2", values).commit().readback("j2")
    assert device.run(program).readback[0].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("values, error", [
    ([1, 2, 3], errors.BadArgError), (np.ones((4, 1)), errors.BadArgError), (np.ones((2, 2, 2)), errors.BadArgError),
    ([1, 2, np.nan, 4], errors.BadArgError), ([1, 2, np.inf, 4], errors.BadArgError), (1e300, errors.BadArgError),
    (np.array([1, 2, 3, 4j]), TypeError), (["1", "2", "3", "4"], TypeError), ("1", TypeError), (None, TypeError),
    ({1: 2}, TypeError), (np.array(["2026-01-01"] * 4, "datetime64[D]"), TypeError), ([[1], [2, 3]], (TypeError, ValueError))])
@pytest.mark.filterwarnings("ignore::Warning")
def test_wrong_values_are_refused_and_change_nothing(device, values, error):
    program = heatbath.Program(device, 4)
    before = repr(program)
    with pytest.raises(error):
        program.load("j2", values)
    assert repr(program) == before


def test_refusals_name_what_is_right(device):
    program = heatbath.Program(device, 2)
    with pytest.raises(errors.BadArgError, match="no section is called 'j3'; there are j2, j4"):
        program.load("j3", 1)
    with pytest.raises(errors.UnsupportedError, match="frequency"):
        program.load("frequency", 1)
    with pytest.raises(errors.BadArgError, match=r"shape \(2, 3\); one number, or \(2, 2\)"):
        program.load_couplings(np.ones((2, 3)))
    with pytest.raises(errors.BadArgError, match=r"\(0,1\)"):
        program.load_couplings([[0, 1], [2, 0]])
    with pytest.raises(TypeError):
        program.evolve(1.5)
    with pytest.raises(TypeError):
        program.evolve(-1)
    with pytest.raises(errors.BadArgError, match="5"):
        heatbath.Program(device, 5)
    with pytest.raises(errors.BadArgError, match="loop"):
        with program.loop(2):
            device.run(program)
    with pytest.raises(errors.BadProgramError, match="EVOLVE"):
        device.run(heatbath.Program(device, 1).evolve(3))
    with pytest.raises(TypeError):
        device.run(program, 1, 2)


def test_a_device_without_seeds_refuses_one():
    with heatbath.open("func:profile=silicon&cells=4&threads=1") as device:
        program = heatbath.Program(device, 1).evolve(device.ticks(1)).sample()
        with pytest.raises(errors.UnsupportedError, match="SEEDED"):
            device.run(program, seed=1)
        assert device.run(program, 2).states.shape == (2, 1, 1)


def test_strict_jobs_refuse_clips():
    with heatbath.open("func:profile=coded&cells=1&lanes=1&threads=1") as device:
        program = heatbath.Program(device, 1).load("bias", [1e6]).commit().evolve(device.step)
        assert program.clips == 1
        assert device.run(program).clips > 0
        with pytest.raises(errors.UnsupportedError, match="beyond the ranges"):
            device.run(program, strict=True)


def test_limits_cancelling_and_closing(device):
    endless = heatbath.Program(device, 1).evolve(device.ticks(1e9))
    with pytest.raises(errors.TimeoutError, match="limit"):
        device.run(endless, limit=device.ticks(10))
    job = device.submit(endless)
    with pytest.raises(errors.BusyError):
        device.submit(endless)
    assert job.state == "running"
    job.cancel()
    assert job.state == "cancelled"
    for _ in range(2):
        with pytest.raises(errors.AbortedError, match="cancelled"):
            job.result()
    job = device.submit(endless)
    device.close()
    assert job.state == "failed"
    with pytest.raises(errors.AbortedError, match="closed"):
        job.result()


def test_dropping_a_job_frees_the_device(device):
    endless = heatbath.Program(device, 1).evolve(device.ticks(1e9))
    job = device.submit(endless)
    del job
    gc.collect()
    assert device.run(well(device).sample(), seed=1).states.shape == (1, 1, 3)


def test_progress_is_told_and_may_cancel(device):
    program = well(device).evolve(device.ticks(1e9))
    told = []

    def progress(fraction):
        told.append(fraction)
        return len(told) < 3

    with pytest.raises(errors.AbortedError):
        device.run(program, progress=progress)
    assert len(told) == 3 and told == sorted(told)

    def broken(fraction):
        raise KeyError("of the host's own")

    with pytest.raises(KeyError, match="of the host's own"):
        device.run(program, progress=broken)
    quick = []
    device.run(well(device).sample(), progress=quick.append)
    assert quick[-1] == 1.0


@pytest.mark.parametrize("uri", [URI, "func:cells=512&lanes=64&threads=2"])
def test_ctrl_c_ends_a_long_call(uri):
    with heatbath.open(uri) as device:
        program = well(device).evolve(device.ticks(1e9))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        sent = []

        def interrupt():
            time.sleep(0.3)
            sent.append(time.perf_counter())
            signal.raise_signal(signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            device.run(program)
        took = time.perf_counter() - sent[0]
        thread.join()
        assert took < 30  # of a job that would take hours
        assert device.run(well(device).sample(), seed=1).states.shape == (1, 1, 3)  # and it works on


def test_other_threads_run_during_a_job(device):
    program = well(device).evolve(device.ticks(5e4))
    count = [0]
    done = threading.Event()

    def tick():
        while not done.is_set():
            count[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    for _ in range(1000):  # a fast machine needs several jobs
        device.run(program)
        if count[0] > 3:
            break
    done.set()
    thread.join()
    assert count[0] > 3
