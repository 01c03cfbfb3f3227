#!/usr/bin/env python3
"""Writes everything that is made from the register source.

heatbath.toml -> firmware_api/include/heatbath/regs.h           C header: offsets, masks, shifts, enumerators
                 firmware_api/include/heatbath/register_list.h  the same as a list
                 firmware_api/include/heatbath/cells.h          kinds, topologies, steppers, sections and their names
                 firmware_api/src/cells.c
                 driver/include/heatbath/cell_enums.hpp         the same for C++ hosts
                 firmware_api/include/heatbath/meters.h         meters: their record, flags and places in a snapshot
                 firmware_api/src/meters.c
                 driver/include/heatbath/meter_list.hpp         the same for C++ hosts
                 firmware_api/include/heatbath/capabilities.h   the capabilities, decoded
                 firmware_api/src/capability_reader.c           their reader
                 driver/include/heatbath/capability_fields.hpp  the same for C++ hosts, and by name
                 driver/src/capability_fields.cpp
                 hw_model/device/profile_features.hpp           those that are keys of [features] in chip profiles
                 hw_model/device/profile_registers.cpp          the registers whose values are members of a profile
                 hw_model/physics/cell_enums.hpp                kinds, steppers and meters of cells for the physics, which knows
                                                                no register
                 hw_model/physics/cell_facts.inc                what is true of each
                 docs/registers.md                              the page to read
                 hw_model/rtl/heatbath_regs.v                   register block with an AXI4-Lite port
                 hw_model/rtl/heatbath.rdl                      SystemRDL 2.0
                 firmware_api/regmap/exports/heatbath.*         csv, json, svd and litex, which heatbath regs prints

generate.py                  writes the files that differ
generate.py --check          writes nothing; exit status 1 and the names of the files that differ
generate.py --format FORM    writes no file; prints the map as csv, json, svd, rdl or litex

register_source.py reads the source; the *_forms.py make texts of it.
A mistake in the source is one line on standard error, naming register and key, and exit status 2.
Python 3.11, standard library only.
"""

import argparse
import pathlib
import sys

sys.dont_write_bytecode = True  # the source tree stays as it is
import capability_forms
import cell_forms
import hardware_forms
import meter_forms
import register_forms
from register_source import RegisterMap, SourceError

OUTPUTS = {
    "firmware_api/include/heatbath/regs.h": register_forms.c_header,
    "firmware_api/include/heatbath/register_list.h": register_forms.list_header,
    "firmware_api/include/heatbath/cells.h": cell_forms.c_header,
    "firmware_api/src/cells.c": cell_forms.c_source,
    "driver/include/heatbath/cell_enums.hpp": cell_forms.host_header,
    "hw_model/physics/cell_enums.hpp": cell_forms.physics_header,
    "firmware_api/include/heatbath/meters.h": meter_forms.c_header,
    "firmware_api/src/meters.c": meter_forms.c_source,
    "driver/include/heatbath/meter_list.hpp": meter_forms.host_header,
    "firmware_api/include/heatbath/capabilities.h": capability_forms.c_header,
    "firmware_api/src/capability_reader.c": capability_forms.c_reader,
    "driver/include/heatbath/capability_fields.hpp": capability_forms.host_header,
    "driver/src/capability_fields.cpp": capability_forms.host_source,
    "hw_model/device/profile_features.hpp": capability_forms.profile_header,
    "hw_model/device/profile_registers.cpp": capability_forms.chip_words,
    "hw_model/physics/cell_facts.inc": cell_forms.physics_facts,
    "docs/registers.md": register_forms.docs_page,
    "hw_model/rtl/heatbath_regs.v": hardware_forms.verilog,
    "hw_model/rtl/heatbath.rdl": hardware_forms.rdl,
    "firmware_api/regmap/exports/heatbath.csv": hardware_forms.csv,
    "firmware_api/regmap/exports/heatbath.json": hardware_forms.json,
    "firmware_api/regmap/exports/heatbath.svd": hardware_forms.svd,
    "firmware_api/regmap/exports/heatbath.litex": hardware_forms.litex,
}


def main():
    here = pathlib.Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description="Writes what is made from the register source.")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="write nothing; exit 1 and name the files that differ")
    action.add_argument("--format", choices=hardware_forms.FORMS, help="print the map in this form, write no file")
    parser.add_argument("--map", type=pathlib.Path, default=here / "heatbath.toml", help="register source")
    parser.add_argument("--root", type=pathlib.Path, default=here.parent.parent, help="repository the outputs lie in")
    arguments = parser.parse_args()
    try:
        registers = RegisterMap(arguments.map.read_bytes())
        if arguments.format:
            sys.stdout.write(hardware_forms.FORMS[arguments.format](registers))
            return 0
        outputs = {name: make(registers) for name, make in OUTPUTS.items()}
        differing = []
        for name, text in outputs.items():
            path = arguments.root / name
            if path.is_file() and path.read_bytes() == text.encode("utf-8"):
                continue
            differing.append(name)
            if not arguments.check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text.encode("utf-8"))
                print(f"wrote {name}")
    except (SourceError, OSError) as error:
        print(f"{arguments.map}: {error}", file=sys.stderr)
        return 2
    if arguments.check and differing:
        for name in differing:
            print(f"{name} differs from what {arguments.map.name} makes; run firmware_api/regmap/generate.py",
                  file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
