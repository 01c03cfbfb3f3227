"""demo_build_test.py NINJA BUILD: what tools/demo.sh builds holds nothing that the demo does not use."""
import re
import subprocess
import sys

ninja, build = sys.argv[1:]
said = subprocess.run([ninja, "-C", build, "-t", "commands", "heatbath_demo"], check=True, capture_output=True, text=True).stdout
folders = re.findall(r"-o (\w+)/(?:[\w.+-]+/)*CMakeFiles/", said)
assert {"apps", "driver", "hw_model", "trainers"} <= set(folders), "no objects are seen: this test could not fail"
unused = {"bench", "bridges", "capi", "conformance", "examples", "oracles", "python", "server", "studies", "tests", "validate"}
assert not unused & set(folders), sorted(unused & set(folders))
print(len(folders), "objects")
