"""The register generator refuses a wrong source in one line that names the place, and finds stale outputs."""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile
import tomllib
import unittest
import xml.etree.ElementTree

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "firmware_api/regmap/heatbath.toml"
GENERATOR = pathlib.Path(__file__).resolve().parents[2] / "firmware_api/regmap/generate.py"
MAP = """
[map]
name = "test"
major = 2
minor = 3
window_bytes = 0x100
topology_base = 0x800
memory_base = 0x1000
"""
WORD = '[[register]]\nname = "WORD"\noffset = 0x10\naccess = "rw"\nreset = 5\ndoc = "A word."\n'
PAIR = """[[register]]
name = "T_LO"
offset = 0x20
access = "ro"
reset = "live"
doc = "Low."
[[register]]
name = "T_HI"
offset = 0x24
access = "ro"
reset = "live"
doc = "High."
"""
FIELDS = """[[register]]
name = "MODE"
offset = 0x30
access = "rw"
reset = 0x21
doc = "Fields."
fields = [
  { name = "KIND", bits = "7:4", enum = { SLOW = 0, FAST = 2 }, doc = "Kind." },
  { name = "ON", bits = "0", doc = "On." },
]
"""


class Generator(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.source = self.root / "map.toml"

    def run_generator(self, text, *options):
        self.source.write_text(text, encoding="utf-8")
        return subprocess.run([sys.executable, GENERATOR, "--map", self.source, "--root", self.root, *options],
                              capture_output=True, text=True, check=False)

    def refuse(self, text, *words):
        result = self.run_generator(text)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        self.assertFalse((self.root / "docs").exists(), "outputs were written from a wrong source")

    def test_writes_offsets_masks_enumerators_and_write_masks(self):
        result = self.run_generator(MAP + WORD + PAIR + FIELDS)
        self.assertEqual(result.returncode, 0, result.stderr)
        header = " ".join((self.root / "firmware_api/include/heatbath/regs.h").read_text().split())
        for line in ("HB_MAP_MAJOR 2u", "HB_WORD_OFFSET 0x010u", "HB_WORD_RESET 0x00000005u",
                     "HB_MODE_KIND_MASK 0x000000F0u", "HB_MODE_KIND_SHIFT 4u", "HB_MODE_KIND_FAST 2u",
                     "HB_MODE_ON_MASK 0x00000001u", "HB_MEMORY_BASE 0x00001000u"):
            self.assertIn(f"#define {line} ", header)
        self.assertNotIn("HB_T_LO_RESET", header)
        table = (self.root / "firmware_api/include/heatbath/register_list.h").read_text()
        self.assertIn("X(WORD, 0x010u, RW, VALUE, 0x00000005u, 0xFFFFFFFFu)", table)
        self.assertIn("X(MODE, 0x030u, RW, VALUE, 0x00000021u, 0x000000F1u)", table)
        self.assertIn("X(T_LO, 0x020u, RO, LIVE, 0x00000000u, 0x00000000u)", table)

    def test_check_names_the_stale_file(self):
        source = MAP + WORD
        self.assertEqual(self.run_generator(source, "--check").returncode, 1)
        self.assertFalse((self.root / "docs").exists(), "--check wrote a file")
        self.assertEqual(self.run_generator(source).returncode, 0)
        self.assertEqual(self.run_generator(source, "--check").returncode, 0)
        stale = self.root / "firmware_api/include/heatbath/register_list.h"
        stale.write_text(stale.read_text() + "\n")
        result = self.run_generator(source, "--check")
        self.assertEqual(result.returncode, 1)
        self.assertIn("firmware_api/include/heatbath/register_list.h", result.stderr)
        self.assertNotIn("regs.h", result.stderr)

    def test_refuses_names_and_offsets_that_are_not_unique(self):
        self.refuse(MAP + WORD + WORD.replace("0x10", "0x14"), "WORD", "twice")
        self.refuse(MAP + WORD + WORD.replace("WORD", "OTHER"), "WORD", "OTHER", "0x010")

    def test_refuses_bad_places(self):
        self.refuse(MAP + WORD.replace("0x10", "0x12"), "WORD", "multiple of 4")
        self.refuse(MAP + WORD.replace("0x10", "0x100"), "WORD", "window")
        self.refuse(MAP + PAIR.replace("0x24", "0x28"), "T_LO", "T_HI", "0x024")

    def test_refuses_bad_fields(self):
        self.refuse(MAP + FIELDS.replace('"7:4"', '"7:0"'), "MODE", "ON", "KIND", "overlap")
        self.refuse(MAP + FIELDS.replace('"7:4"', '"4:7"'), "MODE", "KIND", "4:7")
        self.refuse(MAP + FIELDS.replace('"7:4"', '"32:4"'), "MODE", "KIND", "32:4")
        self.refuse(MAP + FIELDS.replace("FAST = 2", "FAST = 16"), "MODE", "KIND", "FAST")
        self.refuse(MAP + FIELDS.replace("FAST = 2", "FAST = 0"), "MODE", "KIND", "same value")
        self.refuse(MAP + FIELDS.replace("0x21", "0x02"), "MODE", "reset", "outside of the declared fields")

    def test_refuses_words_outside_of_the_vocabulary(self):
        self.refuse(MAP + WORD.replace('"rw"', '"w1c"'), "WORD", "w1c", "ro, rw, cmd")
        self.refuse(MAP + WORD.replace("reset = 5", 'reset = "later"'), "WORD", "later", "profile, live, map")
        self.refuse(MAP + WORD.replace("reset = 5", 'reset = "live"'), "WORD", "live")
        self.refuse(MAP + WORD.replace('"rw"', '"cmd"'), "WORD", "SEQ")
        self.refuse(MAP + WORD + "colour = 1\n", "WORD", "colour")
        self.refuse(MAP + WORD.replace('doc = "A word."\n', ""), "WORD", "doc")
        self.refuse(MAP + WORD.replace('"WORD"', '"Word"'), "Word")
        self.refuse("[map\n", "TOML")

    def test_refuses_two_sources_of_one_c_name(self):
        enumerator = FIELDS.replace('bits = "0",', 'bits = "0", enum = { MASK = 1 },')
        self.refuse(MAP + enumerator, "HB_MODE_ON_MASK", "field MODE.ON")

    def test_refuses_wrong_rows_of_lists(self):
        kind = '[[cell_kind]]\nname = "SPIN"\nvalue = 0\ncomponents = 1\ndiscrete = true\nlabels = false\ndoc = "A spin."\n'
        section = ('[[section]]\nname = "BIAS"\nvalue = 0\ncells = ["SPIN"]\nper_cell = true\nunit = "energy"\n'
                   'doc = "A bias."\n')
        self.assertEqual(self.run_generator(MAP + WORD + kind + section, "--check").returncode, 1)
        self.refuse(MAP + WORD + kind.replace("value = 0", "value = 1"), "SPIN", "without gaps")
        self.refuse(MAP + WORD + kind.replace("components = 1\n", ""), "SPIN", "components")
        self.refuse(MAP + WORD + kind + section.replace('["SPIN"]', '["SPUN"]'), "BIAS", "SPUN", "SPIN")
        self.refuse(MAP + WORD + kind + section + 'range = "RANGE"\n', "BIAS", "RANGE")
        self.refuse(MAP + FIELDS.replace("enum = { SLOW = 0, FAST = 2 }", 'enum = "kinds"'), "KIND", "cell_kind")

    def test_refuses_wrong_meters(self):
        caps = ('[[register]]\nname = "CAPS"\noffset = 0x40\naccess = "ro"\nreset = "profile"\ndoc = "What there is."\n'
                'fields = [{ name = "METERS", bits = "2", doc = "Meters." }]\n')
        energy = '[[meter]]\nname = "E"\nvalue = 0\nunit = "energy"\nper_cell = false\nneeds = "METERS"\ndoc = "V."\n'
        cells = ('[[meter]]\nname = "N_PER_CELL"\nvalue = 1\nunit = "count"\nper_cell = true\nneeds = "METERS"\nflag = 2\n'
                 'doc = "Counts."\n')
        every = ('[[meter]]\nname = "N"\nvalue = 2\nunit = "count"\nper_cell = false\nneeds = "METERS"\nflag = 3\n'
                 'sums = "N_PER_CELL"\ndoc = "All of them."\n')
        source = MAP + caps + energy + cells + every
        self.assertEqual(self.run_generator(source, "--check").returncode, 1)
        self.refuse(source.replace('"count"\nper_cell = true', '"counts"\nper_cell = true'), "N_PER_CELL", "energy, count, ticks")
        self.refuse(source.replace("flag = 3", "flag = 2"), "meter N:", "flag 2 is taken")
        self.refuse(source.replace("flag = 3", "flag = 1"), "meter N:", "flag 1 is taken")
        self.refuse(source.replace("flag = 2\n", ""), "N_PER_CELL", "needs a flag")
        self.refuse(source.replace('sums = "N_PER_CELL"', 'sums = "E"'), "meter N:", "no meter of cells")
        self.refuse(source.replace("N_PER_CELL", "N_OF_CELLS"), "_PER_CELL")
        self.refuse(source.replace('per_cell = false\nneeds = "METERS"\ndoc', 'per_cell = false\nneeds = "HEAT"\ndoc'), "meter E:", "HEAT")
        late = energy.replace('"E"', '"F"').replace("value = 0", "value = 3")
        self.refuse(source + late, "meter F:", "before the others")

    def test_check_covers_every_output(self):
        source = MAP + WORD
        self.assertEqual(self.run_generator(source).returncode, 0)
        written = [path for path in self.root.rglob("*") if path.is_file() and path != self.source]
        self.assertGreater(len(written), 10)
        for path in written:
            text = path.read_text()
            path.write_text(text + " ")
            result = self.run_generator(source, "--check")
            self.assertEqual(result.returncode, 1)
            self.assertIn(str(path.relative_to(self.root)), result.stderr)
            path.write_text(text)

    def test_only_a_command_without_acknowledgement_forgets_its_number_at_soft_reset(self):
        command = """[[register]]
name = "GO"
offset = 0x40
access = "cmd"
reset = 0
doc = "Command."
fields = [{ name = "SEQ", bits = "31:16", doc = "Number." }]
"""
        acknowledgement = '[[register]]\nname = "GO_ACK"\noffset = 0x44\naccess = "ro"\nreset = "live"\ndoc = "Last."\n'
        for text, resets in ((command, 2), (command + acknowledgement, 1)):
            self.assertEqual(self.run_generator(MAP + text).returncode, 0)
            block = (self.root / "hw_model/rtl/heatbath_regs.v").read_text()
            self.assertEqual(block.count("seq_GO <= 16'd0;"), resets)


class Forms(unittest.TestCase):
    """Each printed form has the registers, places, accesses and fields of the source."""

    def setUp(self):
        self.document = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
        self.registers = self.document["register"]

    def printed(self, form):
        result = subprocess.run([sys.executable, GENERATOR, "--format", form], capture_output=True, text=True, check=True)
        return result.stdout

    def fields(self):
        return [(r["name"], f["name"], f["bits"]) for r in self.registers for f in r.get("fields", [])]

    def test_json(self):
        registers = json.loads(self.printed("json"))["registers"]
        self.assertEqual([(r["name"], r["offset"], r["access"], r["doc"]) for r in registers],
                         [(r["name"], r["offset"], r["access"], r["doc"]) for r in self.registers])
        self.assertEqual(sum(len(r["fields"]) for r in registers), len(self.fields()))

    def test_csv(self):
        rows = list(csv.DictReader(self.printed("csv").splitlines()))
        self.assertEqual({(r["register"], int(r["offset"], 16), r["access"]) for r in rows},
                         {(r["name"], r["offset"], r["access"]) for r in self.registers})
        bits = {(r["register"], r["field"], r["high"] if r["high"] == r["low"] else f"{r['high']}:{r['low']}")
                for r in rows if r["field"]}
        self.assertEqual(bits, set(self.fields()))

    def test_svd(self):
        registers = xml.etree.ElementTree.fromstring(self.printed("svd")).findall(".//register")
        access = {"ro": "read-only", "rw": "read-write", "cmd": "read-write"}
        self.assertEqual([(r.findtext("name"), int(r.findtext("addressOffset"), 16), r.findtext("access"))
                          for r in registers],
                         [(r["name"], r["offset"], access[r["access"]]) for r in self.registers])
        self.assertEqual(sum(len(r.findall("fields/field")) for r in registers), len(self.fields()))


if __name__ == "__main__":
    unittest.main()
