#!/usr/bin/env python3
"""What a trained generator loses to one imperfection at a time: quality against bits of the parameters, mismatch of
couplings, drift since the parameters were made, and dead cells, by `heatbath gap`. Writes a table and a figure.

gap_curves.py --model out/model.h5 [--heatbath build/release/apps/heatbath] [--shots 60] [--parts 3] [--out out/gap_curves]
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

CURVES = {
    "bits of the parameters": ("bits", (2, 3, 4, 5, 6, 8, 10, 12)),
    "sd of coupling gains": ("mismatch", (0.0, 0.03, 0.1, 0.2, 0.4)),
    "gain left after drift": ("drift", (1.0, 0.95, 0.9, 0.8, 0.6)),
    "part of dead cells": ("dead", (0.0, 0.002, 0.01, 0.03, 0.1)),
}


def profile(kind, value, largest, part):
    """A chip that is ideal but for one thing."""
    text = f"[identity]\nserial = {part}\n[array]\nlanes = 16\ncells = 2048\n"
    if kind == "bits":
        # Full scale is what the model needs, so bits are all that is lost; J2, J4 = 1 lie on every grid of range 2.
        text += (f'[parameters]\nstorage = "code16"\nbits = {value}\nrange_j2 = 2.0\nrange_j4 = 2.0\n'
                 f"range_bias = {1.001 * max(largest['bias'], 1e-3):.6g}\nrange_coupling = {1.001 * largest['coupling']:.6g}\n")
    elif kind == "mismatch":
        text += f"[mismatch]\ncoupling_gain_sd = {value}\n"
    elif kind == "drift":
        # (1 + age)^-1/10 = value; what the run adds to the age is little beside it.
        text += f"[drift]\nexponent = 0.1\nonset = 1000.0\nage = {1000 * (value ** -10 - 1):.6g}\n" if value < 1 else ""
    else:
        text += f"[defects]\ndead_cell_rate = {value}\n"
    return text


def gap(args, profiles):
    command = [args.heatbath, "gap", "--model", str(args.model), "--profiles", ",".join(map(str, profiles)), "--shots",
               str(args.shots), "--threads", "1", "--json"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--heatbath", default="build/release/apps/heatbath")
    parser.add_argument("--shots", type=int, default=60)
    parser.add_argument("--parts", type=int, default=3)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out/gap_curves"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    ideal = gap(args, ["ideal"])
    lines = ["| imperfection | value | likeness | images held | heat, kT |", "|---|---|---|---|---|"]
    row = ideal["chips"][0]
    lines.append(f"| none | | {row['likeness']:.3f} | {row['images_held']:.2f} | {row['heat_mean_kT']:.0f} |")
    blocks = []
    with tempfile.TemporaryDirectory() as folder:
        for title, (kind, values) in CURVES.items():
            points = []
            for value in values:
                files = []
                for part in range(1, (1 if kind in ("bits", "drift") else args.parts) + 1):
                    file = pathlib.Path(folder) / f"{kind}_{value}_{part}.toml"
                    file.write_text(profile(kind, value, ideal["largest"], part))
                    files.append(file)
                rows = [r for r in gap(args, files)["chips"] if "refused" not in r]
                mean = lambda key: sum(r[key] for r in rows) / len(rows)
                points.append((value, mean("likeness"), mean("images_held"), mean("heat_mean_kT")))
                lines.append("| %s | %g | %.3f | %.2f | %.0f |" % ((title,) + points[-1]))
            blocks.append(f'"{title}"\n' + "".join("%g %g %g\n" % p[:3] for p in points))
    table = "\n".join(lines) + "\n"
    print(table)
    (args.out / "gap_curves.md").write_text(table)
    (args.out / "data").write_text("\n\n".join(blocks))
    titles = list(CURVES)
    plot = "set terminal pngcairo size 900,640\nset output 'gap_curves.png'\nset multiplot layout 2,2\nset yrange [0:*]\nset offsets graph 0.02, graph 0.02, graph 0.06, 0\nset grid y\n"
    for k, title in enumerate(titles):
        plot += (f"set xlabel '{title}'\nset key {'bottom right' if k == 0 else 'off'}\n"
                 f"plot 'data' index {k} using 1:2 with linespoints pt 7 lc rgb '#1d4f91' title 'likeness', "
                 f"'data' index {k} using 1:3 with linespoints pt 5 lc rgb '#2e8b57' title 'images held'\n")
    try:
        subprocess.run(["gnuplot"], input=plot + "unset multiplot\n", text=True, check=True, cwd=args.out)
    except FileNotFoundError:
        print("no figure: gnuplot is not installed")


if __name__ == "__main__":
    main()
