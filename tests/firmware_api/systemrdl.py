"""A reader of the part of SystemRDL 2.0 (Accellera, 2018) that a flat register map needs.

parse(text) returns the map: {"name", "properties", "registers": [{"name", "offset", "properties", "enums", "fields"}]},
fields being {"name", "high", "low", "reset", "properties"}. It follows the grammar of annex B for address maps of
registers with anonymous definitions, and the rules that a compiler checks: property names and the values they take, what
may stand where, widths of numbers, fields that overlap or leave the register, registers that overlap, enumerations that
are declared before they are used. RdlError says line and reason.
"""

import re

TOKEN = re.compile(r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
                      |(?P<string>"(?:\\.|[^"\\])*")
                      |(?P<sized>\d+'(?:h[0-9A-Fa-f_]+|d[0-9_]+|b[01_]+))
                      |(?P<number>0[xX][0-9A-Fa-f]+|\d+)
                      |(?P<name>[A-Za-z_]\w*)
                      |(?P<mark>[{}\[\]:;=@])""", re.X | re.S)

ACCESS = {"rw", "wr", "r", "w", "rw1", "w1", "na"}
BOOLEAN = {"true", "false"}
# Property: what may carry it, and the kind of its value (None: a flag).
PROPERTIES = {
    "name": ({"addrmap", "reg", "field"}, "string"), "desc": ({"addrmap", "reg", "field"}, "string"),
    "regwidth": ({"reg"}, "number"), "accesswidth": ({"reg"}, "number"),
    "littleendian": ({"addrmap"}, None), "bigendian": ({"addrmap"}, None),
    "lsb0": ({"addrmap"}, None), "msb0": ({"addrmap"}, None),
    "sw": ({"field"}, ACCESS), "hw": ({"field"}, ACCESS), "swmod": ({"field"}, None), "swacc": ({"field"}, None),
    "singlepulse": ({"field"}, None), "encode": ({"field"}, "enum"),
}


class RdlError(Exception):
    pass


class Reader:
    def __init__(self, text):
        self.tokens, at, line = [], 0, 1
        while at < len(text):
            match = TOKEN.match(text, at)
            if not match:
                raise RdlError(f"line {line}: {text[at:at + 10]!r} is no token")
            if match.lastgroup != "space":
                self.tokens.append((match.lastgroup, match.group(), line))
            line += match.group().count("\n")
            at = match.end()
        self.tokens.append(("end", "", line))
        self.at = 0

    def fail(self, reason):
        raise RdlError(f"line {self.tokens[min(self.at, len(self.tokens) - 1)][2]}: {reason}")

    def peek(self, ahead=0):
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)][1]

    def take(self, *wanted):
        kind, text, _ = self.tokens[self.at]
        if wanted and text not in wanted and kind not in wanted:
            self.fail(f"{text!r} where one of {', '.join(wanted)} must be")
        self.at += 1
        return text

    def number(self):
        return int(self.take("number"), 0)

    def sized(self):
        """(value, width) of a Verilog-style number."""
        width, digits = self.take("sized").split("'")
        value = int(digits[1:].replace("_", ""), {"h": 16, "d": 10, "b": 2}[digits[0]])
        if value >> int(width):
            self.fail(f"{value} does not fit {width} bits")
        return value, int(width)

    def property(self, component, enums=(), default=False):
        """One assignment in `component`; as a default it is for the components within."""
        name = self.take("name")
        if name not in PROPERTIES:
            self.fail(f"{name} is no property")
        holders, kind = PROPERTIES[name]
        if component not in holders and not default:
            self.fail(f"property {name} does not belong to {component}")
        value = True
        if kind is None:
            if self.peek() == "=":
                self.take("=")
                value = self.take(*BOOLEAN) == "true"
        else:
            self.take("=")
            if kind == "string":
                value = re.sub(r"\\(.)", r"\1", self.take("string")[1:-1])
            elif kind == "number":
                value = self.number()
            elif kind == "enum":
                value = self.take("name")
                if value not in enums:
                    self.fail(f"enum {value} is not declared")
            else:
                value = self.take(*kind)
        self.take(";")
        return name, value

    def put(self, properties, entry):
        if entry[0] in properties:
            self.fail(f"property {entry[0]} is given twice")
        properties[entry[0]] = entry[1]

    def enumeration(self):
        self.take("enum")
        name, values = self.take("name"), {}
        self.take("{")
        while self.peek() != "}":
            entry = self.take("name")
            self.take("=")
            value = self.sized()
            self.take(";")
            if entry in values or value[0] in (v for v, _ in values.values()):
                self.fail(f"enum {name}: {entry} is not unique")
            values[entry] = value
        self.take("}")
        self.take(";")
        if not values:
            self.fail(f"enum {name} is empty")
        return name, values

    def field(self, enums):
        self.take("field")
        properties = {}
        self.take("{")
        while self.peek() != "}":
            self.put(properties, self.property("field", enums))
        self.take("}")
        name = self.take("name")
        self.take("[")
        high = self.number()
        self.take(":")
        low = self.number()
        self.take("]")
        reset = None
        if self.peek() == "=":
            self.take("=")
            reset, width = self.sized()
            if width != high - low + 1:
                self.fail(f"field {name}: a reset of {width} bits for bits {high}:{low}")
        self.take(";")
        if high < low:
            self.fail(f"field {name}: bits {high}:{low} are upside down with lsb0")
        if "swmod" in properties and "w" not in properties.get("sw", "rw"):
            self.fail(f"field {name}: swmod needs software that writes")
        if properties.get("sw") == "r" and properties.get("hw") in ("r", "na") and reset is None:
            self.fail(f"field {name}: a constant needs a value")
        for value, width in enums.get(properties.get("encode"), {}).values():
            if width != high - low + 1:
                self.fail(f"field {name}: enumerators of {width} bits for bits {high}:{low}")
        return {"name": name, "high": high, "low": low, "reset": reset, "properties": properties}

    def register(self, width):
        self.take("reg")
        it = {"properties": {}, "enums": {}, "fields": []}
        self.take("{")
        while self.peek() != "}":
            if self.peek() == "enum":
                name, values = self.enumeration()
                if name in it["enums"]:
                    self.fail(f"enum {name} is declared twice")
                it["enums"][name] = values
            elif self.peek() == "field":
                it["fields"].append(self.field(it["enums"]))
            else:
                self.put(it["properties"], self.property("reg"))
        self.take("}")
        it["name"] = self.take("name")
        self.take("@")
        it["offset"] = self.number()
        self.take(";")
        if not it["fields"]:
            self.fail(f"register {it['name']} has no field")
        used, names = 0, set()
        for field in it["fields"]:
            bits = (1 << field["high"] + 1) - (1 << field["low"])
            if field["high"] >= width or used & bits or field["name"] in names:
                self.fail(f"register {it['name']}: field {field['name']} overlaps, repeats or leaves the register")
            used |= bits
            names.add(field["name"])
        return it

    def map(self):
        self.take("addrmap")
        it = {"name": self.take("name"), "properties": {}, "registers": []}
        defaults = {}
        self.take("{")
        while self.peek() != "}":
            if self.peek() == "default":
                self.take("default")
                self.put(defaults, self.property("addrmap", default=True))
            elif self.peek() == "reg":
                it["registers"].append(self.register(defaults.get("regwidth", 32)))
            else:
                self.put(it["properties"], self.property("addrmap"))
        self.take("}")
        self.take(";")
        self.take("end")
        bytes_of = defaults.get("regwidth", 32) // 8
        places, names = set(), set()
        for register in it["registers"]:
            if register["offset"] % bytes_of or register["offset"] in places or register["name"] in names:
                self.fail(f"register {register['name']}: its place or its name is not its own")
            places.add(register["offset"])
            names.add(register["name"])
        it["defaults"] = defaults
        return it


def parse(text):
    return Reader(text).map()
