#!/usr/bin/env python3
"""peer.py LIBRARY WORK LANES|THREADS [DRIVES]: the work of a row of `heatbath-bench` in another library.

LIBRARY  numpy, torch, scipy, brian, ngspice, lammps
WORK     dense-N, grid-W (W x W, nearest neighbours), torus-W, sparse-1e5, exact-ou-N, phase-N, generator
DRIVES   of the generator: a file of float32, the fields of all cells for each image, which it noises in turn
The systems are those of bench/systems.hpp. All run in float32 and on one thread (the generator: on as many as said).

Prints one line: seconds MEDIAN LOW HIGH square MEAN ERROR pair MEAN ERROR
seconds per cell-step (of the generator: per 100 updates), with quartiles; then the mean of x^2 and of x (J x) / 2 with
their standard errors, by which the caller judges whether both ran the same system. Exit status 1 when it cannot.
"""
import os
import sys
import time

LIBRARY, WORK, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
THREADS = COUNT if WORK == "generator" else 1
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(THREADS)


def openblas_core():
    """The kernel OpenBLAS should use: it takes virtual processors it does not know for much older ones."""
    try:
        flags = open("/proc/cpuinfo").read()
    except OSError:
        return None
    return "SKYLAKEX" if " avx512f" in flags else "ZEN" if "AuthenticAMD" in flags and " avx2" in flags \
        else "HASWELL" if " avx2" in flags else None


if "OPENBLAS_CORETYPE" not in os.environ and openblas_core():
    os.environ["OPENBLAS_CORETYPE"] = openblas_core()

try:
    import numpy as np
    if LIBRARY == "torch":
        import torch
        torch.set_num_threads(THREADS)
        torch.manual_seed(2)
    if LIBRARY == "scipy":
        import scipy.sparse
    if LIBRARY == "brian":
        import brian2
except ImportError as error:
    print(f"not installed: {error}")
    sys.exit(1)

try:
    loaded = open("/proc/self/maps").read()
except OSError:
    loaded = "openblas"
if not any(name in loaded for name in ("openblas", "mkl", "blis")):
    print("numpy runs on the reference BLAS, so no time would be fair: install libopenblas0-pthread")
    sys.exit(1)

DT, KT, J2, J4 = 0.01, 1.0, 1.0, 0.25
SIGMA = np.float32(np.sqrt(2 * KT * DT))
GROUPS = 16


def dense_couplings(n):
    i = np.arange(n, dtype=np.float64)
    codes = np.rint(127 * np.sin(0.37 * np.multiply.outer(i, i) + np.add.outer(i, i)))
    np.fill_diagonal(codes, 0)
    return (codes / (128 * np.sqrt(n))).astype(np.float32)


def grid_couplings(w):
    """The matrix of the grid, for the statistics."""
    import scipy.sparse
    line = scipy.sparse.diags([np.ones(w - 1), np.ones(w - 1)], [-1, 1])
    one = scipy.sparse.identity(w)
    return (-0.2 * (scipy.sparse.kron(one, line) + scipy.sparse.kron(line, one))).astype(np.float32).tocsr()


def random_couplings(n):
    """Degree 6 on average. Another random graph than ours; its averages are the same within 1 part in sqrt(cells)."""
    import scipy.sparse
    random = np.random.default_rng(1)
    pairs = np.unique(np.sort(random.integers(0, n, size=(3 * n, 2)), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    half = scipy.sparse.coo_matrix((np.full(len(pairs), -0.2, np.float32), pairs.T), shape=(n, n))
    return (half + half.T).tocsr()


def time_per_call(call, seconds=3.0):
    call()
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or (time.perf_counter() < end and len(times) < 101):
        start = time.process_time() if THREADS == 1 else time.perf_counter()
        call()
        times.append((time.process_time() if THREADS == 1 else time.perf_counter()) - start)
    return np.percentile(times, [50, 25, 75])


def one_lane_as_vector(x):
    """Libraries multiply a matrix by a vector faster than by a matrix of one column."""
    return x[:, 0] if x.shape[1] == 1 else x


def statistics(advance, states, couplings):
    """Means over 16 groups of lanes, or of neighbouring cells, of samples 50 steps apart after 300."""
    square, pair = np.zeros(GROUPS), np.zeros(GROUPS)
    samples = 10
    for sample in range(samples):
        advance(300 if sample == 0 else 50)
        x = np.asarray(states(), dtype=np.float64)  # cells x lanes
        field = 0.5 * x * (couplings @ x)
        axis = 1 if x.shape[1] >= GROUPS else 0
        for group, (a, b) in enumerate(zip(np.array_split(x * x, GROUPS, axis), np.array_split(field, GROUPS, axis))):
            square[group] += a.mean() / samples
            pair[group] += b.mean() / samples
    error = lambda values: values.std(ddof=1) / np.sqrt(GROUPS)
    return square.mean(), error(square), pair.mean(), error(pair)


def numpy_steps(field):
    random = np.random.default_rng(2)

    def make(x):
        noise = np.empty_like(x)

        def steps(count):
            for _ in range(count):
                random.standard_normal(dtype=np.float32, out=noise)
                gradient = x * (2 * J2 + 4 * J4 * x * x) + field(x)
                x[...] += SIGMA * noise - np.float32(DT) * gradient
        return steps
    return make


def torch_steps(field):
    def make(x):
        noise = torch.empty_like(x)

        @torch.no_grad()
        def steps(count):
            for _ in range(count):
                noise.normal_()
                gradient = x * (2 * J2 + 4 * J4 * x * x) + field(x)
                x.add_(noise, alpha=float(SIGMA)).add_(gradient, alpha=-DT)
        return steps
    return make


def langevin():
    kind, size = WORK.rsplit("-", 1)
    lanes = COUNT
    gate_lanes = 1 if kind in ("grid", "sparse") else 64 if size == "1024" else 256
    if kind == "dense":
        n = int(size)
        j = couplings = dense_couplings(n)
    elif kind == "grid":
        n = int(size) ** 2
        couplings = grid_couplings(int(size))
    else:
        n = int(float(size))
        j = couplings = random_couplings(n)
    if LIBRARY == "torch":
        if kind == "grid":
            w = int(size)

            def field(x):
                v = x.view(w, w)
                y = torch.zeros_like(v)
                y[1:] += v[:-1]
                y[:-1] += v[1:]
                y[:, 1:] += v[:, :-1]
                y[:, :-1] += v[:, 1:]
                return y.mul_(-0.2).view(x.shape)
        else:
            matrix = torch.from_numpy(j)
            field = lambda x: matrix @ x
        make, zeros, as_numpy = torch_steps(field), lambda l: torch.zeros(n, l), lambda x: x.numpy()
    else:
        make, zeros, as_numpy = numpy_steps(lambda x: j @ x), lambda l: np.zeros((n, l), np.float32), lambda x: x
    gate = zeros(gate_lanes)
    found = statistics(make(gate), lambda: as_numpy(gate), couplings)
    x = one_lane_as_vector(zeros(lanes))
    steps = make(x)
    count = max(1, int(2e6 / (n * lanes * (1 if kind != "dense" else n / 64))))
    steps(50)
    return time_per_call(lambda: steps(count)) / (count * n * lanes), found


def measured(make, couplings, count):
    """Statistics of 256 lanes, and the time of a cell-step of COUNT lanes; make(x) gives steps(count) that advance x."""
    n = len(couplings)
    gate = np.zeros((n, 256), np.float32)
    found = statistics(make(gate), lambda: gate, couplings)
    x = one_lane_as_vector(np.zeros((n, COUNT), np.float32))
    steps = make(x)
    return time_per_call(lambda: steps(count)) / (count * n * COUNT), found


def exact_ou():
    """x' = A x + B n, A = exp(-K dt), B B^T the covariance of the step; J4 = 0."""
    n = int(WORK.rsplit("-", 1)[1])
    j = dense_couplings(n)
    values, vectors = np.linalg.eigh(2 * J2 * np.eye(n) + j.astype(np.float64))
    a = ((vectors * np.exp(-values * DT)) @ vectors.T).astype(np.float32)
    b = ((vectors * np.sqrt(KT / values * (1 - np.exp(-2 * values * DT)))) @ vectors.T).astype(np.float32)
    random = np.random.default_rng(2)

    def make(x):
        noise = np.empty_like(x)

        def steps(count):
            for _ in range(count):
                random.standard_normal(dtype=np.float32, out=noise)
                x[...] = a @ x + b @ noise
        return steps
    return measured(make, j, 2000)


def phases():
    """Overdamped phases with V = sum J cos(th_i - th_k) + J2 cos 2 th, held to [-pi, pi)."""
    n = int(WORK.rsplit("-", 1)[1])
    j = dense_couplings(n)
    random = np.random.default_rng(2)

    def make(x):
        noise = np.empty_like(x)

        def steps(count):
            for _ in range(count):
                random.standard_normal(dtype=np.float32, out=noise)
                c, s = np.cos(x), np.sin(x)
                gradient = s * (-4 * J2 * c) - (s * (j @ c) - c * (j @ s))
                x[...] += SIGMA * noise - np.float32(DT) * gradient
                x[...] -= np.float32(2 * np.pi) * np.rint(x * np.float32(0.5 / np.pi))
        return steps
    return measured(make, j, 50)


def ngspice():
    """A linear network: capacitors of 1 F, conductances 2 J2 to ground, a controlled source per coupling, and noise
    currents with a sample every DT, interpolated in between, whose intensity is 2 kT. ngspice takes steps of its own;
    time is per DT, from runs of two lengths, so that reading the netlist does not count."""
    import resource
    import subprocess
    import tempfile
    n = int(WORK.rsplit("-", 1)[1])
    j = dense_couplings(n)

    def run(steps, folder):
        lines = ["linear network", f".options reltol=1e-3 method=trap seed={steps}"]
        for i in range(n):
            lines += [f"C{i} n{i} 0 1 ic=0", f"R{i} n{i} 0 {1 / (2 * J2)}",
                      f"I{i} 0 n{i} dc 0 trnoise({np.sqrt(2 * KT / DT):.9g} {DT} 0 0)"]
            lines += [f"G{i}x{k} n{i} 0 n{k} 0 {j[i, k]:.9g}" for k in range(n) if j[i, k] != 0]
        lines += [".control", "set wr_singlescale", f"tran {DT} {steps * DT:.9g} 0 {DT} uic",
                  f"wrdata {folder}/out " + " ".join(f"v(n{i})" for i in range(n)), "quit", ".endc", ".end"]
        path = folder + "/net.cir"
        with open(path, "w") as out:
            out.write("\n".join(lines) + "\n")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["ngspice", "-b", path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        table = np.loadtxt(folder + "/out")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, table

    with tempfile.TemporaryDirectory() as folder:
        short, _ = run(200, folder)
        times = []
        for _ in range(2):
            seconds, table = run(4200, folder)
            times.append((seconds - short) / 4000 / n)
    at = np.searchsorted(table[:, 0], np.arange(3.0, table[-1, 0], 0.5))
    x = table[at, 1:].T
    square, field = (x * x).mean(axis=0), (0.5 * x * (j @ x)).mean(axis=0)
    groups = [[part.mean() for part in np.array_split(values, GROUPS)] for values in (square, field)]
    error = lambda values: np.std(values, ddof=1) / np.sqrt(GROUPS)
    return np.percentile(times, [50, 25, 75]), (np.mean(groups[0]), error(groups[0]), np.mean(groups[1]), error(groups[1]))


def lammps():
    """Atoms on a torus, tethered by springs to one point and to their neighbours, under Langevin's bath: each coordinate
    is a grid of underdamped cells. Debian's LAMMPS has no overdamped integrator. The tether takes back what the springs
    between neighbours add to J2."""
    import re
    import subprocess
    import tempfile
    w = int(WORK.rsplit("-", 1)[1])
    n, coupling = w * w, -0.2
    cells = np.arange(n).reshape(w, w)
    bonds = np.concatenate([np.stack([cells, np.roll(cells, -1, axis)], -1).reshape(-1, 2) for axis in (0, 1)])
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/atoms", "w") as out:
            out.write(f"torus\n\n{n} atoms\n{len(bonds)} bonds\n1 atom types\n1 bond types\n4 extra bond per atom\n\n"
                      "-50 50 xlo xhi\n-50 50 ylo yhi\n-50 50 zlo zhi\n\nMasses\n\n1 1\n\nAtoms\n\n")
            out.writelines(f"{i + 1} 1 1 0 0 0\n" for i in range(n))
            out.write("\nBonds\n\n")
            out.writelines(f"{b + 1} 1 {i + 1} {k + 1}\n" for b, (i, k) in enumerate(bonds))
        with open(folder + "/in", "w") as out:
            out.write(f"""units lj
atom_style bond
atom_modify map array sort 0 0
special_bonds lj/coul 1 1 1
comm_modify cutoff 5
read_data {folder}/atoms extra/special/per/atom 16
pair_style none
neigh_modify once yes
bond_style harmonic
bond_coeff 1 {-coupling / 2} 0
fix tether all spring/self {2 * (J2 + 2 * coupling)}
fix bath all langevin {KT} {KT} 1 12345
fix move all nve
timestep {DT}
thermo 1000000
dump states all custom 50 {folder}/states id x y z
dump_modify states sort id
run 750
undump states
""" + "run 200\n" * 7)
        command = subprocess.run(["lmp", "-in", folder + "/in", "-log", "none"], capture_output=True, text=True)
        times = [float(t) / 200 / (3 * n) for t in re.findall(r"Loop time of (\S+)", command.stdout)[1:]]
        if len(times) < 7:
            raise RuntimeError("lammps: " + (command.stdout.strip().splitlines() or ["no answer"])[-1])
        frames = open(folder + "/states").read().split("ITEM: TIMESTEP")[7:]  # from step 300 on
    means = np.zeros((GROUPS, 2))
    for frame in frames:
        x = np.loadtxt(frame.split("ITEM: ATOMS id x y z")[1].splitlines())[:, 1:]
        grid = x.reshape(w, w, 3)
        field = coupling * sum(np.roll(grid, shift, axis) for axis in (0, 1) for shift in (1, -1)).reshape(n, 3)
        for group, (a, b) in enumerate(zip(np.array_split(x * x, GROUPS), np.array_split(0.5 * x * field, GROUPS))):
            means[group] += a.mean() / len(frames), b.mean() / len(frames)
    (square, pair), error = means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(GROUPS)
    return np.percentile(times, [50, 25, 75]), (square, error[0], pair, error[1])


def brian():
    """A neuron group with all-to-all summed synapses; Euler-Maruyama by Brian2's `euler`, code generated in Cython."""
    kind, size = WORK.rsplit("-", 1)
    n = int(size)
    if kind != "dense":
        raise SystemExit("brian runs dense networks only")
    b2 = brian2
    b2.seed(2)
    j = dense_couplings(n)

    def make(lanes):
        cells = b2.NeuronGroup(n * lanes, "dx/dt = (-2*x - x**3 - field) / second + sqrt(2) * second**-0.5 * xi : 1\n"
                                          "field : 1", method="euler", dt=DT * b2.second)
        synapses = b2.Synapses(cells, cells, "w : 1\nfield_post = w * x_pre : 1 (summed)", dt=DT * b2.second)
        i, k = np.nonzero(j)
        offsets = (np.arange(lanes) * n)[:, None]
        synapses.connect(i=(k[None, :] + offsets).ravel(), j=(i[None, :] + offsets).ravel())
        synapses.w = np.tile(j[i, k], lanes)
        return cells, b2.Network(cells, synapses)

    cells, network = make(16)
    found = statistics(lambda count: network.run(count * DT * b2.second),
                       lambda: np.asarray(cells.x).reshape(16, n).T, j)
    cells, network = make(COUNT)
    network.run(100 * DT * b2.second)
    return time_per_call(lambda: network.run(1000 * DT * b2.second)) / (1000 * n * COUNT), found


def generator():
    """Noising trajectories and the batched gradient of the reverse action; the visible-visible block is left out."""
    v, h, steps, dt, kt, rate = 784, 512, 2500, 1e-3, 0.1, 4e-4
    n = v + h
    random = np.random.default_rng(2)
    drives = np.fromfile(sys.argv[4], np.float32).reshape(-1, n)
    j_vh, j_hh, bias = np.zeros((v, h), np.float32), np.zeros((h, h), np.float32), np.zeros(h, np.float32)
    sigma = np.float32(np.sqrt(2 * kt * dt))
    floors = []

    def update():
        nonlocal j_vh, j_hh, bias
        drive = drives[len(floors) % len(drives)]
        x, noise, path = np.zeros(n, np.float32), np.empty(n, np.float32), np.empty((steps + 1, n), np.float32)
        for k in range(2 * steps + 1):
            if k >= steps:
                path[k - steps] = x
            a = 1.0 if k < steps else max(0.0, 1.0 - (k - steps) / (0.75 * steps))
            random.standard_normal(dtype=np.float32, out=noise)
            x = x + np.float32(dt) * (np.float32(a) * drive - x * (2 + 4 * x * x)) + sigma * noise
        ends, moves = path[1:], path[1:] - path[:-1]
        floors.append(float((moves.astype(np.float64) ** 2).sum()) / (4 * kt * dt * steps) / n)
        x_v, x_h = ends[:, :v], ends[:, v:]
        residual = ends * (2 + 4 * ends * ends)
        residual[:, :v] += x_h @ j_vh.T
        residual[:, v:] += x_v @ j_vh + x_h @ j_hh + bias
        residual = (np.float32(dt) * residual - moves) / np.float32(2 * kt)
        r_v, r_h = residual[:, :v], residual[:, v:]
        product = r_h.T @ x_h
        gradient = product + product.T
        np.fill_diagonal(gradient, 0)
        j_vh = j_vh - np.float32(rate) * (r_v.T @ x_h + x_v.T @ r_h)
        j_hh = j_hh - np.float32(rate) * gradient
        bias = bias - np.float32(rate) * r_h.sum(axis=0)

    seconds = time_per_call(update, 5.0) * 100
    error = np.sqrt(0.5 / (steps * n * len(floors)))
    return seconds, (np.mean(floors), error, 0.0, 0.0)


own = {"exact-ou": exact_ou, "phase": phases, "generator": generator}
work = {"brian": brian, "ngspice": ngspice, "lammps": lammps}.get(LIBRARY, own.get(WORK.rsplit("-", 1)[0], langevin))
try:
    seconds, (square, square_error, pair, pair_error) = work()
except FileNotFoundError as error:
    print(f"not installed: {error.filename}")
    sys.exit(1)
except Exception as error:  # one line for the caller
    print(f"{type(error).__name__}: {error}".splitlines()[0])
    sys.exit(1)
print(f"seconds {seconds[0]:.9g} {seconds[1]:.9g} {seconds[2]:.9g} square {square:.9g} {square_error:.9g} "
      f"pair {pair:.9g} {pair_error:.9g}")
