#!/usr/bin/env python3
"""Writes the manual pages of a command from what its --help says.

man_pages.py COMMAND FOLDER   FOLDER/NAME.1 and, for each subcommand, FOLDER/NAME-SUBCOMMAND.1
"""

import pathlib
import re
import subprocess
import sys


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    text = "".join(each if each.isascii() else f"\\[u{ord(each):04X}]" for each in text)
    return "\\&" + text if text[:1] in (".", "'") else text


def page(name, words, text, version):
    """One page of the text of --help: a line that says what it is, Usage, sections of `  option   what it does`."""
    title = "-".join(words)
    lines = text.splitlines()
    usage = next(k for k, line in enumerate(lines) if line.startswith("Usage: "))
    says = " ".join(lines[:usage]).strip().rstrip(".")
    says = says.removeprefix(name + ": ")
    out = [f'.TH "{title.upper()}" 1 "" "{escaped(version)}" "User commands"', ".SH NAME", f"{escaped(title)} \\- {escaped(says)}",
           ".SH SYNOPSIS", f".B {escaped(lines[usage].removeprefix('Usage: '))}"]
    subcommands = []
    part = ""
    for line in lines[usage + 1:]:
        section = re.fullmatch(r"(\S.*):", line)
        entry = re.fullmatch(r"  (\S.*?)(?:\s{2,}(\S.*))?", line)
        if section:
            part = section[1]
            out.append(f".SH {part.upper()}")
        elif entry and part:
            out += [".TP", f".B {escaped(entry[1])}", escaped(entry[2] or "")]
            if part == "Subcommands":
                subcommands.append(entry[1].split()[0])
        elif part and line.startswith("   "):  # what it does, below an entry that is long
            out[-1] = (out[-1] + " " + escaped(line.strip())).strip()
        elif line.strip():
            if part:
                out.append(".SH NOTES")
                part = ""
            out.append(escaped(line.strip()))
    if subcommands:
        out += [".SH SEE ALSO", ", ".join(f"\\fB{escaped(title + '-' + each)}\\fR(1)" for each in subcommands)]
    elif len(words) > 1:
        out += [".SH SEE ALSO", f"\\fB{escaped('-'.join(words[:-1]))}\\fR(1)"]
    return "\n".join(out) + "\n", subcommands


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    name = pathlib.Path(command).name
    folder.mkdir(parents=True, exist_ok=True)

    def said(*words):
        return subprocess.run([command, *words], check=True, capture_output=True, text=True).stdout

    version = said("--version").splitlines()[0]
    waiting = [[]]
    while waiting:
        words = waiting.pop()
        text, subcommands = page(name, [name, *words], said(*words, "--help"), version)
        (folder / ("-".join([name, *words]) + ".1")).write_text(text, encoding="utf-8")
        waiting += [words + [each] for each in subcommands]


if __name__ == "__main__":
    main()
