#!/usr/bin/env python3
"""Writes everything that is made from the register source.

heatbath.toml -> firmware_api/include/heatbath/regs.h        C header: offsets, masks, shifts, enumerators
                 firmware_api/include/heatbath/register_list.h  the same as a list, for tests of devices
                 hw_model/device/register_table.inc          X-macro table for the chip model
                 docs/registers.md                           the page to read
                 hw_model/rtl/heatbath_regs.v                register block with an AXI4-Lite port
                 hw_model/rtl/heatbath.rdl                   SystemRDL 2.0
                 firmware_api/regmap/exports/heatbath.*      csv, json and svd, which heatbath regs prints

generate.py                  writes the files that differ
generate.py --check          writes nothing; exit status 1 and the names of the files that differ
generate.py --format FORM    writes no file; prints the map as csv, json, svd or rdl

A mistake in the source is one line on standard error, naming register and key, and exit status 2.
Python 3.11, standard library only.
"""

import argparse
import hashlib
import pathlib
import re
import sys
import tomllib

sys.dont_write_bytecode = True  # the source tree stays as it is
import hardware_forms

ACCESS = {
    "ro": "constant or updated by the hardware; a write is ignored and counted in ERR_ACCESS",
    "rw": "plain storage; a read returns the last value written, masked to the declared fields",
    "cmd": "an effectful write that carries a sequence number; a repeat of the last number is ignored",
}
RESET_KINDS = {
    "profile": "the chip profile decides",
    "live": "the hardware updates it",
    "map": "follows from the register source",
}
MAP_KEYS = {"name", "major", "minor", "window_bytes", "topology_base", "memory_base"}
REGISTER_KEYS = {"name", "offset", "access", "reset", "doc", "fields"}
FIELD_KEYS = {"name", "bits", "doc", "enum"}
NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
BITS = re.compile(r"(\d{1,2})(?::(\d{1,2}))?")


class SourceError(Exception):
    """A mistake in the register source; the text is the whole message."""


def check_keys(where, table, required, optional=frozenset()):
    for key in table:
        if key not in required | optional:
            raise SourceError(f"{where}: unknown key '{key}'; valid keys: {', '.join(sorted(required | optional))}")
    for key in sorted(required):
        if key not in table:
            raise SourceError(f"{where}: key '{key}' is missing")


def check_number(where, value, top=0xFFFFFFFF):
    if type(value) is not int or not 0 <= value <= top:
        raise SourceError(f"{where} is {value!r}; it must be an integer from 0 to {top:#x}")
    return value


def check_name(where, name):
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise SourceError(f"{where}: name {name!r} must be capitals, digits and single underscores")
    return name


def check_doc(where, doc):
    if not isinstance(doc, str) or not doc.strip() or "\n" in doc or "*/" in doc:
        raise SourceError(f"{where}: doc must be one non-empty line without '*/'")
    return doc


class Field:
    def __init__(self, register_name, table):
        where = f"register {register_name}, field {table.get('name', '?')}"
        check_keys(where, table, FIELD_KEYS - {"enum"}, {"enum"})
        self.name = check_name(where, table["name"])
        self.doc = check_doc(where, table["doc"])
        match = BITS.fullmatch(table["bits"]) if isinstance(table["bits"], str) else None
        if not match:
            raise SourceError(f"{where}: bits {table['bits']!r} must be \"high:low\" or \"bit\"")
        self.high = int(match[1])
        self.low = int(match[2]) if match[2] is not None else self.high
        if self.high > 31 or self.low > self.high:
            raise SourceError(f"{where}: bits {table['bits']!r} must satisfy 31 >= high >= low")
        self.mask = ((1 << (self.high - self.low + 1)) - 1) << self.low
        self.values = table.get("enum", {})
        if not isinstance(self.values, dict) or ("enum" in table and not self.values):
            raise SourceError(f"{where}: enum must be a table of NAME = value")
        for name, value in self.values.items():
            check_name(f"{where}, enum", name)
            check_number(f"{where}: enum {name}", value, self.mask >> self.low)
        if len(set(self.values.values())) != len(self.values):
            raise SourceError(f"{where}: two names of the enum have the same value")

    @property
    def bits(self):
        return f"{self.high}:{self.low}" if self.high != self.low else f"{self.low}"


class Register:
    def __init__(self, index, table, map_values):
        where = f"register {table.get('name', f'number {index}')}"
        check_keys(where, table, REGISTER_KEYS - {"fields"}, {"fields"})
        self.name = check_name(where, table["name"])
        self.doc = check_doc(where, table["doc"])
        self.offset = check_number(f"{where}: offset", table["offset"])
        if self.offset % 4:
            raise SourceError(f"{where}: offset {self.offset:#05x} must be a multiple of 4")
        self.access = table["access"]
        if self.access not in ACCESS:
            raise SourceError(f"{where}: access {self.access!r} must be one of {', '.join(ACCESS)}")
        if not isinstance(table.get("fields", []), list) or table.get("fields") == []:
            raise SourceError(f"{where}: fields must be a non-empty list of tables; leave the key out for a plain word")
        self.fields = sorted((Field(self.name, entry) for entry in table.get("fields", [])), key=lambda f: f.low)
        for lower, upper in zip(self.fields, self.fields[1:]):
            if upper.low <= lower.high:
                raise SourceError(f"{where}: fields {lower.name} and {upper.name} overlap in bit {upper.low}")
        names = [field.name for field in self.fields]
        for name in names:
            if names.count(name) > 1:
                raise SourceError(f"{where}: two fields are named {name}")
        if self.access == "cmd" and "SEQ" not in names:
            raise SourceError(f"{where}: a cmd register must have a field SEQ")
        declared = sum(field.mask for field in self.fields) if self.fields else 0xFFFFFFFF
        self.write_mask = 0 if self.access == "ro" else declared

        reset = table["reset"]
        if isinstance(reset, str):
            if reset not in RESET_KINDS:
                raise SourceError(f"{where}: reset {reset!r} must be a number or one of {', '.join(RESET_KINDS)}")
            if reset == "live" and self.access != "ro":
                raise SourceError(f"{where}: reset 'live' is for ro registers, this one is {self.access}")
            if reset == "map" and self.name not in map_values:
                raise SourceError(f"{where}: reset 'map' is for {', '.join(map_values)} only")
            self.reset_kind = reset
            self.reset = map_values[self.name] if reset == "map" else 0
        else:
            self.reset_kind = "value"
            self.reset = check_number(f"{where}: reset", reset)
            if self.reset & ~declared:
                raise SourceError(f"{where}: reset {self.reset:#010x} has bits outside of the declared fields")

    @property
    def reset_text(self):
        return self.reset_kind if self.reset_kind in ("profile", "live") else f"0x{self.reset:08X}"


class RegisterMap:
    def __init__(self, source):
        try:
            document = tomllib.loads(source.decode("utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SourceError(f"not valid TOML: {error}") from None
        check_keys("top level", document, {"map", "register"})
        table = document["map"]
        if not isinstance(table, dict):
            raise SourceError("[map] must be a table")
        check_keys("[map]", table, MAP_KEYS)
        self.name = table["name"]
        if not isinstance(self.name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise SourceError(f"[map]: name {self.name!r} must be lower-case letters, digits and underscores")
        self.major = check_number("[map]: major", table["major"], 0xFFFF)
        self.minor = check_number("[map]: minor", table["minor"], 0xFFFF)
        self.window_bytes = check_number("[map]: window_bytes", table["window_bytes"])
        self.memory_base = check_number("[map]: memory_base", table["memory_base"])
        self.topology_base = check_number("[map]: topology_base", table["topology_base"])
        if self.window_bytes == 0 or self.window_bytes % 4:
            raise SourceError("[map]: window_bytes must be a positive multiple of 4")
        if self.topology_base < self.window_bytes or self.topology_base % 64:
            raise SourceError("[map]: topology_base must lie behind the register window and be a multiple of 64")
        if self.memory_base <= self.topology_base or self.memory_base % 64:
            raise SourceError("[map]: memory_base must lie behind topology_base and be a multiple of 64")
        self.hash = int.from_bytes(hashlib.sha256(source).digest()[:4], "big")
        map_values = {"MAP_VERSION": self.major << 16 | self.minor, "MAP_HASH": self.hash}
        entries = document["register"]
        if not isinstance(entries, list) or not entries:
            raise SourceError("[[register]] must be a list of tables")
        self.registers = sorted((Register(i, entry, map_values) for i, entry in enumerate(entries)),
                                key=lambda r: r.offset)
        self.check_together()

    def check_together(self):
        by_name, by_offset = {}, {}
        for register in self.registers:
            if register.name in by_name:
                raise SourceError(f"register {register.name} is declared twice")
            if register.offset in by_offset:
                raise SourceError(f"registers {by_offset[register.offset]} and {register.name} share offset "
                                  f"{register.offset:#05x}")
            if register.offset + 4 > self.window_bytes:
                raise SourceError(f"register {register.name}: offset {register.offset:#05x} lies outside of the window "
                                  f"of {self.window_bytes:#x} bytes")
            by_name[register.name] = register
            by_offset[register.offset] = register.name
        for register in self.registers:
            for half, other, distance in (("_LO", "_HI", 4), ("_HI", "_LO", -4)):
                if register.name.endswith(half):
                    partner = by_name.get(register.name[:-3] + other)
                    if partner is None or partner.offset != register.offset + distance:
                        raise SourceError(f"register {register.name}: {register.name[:-3] + other} must lie at offset "
                                          f"{register.offset + distance:#05x}")
                    if partner.access != register.access:
                        raise SourceError(f"register {register.name}: access differs from that of {partner.name}")
        owners = {}
        for symbol, owner, _ in self.symbols():
            if symbol in owners:
                raise SourceError(f"{owner} and {owners[symbol]} both make the C name {symbol}")
            owners[symbol] = owner

    def symbols(self):
        """Every macro of the header: (name, what it comes from, value)."""
        yield "HB_MAP_MAJOR", "[map] major", f"{self.major}u"
        yield "HB_MAP_MINOR", "[map] minor", f"{self.minor}u"
        yield "HB_MAP_HASH", "[map]", f"0x{self.hash:08X}u"
        yield "HB_WINDOW_BYTES", "[map] window_bytes", f"0x{self.window_bytes:X}u"
        yield "HB_TOPOLOGY_BASE", "[map] topology_base", f"0x{self.topology_base:08X}u"
        yield "HB_MEMORY_BASE", "[map] memory_base", f"0x{self.memory_base:08X}u"
        for register in self.registers:
            yield from register_symbols(register)


def register_symbols(register):
    stem, owner = f"HB_{register.name}", f"register {register.name}"
    yield f"{stem}_OFFSET", owner, f"0x{register.offset:03X}u"
    if register.reset_kind == "value":
        yield f"{stem}_RESET", owner, f"0x{register.reset:08X}u"
    for field in register.fields:
        owner = f"field {register.name}.{field.name}"
        yield f"{stem}_{field.name}_MASK", owner, f"0x{field.mask:08X}u"
        yield f"{stem}_{field.name}_SHIFT", owner, f"{field.low}u"
        for name, value in field.values.items():
            yield f"{stem}_{field.name}_{name}", owner, f"{value}u"


def wrap_comment(text, indent=""):
    """A C comment of lines of at most 118 columns."""
    lines, line = [], f"{indent}/*"
    for word in text.split():
        if len(line) + 1 + len(word) > 115:
            lines.append(line)
            line = f"{indent} *"
        line += " " + word
    return "\n".join(lines + [line + " */"])


def c_header(registers):
    out = [
        f"/* Register map '{registers.name}', version {registers.major}.{registers.minor}. "
        "Generated by regmap/generate.py from regmap/heatbath.toml.",
        " *",
        " * HB_<REGISTER>_OFFSET          byte offset in the register window",
        " * HB_<REGISTER>_RESET           value after reset, where it is a number",
        " * HB_<REGISTER>_<FIELD>_MASK    mask in place",
        " * HB_<REGISTER>_<FIELD>_SHIFT   lowest bit",
        " * HB_<REGISTER>_<FIELD>_<NAME>  enumerator, before the shift",
        " *",
        " * All are unsigned and usable in #if. The rules of access stand in docs/registers.md. */",
        "#ifndef HEATBATH_REGS_H",
        "#define HEATBATH_REGS_H",
        "",
        "/* Version of the map, and first 32 bits of the SHA-256 of its source. */",
    ]
    width = 44
    symbols = list(registers.symbols())

    def define(symbol, value):
        return f"#define {symbol:<{width - 8}} {value}"

    out += [define(symbol, value) for symbol, _, value in symbols[:3]]
    out += ["", "/* Bytes of the register window, from address 0; where the list of couplers and device memory begin. */"]
    out += [define(symbol, value) for symbol, _, value in symbols[3:6]]
    for register in registers.registers:
        out += ["", wrap_comment(f"{register.name}: {register.access}, reset {register.reset_text}. {register.doc}")]
        docs = {f"HB_{register.name}_{field.name}_MASK": field.doc for field in register.fields}
        for symbol, _, value in register_symbols(register):
            if symbol in docs:
                out.append(wrap_comment(docs[symbol]))
            out.append(define(symbol, value))
    return "\n".join(out + ["", "#endif", ""])


def model_table(registers):
    out = [
        f"// Register table of map '{registers.name}' {registers.major}.{registers.minor}. Generated by "
        "firmware_api/regmap/generate.py from heatbath.toml.",
        "// HB_REGISTER(NAME, offset, ACCESS, RESET, reset_value, write_mask)",
        "//   ACCESS      RO RW CMD",
        "//   RESET       VALUE: reset_value; PROFILE: the chip profile decides; LIVE: the hardware updates it; MAP: a",
        "//               property of the map, in reset_value",
        "//   write_mask  bits a write can change; 0 for RO",
        "// Define HB_REGISTER before including this file; it is undefined at the end.",
    ]
    for r in registers.registers:
        out.append(f"HB_REGISTER({r.name}, 0x{r.offset:03X}u, {r.access.upper()}, {r.reset_kind.upper()}, "
                   f"0x{r.reset:08X}u, 0x{r.write_mask:08X}u)")
    return "\n".join(out + ["#undef HB_REGISTER", ""])


def list_header(registers):
    out = [
        f"/* Every register of map '{registers.name}' {registers.major}.{registers.minor} with its rules. Generated by "
        "regmap/generate.py from",
        " * regmap/heatbath.toml.",
        " *",
        " * X(NAME, offset, ACCESS, RESET, reset_value, write_mask)",
        " *   ACCESS      RO RW CMD",
        " *   RESET       VALUE: reset_value; PROFILE: the device decides; LIVE: the hardware updates it; MAP: a property",
        " *               of the map, in reset_value",
        " *   write_mask  bits a write can change; 0 for RO */",
        "#ifndef HEATBATH_REGISTER_LIST_H",
        "#define HEATBATH_REGISTER_LIST_H",
        "",
        "#define HB_REGISTER_LIST(X) \\",
    ]
    rows = [f"  X({r.name}, 0x{r.offset:03X}u, {r.access.upper()}, {r.reset_kind.upper()}, 0x{r.reset:08X}u, "
            f"0x{r.write_mask:08X}u)" for r in registers.registers]
    return "\n".join(out) + "\n" + " \\\n".join(rows) + "\n\n#endif\n"


def docs_page(registers):
    out = [
        "# Registers",
        "",
        "Generated by `firmware_api/regmap/generate.py` from `firmware_api/regmap/heatbath.toml`; change that file, "
        "not this one.",
        "",
        f"Map `{registers.name}`, version {registers.major}.{registers.minor}, hash `0x{registers.hash:08X}`. The "
        f"register window is `0x{registers.window_bytes:X}` bytes from address 0. The topology window, read-only, begins "
        f"at `0x{registers.topology_base:08X}` and device memory at `0x{registers.memory_base:08X}` of the same address "
        "space; both are moved in blocks.",
        "",
        "## Rules",
        "",
        "- Every register is 32 bits wide, little-endian, at a multiple of 4. An unaligned or unmapped access reads 0, "
        "changes nothing and is counted in `ERR_ACCESS`.",
        "- No read has a side effect. There is no write-one-to-clear.",
        "- A write that has an effect carries a sequence number: it acts once per number, and a repeat of the last "
        "number is ignored and counted in `ERR_SEQUENCE`. So a lost or repeated write on a link does no harm.",
        "- A 64-bit value is two registers, `_LO` then `_HI`; read it high-low-high until both highs agree.",
        "- A value named float32 is the bit pattern of an IEEE 754 single.",
        "- Bits outside of the declared fields read 0; write them as 0.",
        "",
        "| access | meaning |",
        "|---|---|",
        *(f"| {name} | {meaning} |" for name, meaning in ACCESS.items()),
        "",
        "| reset | meaning |",
        "|---|---|",
        "| a number | the value after reset |",
        *(f"| {name} | {meaning} |" for name, meaning in RESET_KINDS.items() if name != "map"),
        "",
        "## Summary",
        "",
        "| offset | register | access | reset |",
        "|---|---|---|---|",
        *(f"| `0x{r.offset:03X}` | [`{r.name}`](#{r.name.lower()}) | {r.access} | "
          f"{r.reset_text} |"
          for r in registers.registers),
    ]
    for r in registers.registers:
        out += ["", f"## {r.name}", "", f"`0x{r.offset:03X}` · {r.access} · reset {r.reset_text}", "", escape(r.doc)]
        if r.fields:
            out += ["", "| bits | field | values | meaning |", "|---|---|---|---|"]
            for field in r.fields:
                values = ", ".join(f"{value} `{name}`" for name, value in field.values.items())
                out.append(f"| {field.bits} | `{field.name}` | {values} | {escape(field.doc)} |")
    return "\n".join(out + [""])


def escape(text):
    """Prose of the source as Markdown."""
    return re.sub(r"([|*<\[\]])", r"\\\1", text)


OUTPUTS = {
    "firmware_api/include/heatbath/regs.h": c_header,
    "firmware_api/include/heatbath/register_list.h": list_header,
    "hw_model/device/register_table.inc": model_table,
    "docs/registers.md": docs_page,
    "hw_model/rtl/heatbath_regs.v": hardware_forms.verilog,
    "hw_model/rtl/heatbath.rdl": hardware_forms.rdl,
    "firmware_api/regmap/exports/heatbath.csv": hardware_forms.csv,
    "firmware_api/regmap/exports/heatbath.json": hardware_forms.json,
    "firmware_api/regmap/exports/heatbath.svd": hardware_forms.svd,
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
