#!/usr/bin/env python3
"""Register offsets are declared in the register source and nowhere else.

register_names.py [ROOT]   a line per place that declares an HB_..._OFFSET of its own, or passes the number of a
register to a register access; exit status 1 then. Only regs.h and register_list.h may. A number at which no
register lies (an unaligned or unmapped access in a test) is no register's name and passes.
"""

import os
import pathlib
import re
import sys

GENERATED = ("firmware_api/include/heatbath/regs.h", "firmware_api/include/heatbath/register_list.h")
SUFFIXES = {".h", ".hpp", ".c", ".cc", ".cpp", ".cxx", ".inc"}
DECLARED = re.compile(r"^#define HB_(\w+)_OFFSET\s+(0x[0-9A-Fa-f]+)u?$", re.MULTILINE)
DECLARATION = re.compile(r"#\s*define\s+HB_\w+_OFFSET\b|\b(?:constexpr|const|enum)\b[^;=\n]*\bHB_\w+_OFFSET\s*=")
NUMBER = r"(0[xX][0-9A-Fa-f]+|\d+)[uUlL]*\s*[,)]"
# bus.read32(NUMBER), bus->write32(NUMBER, …); hb_read(mmio, NUMBER), hb_dif_read64(mmio, NUMBER, …)
ACCESS = re.compile(r"\b(?:read32|write32)\s*\(\s*" + NUMBER +
                    r"|\bhb_(?:dif_)?(?:read|write)\w*\s*\([^,()]*,\s*" + NUMBER)


def wrong_places(root):
    offsets = {int(value, 16): name for name, value in DECLARED.findall((root / GENERATED[0]).read_text("utf-8"))}
    # Every folder of the repository but builds and hidden ones.
    tops = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith((".", "build")))
    for top in tops:
        for folder, _, files in os.walk(root / top):
            for name in sorted(files):
                path = pathlib.Path(folder, name)
                shown = path.relative_to(root).as_posix()
                if path.suffix not in SUFFIXES or shown in GENERATED:
                    continue
                for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                    if DECLARATION.search(line):
                        yield f"{shown}:{number}: declares a register offset; heatbath.toml is the place"
                    for match in ACCESS.finditer(line):
                        offset = match[1] or match[2]
                        if register := offsets.get(int(offset, 0)):
                            yield f"{shown}:{number}: {offset} is HB_{register}_OFFSET; write the name"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
    wrong = list(wrong_places(root))
    for line in wrong:
        print(line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
