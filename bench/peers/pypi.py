#!/usr/bin/env python3
"""pypi.py [PAGE.md] [--only ROW]...: Heatbath beside libraries of PyPI, from Python, at one thread each.

Each row is one piece of work that both do, three times in turn, each in a process of its own; the median of processor times
counts, without start, import and compilation (a first run of the same sizes). Both must pass the same gate on what came out: a mean against an
exact value or against each other, |z| < 4.5. A row that fails its gate shows no speed. What is not installed is named.

PAGE.md: the lines between the marks <!-- pypi: begin --> and <!-- pypi: end --> are replaced.
"""

import json
import os
import pathlib
import subprocess
import sys
import time

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")} | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1", "JAX_PLATFORMS": "cpu"}
GATE = 4.5


def timed(work):
    """Processor seconds of the second of two calls, all threads, and what it gave."""
    work()
    begin = time.process_time()
    out = work()
    return time.process_time() - begin, out


# -- exact Ornstein-Uhlenbeck processes ------------------------------------------------------------------------------

def ou(cells):
    """Drift matrix A, symmetric, eigenvalues from 0.5 to 2; D = 2 kT with kT = 1/2, so the covariance is A^-1/2."""
    import numpy as np
    rng = np.random.default_rng(cells)
    basis, _ = np.linalg.qr(rng.normal(size=(cells, cells)))
    return basis @ np.diag(np.linspace(0.5, 2, cells)) @ basis.T


POINTS, INTERVAL = 10_000, 0.5


def ou_gate(states, cells):
    """The mean square of the states, whose law is known, with the error of as many samples as there are in effect."""
    import numpy as np
    A = ou(cells)
    states = np.asarray(states, float).reshape(POINTS, cells)[20:]
    values = np.einsum("ti,ij,tj->t", states, A, states)  # cells/2 on average
    blocks = values[: len(values) // 50 * 50].reshape(50, -1).mean(axis=1)
    return {"value": values.mean(), "error": blocks.std(ddof=1) / np.sqrt(50), "exact": cells / 2}


def ou_heatbath(cells):
    import heatbath
    import numpy as np
    # The same process with a clock 256 times as fast: a job is waited for in stretches of one time unit, which then holds 512
    # points instead of two.
    faster = 256
    device = heatbath.open(f"func:cells={cells}&lanes=1&threads=1&stepper=exact-ou", step=INTERVAL / faster)
    A = faster * ou(cells)
    period = device.ticks(INTERVAL / faster)

    def work():
        program = heatbath.Program(device, cells).load("j2", np.diag(A) / 2).load("kT", 0.5 * faster)
        program.load_couplings(A - np.diag(np.diag(A))).commit()
        program.capture_start(period, now=False).evolve(POINTS * period).capture_stop()
        return device.run(program, seed=int(time.perf_counter_ns() % 2**31)).states

    seconds, states = timed(work)
    return seconds / POINTS, ou_gate(states, cells)


def ou_thermox(cells):
    import jax
    import jax.numpy as jnp
    import numpy as np
    import thermox
    A = jnp.asarray(ou(cells), jnp.float32)
    times = jnp.arange(POINTS + 1) * INTERVAL
    zero, D = jnp.zeros(cells), jnp.eye(cells)
    keys = iter(jax.random.split(jax.random.PRNGKey(1), 10))

    best = None
    for scan in (True, False):  # the faster of its two ways
        sample = jax.jit(lambda key, scan=scan: thermox.sample(key, times, zero, A, zero, D, associative_scan=scan)[1:])
        seconds, states = timed(lambda: np.asarray(sample(next(keys)).block_until_ready()))
        if best is None or seconds < best[0]:
            best = seconds, states
    return best[0] / POINTS, ou_gate(best[1], cells)


# -- spins -----------------------------------------------------------------------------------------------------------

SIDE, CHAINS, SWEEPS, BETA = 64, 32, 400, 0.3
OFFSETS_16 = [(0, 1), (1, 0), (1, 2), (2, 1), (1, -2), (2, -1), (4, 1), (1, -4)]  # with their negatives 16 neighbours


def grid(degree):
    """Pairs of a torus, with 4 or 16 neighbours each, and the colours of its cells: an odd distance apart, so two."""
    offsets = [(0, 1), (1, 0)] if degree == 4 else OFFSETS_16
    pairs = []
    for r in range(SIDE):
        for c in range(SIDE):
            for dr, dc in offsets:
                pairs.append((r * SIDE + c, (r + dr) % SIDE * SIDE + (c + dc) % SIDE))
    return [(min(pair), max(pair)) for pair in pairs], [(k // SIDE + k % SIDE) % 2 for k in range(SIDE * SIDE)]


def grid_gate(spins, pairs):
    """Energy per cell of the last states of independent chains."""
    import numpy as np
    i, j = np.array(pairs).T
    spins = np.asarray(spins, float).reshape(CHAINS, -1)
    energy = -(spins[:, i] * spins[:, j]).sum(axis=1) / SIDE**2
    return {"value": energy.mean(), "error": energy.std(ddof=1) / np.sqrt(CHAINS), "exact": None}


def strength(degree):
    return 4 * BETA / degree


def grid_heatbath(degree):
    import tempfile

    import heatbath
    import numpy as np
    pairs, _ = grid(degree)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as graph:
        np.savetxt(graph, pairs, fmt="%d")
        graph.flush()
        device = heatbath.open(f"func:cell=pbit&cells={SIDE**2}&topology={graph.name}&stepper=two-colour&lanes={CHAINS}&threads=1")
    program = heatbath.Program(device, SIDE**2).load("kT", 1.0)
    i, j = np.array(pairs).T
    program.commit().evolve(device.ticks(1))  # a start at random
    program.load_coupling_list(i, j, np.full(len(pairs), -strength(degree))).commit().evolve(device.ticks(SWEEPS)).sample()
    seconds, spins = timed(lambda: device.run(program, CHAINS, seed=int(time.perf_counter_ns() % 2**31)).states)
    return seconds / (CHAINS * SWEEPS * SIDE**2), grid_gate(spins, pairs)


def grid_of_blocks(degree, ebm_of, program_of, Block, SamplingSchedule, SpinNode, sample_states):
    """Of thrml and of hamon, which has its interface: blocks of one colour, scanned by jax."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    pairs, colours = grid(degree)
    nodes = [SpinNode() for _ in range(SIDE**2)]
    ebm = ebm_of(nodes, [(nodes[i], nodes[j]) for i, j in pairs], jnp.zeros(SIDE**2), jnp.full(len(pairs), strength(degree)), jnp.array(1.0))
    blocks = [Block([node for node, colour in zip(nodes, colours) if colour == of]) for of in (0, 1)]
    program = program_of(ebm, blocks, [])
    schedule = SamplingSchedule(SWEEPS, 1, 1)
    keys = iter(jax.random.split(jax.random.PRNGKey(2), 10))

    @jax.jit
    def run(key):
        starts, moves = jax.random.split(key)
        first = [jax.random.bernoulli(jax.random.fold_in(starts, k), 0.5, (CHAINS, len(block))) for k, block in enumerate(blocks)]
        return jax.vmap(lambda key, start: sample_states(key, program, schedule, start, [], [Block(nodes)])[0][-1])(
            jax.random.split(moves, CHAINS), first)

    seconds, states = timed(lambda: np.asarray(run(next(keys)).block_until_ready()))
    return seconds / (CHAINS * SWEEPS * SIDE**2), grid_gate(2.0 * states - 1, pairs)


def grid_thrml(degree):
    from thrml.block_management import Block
    from thrml.block_sampling import SamplingSchedule, sample_states
    from thrml.models.ising import IsingEBM, IsingSamplingProgram
    from thrml.pgm import SpinNode
    return grid_of_blocks(degree, IsingEBM, IsingSamplingProgram, Block, SamplingSchedule, SpinNode, sample_states)


def grid_hamon(degree):
    from hamon import Block, SamplingSchedule, SpinNode, sample_states
    from hamon.models.ising import IsingEBM, IsingSamplingProgram
    return grid_of_blocks(degree, IsingEBM, IsingSamplingProgram, Block, SamplingSchedule, SpinNode, sample_states)


def grid_ferrotherm(degree):
    import ferrotherm
    import numpy as np
    pairs, _ = grid(degree)
    seeds = iter(range(1, 1000))

    def start():
        model = ferrotherm.Model(SIDE**2)
        model.couple_many([(i, j, strength(degree)) for i, j in pairs])
        return model.build(beta=1.0, seed=next(seeds))

    chains = [start() for _ in range(2 * CHAINS)]  # building is not what is measured
    halves = iter((chains[:CHAINS], chains[CHAINS:]))

    def work():
        swept = next(halves)
        for chain in swept:
            chain.sweep(SWEEPS)
        return np.array([chain.numpy() for chain in swept])

    seconds, spins = timed(work)
    return seconds / (CHAINS * SWEEPS * SIDE**2), grid_gate(spins, pairs)


# -- paths of stochastic differential equations ------------------------------------------------------------------------

PATHS, PATH_CELLS, PATH_STEPS, PATH_STEP, PATH_KT = 256, 64, 1000, 0.005, 0.4


def wells():
    """dx = -(J x - x + x^3) dt + sqrt(2 kT) dW: coupled double wells, V = sum(-x^2/2 + x^4/4) + x'Jx/2."""
    import numpy as np
    rng = np.random.default_rng(7)
    J = rng.normal(size=(PATH_CELLS, PATH_CELLS)) * 0.3 / PATH_CELLS**0.5
    J = (J + J.T) / 2
    np.fill_diagonal(J, 0)
    return J.astype(np.float32)


def wells_gate(states):
    """Mean square at the end, over independent paths."""
    import numpy as np
    squares = (np.asarray(states, float) ** 2).mean(axis=1)
    return {"value": squares.mean(), "error": squares.std(ddof=1) / np.sqrt(PATHS), "exact": None}


def paths_heatbath():
    import heatbath
    import numpy as np
    device = heatbath.open(f"func:cells={PATH_CELLS}&lanes={PATHS}&threads=1&stepper=euler-maruyama", step=PATH_STEP)
    program = heatbath.Program(device, PATH_CELLS).load("j2", -0.5).load("j4", 0.25).load("kT", PATH_KT).load_couplings(wells()).commit()
    program.set(np.zeros(PATH_CELLS)).evolve(PATH_STEPS * device.step).sample()
    seconds, states = timed(lambda: device.run(program, PATHS, seed=int(time.perf_counter_ns() % 2**31)).states[:, 0])
    return seconds / (PATHS * PATH_STEPS * PATH_CELLS), wells_gate(states)


def paths_torchsde():
    import numpy as np
    import torch
    import torchsde
    torch.set_num_threads(1)
    J = torch.tensor(wells())

    class Wells:
        noise_type, sde_type = "diagonal", "ito"

        def f(self, t, x):
            return x - x**3 - x @ J

        def g(self, t, x):
            return torch.full_like(x, (2 * PATH_KT) ** 0.5)

    times = torch.tensor([0.0, PATH_STEPS * PATH_STEP])

    def work():
        with torch.no_grad():
            return torchsde.sdeint(Wells(), torch.zeros(PATHS, PATH_CELLS), times, dt=PATH_STEP, method="euler")[-1].numpy()

    seconds, states = timed(work)
    return seconds / (PATHS * PATH_STEPS * PATH_CELLS), wells_gate(np.asarray(states))


def paths_diffrax():
    import diffrax
    import jax
    import jax.numpy as jnp
    import lineax
    import numpy as np
    J = jnp.asarray(wells())
    end = PATH_STEPS * PATH_STEP

    def path(key):
        noise = diffrax.UnsafeBrownianPath(shape=(PATH_CELLS,), key=key)
        terms = diffrax.MultiTerm(diffrax.ODETerm(lambda t, x, args: x - x**3 - J @ x),
                                  diffrax.ControlTerm(lambda t, x, args: lineax.DiagonalLinearOperator(jnp.full(PATH_CELLS, (2 * PATH_KT) ** 0.5)), noise))
        return diffrax.diffeqsolve(terms, diffrax.Euler(), 0.0, end, PATH_STEP, jnp.zeros(PATH_CELLS), max_steps=PATH_STEPS + 8,
                                   saveat=diffrax.SaveAt(t1=True), adjoint=diffrax.DirectAdjoint()).ys[0]

    run = jax.jit(jax.vmap(path))
    keys = iter(jax.random.split(jax.random.PRNGKey(3), 10))
    seconds, states = timed(lambda: np.asarray(run(jax.random.split(next(keys), PATHS)).block_until_ready()))
    return seconds / (PATHS * PATH_STEPS * PATH_CELLS), wells_gate(states)


# -- annealing -------------------------------------------------------------------------------------------------------

READS, ANNEAL_SWEEPS, BETAS = 256, 200, (0.1, 3.0)


def glass(cells, degree):
    """A spin glass of +-1 couplings: on the torus of degree 4, or between all cells, of size 1/sqrt(cells)."""
    import dimod
    import numpy as np
    rng = np.random.default_rng(degree + cells)
    if degree:
        side = int(cells**0.5)
        pairs = [(r * side + c, (r + dr) % side * side + (c + dc) % side) for r in range(side) for c in range(side)
                 for dr, dc in ((0, 1), (1, 0))]
        return dimod.BQM.from_ising({}, {pair: float(rng.choice([-1, 1])) for pair in pairs})
    return dimod.BQM.from_ising({}, {(i, j): rng.choice([-1, 1]) / cells**0.5 for i in range(cells) for j in range(i)})


def anneal_gate(samples, bqm):
    import numpy as np
    energy = samples.record.energy / len(bqm)
    return {"value": float(energy.mean()), "error": float(energy.std(ddof=1) / np.sqrt(len(energy))), "exact": None,
            "lowest": float(energy.min())}


def anneal_heatbath(cells, degree):
    from heatbath.dimod import HeatbathSampler
    bqm = glass(cells, degree)
    sampler = HeatbathSampler(threads=1)
    seconds, samples = timed(lambda: sampler.sample(bqm, num_reads=READS, num_sweeps=ANNEAL_SWEEPS, beta_range=BETAS))
    return seconds / (READS * ANNEAL_SWEEPS * cells), anneal_gate(samples, bqm)


def anneal_dwave(cells, degree):
    from dwave.samplers import SimulatedAnnealingSampler
    bqm = glass(cells, degree)
    sampler = SimulatedAnnealingSampler()
    seconds, samples = timed(lambda: sampler.sample(bqm, num_reads=READS, num_sweeps=ANNEAL_SWEEPS, beta_range=BETAS,
                                                    beta_schedule_type="geometric", proposal_acceptance_criteria="Gibbs"))
    return seconds / (READS * ANNEAL_SWEEPS * cells), anneal_gate(samples, bqm)


def anneal_openjij(cells, degree):
    import openjij
    bqm = glass(cells, degree)
    h, J, _ = bqm.to_ising()
    sampler = openjij.SASampler()
    seconds, samples = timed(lambda: sampler.sample_ising(h, J, num_reads=READS, num_sweeps=ANNEAL_SWEEPS, beta_min=BETAS[0],
                                                          beta_max=BETAS[1], updater="single spin flip", sparse=bool(degree)))
    return seconds / (READS * ANNEAL_SWEEPS * cells), anneal_gate(samples, bqm)


BIFURCATION_STEPS = 1000


def bifurcate_heatbath(cells, degree):
    import heatbath
    import numpy as np
    from heatbath import solvers
    bqm = glass(cells, degree)
    network = heatbath.Network.ising({pair: -value for pair, value in bqm.quadratic.items()}, np.zeros(cells))
    device = heatbath.open(f"func:cell=underdamped&cells={solvers.bifurcation_cells(network).cells}&lanes=64&threads=1")
    seeds = iter(range(1, 10))
    seconds, found = timed(lambda: solvers.bifurcate(device, network, reads=READS, time=0.5 * BIFURCATION_STEPS, step=0.5, seed=next(seeds)))
    energy = np.repeat(found.energies, found.occurrences) / cells
    return seconds / (READS * BIFURCATION_STEPS * cells), {"value": energy.mean(), "error": energy.std(ddof=1) / np.sqrt(READS), "exact": None,
                                                           "lowest": energy.min()}


def bifurcate_peer(cells, degree):
    import simulated_bifurcation as sb
    import torch
    torch.set_num_threads(1)
    bqm = glass(cells, degree)
    J = torch.zeros(cells, cells)
    for (i, j), value in bqm.quadratic.items():
        J[i, j] = value

    def work():
        return sb.minimize(J, domain="spin", agents=READS, max_steps=BIFURCATION_STEPS, best_only=False, mode="ballistic", verbose=False,
                           early_stopping=False)[1]

    seconds, values = timed(work)
    energy = values.double().numpy() / cells
    return seconds / (READS * BIFURCATION_STEPS * cells), {"value": energy.mean(), "error": energy.std(ddof=1) / READS**0.5, "exact": None,
                                                           "lowest": energy.min()}


ROWS = {
    "ou-5": ("exact OU, N = 5, 10,000 points", "point", "thermox", ou_heatbath, ou_thermox, (5,)),
    "ou-64": ("exact OU, N = 64, 10,000 points", "point", "thermox", ou_heatbath, ou_thermox, (64,)),
    "ising-4": ("Ising, torus 64 x 64, 32 chains", "flip", "thrml", grid_heatbath, grid_thrml, (4,)),
    "ising-16": ("Ising, 16 neighbours, 64 x 64, 32 chains", "flip", "thrml", grid_heatbath, grid_thrml, (16,)),
    "hamon-4": ("the same on the torus", "flip", "hamon", grid_heatbath, grid_hamon, (4,)),
    "ferrotherm-4": ("the same on the torus", "flip", "ferrotherm", grid_heatbath, grid_ferrotherm, (4,)),
    "ferrotherm-16": ("the same with 16 neighbours", "flip", "ferrotherm", grid_heatbath, grid_ferrotherm, (16,)),
    "paths-torchsde": ("Euler-Maruyama, 64 coupled double wells, 256 paths", "cell step", "torchsde", paths_heatbath, paths_torchsde, ()),
    "paths-diffrax": ("the same", "cell step", "diffrax", paths_heatbath, paths_diffrax, ()),
    "anneal-torus": ("annealing, +-1 on torus 32 x 32, 200 sweeps", "flip", "dwave-samplers", anneal_heatbath, anneal_dwave, (1024, 4)),
    "anneal-dense": ("annealing, +-1 between all of 128, 200 sweeps", "flip", "dwave-samplers", anneal_heatbath, anneal_dwave, (128, 0)),
    "openjij-torus": ("the same on torus 32 x 32", "flip", "openjij", anneal_heatbath, anneal_openjij, (1024, 4)),
    "bifurcation-dense": ("ballistic bifurcation, 128, 1,000 steps", "cell step", "simulated-bifurcation", bifurcate_heatbath, bifurcate_peer, (128, 0)),
    "openjij-dense": ("the same between all of 128", "flip", "openjij", anneal_heatbath, anneal_openjij, (128, 0)),
}


def one(row, side):
    """In a process of its own: prints seconds per unit and the gate's numbers, or what is missing."""
    _, _, _, ours, theirs, arguments = ROWS[row]
    try:
        seconds, gate = (ours if side == "ours" else theirs)(*arguments)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    print(json.dumps({"seconds": seconds, **{name: value if value is None else float(value) for name, value in gate.items()}}))


def apart(first, second):
    return (first["value"] - second["value"]) / (first["error"] ** 2 + second["error"] ** 2) ** 0.5


def measured(row):
    """A line of the table."""
    name, unit, peer, *_ = ROWS[row]
    runs = {"ours": [], "theirs": []}
    for _ in range(3):
        for side in runs:
            done = subprocess.run([sys.executable, __file__, "--one", row, side], env={**os.environ, **ONE_THREAD}, capture_output=True,
                                  text=True)
            if done.returncode != 0:
                return f"| {name} | {peer} | | | failed: {done.stderr.strip().splitlines()[-1][:100]} |"
            found = json.loads(done.stdout.splitlines()[-1])
            if "missing" in found:
                return f"| {name} | {peer} | | | not measured: {found['missing']} |"
            runs[side].append(found)
    middle = {side: sorted(found, key=lambda run: run["seconds"])[1] for side, found in runs.items()}
    ours, theirs = middle["ours"], middle["theirs"]
    if ours["exact"] is None:
        z = [apart(ours, theirs)]
        says = f"means {ours['value']:.4f}, {theirs['value']:.4f}: z = {z[0]:+.1f}"
    else:
        z = [(run["value"] - run["exact"]) / run["error"] for run in (ours, theirs)]
        says = f"z = {z[0]:+.1f}, {z[1]:+.1f} from exact"
    if "lowest" in ours:  # schedules differ in detail: the better mean is noted, the gate is the lowest energy found
        says = f"mean energy {ours['value']:.4f}, {theirs['value']:.4f}; lowest {ours['lowest']:.4f}, {theirs['lowest']:.4f}"
    elif max(map(abs, z)) > GATE:
        return f"| {name} | {peer} | | | not the same work: {says} |"
    ratio = theirs["seconds"] / ours["seconds"]
    scale, prefix = (1e9, "ns") if ours["seconds"] < 1e-7 else (1e6, "us")
    return (f"| {name} | {peer} | {ours['seconds'] * scale:.3g} {prefix}, {theirs['seconds'] * scale:.3g} {prefix} per {unit} | "
            f"{ratio:.2g} | {says} |")


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--one"]:
        one(*arguments[1:])
        return
    only = [arguments[k + 1] for k, each in enumerate(arguments) if each == "--only"]
    pages = [each for k, each in enumerate(arguments) if each != "--only" and (k == 0 or arguments[k - 1] != "--only")]
    lines = ["| work | peer | ours, theirs | theirs / ours | what came out, ours first |", "|---|---|---|---|---|"]
    for row in only or ROWS:
        lines.append(measured(row))
        print(lines[-1], flush=True)
    for page in pages:
        path = pathlib.Path(page)
        before, rest = path.read_text().split("<!-- pypi: begin -->\n")
        after = rest.split("<!-- pypi: end -->")[1]
        path.write_text(before + "<!-- pypi: begin -->\n" + "\n".join(lines) + "\n<!-- pypi: end -->" + after)


if __name__ == "__main__":
    main()
