"""command_page_test.py HEATBATH PAGE: docs/command.md names the options that the command has, and no others."""
import re
import subprocess
import sys

program, page = sys.argv[1:]
sections = re.split(r"^## heatbath (.*)$", open(page).read(), flags=re.MULTILINE)
common = set(re.findall(r"--[a-z-]+", sections[0])) - {"--version"}
wrong = []
for name, text in zip(sections[1::2], sections[2::2]):
    help_text = subprocess.run([program, *name.split(), "--help"], check=True, capture_output=True, text=True).stdout
    has = set(re.findall(r"--[a-z][a-z-]+", help_text))
    told = set(re.findall(r"--[a-z][a-z-]+", text))
    wrong += [f"{page}: heatbath {name} has {option}, which its section does not name" for option in has - told - common]
    wrong += [f"{page}: heatbath {name} has no {option}" for option in told - has]
listed = {line.split()[0] for line in
          subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
          .split("Subcommands:")[1].splitlines() if line.startswith("  ") and line.strip() and line[2] != " "}
wrong += [f"{page}: no section on heatbath {name}" for name in listed - {s.split()[0] for s in sections[1::2]}]
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
