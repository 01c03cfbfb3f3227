"""What SystemRDL's compiler, PeakRDL and the CMSIS-SVD schema say of the register map's exports: nothing; and what they
read is what the source declares. Their messages of every severity count."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import judge_environment

judge_environment.enter(systemrdl="systemrdl-compiler", peakrdl_html="peakrdl-html", peakrdl_cheader="peakrdl-cheader",
                        peakrdl_regblock="peakrdl-regblock", peakrdl_uvm="peakrdl-uvm", peakrdl_python="peakrdl-python",
                        cmsis_svd="cmsis-svd", lxml="lxml", litex="litex")

import cmsis_svd
import cmsis_svd.parser
import lxml.etree
import peakrdl_regblock.udps
import systemrdl
import systemrdl.messages
import systemrdl.warnings
from litex.tools.remote.csr_builder import CSRBuilder
from peakrdl_cheader.exporter import CHeaderExporter
from peakrdl_html import HTMLExporter
from peakrdl_python.exporter import PythonExporter
from peakrdl_regblock import RegblockExporter
from peakrdl_regblock.cpuif.axi4lite import AXI4Lite_Cpuif_flattened
from peakrdl_uvm import UVMExporter

RDL = ROOT / "hw_model/rtl/heatbath.rdl"
EXPORTS = ROOT / "firmware_api/regmap/exports"
SOURCE = tomllib.loads((ROOT / "firmware_api/regmap/heatbath.toml").read_text())
REGISTERS = {register["name"]: register for register in SOURCE["register"]}
PATTERN_OF_RESETS = 0x5A


class Remarks(systemrdl.messages.MessagePrinter):
    def __init__(self):
        self.texts = []

    def print_message(self, severity, text, src_ref):
        self.texts.append(f"{severity.name}: {text}")


def compiled(path, **parameters):
    """The elaborated map and all that the compiler said."""
    remarks = Remarks()
    compiler = systemrdl.RDLCompiler(message_printer=remarks, warning_flags=systemrdl.warnings.ALL)
    for udp in peakrdl_regblock.udps.ALL_UDPS:
        compiler.register_udp(udp)
    compiler.compile_file(str(path))
    return compiler.elaborate(parameters=parameters).top, remarks.texts


def values_of(field):
    """NAME -> value of a field of the source: its own, or those of the list it names."""
    enum = field.get("enum", {})
    return enum if isinstance(enum, dict) else {row["name"]: row["value"] for row in SOURCE[enum]}


def fields_of(register):
    """(name, high, low) of the fields of a register of the source."""
    bits = [(f["name"], *map(int, (f["bits"].split(":") * 2)[:2])) for f in register.get("fields", [])]
    return bits or [("VALUE", 31, 0)]


class SystemRdl(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.profile = [name for name, r in REGISTERS.items() if r["access"] != "ro" and r["reset"] == "profile"]
        cls.top, cls.remarks = compiled(RDL, **{f"{name}_RESET": PATTERN_OF_RESETS for name in cls.profile})

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)

    def test_compiler_finds_nothing(self):
        self.assertEqual(self.remarks, [])

    def test_compiler_finds_mistakes(self):
        text = RDL.read_text()
        for old, new in (("default regwidth = 32;", "default regwidth = 16;"), ("sw = r;", "sw = q;"),
                         ("} VENDOR @ 0x004", "} VENDOR @ 0x000"), ("START = 8'd1", "START = 8'd0"),
                         ("VALUE[31:0] = DT_TICKS_RESET;", "VALUE[31:0];")):
            broken = self.work / "broken.rdl"
            broken.write_text(text.replace(old, new, 1))
            self.assertNotEqual(broken.read_text(), text, old)
            try:
                self.assertNotEqual(compiled(broken)[1], [], new)
            except systemrdl.RDLCompileError:
                pass

    def test_registers_are_those_of_the_source(self):
        nodes = list(self.top.registers())
        self.assertEqual([(n.inst_name, n.address_offset, n.get_property("desc")) for n in nodes],
                         [(r["name"], r["offset"], r["doc"]) for r in SOURCE["register"]])
        for node in nodes:
            register = REGISTERS[node.inst_name]
            self.assertEqual(sorted((f.inst_name, f.high, f.low) for f in node.fields()), sorted(fields_of(register)))
            access = systemrdl.rdltypes.AccessType
            reset, fields = 0, {f["name"]: f for f in register.get("fields", [])}
            for field in node.fields():
                with self.subTest(f"{node.inst_name}.{field.inst_name}"):
                    self.assertEqual(field.get_property("sw"), access.r if register["access"] == "ro" else access.rw)
                    self.assertEqual(field.get_property("swmod"), register["access"] == "cmd")
                    encoding = field.get_property("encode")
                    self.assertEqual({m.name: m.value for m in encoding} if encoding else {},
                                     values_of(fields.get(field.inst_name, {})))
                    if field.inst_name in fields:
                        self.assertEqual(field.get_property("desc"), fields[field.inst_name]["doc"])
                    value = field.get_property("reset")
                    self.assertEqual(value is None, register["reset"] == "live"
                                     or register["access"] == "ro" and register["reset"] == "profile")
                    reset |= (value or 0) << field.low
            if isinstance(register["reset"], int):
                self.assertEqual(reset, register["reset"], node.inst_name)
            elif node.inst_name in self.profile:
                self.assertEqual(reset, PATTERN_OF_RESETS, node.inst_name)

    def test_windows_are_external_memories(self):
        memories = [child for child in self.top.children() if isinstance(child, systemrdl.node.MemNode)]
        self.assertEqual([(m.inst_name, m.address_offset, m.external, m.is_sw_writable) for m in memories],
                         [("TOPOLOGY", SOURCE["map"]["topology_base"], True, False),
                          ("MEMORY", SOURCE["map"]["memory_base"], True, True)])

    def test_html(self):
        HTMLExporter().export(self.top, str(self.work))
        self.assertEqual(self.remarks, [])
        self.assertTrue((self.work / "index.html").exists())

    def test_c_header_agrees_with_ours(self):
        CHeaderExporter().export(compiled(RDL)[0], str(self.work / "map.h"))  # without parameters, which change names
        program = self.work / "same.c"
        lines = ['#include <stddef.h>', '#include "map.h"', '#include "heatbath/regs.h"']
        lines += [f'_Static_assert(offsetof(heatbath_t, {name}) == HB_{name}_OFFSET, "{name}");' for name in REGISTERS]
        lines += [f'_Static_assert(HEATBATH__{r}__{f}_bm == HB_{r}_{f}_MASK, "{r}.{f}");'
                  for r, register in REGISTERS.items() for f, _, _ in fields_of(register) if "fields" in register]
        program.write_text("\n".join(lines) + "\n")
        done = subprocess.run([os.environ.get("CC", "cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only",
                               f"-I{self.work}", f"-I{ROOT / 'firmware_api/include'}", program],
                              capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr[:2000]), (0, ""))

    def test_regblock_makes_a_block_that_verilator_reads(self):
        RegblockExporter().export(self.top, str(self.work), cpuif_cls=AXI4Lite_Cpuif_flattened)
        self.assertEqual(self.remarks, [])
        if shutil.which("verilator") is None:
            self.skipTest("verilator is not installed")
        done = subprocess.run(["verilator", "--lint-only", "-Wno-lint", "--top-module", "heatbath", "heatbath_pkg.sv", "heatbath.sv"],
                              cwd=self.work, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_uvm_model_has_all(self):
        UVMExporter().export(self.top, str(self.work / "map.sv"))
        text = (self.work / "map.sv").read_text()
        at = dict(re.findall(r"add_reg\(this\.(\w+), 'h([0-9a-f]+)\)", text))
        self.assertEqual({name: int(offset, 16) for name, offset in at.items()},
                         {name: register["offset"] for name, register in REGISTERS.items()})

    def test_python_layer_reaches_all(self):
        PythonExporter().export(self.top, str(self.work), skip_test_case_generation=True, asyncoutput=False)
        words = {register["offset"]: 0 for register in SOURCE["register"]}
        sys.path.insert(0, str(self.work))
        self.addCleanup(sys.path.remove, str(self.work))
        from heatbath.lib import NormalCallbackSet
        from heatbath.reg_model import RegModel
        model = RegModel(callbacks=NormalCallbackSet(
            read_callback=lambda addr, width, accesswidth: words[addr],
            write_callback=lambda addr, width, accesswidth, data: words.__setitem__(addr, data)))
        registers = {register.inst_name: register for register in model.get_registers()}
        self.assertEqual(registers.keys(), REGISTERS.keys())
        for name, register in registers.items():
            words[REGISTERS[name]["offset"]] = 0x12345678
            self.assertEqual(register.read(), 0x12345678, name)
            words[REGISTERS[name]["offset"]] = 0
        model.SCRATCH.write(77)
        self.assertEqual({offset for offset, word in words.items() if word == 77}, {REGISTERS["SCRATCH"]["offset"]})


class Svd(unittest.TestCase):
    def test_the_schema_accepts_it(self):
        schema = lxml.etree.XMLSchema(lxml.etree.parse(
            pathlib.Path(cmsis_svd.__file__).parent / "schemas/CMSIS-SVD_1_3_11.xsd"))
        document = lxml.etree.parse(EXPORTS / "heatbath.svd")
        schema.validate(document)
        self.assertEqual([str(error) for error in schema.error_log], [])
        document.find(".//register/addressOffset").text = "here"
        self.assertFalse(schema.validate(document))

    def test_the_parser_reads_the_source(self):
        device = cmsis_svd.parser.SVDParser.for_xml_file(str(EXPORTS / "heatbath.svd")).get_device()
        self.assertEqual(len(device.peripherals), 1)
        peripheral = device.peripherals[0]
        self.assertEqual({(r.name, r.address_offset, tuple(sorted((f.name, f.bit_offset, f.bit_width) for f in r.fields)))
                          for r in peripheral.registers},
                         {(name, r["offset"], tuple(sorted((f, low, high - low + 1) for f, high, low in
                                                           (fields_of(r) if "fields" in r else []))))
                          for name, r in REGISTERS.items()})
        self.assertEqual([i.name for i in peripheral.interrupts], ["HEATBATH"])
        self.assertEqual([block.offset for block in peripheral.address_blocks],
                         [0, SOURCE["map"]["topology_base"], SOURCE["map"]["memory_base"]])


class Litex(unittest.TestCase):
    def test_its_tools_read_the_csv(self):
        class Bus:
            read = write = None
        with warnings.catch_warnings(action="ignore"):  # it leaves its file open
            csr = CSRBuilder(Bus(), str(EXPORTS / "heatbath.litex"))
        self.assertEqual({name: (r.addr, r.mode) for name, r in csr.regs.d.items()},
                         {f"heatbath_{name.lower()}": (r["offset"], "ro" if r["access"] == "ro" else "rw")
                          for name, r in REGISTERS.items()})
        self.assertEqual({name: region.base for name, region in csr.mems.d.items()},
                         {"heatbath_topology": SOURCE["map"]["topology_base"], "heatbath_memory": SOURCE["map"]["memory_base"]})


if __name__ == "__main__":
    unittest.main()
