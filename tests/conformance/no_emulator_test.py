"""no_emulator_test.py NM HEATBATH_CONFORMANCE: nothing of the emulator is linked into the claims' command."""
import re
import subprocess
import sys

nm, program = sys.argv[1:]
symbols = subprocess.run([nm, "--demangle", program], check=True, capture_output=True, text=True).stdout
assert "heatbath::conformance::claims()" in symbols, "the program shows no symbols: this test could not fail"
wrong = re.findall(r".*(?:heatbath::model::|heatbath::FunctionalTransport|heatbath::Server|heatbath::open\(|sc_core::).*", symbols)
assert not wrong, "symbols of the emulator:\n" + "\n".join(wrong[:20])
shared = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
assert "systemc" not in shared, shared
