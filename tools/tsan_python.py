"""Threads in the Python module: what tools/tsan_python.sh runs under ThreadSanitizer. Prints what each part did."""
import gc
import threading

import numpy as np

import heatbath
from heatbath import calibration, errors, solvers, studies, trainers

THREADS = 8


def together(work):
    """work(k) in eight threads at once; what one raises is raised here."""
    raised, start = [], threading.Barrier(THREADS)

    def run(k):
        try:
            start.wait()
            work(k)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def devices_of_their_own():
    kept = [None] * THREADS

    def work(k):
        for _ in range(3):
            with heatbath.open(f"func:cells=16&lanes=16&threads={1 + k % 2}") as device:
                program = heatbath.Program(device, 16).load("j2", 1).commit().meter_clear().capture_start(device.step * 10).evolve(device.ticks(0.3))
                result = device.run(program.capture_stop().meter_snapshot(), 32, seed=5, progress=lambda done: None)
                kept[k] = result.states
        gc.collect()

    together(work)
    assert all(np.array_equal(states, kept[0]) for states in kept)


def one_device_of_all():
    device = heatbath.open("func:cells=16&lanes=16&threads=2")
    program = heatbath.Program(device, 16).load("j2", 1).commit().evolve(device.ticks(0.5)).sample()
    busy = []
    job = device.submit(program, 64, seed=1)

    def work(k):
        for _ in range(20):
            try:
                if k < 3:
                    device.run(program, 8, seed=k)
                elif k == 3:
                    device.now(), device.closed, repr(device)
                elif k == 4:
                    job.result().states.sum()
                else:
                    job.state, job.progress, device.read32(0)
            except errors.BusyError:
                busy.append(k)

    together(work)
    job.cancel()
    print("   busy", len(busy), "times")

    def close(k):
        try:
            if k % 2:
                device.close()
            else:
                device.closed, job.state, device.now()
        except (errors.BusyError, errors.BadArgError):
            pass

    together(close)


def searches_and_trainers():
    glass = heatbath.Network.ising({(0, 1): 1.0, (1, 2): -1.0, (0, 2): 1.0}, h=[0.1, 0, 0])
    images = trainers.draw_digits()

    def work(k):
        if k % 4 == 0:
            with heatbath.open("func:cell=pbit&cells=3&lanes=16&threads=2") as device:
                solvers.anneal(device, glass, reads=32, sweeps=50)
        elif k % 4 == 1:
            with heatbath.open("func:cells=820&lanes=8&threads=2") as device:
                trainer = trainers.GenerativeTrainer(device, images, hidden=16, updates=2, tf=0.2, threads=2)
                trainer.train(lambda done, total, action: None)
                trainers.generate(device, trainer.model, 4, threads=2)
        elif k % 4 == 2:
            with heatbath.open("func:cell=pbit&cells=8&lanes=16&threads=2") as device:
                trainers.BoltzmannTrainer(device, studies.Patterns.parity(), hidden=2, updates=5, shots=32).train()
        else:
            with heatbath.open("func:profile=silicon&cells=4&lanes=1") as device:
                calibration.calibrate(device, cells=2, effort=0.05, couplers=False)

    together(work)


def one_trainer_of_all():
    device = heatbath.open("func:cells=820&lanes=8&threads=1")
    trainer = trainers.GenerativeTrainer(device, trainers.draw_digits(), hidden=16, updates=6, tf=0.2, threads=2)
    score = trainers.ScoreTrainer(trainers.draw_digits(1, 5), hidden=8, segments=1, steps=20, batch=8, threads=2)
    busy = []

    def work(k):
        for _ in range(5):
            try:
                if k == 0:
                    trainer.train()
                elif k == 1:
                    score.train()
                elif k < 5:
                    trainer.actions, trainer.model
                else:
                    score.losses, score.network, score.finished
            except errors.BusyError:
                busy.append(k)

    together(work)
    print("   busy", len(busy), "times")


for part in (devices_of_their_own, one_device_of_all, searches_and_trainers, one_trainer_of_all):
    part()
    print(part.__name__, "done", flush=True)
