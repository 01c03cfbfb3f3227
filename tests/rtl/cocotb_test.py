"""cocotb runs axi_bench.py on the register block under Icarus; skipped by name where one of them is missing."""

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

with tempfile.TemporaryDirectory() as folder:
    runner = get_runner("icarus")
    runner.build(sources=[ROOT / "hw_model/rtl/heatbath_regs.v"], hdl_toplevel="heatbath_regs", build_dir=folder,
                 timescale=("1ns", "1ps"))
    results = runner.test(hdl_toplevel="heatbath_regs", test_module="axi_bench", test_dir=pathlib.Path(__file__).parent,
                          build_dir=folder, results_xml=str(pathlib.Path(folder) / "results.xml"))
    run, failed = get_results(results)
sys.exit(0 if run == 1 and failed == 0 else 1)
