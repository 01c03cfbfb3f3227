"""What somebody does first with an installed module: tools/packages.sh runs it outside the source tree."""
import pathlib
import sys
import time

begin = time.perf_counter()
import heatbath  # noqa: E402
from heatbath import calibration, solvers, trainers  # noqa: E402

imported = time.perf_counter() - begin
device = heatbath.open("func:cell=pbit&cells=3")
network = heatbath.Network.ising({(0, 1): 1.0, (1, 2): 1.0, (0, 2): -1.0}, h=[0.1, 0.0, 0.0])
program = heatbath.Scaling(network, device, kT=1.0).program().evolve(device.ticks(20)).sample()
spins = heatbath.Shots(device, seed=1).run(program, 1000).states[:, 0]
assert spins.shape == (1000, 3) and abs(spins.mean()) < 0.5
first = time.perf_counter() - begin

with heatbath.open("func:cells=900&lanes=8") as cells:
    trainer = trainers.GenerativeTrainer(cells, trainers.draw_digits(), hidden=16, updates=2)
    trainer.train()
    assert trainers.generate(cells, trainer.model, 2).images.shape == (2, 784)
    try:
        trainer.save("model.h5")
    except ImportError as error:
        assert "heatbath[files]" in str(error)
    else:
        assert (trainers.GenerativeModel.read("model.h5").couplings == trainer.model.couplings).all()
        pathlib.Path("model.h5").unlink()
with heatbath.open("func:profile=silicon&cells=4&lanes=1") as chip:
    found = calibration.calibrate(chip, cells=3, effort=0.1, couplers=False)
    assert calibration.standing(found, chip).valid
    found.save("chip.json")
    assert calibration.Calibration.read("chip.json").cells == 3
    pathlib.Path("chip.json").unlink()
assert solvers.anneal(device, network, sweeps=50).lowest_energy < 0

loaded = {line.split("/")[-1].strip() for line in pathlib.Path("/proc/self/maps").read_text().splitlines() if "/" in line}
wrong = [name for name in loaded if name.startswith(("libsystemc", "libmpi", "libzip", "libpng")) or (name.startswith("libhdf5") and "h5py" not in sys.modules)]
assert not wrong, wrong
print(f"heatbath {heatbath.__version__} of {pathlib.Path(heatbath.__file__).parent}: imported in {1e3 * imported:.0f} ms, a first sample {first:.2f} s after the start")
