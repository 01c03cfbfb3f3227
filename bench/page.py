#!/usr/bin/env python3
"""page.py RESULT.json PAGE.md: replaces the measured part of docs/performance.md by the rows of `heatbath-bench --json`.

The part lies between the lines `<!-- measured: begin -->` and `<!-- measured: end -->`. Exit status 2 when there is none.
"""
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def machine():
    text = pathlib.Path("/proc/cpuinfo").read_text() if os.path.exists("/proc/cpuinfo") else ""
    name = re.search(r"model name\s*:\s*(.*)", text)
    flags = set((re.search(r"flags\s*:\s*(.*)", text) or [None, ""])[1].split())
    vectors = [label for flag, label in (("avx512f", "AVX-512"), ("avx512_vnni", "VNNI"), ("avx2", "AVX2")) if flag in flags]
    compiler = subprocess.run(["g++", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    return (f"{name[1] if name else 'unknown processor'}, {os.cpu_count()} processors, {', '.join(vectors) or 'no vectors known'}; "
            f"g++ {compiler}, release preset; load average {os.getloadavg()[2]:.1f} in the last 15 minutes")


def number(value):
    return "–" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def spread(value, quartiles):
    return number(value) if value is None else f"{number(value)} ({number(quartiles[0])}–{number(quartiles[1])})"


def table(rows):
    yield "| row | work | ours | against | theirs | ratio | goal | met |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        unit = row["unit"].replace("per cell-step", "").strip() if "cell-step" in row["unit"] else row["unit"]
        goal = f"{number(row['goal'])} {unit}" if row["goal_of"] == "value" else f"ratio {number(row['goal'])}"
        met = "yes" if row["met"] else "no" if row["value"] is not None and (row["ratio"] is not None or row["goal_of"] == "value") \
            else "not measured"
        yield (f"| `{row['name']}` | {row['work']} | {spread(row['value'], row['value_quartiles'])} {unit} | "
               f"{row['reference_is']} | {number(row['reference'])} | {spread(row['ratio'], row['ratio_quartiles'])} | "
               f"{goal} | {met} |")


def measured(rows):
    yield BEGIN
    yield ""
    yield f"{datetime.date.today().isoformat()}; {machine()}. Goals are upper bounds."
    yield ""
    yield from table(rows)
    notes = [f"- `{row['name']}`: {row['note']}" for row in rows if row["note"]]
    if notes:
        yield ""
        yield "Peers, and what was not measured (our statistics first):"
        yield ""
        yield from notes
    yield ""
    yield END


def main():
    result, page = sys.argv[1:]
    rows = json.loads(pathlib.Path(result).read_text())["rows"]
    text = pathlib.Path(page).read_text()
    if BEGIN not in text or END not in text:
        print(f"{page}: no part between '{BEGIN}' and '{END}'", file=sys.stderr)
        return 2
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    pathlib.Path(page).write_text(before + "\n".join(measured(rows)) + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
