#!/usr/bin/env python3
"""Seeded mutants of what computes: does the fast suite notice?

    mutants.py SOURCE BUILD [--mutants 100] [--seed 1] [--minutes M] [--list]

SOURCE is a clean copy of the repository that nobody else uses (git clone), BUILD its build folder, already
configured. One line of one file is changed at a time: a sign, a comparison, a constant, a bound, a statement left out. The
tests below are built and run, what killed most of its group in the shortest time first; the first that fails, crashes
or takes ten times its usual time kills the mutant. One that does not compile is none, and another is drawn. Files:
steppers, meters, sequencer, register file, sampling kernels. The file is put back in any case.

Prints a line for each mutant and a table; exit status 1 where fewer than 95 in 100 were killed.
"""
import argparse
import os
import random
import re
import subprocess
import sys
import time

GROUPS = {
    "steppers": ["hw_model/physics/step_kernels.inc", "hw_model/physics/general_kernels.inc", "hw_model/physics/general_steps.cpp",
                 "hw_model/physics/quartic_array.cpp", "hw_model/physics/step_table.cpp", "hw_model/physics/ramp.cpp",
                 *("hw_model/physics/steppers/" + name for name in ("baoab.cpp", "euler_maruyama.cpp", "exact_ou.cpp", "heun.cpp",
                                                                     "lattice_walk.cpp", "leimkuhler_matthews.cpp", "spin_sweeps.cpp"))],
    "meters": ["hw_model/physics/cell_meters.cpp", "hw_model/physics/general_energies.cpp", "hw_model/physics/exact_heat.cpp",
               "hw_model/physics/small_increments.cpp"],
    "sequencer": ["hw_model/device/sequencer.cpp", "hw_model/device/sequencer_state.cpp", "hw_model/device/start_check.cpp",
                  "hw_model/device/capture_ring.cpp"],
    "register file": ["hw_model/device/register_file.cpp", "hw_model/device/chip.cpp", "hw_model/device/interrupts.cpp"],
    "sampling kernels": ["hw_model/physics/spin_steps.cpp", "hw_model/physics/spin_planes.cpp", "hw_model/physics/sign_lattice.cpp",
                         "hw_model/physics/categorical_kernels.inc", "hw_model/physics/plane_sweeps.inc",
                         "hw_model/physics/noise.cpp", "hw_model/physics/philox.inc"],
}
# Targets of the fast suite that see these files.
TESTS = ["test_device", "test_array", "test_general_array", "test_digests", "checkpoints", "test_spin_planes", "test_integer_spins",
         "test_small_increments", "test_clamps", "test_ramps", "test_noise", "test_heat"]
CHANGES = [
    (r" \+ ", " - "), (r" - ", " + "), (r" \* ", " + "), (r" / ", " * "), (r" \+= ", " -= "), (r" -= ", " += "), (r" \*= ", " += "),
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "), (r" == ", " != "), (r" != ", " == "),
    (r" && ", " || "), (r" \|\| ", " && "), (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"std::min\(", "std::max("),
    (r"std::max\(", "std::min("), (r" << ", " >> "), (r" >> ", " << "), (r" & ", " | "), (r" \| ", " & "), (r" \^ ", " | "),
    (r"(?<![\w.])([1-9])(?=u?\b)(?![\w.']*[.xe'])", lambda match: str(int(match.group(1)) + 1)), (r"(?<![\w.])0(?=u?[;,)\]])", "1"),
    (r"\bif \((?!constexpr)", "if (!("), (r"(?<=\()!(?=\w)", ""), (r"(?<=fma\()(?=\w)", "-"),
]
STATEMENT = re.compile(r"^\s+(?!return\b|break\b|case\b|using\b|const\b|auto\b|else\b|throw\b|static\b|template\b|double\b|float\b|"
                       r"std::\w+_t \w+ =|std::uint\w+ \w+)[\w:.\->\[\]()* ]+(\(.*\)| [-+*|&^]?= .*);\s*$")


def mutants_of(source, name):
    """(line number, new line, what) of every change of a file that is code: no comment, text, include or declaration of types."""
    found = []
    with open(os.path.join(source, name)) as file:
        lines = file.read().split("\n")
    for number, line in enumerate(lines):
        code = line.split("//")[0]
        if not code.strip() or code.lstrip().startswith(("#", "*", "/*", "static_assert", "template", "using ", "namespace")) or '"' in code:
            continue
        for pattern, by in CHANGES:
            for match in re.finditer(pattern, code):
                if "operator" in code[max(0, match.start() - 10):match.start()]:
                    continue
                changed = code[:match.start()] + (by(match) if callable(by) else by) + code[match.end():]
                if pattern.startswith(r"\bif"):  # the condition's own closing bracket is doubled
                    depth, at = 1, match.end()
                    while at < len(code) and depth > 0:
                        depth += {"(": 1, ")": -1}.get(code[at], 0)
                        at += 1
                    if depth > 0:
                        continue
                    changed = code[:match.start()] + "if (!(" + code[match.end():at] + ")" + code[at:]
                found.append((number, changed, f"{code.strip()[:90]}  ->  {changed.strip()[:90]}"))
        if STATEMENT.match(code):
            found.append((number, re.match(r"\s*", code).group(0) + ";", f"{code.strip()[:110]}  left out"))
    return lines, found


def run(command, limit, folder):
    """Exit status; None where it took too long."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("build")
    parser.add_argument("--mutants", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", default="", help="groups, with commas")
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    source, build = os.path.abspath(arguments.source), os.path.abspath(arguments.build)
    groups = {name: files for name, files in GROUPS.items() if not arguments.only or name in arguments.only.split(",")}
    all_of = {name: [(file, *change) for file in files for change in mutants_of(source, file)[1]] for name, files in groups.items()}
    if arguments.list:
        for name, changes in all_of.items():
            print(f"{name}: {len(changes)} possible")
        return 0
    ninja = ["ninja", "-C", build, "-j", str(arguments.jobs)]
    if subprocess.run(ninja + TESTS, stdout=subprocess.DEVNULL).returncode != 0:
        raise SystemExit("mutants: the tests do not build without a mutant")
    programs, usual = {}, {}
    for test in TESTS:
        found = subprocess.run(["find", build, "-name", test, "-type", "f", "-perm", "-u+x"], capture_output=True, text=True).stdout.split()
        programs[test] = found[0]
        begin = time.monotonic()
        # Each process of a test has one SystemC chip; what needs another skips.
        if run([programs[test], "--gtest_brief=1"], 600, build) != 0:
            raise SystemExit(f"mutants: {test} fails without a mutant")
        usual[test] = time.monotonic() - begin
    kills_of = {(name, test): 1 for name in groups for test in TESTS}  # what killed most in the shortest time goes first
    rng = random.Random(arguments.seed)
    begin = time.monotonic()
    killed = {name: 0 for name in groups}
    lived = {name: [] for name in groups}
    names = list(groups)
    number = stillborn = 0
    while number < arguments.mutants and time.monotonic() - begin < 60 * arguments.minutes:
        group = names[number % len(names)]
        file, line, changed, what = rng.choice(all_of[group])
        place = os.path.join(source, file)
        with open(place) as opened:
            whole = opened.read()
        lines = whole.split("\n")
        lines[line] = changed
        try:
            with open(place, "w") as opened:
                opened.write("\n".join(lines))
            killer = "nothing"
            for test in sorted(TESTS, key=lambda test: (usual[test] + 1) / kills_of[group, test]):
                if run(ninja + [test], 900, build) != 0:
                    killer = "the compiler"
                    break
                status = run([programs[test], "--gtest_brief=1", "--gtest_break_on_failure=0", "--gtest_fail_fast"], 10 * usual[test] + 10,
                             build)
                if status != 0:
                    kills_of[group, test] += 3
                    killer = test + (" (time)" if status is None else "")
                    break
        finally:
            with open(place, "w") as opened:
                opened.write(whole)
        if killer == "the compiler":
            stillborn += 1
            continue
        number += 1
        if killer == "nothing":
            lived[group].append(f"{file}:{line + 1}: {what}")
        else:
            killed[group] += 1
        print(f"{number:3} {group:17} {'LIVES' if killer == 'nothing' else 'killed':6} {killer:22} {file}:{line + 1}: {what}", flush=True)
    print(f"\n{'group':17} {'mutants':>8} {'killed':>7}")
    for group in groups:
        print(f"{group:17} {killed[group] + len(lived[group]):8} {killed[group]:7}")
    total = sum(killed.values())
    print(f"{total} of {number} killed, {stillborn} more did not compile, {time.monotonic() - begin:.0f} s, seed {arguments.seed}")
    return 0 if number == 0 or total >= 0.95 * number else 1


if __name__ == "__main__":
    sys.exit(main())
