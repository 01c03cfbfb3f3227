#!/usr/bin/env python3
"""generative_study.py schedule|optimizers|capacity HEATBATH OUT [options]: the tables and figures of docs/generative.md.

schedule: segments x end of the ramp, at the first of the hidden sizes. optimizers: gradient, online and least-squares
beside each other on the same held-out trajectories. capacity: images x hidden cells, with and without labels.
Every run is one `heatbath train generate` with the projection drive; its reports stay in OUT, beside STUDY.md (the
table, as printed) and STUDY.png (where gnuplot is installed; optimizers has none). Runs whose report.json is there are
not made again, so a study can be stopped and taken up.
"""
import argparse
import itertools
import json
import math
import pathlib
import shutil
import subprocess

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("study", choices=["schedule", "optimizers", "capacity"])
parser.add_argument("heatbath")
parser.add_argument("out", type=pathlib.Path)
parser.add_argument("--data", help="folder with MNIST's IDX files (default: drawn digits)")
parser.add_argument("--device", help="URI (default: heatbath's)")
parser.add_argument("--shots", type=int, default=100)
parser.add_argument("--hidden", type=lambda text: [int(n) for n in text.split(",")], default=None,
                    help="sizes (default 512; capacity 64,256,1024)")
parser.add_argument("--images", type=lambda text: [int(n) for n in text.split(",")], default=[3, 10, 30, 100])
parser.add_argument("--updates", type=int, default=100, help="trajectories at least (default 100)")
parser.add_argument("--segments", type=int, default=8, help="of capacity (default 8)")
parser.add_argument("--most-steps", type=int, default=None, metavar="N",
                    help="capacity: leave out runs with more than this many images times hidden cells")
parser.add_argument("--capture-period", type=int, default=0, help="device ticks (default 0: the shortest)")
options = parser.parse_args()
options.out.mkdir(parents=True, exist_ok=True)
sizes = options.hidden or ([64, 256, 1024] if options.study == "capacity" else [512])
lines = []


def say(line):
    lines.append(line)
    print(line, flush=True)


def run(name, *words):
    folder = options.out / name
    if not (folder / "report.json").exists():
        command = [options.heatbath, "train", "generate", "--drive", "projection", "--shots", str(options.shots), "--out",
                   str(folder), "--json", "--capture-period", str(options.capture_period), *map(str, words)]
        for flag in ("data", "device"):
            if getattr(options, flag):
                command += ["--" + flag, getattr(options, flag)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads((folder / "report.json").read_text())


def paired_z(lower, higher):
    """Mean of higher - lower over its standard error, trajectory by trajectory."""
    differences = [b - a for a, b in zip(lower, higher, strict=True)]
    mean = sum(differences) / len(differences)
    variance = sum((d - mean) ** 2 for d in differences) / (len(differences) - 1)
    return mean / math.sqrt(variance / len(differences))


def draw(commands, blocks):
    """blocks: name -> rows of numbers, given to gnuplot as $name."""
    if not shutil.which("gnuplot"):
        return
    data = "".join(f"${name} << E\n" + "".join(" ".join(map(str, row)) + "\n" for row in rows) + "E\n"
                   for name, rows in blocks.items())
    subprocess.run(["gnuplot"], input=f"set terminal pngcairo size 1000,380 font 'sans,10'\nset output "
                   f"'{options.out / options.study}.png'\nset grid\nset key top left\n{data}\nset multiplot layout 1,2\n"
                   f"{commands}\nunset multiplot\n", text=True, check=True)


if options.study == "schedule":
    say("| segments | ramp end | memory, nats | action, held out | inverted | classes, % | correlation | read as drawn "
        "| heat, kT |")
    say("|---|---|---|---|---|---|---|---|---|")
    ramps, blocks = [0.75, 0.5, 0.35], {}
    for ramp, segments in itertools.product(ramps, [1, 2, 4, 8]):
        report = run(f"s{segments}-r{ramp}", "--optimizer", "least-squares", "--segments", segments, "--ramp-end", ramp,
                     "--hidden", sizes[0], "--updates", options.updates)
        shares = "/".join(f"{100 * share:.0f}" for share in report["class_fractions"].values())
        say(f"| {segments} | {ramp} | {report['training']['noise_memory_nats']:.2f} | {report['action_last']:.2f} "
            f"| {100 * report['inverted_fraction']:.1f} % | {shares} | {report['correlation']:.2f} "
            f"| {100 * report['quality']['recognised']:.0f} % | {report['heat_mean_kT']:.0f} |")
        blocks.setdefault(f"r{round(100 * ramp)}", []).append(
            (segments, 100 * report["inverted_fraction"], report["correlation"]))
    curves = lambda column: "plot " + ", ".join(
        f"$r{round(100 * ramp)} using 1:{column} with linespoints pointtype 7 title 'ramp to {ramp} tf'" for ramp in ramps)
    draw("set logscale x 2\nset xlabel 'segments'\nset key top right\nset ylabel 'inverted drawings, %'\nset yrange [0:100]\n"
         + curves(2) + "\nset ylabel '|correlation| with the nearest image'\nset yrange [0:1]\nset key bottom right\n"
         + curves(3), blocks)
elif options.study == "optimizers":
    rows = [("gradient", 100), ("gradient", 1000), ("online", 100), ("least-squares", 33), ("least-squares", 100)]
    reports = {row: run(f"{row[0]}-{row[1]}", "--optimizer", row[0], "--hidden", sizes[0], "--updates", row[1], "--held-out",
                        30) for row in rows}
    best = reports[rows[-1]]["training"]["held_out_above_floor"]
    say("| optimizer | trajectories | processor seconds | action above floor, held out | in-sample "
        "| least-squares lower by (paired z) | heat (s.d.), kT | correlation | inverted | read as drawn |")
    say("|---|---|---|---|---|---|---|---|---|---|")
    for (optimizer, updates), report in reports.items():
        held, training = report["training"]["held_out_above_floor"], report["training"]
        sample = training["in_sample_last"]
        behind = "" if held == best else (f"{(sum(held) - sum(best)) / len(held):.3f} ({paired_z(best, held):.1f})")
        say(f"| {optimizer} | {updates} | {training['processor_seconds']:.1f} | {sum(held) / len(held):.3f} "
            f"| {sample['above_floor']:.3f} | {behind} | {report['heat_mean_kT']:.0f} ({report['heat_sd_kT']:.0f}) "
            f"| {report['correlation']:.2f} | {100 * report['inverted_fraction']:.0f} % "
            f"| {100 * report['quality']['recognised']:.0f} % |")
else:
    say("| images | hidden | labels | images held | images drawn | inverted | read as drawn | asked for | distance "
        "| diversity |")
    say("|---|---|---|---|---|---|---|---|---|---|")
    blocks = {}
    for images, hidden, labels in itertools.product(options.images, sizes, [False, True]):
        if options.most_steps and images * hidden > options.most_steps:
            say(f"| {images} | {hidden} | {'yes' if labels else 'no'} | not run | | | | | | |")
            continue
        classes = "0,1,2" if images == 3 else "0,1,2,3,4,5,6,7,8,9"
        report = run(f"i{images}-h{hidden}{'-l' if labels else ''}", "--optimizer", "least-squares", "--digits", classes,
                     "--images", images // (3 if images == 3 else 10), "--hidden", hidden, "--segments", options.segments,
                     "--ramp-end", 0.35, "--updates", max(options.updates, 2 * images), *(["--labels"] if labels else []))
        quality, asked = report["quality"], report["asked_fraction"]
        say(f"| {images} | {hidden} | {'yes' if labels else 'no'} | {quality['images_held']:.1f} "
            f"| {quality['images_drawn']:.1f} "
            f"| {100 * report['inverted_fraction']:.0f} % | {100 * quality['recognised']:.0f} % "
            f"| {'' if asked is None else f'{100 * asked:.0f} %'} | {quality['prototype_distance']:.2f} "
            f"| {quality['diversity'] or float('nan'):.2f} |")
        blocks.setdefault(f"{'l' if labels else 'n'}{hidden}", []).append((images, quality["images_held"]))
    curves = lambda kind: "plot x with lines linecolor 'gray' title 'all', " + ", ".join(
        f"${kind}{hidden} with linespoints pointtype 7 title '{hidden} hidden cells'"
        for hidden in sizes if f"{kind}{hidden}" in blocks)
    draw("set logscale xy\nset xrange [2:150]\nset yrange [0.1:150]\nset xlabel 'images learned'\nset ylabel 'images held'\n"
         "set title 'without labels'\n" + curves("n") + "\nset title 'with labels'\n" + curves("l"), blocks)
(options.out / f"{options.study}.md").write_text("\n".join(lines) + "\n")
