"""ArviZ, plots, and what a notebook shows."""
import numpy as np
import pytest

import heatbath
from heatbath import calibration, estimates, judges


@pytest.fixture(scope="module")
def chains():
    with heatbath.open("func:cells=2&lanes=8&threads=1") as device:
        program = heatbath.Program(device, 2).load("j2", 1).load("kT", 1).commit().evolve(device.ticks(5)).meter_clear()
        program.capture_start(device.ticks(0.25)).evolve(device.ticks(200)).capture_stop().meter_snapshot()
        return device.run(program, 8, seed=1)


def test_times_and_errors_are_those_of_the_process(chains):
    x = chains.states[:, :, 0]
    # x' = -2x: correlations e^(-2 t), so tau = coth(0.25) = 4.08 records.
    tau = estimates.autocorrelation_time(x)
    assert abs(tau - 1 / np.tanh(0.25)) < 0.5
    mean = estimates.mean(x)
    assert abs(mean.z(0)) < 4 and mean.effective_samples == pytest.approx(x.size / tau, rel=0.3)
    assert str(mean).startswith(f"{mean.value:.6g} +- ")
    for wrong in (np.zeros((2, 2, 2)), np.array([1.0]), np.array([np.nan] * 8), "text"):
        with pytest.raises((heatbath.errors.BadArgError, TypeError)):
            estimates.mean(wrong)


def test_arviz_agrees(chains):
    arviz = pytest.importorskip("arviz")
    data = chains.to_inference_data(burn_in=1, names=["left", "right"])
    x = data.posterior["x"]
    assert x.shape == (8, 800, 2) and list(x.coords["cell"].values) == ["left", "right"]
    assert np.array_equal(x.values, chains.states[:, 1:]) and data.sample_stats["ticks"].shape == (8, 800)
    series = chains.states[:, 1:, 0].astype(float)
    assert estimates.r_hat(series) == pytest.approx(float(arviz.rhat(series, method="split")), rel=1e-9)
    theirs = float(arviz.ess(series, method="mean"))
    ours = series.size / estimates.autocorrelation_time(series)
    print(f"effective samples: {ours:.0f}, ArviZ {theirs:.0f}")
    assert ours == pytest.approx(theirs, rel=0.1)
    apart = series + 10 * (np.arange(8) % 2)[:, None]
    assert estimates.r_hat(apart) == pytest.approx(float(arviz.rhat(apart, method="split")), rel=1e-9) and estimates.r_hat(apart) > 5
    last = chains.to_inference_data(burn_in=800).posterior["x"]
    assert last.shape == (1, 8, 2)
    with pytest.raises(ValueError, match="801"):
        chains.to_inference_data(burn_in=801)


def test_plots_draw(chains, tmp_path):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    from matplotlib import pyplot

    from heatbath import plot

    network = heatbath.Network("overdamped", 2).set("j2", 1.0)
    certificate = heatbath.certificate(network, chains.states, kT=1.0)
    ladder = judges.Ladder([], [], 1, 1.0, 0.0, "")
    with heatbath.open("func:profile=silicon&cells=4&lanes=1&threads=1") as chip:
        figures = calibration.calibrate(chip, cells=3, effort=0.1)
    for k, draw in enumerate([
            lambda: plot.samples(chains), lambda: plot.samples(chains, (1,)), lambda: plot.samples(chains.states[:, 5]),
            lambda: plot.trajectories(chains, 1), lambda: plot.trajectories(chains, times=np.arange(801) / 4), lambda: plot.heat(chains),
            lambda: plot.autocorrelation(chains.states[:, :, 0]), lambda: plot.autocorrelation(np.ones(10)),
            lambda: plot.energies(network.energy(chains.states)), lambda: plot.certificate(certificate), lambda: plot.checks(ladder), lambda: plot.calibration(figures)]):
        axes = draw()
        assert axes.get_xlabel() or axes.get_title()
        axes.figure.savefig(tmp_path / f"{k}.png")
        pyplot.close(axes.figure)
    given = pyplot.subplots()[1]
    assert plot.heat(chains, axes=given) is given
    assert plot.autocorrelation(chains.states[:, :, 0]).lines[1].get_ydata()[1] == pytest.approx(np.exp(-0.5), abs=0.03)
    pyplot.close("all")
    for wrong in (lambda: plot.samples(np.zeros(3)), lambda: plot.autocorrelation(np.zeros(3))):
        with pytest.raises(ValueError, match="shape"):
            wrong()


def test_notebooks_show_tables(chains):
    with heatbath.open("func:cells=3&threads=1") as device:
        html = device._repr_html_()
        assert html.startswith("<table>") and "3 overdamped" in html and "func:" in html
        assert "&amp;" in html and "&cells" not in html  # escaped
    assert "closed" in device._repr_html_()
    network = heatbath.Network.ising({(0, 1): 2.0}, [0.5, 0])
    assert "1, from -2 to -2" in network._repr_html_() and "pbit" in network._repr_html_()
    html = chains._repr_html_()
    assert "8 shots x 801 records x 2 variables" in html and "meters 0" in html
