"""Devices, capabilities, errors, life and death of handles."""
import gc
import os
import pathlib
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest

import heatbath
from heatbath import errors

URI = "func:cells=4&lanes=4&threads=1"


def test_capabilities_have_names_types_and_enums():
    with heatbath.open(URI) as device:
        capabilities = device.capabilities
        assert capabilities.cells == 4 and isinstance(capabilities.cells, int)
        assert capabilities.seeded is True
        assert capabilities.kT_reset == 1.0
        assert capabilities.cell_kind is heatbath.CellKind.OVERDAMPED
        assert capabilities.stepper.label == "euler-maruyama"
        assert capabilities.topology == heatbath.Topology.DENSE
        assert capabilities.couplers is None
        for name in capabilities.names():
            getattr(capabilities, name)
        with pytest.raises(AttributeError, match="colour"):
            capabilities.colour
    assert capabilities.cells == 4  # they outlive the device


def test_stubs_name_every_capability():
    stub = pathlib.Path(os.environ["HEATBATH_SOURCE"], "python/heatbath/_core.pyi").read_text()
    part = stub.split("class Capabilities:")[1].split("\nclass ")[0]
    for name in heatbath.Capabilities.names():
        assert f"def {name}(self)" in part, name


def test_enums_are_those_of_the_register_map():
    assert [kind.label for kind in heatbath.CellKind] == list(heatbath._core.cell_kinds)
    assert [stepper.label for stepper in heatbath.Stepper] == list(heatbath._core.steppers)


def test_couplers_of_a_graph_are_lent():
    with heatbath.open("func:topology=ring:6&lanes=1&threads=1") as device:
        couplers = device.capabilities.couplers
        assert couplers.dtype == np.uint32 and couplers.shape == (6, 2)
        with pytest.raises(ValueError, match="read-only"):
            couplers[0] = 3
        assert {tuple(map(int, pair)) for pair in couplers} == {(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5)}
    del device
    gc.collect()
    assert couplers.sum() == 30


def test_every_status_has_an_exception():
    for name, (number, _) in heatbath._core.statuses.items():
        if number:
            assert errors._CLASSES[number].status == name
            assert issubclass(errors._CLASSES[number], heatbath.Error)
    assert issubclass(errors.BadArgError, ValueError)
    assert issubclass(errors.TimeoutError, TimeoutError)


def test_wrong_uris_say_what_is_right():
    with pytest.raises(errors.BadArgError, match="'?abc'?.*func") as raised:
        heatbath.open("abc:")
    assert raised.value.status == "BAD_ARG" and raised.value.device_ticks == 0
    with pytest.raises(errors.LinkError):
        heatbath.open("unix:/nowhere/at/all")
    with pytest.raises(ConnectionError):
        heatbath.open("unix:/nowhere/at/all")
    with pytest.raises(errors.BadArgError, match="SystemC"):
        heatbath.open("tlm:cells=2")
    with pytest.raises(TypeError):
        heatbath.open(7)


def test_a_closed_device_says_so():
    device = heatbath.open(URI)
    device.close()
    device.close()
    assert device.closed and "closed" in repr(device)
    for call in (device.now, device.reset, lambda: device.capabilities, lambda: device.ticks(1), lambda: device.read32(0)):
        with pytest.raises(errors.BadArgError, match="closed"):
            call()
    with pytest.raises(ValueError, match="closed"):
        with device:
            heatbath.Program(device, 1)


def test_time_and_step():
    with heatbath.open(URI, step=2e-3) as device:
        assert device.step == device.ticks(2e-3)
        assert device.time_units(device.ticks(5)) == 5
        before = device.now()
        assert device.now() > before
        device.step = device.step * 2
        assert device.capture_period(device.step + 1) == 2 * device.step
        with pytest.raises(errors.BadArgError, match="off by more than 1 %"):
            device.ticks(1.5e-3)
        with pytest.raises(TypeError):
            device.step = 1.5


def test_registers_can_be_peeked():
    with heatbath.open(URI) as device:
        assert device.read32(0) == 0x48544248
        device.write32(0x20, 77)
        assert device.read32(0x20) == 77


def test_a_pickle_is_uri_and_step():
    device = heatbath.open(URI, step=4e-3)
    other = pickle.loads(pickle.dumps(device))
    assert (other.uri, other.step) == (device.uri, device.step)
    assert other.now() < device.now() + 10**9
    plain = pickle.loads(pickle.dumps(heatbath.open(URI)))
    assert plain.step == heatbath.open(URI).step


def test_a_device_belongs_to_one_thread_at_a_time():
    device = heatbath.open(URI)
    program = heatbath.Program(device, 1).evolve(device.ticks(10**9))
    job = device.submit(program)
    caught = []

    def wait():
        with pytest.raises(errors.AbortedError) as raised:
            job.result()
        caught.append(raised.value)

    thread = threading.Thread(target=wait)
    thread.start()
    while job.progress == 0 and thread.is_alive():
        pass
    with pytest.raises(errors.BusyError, match="one thread at a time"):
        while True:
            device.now()
    assert job.state == "running"
    job.cancel()
    thread.join(10)
    assert caught and job.state == "cancelled"
    assert device.now() > 0


def test_after_a_fork_the_device_is_the_parents():
    device = heatbath.open("func:cells=64&lanes=64&threads=2")
    program = heatbath.Program(device, 64).load("j2", 1).commit().evolve(device.ticks(1)).sample()
    states = device.run(program, 64, seed=1).states
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with pytest.raises(errors.BadArgError, match="forked"):
                device.now()
            again = pickle.loads(pickle.dumps(device))
            same = again.run(heatbath.Program(again, 64).load("j2", 1).commit().evolve(again.ticks(1)).sample(), 64, seed=1)
            status = 0 if np.array_equal(same.states, states) else 2
            again.close()
            del device
            gc.collect()
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(device.run(program, 64, seed=1).states, states)


def test_eight_threads_with_eight_devices_get_the_same_bits():
    results = [None] * 8

    def work(k):
        device = heatbath.open("func:cells=16&lanes=16&threads=1")
        program = heatbath.Program(device, 16).load("j2", 1).commit().evolve(device.ticks(2)).sample()
        results[k] = [device.run(program, 32, seed=5).states for _ in range(3)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for rows in results:
        for states in rows:
            assert np.array_equal(states, results[0][0])


def test_memory_stays_flat():
    def memory():
        return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096

    def cycle():
        with heatbath.open("func:cells=2&lanes=1&threads=1") as device:
            program = heatbath.Program(device, 2).load("j2", 1).commit().evolve(device.step).sample()
            device.run(program, seed=1).states.sum()

    for _ in range(200):
        cycle()
    before = memory()
    for _ in range(1000):
        cycle()
    assert memory() - before < 2 << 20


def test_importing_is_light():
    code = "import sys, heatbath; print('numpy' in sys.modules, 'matplotlib' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert out == ["False", "False"], "numpy comes with the first array"
