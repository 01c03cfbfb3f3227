"""cocotb runs axi_bench.py on the register block and apb_bench.py on the chip under Icarus; skipped by name where one of
them is missing."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import judge_environment

if shutil.which("iverilog") is None:
    print("skipped: iverilog is not installed")
    sys.exit(judge_environment.SKIPPED)
judge_environment.enter(cocotb="cocotb")
print(subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=True).stdout.splitlines()[0], flush=True)

from cocotb_tools.runner import get_results, get_runner

RTL = ROOT / "hw_model/rtl"
BENCHES = [("axi_bench", "heatbath_regs", [RTL / "heatbath_regs.v"], {}),
           ("apb_bench", "heatbath_apb", sorted(RTL.glob("*.v")), {"LOG_CELLS": 4})]

failures = 0
for bench, top, sources, parameters in BENCHES:
    with tempfile.TemporaryDirectory() as folder:
        runner = get_runner("icarus")
        runner.build(sources=sources, hdl_toplevel=top, build_dir=folder, parameters=parameters, timescale=("1ns", "1ps"))
        results = runner.test(hdl_toplevel=top, test_module=bench, test_dir=pathlib.Path(__file__).parent,
                              build_dir=folder, results_xml=str(pathlib.Path(folder) / "results.xml"))
        run, failed = get_results(results)
        failures += run != 1 or failed != 0
sys.exit(1 if failures else 0)
