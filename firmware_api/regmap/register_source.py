"""What the register source says, checked: registers and fields, cell kinds, topologies, steppers, parameter sections,
meters.

Python 3.11, standard library only.
"""

import hashlib
import re
import tomllib

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
REGISTER_KEYS = {"name", "offset", "access", "reset", "doc"}
CAPABILITY_KEYS = {"c", "host", "type", "feature", "info", "encoding", "zero", "needs"}
HOST_TYPES = {"bool", "std::uint32_t", "std::uint64_t", "float", "Ticks", "Number", "CellKind", "Topology", "Stepper"}
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
    def __init__(self, register_name, table, lists):
        where = f"register {register_name}, field {table.get('name', '?')}"
        check_keys(where, table, {"name", "bits", "doc"}, {"enum", "chip"} | CAPABILITY_KEYS)
        self.name = check_name(where, table["name"])
        self.doc = check_doc(where, table["doc"])
        match = BITS.fullmatch(table["bits"]) if isinstance(table["bits"], str) else None
        if not match:
            raise SourceError(f"{where}: bits {table['bits']!r} must be \"high:low\" or \"bit\"")
        self.high = int(match[1])
        self.low = int(match[2]) if match[2] is not None else self.high
        if self.high > 31 or self.low > self.high:
            raise SourceError(f"{where}: bits {table['bits']!r} must satisfy 31 >= high >= low")
        self.chip = table.get("chip", self.name.lower().replace("kt_", "kT_") if "feature" in table else "")
        self.mask = ((1 << (self.high - self.low + 1)) - 1) << self.low
        values = table.get("enum", {})
        if isinstance(values, str):
            if values not in lists:
                raise SourceError(f"{where}: enum {values!r} must be a table of NAME = value or one of {', '.join(lists)}")
            values = {row.name: row.value for row in lists[values]}
        self.values = values
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


class Row:
    """A row of a numbered list: a cell kind, a topology, a stepper, a parameter section or a meter."""

    def __init__(self, kind, table, lists):
        where = f"{kind} {table.get('name', '?')}"
        keys = LISTS[kind]
        check_keys(where, table, {"name", "value", "doc"} | set(keys), OPTIONAL.get(kind, set()))
        self.name = check_name(where, table["name"])
        self.value = check_number(f"{where}: value", table["value"], 255)
        self.doc = check_doc(where, table["doc"])
        self.text = table.get("text", self.name.lower().replace("_", "_" if kind == "meter" else "-"))
        self.low = table.get("low")
        self.range = table.get("range")
        self.per_state = table.get("per_state", False)
        for key, kind_of_value in keys.items():
            value = table[key]
            if type(value) is not kind_of_value:
                raise SourceError(f"{where}: {key} must be a {kind_of_value.__name__}")
            setattr(self, key, value)
        if "cells" in keys:
            known = [row.name for row in lists["cell_kind"]]
            for cell in self.cells:
                if cell not in known:
                    raise SourceError(f"{where}: cells: {cell!r} must be one of {', '.join(known)}")
        if kind == "meter":
            self.read_meter(where, table)

    def read_meter(self, where, table):
        if self.unit not in METER_UNITS:
            raise SourceError(f"{where}: unit {self.unit!r} must be one of {', '.join(METER_UNITS)}")
        if self.per_cell != self.name.endswith("_PER_CELL"):
            raise SourceError(f"{where}: the names of meters of cells, and theirs alone, end in _PER_CELL")
        self.sums = table.get("sums")
        self.flag = 1 << check_number(f"{where}: flag", table["flag"], 31) if "flag" in table else 0
        if not self.flag and (self.per_cell or self.sums):
            raise SourceError(f"{where}: a meter of cells, or a sum of one, needs a flag")

    @property
    def cpp(self):
        """Its enumerator in C++."""
        return self.text.replace("-", "_")


# The numbered lists, each with the keys of its rows beside name, value and doc.
LISTS = {
    "cell_kind": {"components": int, "discrete": bool, "labels": bool},
    "topology": {},
    "stepper": {"cells": list, "markov": bool, "bounded": bool, "takes_middle": bool, "coloured": bool, "order": str},
    "section": {"cells": list, "per_cell": bool, "unit": str},
    "meter": {"unit": str, "per_cell": bool, "needs": str},
}
OPTIONAL = {"section": {"text", "low", "range", "per_state"}, "meter": {"flag", "sums"}}
METER_UNITS = {"energy": "double", "count": "uint64_t", "ticks": "uint64_t"}  # and their types
# Flags of other instructions (heatbath/program.h).
TAKEN_FLAGS = 3


def numbered_rows(kind, tables, lists):
    """The rows of a list, whose values are 0, 1, 2, …"""
    if not isinstance(tables, list):
        raise SourceError(f"[[{kind}]] must be a list of tables")
    rows = [Row(kind, table, lists) for table in tables]
    for value, row in enumerate(rows):
        if row.value != value:
            raise SourceError(f"{kind} {row.name}: value {row.value} must be {value}: the rows stand in order, without gaps")
        if row.name in [other.name for other in rows[:value]]:
            raise SourceError(f"{kind} {row.name} is declared twice")
    return rows


class Capability:
    """A capability register that is one word (or two, _LO and _HI), or a field of one, as software sees it."""

    def __init__(self, register, field, table):
        where = f"register {register.name}" + (f", field {field.name}" if field else "")
        check_keys(f"{where}: capability", table, set(), CAPABILITY_KEYS)
        stem = register.name.removeprefix("CAPS_").removesuffix("_FORMAT").lower()
        self.register, self.field = register, field
        self.flag = register.name == "CAPS"
        self.wide = register.name.endswith("_LO")
        name = stem if field is None else field.name.lower() if self.flag else f"{stem}_{field.name.lower()}"
        self.c = table.get("c", name)
        self.host = table.get("host", self.c.replace("kt_", "kT_"))
        usual = "bool" if self.flag else "std::uint64_t" if self.wide else "std::uint32_t"
        self.type = table.get("type", usual)
        if self.type not in HOST_TYPES:
            raise SourceError(f"{where}: type {self.type!r} must be one of {', '.join(sorted(HOST_TYPES))}")
        self.feature = table.get("feature")
        self.info = table.get("info", f"features.{self.host}" if self.flag else None)
        if self.info is not None and self.info.count(".") != 1:
            raise SourceError(f"{where}: info {self.info!r} must be \"group.key\"")
        self.encoding = table.get("encoding", False)
        self.zero = table.get("zero")
        self.needs = table.get("needs")
        self.doc = field.doc if field else register.doc.replace(", low word", "").removeprefix("float32: ")

    @property
    def c_type(self):
        return {"bool": "bool", "float": "float", "std::uint64_t": "uint64_t"}.get(self.type, "uint32_t") \
            if self.flag or self.type != "bool" else "uint32_t"


def capabilities_of(register, table):
    """The capabilities that a register holds; none unless its name begins with CAPS."""
    if "capability" in table:
        return [Capability(register, None, table["capability"])]
    if not register.name.startswith("CAPS"):
        return []
    rows = {entry["name"]: entry for entry in table.get("fields", [])}
    return [Capability(register, field, {key: rows[field.name][key] for key in CAPABILITY_KEYS if key in rows[field.name]})
            for field in register.fields]


class Register:
    def __init__(self, index, table, map_values, lists):
        where = f"register {table.get('name', f'number {index}')}"
        check_keys(where, table, REGISTER_KEYS, {"fields", "chip", "capability"})
        self.name = check_name(where, table["name"])
        self.doc = check_doc(where, table["doc"])
        self.chip = table.get("chip", "")
        self.offset = check_number(f"{where}: offset", table["offset"])
        if self.offset % 4:
            raise SourceError(f"{where}: offset {self.offset:#05x} must be a multiple of 4")
        self.access = table["access"]
        if self.access not in ACCESS:
            raise SourceError(f"{where}: access {self.access!r} must be one of {', '.join(ACCESS)}")
        if not isinstance(table.get("fields", []), list) or table.get("fields") == []:
            raise SourceError(f"{where}: fields must be a non-empty list of tables; leave the key out for a plain word")
        self.fields = sorted((Field(self.name, entry, lists) for entry in table.get("fields", [])), key=lambda f: f.low)
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

        self.capabilities = capabilities_of(self, table)
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
        check_keys("top level", document, {"map", "register"}, set(LISTS))
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
        self.lists = {}
        for key in LISTS:
            self.lists[key] = numbered_rows(key, document.get(key, []), self.lists)
        entries = document["register"]
        if not isinstance(entries, list) or not entries:
            raise SourceError("[[register]] must be a list of tables")
        self.registers = sorted((Register(i, entry, map_values, self.lists) for i, entry in enumerate(entries)),
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
        for row in self.lists["section"]:
            if row.range and row.range not in by_name:
                raise SourceError(f"section {row.name}: range {row.range!r} is no register")
        self.check_meters(by_name)
        if "INTR_STATE" in by_name and "INTR_ENABLE" in by_name:
            state, enable = (sum(field.mask for field in by_name[name].fields) for name in ("INTR_STATE", "INTR_ENABLE"))
            if state != enable:
                raise SourceError(f"register INTR_ENABLE: its fields are {enable:#x}; those of INTR_STATE are {state:#x}")
        owners = {}
        for symbol, owner, _ in self.symbols():
            if symbol in owners:
                raise SourceError(f"{owner} and {owners[symbol]} both make the C name {symbol}")
            owners[symbol] = owner

    def check_meters(self, by_name):
        meters = self.lists["meter"]
        features = [field.name for field in by_name["CAPS"].fields] if "CAPS" in by_name else []
        taken = TAKEN_FLAGS
        for row in meters:
            where = f"meter {row.name}"
            if row.needs not in features:
                raise SourceError(f"{where}: needs {row.needs!r} is no bit of CAPS")
            if row.flag & taken:
                raise SourceError(f"{where}: flag {row.flag.bit_length() - 1} is taken")
            taken |= row.flag
            if row.sums and row.sums not in [other.name for other in meters if other.per_cell]:
                raise SourceError(f"{where}: sums {row.sums!r} is no meter of cells")
            if not row.flag and any(other.flag for other in meters[:row.value]):
                raise SourceError(f"{where}: meters without a flag stand before the others")

    @property
    def capabilities(self):
        """Every capability, in the order of the registers."""
        return [capability for register in self.registers for capability in register.capabilities]

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
    if register.name == "INTR_STATE":
        yield "HB_INTERRUPT_ALL", owner, f"0x{sum(field.mask for field in register.fields):08X}u"
    for field in register.fields:
        owner = f"field {register.name}.{field.name}"
        yield f"{stem}_{field.name}_MASK", owner, f"0x{field.mask:08X}u"
        yield f"{stem}_{field.name}_SHIFT", owner, f"{field.low}u"
        for name, value in field.values.items():
            yield f"{stem}_{field.name}_{name}", owner, f"{value}u"
