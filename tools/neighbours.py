#!/usr/bin/env python3
"""Writes docs/neighbours.md, the comparison with other projects, from docs/neighbours.toml.

neighbours.py [--check] [--root DIR]

--check writes nothing and exits with 1 when the page is not what the data say. Data without a source or a date, with a
word that is none, or about a neighbour that is not declared are refused with exit status 2.
"""

import argparse
import pathlib
import re
import sys
import tomllib

GRADES = ("metered", "measured", "simulated", "derived", "projected", "unstated")
DATE = re.compile(r"\d{4}(-\d\d){1,2}")


class Wrong(Exception):
    """What is wrong in the data, in one line."""


def need(table, where, *keys):
    for key in keys:
        if not table.get(key):
            raise Wrong(f"{where}: {key} is missing")
    if "date" in keys and not DATE.fullmatch(table["date"]):
        raise Wrong(f"{where}: date = \"{table['date']}\" must be YYYY-MM or YYYY-MM-DD")


def our_figure(performance, row):
    """The third column of a row of the table of docs/performance.md, without its quartiles."""
    found = re.search(rf"^\| `{re.escape(row)}` \|[^|]*\|([^|]*)\|", performance, re.M)
    if found is None:
        raise Wrong(f"row = \"{row}\": docs/performance.md has no such row")
    return re.sub(r" \([^)]*\)", "", found.group(1)).strip()


def page(data, performance):
    neighbours = data["neighbour"]
    for neighbour in neighbours:
        need(neighbour, f"neighbour {neighbour.get('key')}", "key", "name", "url", "searched", "date")
    keys = [neighbour["key"] for neighbour in neighbours]
    lines = ["# Neighbours", "",
             "<!-- Written by tools/neighbours.py from docs/neighbours.toml: change that file. -->", "",
             "What other projects have of what Heatbath has, and numbers that stand in the literature, each with its source and",
             "date. \"not found\" says where was looked, not that it does not exist. A row that is wrong is corrected in",
             "`docs/neighbours.toml`. Speed beside libraries that could be run here is measured:",
             "[performance](performance.md#beside-libraries-of-pypi).", "", "## By feature", "",
             "| feature | Heatbath | " + " | ".join(f"[{n['name']}]({n['url']})" for n in neighbours) + " |",
             "|---" * (len(keys) + 2) + "|"]
    sources = []
    for feature in data["feature"]:
        where = f"feature {feature.get('name')}"
        need(feature, where, "name", "heatbath")
        strange = set(feature) - set(keys) - {"name", "heatbath"}
        if strange:
            raise Wrong(f"{where}: {sorted(strange)[0]} is no neighbour; they are {', '.join(keys)}")
        ours = feature["heatbath"]
        row = [feature["name"], ours if ours.startswith("no: ") else f"[yes]({ours})"]
        said = []
        for neighbour in neighbours:
            cell = feature.get(neighbour["key"])
            if cell is None:
                row.append("not found")
                continue
            need(cell, f"{where}, {neighbour['key']}", "is", "source", "date")
            if cell["is"] not in ("yes", "partly"):
                raise Wrong(f"{where}, {neighbour['key']}: is = \"{cell['is']}\" must be yes or partly")
            if cell["is"] == "partly":
                need(cell, f"{where}, {neighbour['key']}", "note")
            row.append(cell["is"] + (f": {cell['note']}" if "note" in cell else ""))
            said.append(f"{neighbour['name']} {cell['source']} ({cell['date']})")
        lines.append("| " + " | ".join(row) + " |")
        if said:
            sources.append(f"- {feature['name']}: " + "; ".join(said))
    lines += ["", "### Sources", "", *sources, "", "Not found: " + "; ".join(
        f"{n['name']} in {n['searched']} ({n['date']})" for n in neighbours) + ".", "", "## By number", "",
        "Grades as in [chips](chips.md#how-well-a-number-is-known): what its authors say of it, from metered to unstated.", "",
        "| what | of what | value | grade | source | date |", "|---|---|---|---|---|---|"]
    for number in data["number"]:
        where = f"number {number.get('what')}, {number.get('who')}"
        need(number, where, "what", "who", "grade", "source", "date")
        if number["grade"] not in GRADES:
            raise Wrong(f"{where}: grade = \"{number['grade']}\" must be one of {', '.join(GRADES)}")
        if ("value" in number) == ("row" in number):
            raise Wrong(f"{where}: one of value and row must be given")
        value = number["value"] if "value" in number else our_figure(performance, number["row"])
        lines.append("| " + " | ".join((number["what"], number["who"], value, number["grade"], number["source"],
                                        number["date"])) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    args = parser.parse_args()
    docs = args.root / "docs"
    try:
        text = page(tomllib.loads((docs / "neighbours.toml").read_text()), (docs / "performance.md").read_text())
    except (Wrong, KeyError, tomllib.TOMLDecodeError) as error:
        print(f"docs/neighbours.toml: {error}", file=sys.stderr)
        return 2
    target = docs / "neighbours.md"
    if not args.check:
        target.write_text(text)
    elif not target.exists() or target.read_text() != text:
        print("docs/neighbours.md is not what docs/neighbours.toml says: run tools/neighbours.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
