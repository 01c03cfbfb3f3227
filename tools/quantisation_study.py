#!/usr/bin/env python3
"""What a generator loses to couplings of few bits (arXiv:2609.15439): rounded once, after a training in float32, and
rounded after each update of one by the online rule, which changes them at every step. Writes two tables and a figure.

quantisation_study.py [--module build/release/python] [--hidden 128] [--updates 100] [--seeds 3] [--shots 100]
                      [--part storing|training|all] [--span 4] [--codes 8:chance,16:nearest] [--out out/quantisation]
                      [--lines FILE...]

Each result is printed as a line when it comes; --lines takes such lines of runs of parts and makes the tables of them.
Stored codes span --span times the root mean square of the couplings; those beyond it stand at its end. Codes of a
training are those of a coupler of the range 0.5, as of hb-1024; chance rounds up or down so that the mean is kept.
"""

import argparse
import math
import pathlib
import subprocess
import sys

BITS = (2, 3, 4, 5, 6, 8, 32)
TRAINED = ((4, "nearest"), (6, "nearest"), (8, "nearest"), (8, "chance"), (16, "nearest"), (32, "nearest"))
RANGE = 0.5
VISIBLE = 784


def rounded(numpy, couplings, bits, full_scale, draw=None):
    """Codes of two's complement; symmetric where the matrix is."""
    if bits >= 32:
        return couplings
    step = full_scale / 2 ** (bits - 1)
    codes = couplings / step
    if draw is not None:
        noise = draw.random(codes.shape[-2:], dtype=numpy.float64)
        noise = numpy.triu(noise, 1)
        codes = numpy.floor(codes + noise + noise.T)
    else:
        codes = numpy.rint(codes)
    most = 2 ** (bits - 1)
    return (numpy.clip(codes, -most, most - 1) * step).astype(numpy.float32)


def with_couplings(trainers, model, couplings):
    state = dict(model.__getstate__())
    state["couplings"] = couplings
    return trainers.GenerativeModel(**state)


def held(classes):
    """Share of drawings at a likeness of 0.7 or more, times exp of the entropy of their images: training images in use."""
    counts, total = {}, 0
    for image, likeness in zip(classes["prototype"], classes["correlation"]):
        total += 1
        if abs(likeness) >= 0.7:
            counts[int(image)] = counts.get(int(image), 0) + 1
    good = sum(counts.values())
    entropy = -sum(n / good * math.log(n / good) for n in counts.values()) if good else 0
    return good / total * math.exp(entropy) if good else 0.0


def mean_error(values):
    mean = sum(values) / len(values)
    return mean, math.sqrt(sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1) / len(values))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--module", default="build/release/python")
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--updates", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--shots", type=int, default=100)
    parser.add_argument("--part", choices=("storing", "training", "all"), default="all")
    parser.add_argument("--span", type=float, default=4)
    parser.add_argument("--codes", default=",".join(f"{b}:{h}" for b, h in TRAINED))
    parser.add_argument("--lines", type=pathlib.Path, nargs="*")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out/quantisation"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.lines:
        words = [line.split() for file in args.lines for line in file.read_text().splitlines()]
        stored, codes = {}, {}
        for word in words:
            if word[:1] == ["storing"]:
                stored.setdefault(int(word[2]), []).append(tuple(map(float, word[3:])))
            elif word[:1] == ["training"]:
                codes.setdefault((int(word[2]), word[3]), []).append(tuple(map(float, word[4:])))
        write(args.out, stored, codes)
        return
    sys.path.insert(0, args.module)
    import heatbath
    import numpy
    from heatbath import trainers
    device = heatbath.open("func:lanes=64&threads=1&cells=%d" % (VISIBLE + args.hidden))
    images = trainers.draw_digits()

    def quality(model, seed):
        drawn = trainers.generate(device, model, shots=args.shots, seed=1000 + seed, trajectory_shots=0)
        classes = trainers.classify(drawn, model)
        return classes["mean_abs_correlation"], held(classes)

    def options(seed):
        return dict(hidden=args.hidden, updates=args.updates, drive="projection", seed=seed, threads=1)

    def trained(seed):
        trainer = trainers.GenerativeTrainer(device, images, **options(seed))
        trainer.train()
        return trainer.model

    def noising(seed, model):
        """Trajectories of the paper's noising, in turn of each image: (updates, records, cells)."""
        cells, dt = VISIBLE + args.hidden, device.ticks(1e-3)
        share = numpy.random.default_rng(seed).normal(0, 1 / math.sqrt(VISIBLE), (VISIBLE, args.hidden))
        prototypes = numpy.array(model.prototype_images)
        each = -(-args.updates // len(prototypes))
        found = []
        for n, image in enumerate(prototypes):
            drive = numpy.concatenate([2 * image, 2 * image @ share]).astype(numpy.float32)
            program = heatbath.Program(device, cells)
            program.load("j2", model.j2).load("j4", model.j4).load("kT", model.kT).load_gain(0.0).load("bias", -drive).commit()
            program.evolve(device.ticks(model.tf)).load("bias", 0.0).capture_start(dt).ramp(device.ticks(0.75 * model.tf))
            program.evolve(device.ticks(0.25 * model.tf)).capture_stop()
            shots = heatbath.Shots(device, seed=100 * seed + n)
            found.append(shots.run(program, each).states)
        return [found[k % len(found)][k // len(found)] for k in range(args.updates)]

    def trained_in_codes(seed, model, trajectories, bits, how):
        """The online rule: J -= rate (r x' + x' r), r the residual of the reversed step, and codes after each of them."""
        draw = numpy.random.default_rng(seed) if how == "chance" else None
        J, b = numpy.zeros((VISIBLE + args.hidden, args.hidden)), numpy.zeros(args.hidden)  # with all cells; of hidden ones
        step = RANGE / 2 ** (bits - 1)
        dt, rate = 1e-3, 4e-4

        def code(values):
            if bits >= 32:
                return values
            scaled = values / step
            scaled = numpy.rint(scaled) if draw is None else numpy.floor(scaled + draw.random(values.shape))
            return numpy.clip(scaled, -2 ** (bits - 1), 2 ** (bits - 1) - 1) * step

        for trajectory in trajectories:
            x = trajectory.astype(numpy.float64)
            for before, after in zip(x[:-1], x[1:]):
                force = 2 * model.j2 * after + 4 * model.j4 * after ** 3
                force[:VISIBLE] += J[:VISIBLE] @ after[VISIBLE:]
                force[VISIBLE:] += after @ J + b
                r = (dt * force - (after - before)) / (2 * model.kT)
                change = numpy.outer(r, after[VISIBLE:]) + numpy.outer(after, r[VISIBLE:])
                new = code(J - rate * change)
                hidden = numpy.triu(new[VISIBLE:], 1)  # one code for a pair
                new[VISIBLE:] = hidden + hidden.T
                J = new
                b -= rate * r[VISIBLE:]
        state = dict(model.__getstate__())
        whole = numpy.zeros((VISIBLE + args.hidden, VISIBLE + args.hidden), dtype=numpy.float32)
        whole[:, VISIBLE:] = J
        whole[VISIBLE:, :VISIBLE] = J[:VISIBLE].T
        state["couplings"] = whole.reshape(numpy.array(model.couplings).shape)
        of_all = numpy.concatenate([numpy.zeros(VISIBLE), b]).astype(numpy.float32)
        state["bias"] = of_all.reshape(numpy.array(model.bias).shape)
        return trainers.GenerativeModel(**state)

    stored, codes = {}, {}
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        if args.part != "training":
            model = trained(seed)
            couplings = numpy.array(model.couplings)
            for bits in BITS:
                span = args.span * float(numpy.sqrt(numpy.mean(couplings[couplings != 0] ** 2)))
                few = with_couplings(trainers, model, rounded(numpy, couplings, bits, span))
                stored.setdefault(bits, []).append(quality(few, seed))
                print("storing", seed, bits, *stored[bits][-1], flush=True)
        if args.part != "storing":
            shape = trainers.GenerativeTrainer(device, images, **options(seed))
            shape.train(after=lambda done, total, action: False)
            trajectories = noising(seed, shape.model)
            for bits, how in (word.split(":") for word in args.codes.split(",")):
                model = trained_in_codes(seed, shape.model, trajectories, int(bits), how)
                J = numpy.array(model.couplings)[0, :VISIBLE, VISIBLE:]
                codes.setdefault((int(bits), how), []).append((float(numpy.sqrt(numpy.mean(numpy.square(J)))), *quality(model, seed)))
                print("training", seed, bits, how, *codes[int(bits), how][-1], flush=True)
    write(args.out, stored, codes)


def plus_minus(values, digits):
    """Mean and standard error; the value alone where there is one."""
    mean, error = mean_error(values)
    return f"{mean:.{digits}f}" + (f" ± {error:.{digits}f}" if len(values) > 1 else "")


def write(out, stored, codes):
    """Tables, and the figure of what is stored."""
    if codes:
        lines = ["| bits after each update | rounding | rms coupling | likeness | images held |", "|---|---|---|---|---|"]
        for (bits, how), got in sorted(codes.items(), key=lambda item: (item[0][0], item[0][1] != "nearest")):
            r, a, b = (plus_minus([g[k] for g in got], digits) for k, digits in enumerate((5, 3, 2)))
            lines.append(f"| {bits} | {how if bits < 32 else ''} | {r} | {a} | {b} |")
        (out / "training.md").write_text("\n".join(lines) + "\n")
        print("\n".join(lines))
    if not stored:
        return
    lines = ["| bits stored | likeness | images held |", "|---|---|---|"]
    rows = []
    for bits, got in sorted(stored.items()):
        (a, ea), (b, eb) = (mean_error([g[k] for g in got]) for k in range(2))
        lines.append(f"| {bits} | {plus_minus([g[0] for g in got], 3)} | {plus_minus([g[1] for g in got], 2)} |")
        rows.append(f"{min(bits, 12)} {a} {ea} {b} {eb}\n")
    (out / "storing.md").write_text("\n".join(lines) + "\n")
    (out / "storing").write_text("".join(rows))
    print("\n".join(lines))
    plot = ("set terminal pngcairo size 640,420\nset output 'quantisation.png'\nset xlabel 'bits of a stored coupling'\n"
            "set xtics ('2' 2, '3' 3, '4' 4, '5' 5, '6' 6, '8' 8, '32' 12)\nset ytics nomirror\nset yrange [0:1]\nset y2range [0:3]\nset y2tics\nset grid y\n"
            "set ylabel 'likeness to a training image'\nset y2label 'training images held, of 3'\nset key bottom right\n"
            "plot 'storing' using 1:2:3 with yerrorlines pt 7 lw 2 lc rgb '#1d4f91' title 'likeness', "
            "'storing' using 1:4:5 axes x1y2 with yerrorlines pt 5 lw 2 lc rgb '#2e8b57' title 'images held'\n")
    try:
        subprocess.run(["gnuplot"], input=plot, text=True, check=True, cwd=out)
    except FileNotFoundError:
        print("no figure: gnuplot is not installed")


if __name__ == "__main__":
    main()
