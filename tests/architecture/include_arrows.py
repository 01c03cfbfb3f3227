#!/usr/bin/env python3
"""Reads the #include lines of the tree and fails when a dependency arrow runs backwards.

    firmware_api <- link <- driver <- measure <- network <- solvers, trainers <- studies <- files <- report <- bridges <- apps
      ^               ^        ^         ^
      |               |        |         +- conformance, with the oracles, which know nothing
      |               |        sim <- server
      |               +--------|------+
      |                        v
      hw_model: physics <- analog <- device <- systemc           numerics below all but firmware_api, cells below all

include_arrows.py [ROOT]   one line per wrong include: file:line, what it includes, and the rule; exit status 1 then.
"""

import dataclasses
import os
import pathlib
import re
import sys

SUFFIXES = {".h", ".hpp", ".c", ".cc", ".cpp", ".cxx", ".inc", ".ipp", ".in"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:([<"])([^>"]+)[>"]|(\S.*))')

# Folders that includes are relative to, beside the including file's own folder.
INCLUDE_FOLDERS = ("firmware_api/include", "capi/include", "cells/include", "numerics/include",
                   "hw_model/physics/include", "link/include", "driver/include", "sim/include", "server/include",
                   "conformance/include", "network/include", "solvers/include", "trainers/include", "studies/include", "measure/include", "")

# What a host program may name of the firmware API: the statuses, the program format and the names of cells that the
# driver's own interface speaks in. Registers and device functions are the driver's affair.
VOCABULARY = ("firmware_api/include/heatbath/status.h", "firmware_api/include/heatbath/program.h",
              "firmware_api/include/heatbath/cells.h")

# The one syntax of numbers in files, options and keys, what an error about an unknown name suggests, and the bytes of what is kept.
NUMBERS_AS_TEXT = ("numerics/include/heatbath/numerics/text.hpp", "numerics/include/heatbath/numerics/nearest_word.hpp",
                   "numerics/include/heatbath/numerics/text_file.hpp",
                   "numerics/include/heatbath/numerics/rounding.hpp",
                   "numerics/include/heatbath/numerics/crc32.hpp", "numerics/include/heatbath/numerics/archive.hpp")

# The driver's face, which the links' public one is part of.
DRIVER = ("driver/include", "link/include")

# Emulators among the devices, for programs and tests, not for libraries.
OPEN = ("sim/include/heatbath/open.hpp", "sim/include/heatbath/open_around.hpp", "sim/include/heatbath/datasheet.hpp", "sim/include/heatbath/rack_file.hpp",
        "sim/include/heatbath/ranks.hpp")

# The names of what a device reports.
NAMES = ("firmware_api/include/heatbath/regs.h",) + VOCABULARY

# What is above the driver and knows no model, with the names of what a device reports.
HOST_SIDE = ("studies/include", "trainers/include", "solvers/include", "network/include", "measure/include", "cells/include",
             "numerics/include") + DRIVER + NAMES

FREESTANDING = re.compile(r"std(int|bool|def)\.h")
STANDARD = r"([a-z_]+|(std[a-z]+|string|math|float|limits|assert|inttypes)\.h)"  # <vector>, <cstdint>, <stdint.h>
INTRINSICS = r"(immintrin|cpuid|arm_neon)\.h"
POSIX = r"(unistd|fcntl|errno|signal|pthread|sched|spawn|sys/[a-z]+)\.h"
SYSTEMC = re.compile(r"(systemc|sysc/.*|tlm|tlm_[a-z_]+/.*|tlm_core/.*|systemc-ams)(\.h|\.hpp)?")


@dataclasses.dataclass
class Rule:
    """What a folder may include: files below `inside` (folders or single files), libraries that match `outside`."""
    says: str
    inside: tuple[str, ...]
    outside: re.Pattern = re.compile(r".*")


def std_and(*more):
    return re.compile("|".join((STANDARD,) + more))


HOST = "the driver, network, the trainers, and the statuses and program format they speak in; never sim, hw_model or registers"
PHYSICS = ("hw_model/physics", "cells/include", "numerics")

# The longest folder that holds a file decides.
RULES = {
    "firmware_api": Rule("firmware_api includes only itself, <stdint.h>, <stdbool.h> and <stddef.h>",
                         ("firmware_api",), FREESTANDING),
    "cells": Rule("cells include only themselves: kernels for one instruction set include them", ("cells",),
                  re.compile(r"(?!)")),
    "numerics": Rule("numerics includes only itself, Eigen, Random123 and the standard library", ("numerics",),
                     std_and(INTRINSICS, POSIX, "Eigen/.*", "Random123/.*")),
    "hw_model/physics": Rule("physics includes only itself, cells, numerics, Eigen, Random123 and the standard library",
                             PHYSICS, std_and(INTRINSICS, "Eigen/.*", "Random123/.*")),
    "hw_model/physics/include": Rule("physics for programs of others includes only itself, cells, odeint's stepper categories and "
                                     "the standard library", ("hw_model/physics/include", "cells/include"),
                                     std_and(r"boost/numeric/odeint/stepper/stepper_categories\.hpp")),
    "hw_model/analog": Rule("analog includes only itself, physics, codes.h and cells.h",
                            ("hw_model/analog", "firmware_api/include/heatbath/codes.h", "firmware_api/include/heatbath/cells.h") + PHYSICS,
                            std_and("Eigen/.*", "Random123/.*")),
    "hw_model/ranks": Rule("ranks include only themselves, physics, numerics, MPI and the standard library",
                           ("hw_model/ranks",) + PHYSICS, std_and(r"mpi\.h")),
    "hw_model/device": Rule("device includes only itself, physics, analog, firmware_api and the standard library",
                            ("hw_model/device", "hw_model/analog", "firmware_api/include") + PHYSICS,
                            std_and(POSIX)),
    "hw_model/systemc": Rule("systemc includes only itself, the rest of hw_model and firmware_api",
                             ("hw_model", "cells/include", "firmware_api/include", "numerics")),
    "link": Rule("link includes only itself, firmware_api and numbers as text; never driver, sim or hw_model",
                 ("link", "firmware_api/include") + NUMBERS_AS_TEXT, re.compile(r"(?!Eigen/).*")),
    "driver": Rule("driver includes only itself, link, firmware_api and numbers as text and their rounding; never sim, "
                   "hw_model, trainers or the rest of numerics",
                   ("driver", "link", "firmware_api/include") + NUMBERS_AS_TEXT, re.compile(r"(?!Eigen/).*")),
    "capi": Rule("the C interface includes only itself, the driver, open.hpp, firmware_api and the standard library; "
                 "never hw_model or the rest of sim", ("capi", "firmware_api/include") + DRIVER + OPEN, std_and()),
    "sim": Rule("sim includes only itself, driver, link, hw_model and firmware_api; never server or trainers",
                ("sim", "driver/include", "link", "hw_model", "firmware_api/include", "numerics")),
    "server": Rule("server includes only itself, link, driver, the opening of devices and firmware_api; "
                   "never the model",
                   ("server", "sim/src/open_transport.hpp", "driver/include", "link", "firmware_api/include") + NUMBERS_AS_TEXT),
    "oracles": Rule("the oracles include only themselves, Boost, Eigen and the standard library; never what they judge",
                    ("oracles",), std_and("boost/.*", r"(unsupported/)?Eigen/.*")),
    "network": Rule("networks include only themselves, cells, driver, measure, numerics and codes.h, with the statuses and "
                    "program format the driver speaks in; never sim, hw_model, registers or trainers",
                    ("network", "firmware_api/include/heatbath/codes.h") + DRIVER +
                    ("measure/include", "cells/include", "numerics") + VOCABULARY),
    "solvers": Rule("solvers include only themselves, cells, network, driver, measure, numerics and Eigen, with the statuses and "
                    "program format the driver speaks in; never sim, hw_model, registers or trainers",
                    ("solvers", "network/include") + DRIVER + ("measure/include", "cells/include", "numerics") + VOCABULARY,
                    std_and("Eigen/.*")),
    "trainers": Rule("trainers include only themselves, cells, network, driver, measure and numerics, with the statuses and "
                     "program format the driver speaks in; never sim, hw_model or registers",
                     ("trainers", "network/include") + DRIVER + ("measure/include", "cells/include", "numerics") + VOCABULARY),
    "studies": Rule("studies include only themselves, the trainers, cells, network, driver, measure and numerics; never sim, "
                    "hw_model or registers",
                    ("studies", "trainers", "network/include") + DRIVER +
                    ("measure/include", "cells/include", "numerics") + VOCABULARY),
    "files": Rule("files include only themselves and what they hold: results of driver, measure, trainers and studies; "
                  "never sim, hw_model, report or apps", ("files",) + HOST_SIDE),
    "report": Rule("reports include only themselves, files and what they show; never sim, hw_model or apps",
                   ("report", "files") + HOST_SIDE),
    "bridges": Rule("bridges include only themselves, files, report and the driver; never sim, hw_model or apps",
                    ("bridges", "files", "report") + HOST_SIDE + OPEN),
    "monitor": Rule("a monitor includes only itself, files, the oracles whose laws it shows, and the driver with the names of "
                    "registers and codes.h; never sim, hw_model or apps",
                    ("monitor", "files", "oracles", "firmware_api/include/heatbath/codes.h") + HOST_SIDE),
    "conformance": Rule("the conformance claims include only themselves, the driver, measure, firmware_api, the "
                        "oracles and the ladder; never the emulator",
                        ("conformance", "validate/ladder.hpp", "validate/check.hpp", "firmware_api/include",
                         "measure/include", "oracles") + DRIVER +
                        NUMBERS_AS_TEXT),
    "validate": Rule("the ladder includes itself, the driver, network, measure, random numbers, the names of cells, and the "
                     "oracles it holds devices to; never the emulator, files or report",
                     ("validate", "network/include", "measure/include", "oracles",
                      "numerics/include/heatbath/numerics/random.hpp") + DRIVER + NAMES + NUMBERS_AS_TEXT),
    "validate/emulators.cpp": Rule("the ladder on emulators includes the ladder and open.hpp", ("validate",) + OPEN),
    "validate/report.cpp": Rule("the ladder's report includes the ladder, files and report",
                                ("validate", "files", "report") + DRIVER + NUMBERS_AS_TEXT),
    "apps": Rule("apps include only themselves, files, report, bridges, the monitor, conformance, validate, the server's face, and what "
                 "these show; never sim or hw_model",
                 ("apps", "files", "report", "bridges", "monitor", "conformance/include", "validate", "server/include") + HOST_SIDE + OPEN),
    "measure": Rule("measure includes only itself, numerics, the program format, Eigen and the standard library; never sim "
                    "or hw_model", ("measure", "numerics") + DRIVER + VOCABULARY, std_and(r"(unsupported/)?Eigen/.*")),
    "python": Rule(f"python includes only itself, open.hpp, the version, the files of calibrations and trained models, the studies, validate, conformance, {HOST}",
                   ("python", "files/calibration_file.hpp", "files/classifier_file.hpp", "files/model_file.hpp", "files/score_network_file.hpp", "files/hdf5_file.hpp",
                    "files/atomic_file.hpp", "files/utf8.hpp", "studies/include", "trainers/include", "solvers/include", "network/include", "measure/include", "validate",
                    "conformance/include") + DRIVER + OPEN + VOCABULARY + ("firmware_api/include/heatbath/version.h",)),
    "examples": Rule(f"examples include only themselves, {HOST}",
                     ("examples", "trainers/include", "studies/include", "solvers/include", "network/include", "measure/include",
                      "numerics/include") + DRIVER + OPEN + VOCABULARY),
    "examples/odeint": Rule("the example of odeint includes only the physics for programs of others, Boost and the "
                            "standard library", ("examples/odeint", "hw_model/physics/include"),
                            std_and("boost/.*")),
    "examples/platform": Rule("the example platform includes only itself, firmware_api and the chip in SystemC",
                              ("examples/platform", "firmware_api/include", "hw_model/systemc")),
    "examples/firmware": Rule("the example firmware includes only itself and firmware_api",
                              ("examples/firmware", "firmware_api/include")),
    "examples/c": Rule("the examples in C include only themselves, the C interface, firmware_api and the system",
                       ("examples/c", "capi/include", "firmware_api/include"), std_and(POSIX, r"time\.h")),
    "tests/conformance": Rule("conformance tests include only themselves, the claims and the driver, with the register "
                              "map and the statuses it is held to, and what serves a device for a test; never sim or "
                              "hw_model",
                              ("tests/conformance", "conformance", "server/include", "firmware_api/include",
                               "trainers/include", "tests/link/served.hpp", "tests/link/faulty_wire.hpp") + DRIVER + OPEN),
    "tests": Rule("tests may include anything but SystemC", ("",)),
    "bench": Rule("benchmarks may include anything but SystemC", ("",)),
}
SYSTEMC_RULE = "only hw_model/systemc, its tests and the platforms that users would write include SystemC"
SYSTEMC_FOLDERS = ("hw_model/systemc", "tests/systemc", "tests/rtl", "examples/platform", "examples/firmware")


def is_below(path, folder):
    return folder == "" or path == folder or path.startswith(folder + "/")


def source_files(root):
    for top in sorted({folder.split("/")[0] for folder in RULES}):
        for folder, folders, files in os.walk(root / top):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
            for name in sorted(files):
                if pathlib.PurePath(name).suffix in SUFFIXES:
                    yield pathlib.Path(folder, name)


def rule_of(path):
    """The rule of a file, or None when its folder has none."""
    return max((item for item in RULES.items() if is_below(path, item[0])), key=lambda item: len(item[0]),
               default=(None, None))[1]


def owner(root, including, name, quoted):
    """Path in the tree of an included file; None for a library's."""
    folders = [including.parent] if quoted else []
    for folder in folders + [root / folder for folder in INCLUDE_FOLDERS]:
        for suffix in ("", ".in"):  # a configured header stands in the tree as its template
            candidate = folder / (name + suffix)
            if candidate.is_file():
                path = pathlib.Path(os.path.normpath(candidate))
                return path.relative_to(root).as_posix() if path.is_relative_to(root) else None
    # A file that is not there (yet) belongs to the folder its name begins with.
    top = name.split("/")[0]
    return name if any(folder.split("/")[0] == top for folder in RULES) else None


def without_comments(text):
    """The text with comments blanked, its lines kept; strings with comment signs do not occur on include lines."""
    text = re.sub(r"/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)
    return re.sub(r"^\s*//.*", "", text, flags=re.MULTILINE)


def wrong_includes(root):
    for file in source_files(root):
        path = file.relative_to(root).as_posix()
        rule = rule_of(path)
        for number, line in enumerate(without_comments(file.read_text(encoding="utf-8")).splitlines(), start=1):
            match = INCLUDE.match(line)
            if not match:
                continue
            where = f"{path}:{number}"
            name = match[2]
            if rule is None:
                yield f"{where}: {path.rsplit('/', 1)[0]} has no rule; give it one in {pathlib.Path(__file__).name}"
                break
            if name is None:
                yield f"{where}: include {match[3]} hides a name; write the file out"
                continue
            if SYSTEMC.fullmatch(name):
                if not any(is_below(path, folder) for folder in SYSTEMC_FOLDERS):
                    yield f"{where}: includes {name}; {SYSTEMC_RULE}"
                continue
            target = owner(root, file, name, match[1] == '"')
            if target is not None:
                allowed = any(is_below(target, folder) for folder in rule.inside)
            else:
                allowed = match[1] == '"' or rule.outside.fullmatch(name)
            if not allowed:
                yield f"{where}: includes {target or name}; {rule.says}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    files = sum(1 for _ in source_files(root))
    if files == 0:
        print(f"{root}: no source file here; give the root of the repository", file=sys.stderr)
        return 2
    wrong = list(wrong_includes(root))
    for line in wrong:
        print(line)
    print(f"{files} files, {len(wrong)} wrong includes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
