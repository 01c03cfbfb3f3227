#!/usr/bin/env python3
"""generative_study.py schedule|capacity HEATBATH OUT [--data DIR] [--shots N] …: the tables of docs/generative.md.

schedule: segments x end of the ramp at the first of the hidden sizes. capacity: images x hidden cells, with and without
labels.
Every run is one `heatbath train generate` by least squares with the projection drive; its reports stay in OUT. Runs
whose report.json is there are not made again, so the study can be stopped and taken up.
"""
import argparse
import itertools
import json
import pathlib
import subprocess

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("study", choices=["schedule", "capacity"])
parser.add_argument("heatbath")
parser.add_argument("out", type=pathlib.Path)
parser.add_argument("--data", help="folder with MNIST's IDX files (default: drawn digits)")
parser.add_argument("--shots", type=int, default=100)
parser.add_argument("--hidden", type=lambda text: [int(n) for n in text.split(",")], default=None,
                    help="sizes (default 512; capacity 64,256,1024)")
parser.add_argument("--images", type=lambda text: [int(n) for n in text.split(",")], default=[3, 10, 30, 100])
parser.add_argument("--updates", type=int, default=100, help="trajectories at least (default 100)")
options = parser.parse_args()
sizes = options.hidden or ([512] if options.study == "schedule" else [64, 256, 1024])


def run(name, *words):
    folder = options.out / name
    if not (folder / "report.json").exists():
        command = [options.heatbath, "train", "generate", "--optimizer", "least-squares", "--drive", "projection",
                   "--shots", str(options.shots), "--out", str(folder), "--json", *map(str, words)]
        if options.data:
            command += ["--data", options.data]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return json.loads((folder / "report.json").read_text())


if options.study == "schedule":
    print("| segments | ramp end | action, held out | inverted | classes | correlation | recognised | heat, kT |")
    print("|---|---|---|---|---|---|---|---|")
    for segments, ramp in itertools.product([1, 2, 4, 8], [0.75, 0.5, 0.35]):
        report = run(f"s{segments}-r{ramp}", "--segments", segments, "--ramp-end", ramp, "--hidden", sizes[0], "--updates",
                     options.updates)
        shares = "/".join(f"{100 * share:.0f}" for share in report["class_fractions"].values())
        print(f"| {segments} | {ramp} | {report['action_last']:.2f} | {100 * report['inverted_fraction']:.1f} % | {shares} "
              f"| {report['correlation']:.2f} | {100 * report['quality']['recognised']:.0f} % "
              f"| {report['heat_mean_kT']:.0f} |", flush=True)
else:
    print("| images | hidden | labels | images in use | inverted | recognised | asked for | distance | diversity |")
    print("|---|---|---|---|---|---|---|---|---|")
    for images, hidden, labels in itertools.product(options.images, sizes, [False, True]):
        classes = "0,1,2" if images == 3 else "0,1,2,3,4,5,6,7,8,9"
        report = run(f"i{images}-h{hidden}{'-l' if labels else ''}", "--digits", classes, "--images",
                     images // (3 if images == 3 else 10), "--hidden", hidden, "--segments", 8, "--ramp-end", 0.35,
                     "--updates", max(options.updates, 3 * images), *(["--labels"] if labels else []))
        quality, asked = report["quality"], report["asked_fraction"]
        print(f"| {images} | {hidden} | {'yes' if labels else 'no'} | {quality['images_drawn']:.1f} "
              f"| {100 * report['inverted_fraction']:.0f} % | {100 * quality['recognised']:.0f} % "
              f"| {'' if asked is None else f'{100 * asked:.0f} %'} | {quality['prototype_distance']:.2f} "
              f"| {quality['diversity'] or float('nan'):.2f} |", flush=True)
