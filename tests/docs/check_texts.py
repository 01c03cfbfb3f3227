"""check_texts.py ROOT: checks the Markdown pages of the project against its files.

- A relative link leads to a file or folder that exists, and its anchor to a heading of that page.
- A fenced block whose info string says file=PATH (and region=NAME) equals that file, or the lines between
  `docs: begin NAME` and `docs: end NAME` in it, with the common indentation removed.
- A C++ or TOML block without file= is an error: shown code is code that is built and run.
- A name in capitals, in code style, that begins as a register does (CAPS_, JOB_, CAPS., ...) or with HB_ is a register
  (REG, or REG without _LO), a field of one (FIELD, REG.FIELD) or its value, a status, an operation, or a name of the
  firmware headers.
- A line `$ heatbath COMMAND ...` names a command of docs/command.md, which a test compares with --help, and options of it.
- Every page of docs/ but the decisions is in the navigation of mkdocs.yml, where there is one.

Prints one line per finding, path:line: what; exit status 1 when there are any.
"""
import pathlib
import re
import shlex
import sys
import textwrap
import tomllib

FENCE = re.compile(r"^\s*```(.*)$")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAME = re.compile(r"`([A-Z][A-Z0-9]*(?:[_.][A-Z0-9]+)+)`")


def slug(heading):
    """Anchor of a heading, as GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower().replace("`", ""))
    return kept.replace(" ", "-")


def pages(root):
    yield from sorted(root.glob("*.md"))
    yield from sorted(root.glob("llms.txt"))
    yield from sorted((root / "docs").rglob("*.md"))


def prose_and_blocks(text):
    """Lines outside of fences as (number, line), and fences as (number, info, lines)."""
    prose, blocks, info = [], [], None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and info is None:
            info, start, body = fence.group(1).strip(), number, []
        elif fence:
            blocks.append((start, info, body))
            info = None
        elif info is None:
            prose.append((number, line))
        else:
            body.append(line)
    return prose, blocks


def region(path, name):
    """Lines of a file, or of a named region of it; None when it has no such region."""
    lines = path.read_text().splitlines()
    if name is None:
        return lines
    begin = [i for i, line in enumerate(lines) if line.strip().endswith(f"docs: begin {name}")]
    end = [i for i, line in enumerate(lines) if line.strip().endswith(f"docs: end {name}")]
    if len(begin) != 1 or len(end) != 1:
        return None
    return textwrap.dedent("\n".join(lines[begin[0] + 1:end[0]])).splitlines()


def anchors(page):
    return {slug(line.lstrip("#")) for _, line in prose_and_blocks(page.read_text())[0] if line.startswith("#")}


def declared_names(root):
    """Names that pages may use for registers, fields, statuses and operations; None without a register source."""
    source = root / "firmware_api/regmap/heatbath.toml"
    if not source.exists():
        return None
    names = set()
    for register in tomllib.loads(source.read_text())["register"]:
        name = register["name"]
        names |= {name, name.removesuffix("_LO")}
        for field in register.get("fields", []):
            names |= {field["name"], f"{name}.{field['name']}", *field.get("enum", {})}
    for header in (root / "firmware_api/include/heatbath").glob("*.h"):
        text = header.read_text()
        names |= set(re.findall(r"\bHB_[A-Z0-9_]+\b", text))
        for prefix, listed in re.findall(r"#define HB_(STATUS|OP)_LIST\(X\)((?:.*\\\n)*.*)", text):
            for name in re.findall(r"\bX\((\w+),", listed):
                names |= {name, f"HB_{name}" if prefix == "STATUS" else f"HB_OP_{name}"}
    return names


def described_commands(root):
    """Options of each command by its section in docs/command.md, of all commands under ""; None without that page."""
    page = root / "docs/command.md"
    if not page.exists():
        return None
    beginning, *sections = re.split(r"^## heatbath ", page.read_text(), flags=re.M)
    options = {"": set(re.findall(r"--[a-z][a-z-]*", beginning))}
    for section in sections:
        options[section.split("\n", 1)[0].strip()] = set(re.findall(r"--[a-z][a-z-]*|(?<=`)-[a-z]\b", section))
    return options


def wrong_command(line, commands):
    """What is wrong with the words of a shell line that calls the command; None when nothing is, or it calls another."""
    if not re.match(r"\$ (\S*/)?heatbath( |$)", line):
        return None
    words = [word for word in shlex.split(line[2:], comments=True)[1:]]
    words = words[:next((i for i, word in enumerate(words) if word in ("|", ">", "2>", "&", "&&", ";")), len(words))]
    if not words or words[0].startswith("-"):
        return None
    name = " ".join(words[:2]) if " ".join(words[:2]) in commands else words[0]
    if name not in commands:
        return f"docs/command.md has no heatbath {name}"
    for word in words:
        option = word.split("=", 1)[0]
        if re.fullmatch(r"--[a-z][a-z-]*", option) and option not in commands[name] | commands[""]:
            return f"docs/command.md has no option {option} of heatbath {name}"
    return None


def pages_without_place(root):
    """Pages of docs/ that the site's navigation lacks; the decisions are added to it by tools/site_hook.py."""
    site = root / "mkdocs.yml"
    placed = set(re.findall(r"^ *- .*?([\w/]+\.md)$", site.read_text(), re.M)) if site.exists() else None
    for page in sorted((root / "docs").rglob("*.md")) if placed is not None else ():
        name = page.relative_to(root / "docs").as_posix()
        if name not in placed and not re.match(r"adr/\d", name):
            yield f"mkdocs.yml:1: docs/{name} is not in the navigation"


def findings(root):
    yield from pages_without_place(root)
    names = declared_names(root)
    commands = described_commands(root)
    beginnings = {"HB"} | {re.split("[_.]", name)[0] for name in names or ()}
    for page in pages(root):
        where = page.relative_to(root)
        prose, blocks = prose_and_blocks(page.read_text())
        for number, line in prose:
            for target in LINK.findall(line):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                linked = (page.parent / path).resolve() if path else page
                if not linked.exists():
                    yield f"{where}:{number}: link to {target}: there is no {path}"
                elif anchor and anchor not in anchors(linked):
                    yield f"{where}:{number}: link to {target}: the page has no heading of that name"
            for name in NAME.findall(line):
                if names and name not in names and re.split("[_.]", name)[0] in beginnings:
                    yield f"{where}:{number}: {name} is neither in the register source nor in the firmware headers"
        for number, info, body in blocks:
            words = info.split()
            options = dict(word.split("=", 1) for word in words[1:] if "=" in word)
            if commands and words and words[0] == "console":
                for offset, line in enumerate(body, 1):
                    wrong = wrong_command(line, commands)
                    if wrong:
                        yield f"{where}:{number + offset}: {wrong}"
            if "file" not in options:
                if words and words[0] in ("cpp", "c++", "toml"):
                    yield f"{where}:{number}: a {words[0]} block must say file=PATH of a file that is built or run"
                continue
            path = root / options["file"]
            if not path.exists():
                yield f"{where}:{number}: there is no {options['file']}"
                continue
            shown = region(path, options.get("region"))
            if shown is None:
                yield f"{where}:{number}: {options['file']} has no region {options['region']}"
            elif [line.rstrip() for line in body] != [line.rstrip() for line in shown]:
                yield f"{where}:{number}: the block differs from {options['file']} {options.get('region', '')}".rstrip()


def main():
    found = list(findings(pathlib.Path(sys.argv[1]).resolve()))
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
