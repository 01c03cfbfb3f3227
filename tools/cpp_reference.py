#!/usr/bin/env python3
"""The reference of the public headers, as Markdown: what Doxygen reads in them, page by page.

cpp_reference.py [ROOT]   prints public declarations without a comment, and exits with 1 where there is one

A comment above declarations that no blank line and no comment parts is that of all of them, as is one behind several names on a
line; words behind a member are of it alone. What needs none: copies, moves and ends of objects, comparisons, enumerators of an
enumeration that has them, members of a class that has them, where their names say enough.
Doxygen (Debian) does the reading; tools/site_hook.py makes pages of the result.
"""
import dataclasses
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

# Page, title, folders of headers, and what the page is about.
PAGES = (
    ("cpp/driver.md", "C++: the driver", ("driver/include", "sim/include"),
     "Device, Program, Job, Capture, and `open` with emulators among the devices. [Programmer's guide](../programmers_guide.md)"),
    ("cpp/links.md", "C++: links and serving", ("link/include", "server/include"),
     "The seam between driver and device, views of served devices, the server. [Links](../links.md)"),
    ("cpp/network.md", "C++: networks", ("network/include",),
     "Networks with an energy, scaling, shots, certificates, calibration. [Host programs](../networks.md)"),
    ("cpp/measure.md", "C++: estimators", ("measure/include",),
     "Estimators with standard errors, for results of any device. [Validation](../validation.md)"),
    ("cpp/solvers.md", "C++: solvers", ("solvers/include",),
     "Samples of energies, searches, linear algebra by averages. [Solvers](../solvers.md)"),
    ("cpp/trainers.md", "C++: trainers", ("trainers/include",),
     "Training algorithms and readers of data. [Generative training](../generative.md)"),
    ("cpp/studies.md", "C++: studies and conformance", ("studies/include", "conformance/include"),
     "Studies made with trainers, and what every device must do. [Score bound](../bound.md)"),
    ("cpp/firmware_api.md", "C: the firmware API", ("firmware_api/include",),
     "Device functions, programs and jobs in freestanding C11. The registers themselves stand in [their map](../registers.md). "
     "[C, for hosts and for firmware](../c.md)"),
    ("cpp/library.md", "C: the library", ("capi/include",),
     "`libheatbath` for hosts in C and every language that calls C. [C, for hosts and for firmware](../c.md)"),
)
# Generated tables, which docs/registers.md shows.
TABLES = ("regs.h", "register_list.h")

SETTINGS = """
QUIET = YES
WARNINGS = NO
RECURSIVE = YES
GENERATE_HTML = NO
GENERATE_LATEX = NO
GENERATE_XML = YES
XML_PROGRAMLISTING = NO
EXTRACT_ALL = YES
MARKDOWN_SUPPORT = NO
AUTOLINK_SUPPORT = NO
SORT_MEMBER_DOCS = NO
MACRO_EXPANSION = YES
PREDEFINED = HEATBATH_API:= "_Static_assert(x,y):="
"""


def headers(root, folder):
    return sorted(path for path in (root / folder).rglob("*.h*") if path.name not in TABLES)


def summary(text):
    """What a header says of itself in front."""
    found = re.search(r"#pragma once\n((?://.*\n)+)", text)
    if found:
        return " ".join(line.removeprefix("//").strip() for line in found.group(1).splitlines())
    found = re.match(r"/\*(.*?)\*/", text, re.DOTALL)
    return re.sub(r"\n \*? ?", "\n", found.group(1)).strip() if found else ""


def escaped(words):
    """Words of a comment so that Doxygen takes them as they are."""
    return re.sub(r"--|[\\@<>&#%]", lambda found: "\\" + found.group(0), words)


def prepared(text, in_c):
    """A header with the same lines, all comments of declarations as Doxygen wants them."""
    lines = []
    if not in_c:
        for line in text.splitlines():
            found = re.match(r"(.*?)(///<? ?)(.*)$", line)
            lines.append(found.group(1) + found.group(2) + escaped(found.group(3)) if found and '"' not in found.group(1) else line)
        return "\n".join(lines) + "\n"
    text = re.sub(r"\A/\*.*?\*/", lambda found: "\n" * found.group(0).count("\n"), text, flags=re.DOTALL)
    inside = False
    for line in text.splitlines():
        before, begin, words = ("", "", line) if inside else line.partition("/* ")
        if not inside and not begin:
            lines.append(line)
            continue
        if words.startswith("-- "):
            lines.append("")
            continue
        inside = "*/" not in words
        words, end, after = words.partition("*/")
        if not begin:
            words = re.sub(r"^\s*\*? ?", "", words)
        mark = ("/**< " if before.strip() else "/** ") if begin else " * "
        lines.append(before + mark + escaped(words) + end + after)
    return "\n".join(lines) + "\n"


@dataclasses.dataclass
class Item:
    """A declaration, or a class with what is in it."""
    name: str
    kind: str
    code: str
    words: str
    line: int
    parent: str
    special: bool = False
    inside: list = dataclasses.field(default_factory=list)
    like: "Item" = None  # the one in front whose words it shares

    @property
    def inside_of(self):
        """Whether the name lacks that of its class."""
        return self.parent and not self.name.startswith(self.parent)


def plain(element):
    return re.sub(r"\s+", " ", "".join(element.itertext())).strip() if element is not None else ""


def escape(text):
    """One paragraph as Markdown; words in backticks stay code."""
    text = re.sub(r"\\(--|[\\@<>&#%])", r"\1", re.sub(r"\s+", " ", text).strip())
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_\[\]\\])", r"\\\1", part).replace("<", "&lt;") for part in parts)


def words_of(element):
    """Markdown of a description: paragraphs and lists."""
    if element is None:
        return ""
    blocks = []

    def paragraph(para):
        text = para.text or ""
        for child in para:
            if child.tag in ("itemizedlist", "orderedlist"):
                if text.strip():
                    blocks.append(escape(text))
                rows = [escape(plain(row)) for row in child.findall("listitem")]
                blocks.append("\n".join(f"- {row}" for row in rows))
                text = ""
            else:
                text += {"ndash": "--", "mdash": "---", "linebreak": " "}.get(child.tag, "".join(child.itertext()))
            text += child.tail or ""
        if text.strip():
            blocks.append(escape(text))

    for para in element.iter("para"):
        if not any(para in list(other.iter("para"))[1:] for other in element.iter("para")) and not in_list(element, para):
            paragraph(para)
    return "\n\n".join(blocks)


def in_list(element, para):
    return any(para in row.iter("para") for row in element.iter("listitem"))


def describe(node):
    return "\n\n".join(words for words in (words_of(node.find("briefdescription")), words_of(node.find("detaileddescription"))) if words)


def template_of(node):
    parameters = node.find("templateparamlist")
    if parameters is None:
        return ""
    return "template <" + ", ".join(" ".join(filter(None, (plain(p.find("type")), plain(p.find("declname"))))) for p in parameters) + "> "


def code_of(node):
    kind, name = node.get("kind"), node.findtext("name")
    kind_of_type = plain(node.find("type")).replace("< ", "<").replace(" >", ">").replace(" &", "&").replace(" *", "*")
    initial = plain(node.find("initializer"))
    if kind == "enum":
        values = ", ".join(value.findtext("name") + (" " + plain(value.find("initializer")) if value.find("initializer") is not None else "")
                           for value in node.findall("enumvalue"))
        return f"enum {'class ' if node.get('strong') == 'yes' else ''}{name} {{{values}}};"
    if kind == "define":
        parameters = [plain(p) for p in node.findall("param")]
        return f"#define {name}" + (f"({', '.join(parameters)})" if parameters else "") + (f" {initial}" if initial and len(initial) < 60 else "")
    if kind == "typedef":
        using = plain(node.find("definition"))
        return re.sub(r"[\w:]*::(\w+ =)", r"\1", using) + ";" if using.startswith("using") else using + plain(node.find("argsstring")) + ";"
    front = template_of(node) + ("static " if node.get("static") == "yes" else "") + ("explicit " if node.get("explicit") == "yes" else "")
    if node.get("virt") in ("virtual", "pure-virtual") and "virtual" not in kind_of_type:
        front += "virtual "
    text = front + (kind_of_type + " " if kind_of_type else "") + name + plain(node.find("argsstring"))
    if kind == "variable" and initial and len(initial) < 60:
        text += " " + initial
    return text + ";"


def is_special(node, parent):
    name = node.findtext("name")
    short = parent.rsplit("::", 1)[-1]
    arguments = plain(node.find("argsstring"))
    return (name.startswith("~") or name in ("operator=", "operator==", "operator<=>", "operator!=") or "=default" in arguments
            or "=delete" in arguments or node.get("kind") == "friend" or (name == short and (arguments.startswith("()") or short + " &" in arguments)))


def read(root, folders):
    """{header relative to root: (summary, [Item in order])}"""
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place).resolve()
        names, texts = {}, {}
        for folder in folders:
            for header in headers(root, folder):
                copy = place / "in" / folder / header.relative_to(root / folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(prepared(header.read_text(), header.suffix == ".h"))
                names[str(copy)] = header.relative_to(root)
                texts[str(copy)] = header.read_text()
        settings = SETTINGS + f"INPUT = {place}/in\nOUTPUT_DIRECTORY = {place}/out\nFILE_PATTERNS = *.h *.hpp\n"
        subprocess.run(["doxygen", "-"], input=settings, text=True, check=True, stdout=subprocess.DEVNULL)
        found = {name: {} for name in names.values()}
        kinds = ("function", "variable", "typedef", "enum", "define")
        for xml in sorted((place / "out/xml").glob("*.xml")):
            for compound in ElementTree.parse(xml).getroot().findall("compounddef"):
                kind, title = compound.get("kind"), compound.findtext("compoundname")
                if kind not in ("class", "struct", "union", "namespace", "file"):
                    continue
                owner = None
                if kind in ("class", "struct", "union"):
                    at = compound.find("location")
                    if compound.get("prot") == "private" or at.get("file") not in names or "::detail::" in title:
                        continue
                    bases = ", ".join(plain(base) for base in compound.findall("basecompoundref"))
                    code = template_of(compound) + f"{kind} {title}" + (f" : {bases}" if bases else "")
                    owner = Item(title, kind, code, describe(compound), int(at.get("line")), title.rpartition("::")[0])
                    found[names[at.get("file")]][compound.get("id")] = owner
                for member in compound.iter("memberdef"):
                    at = member.find("location")
                    if member.get("kind") not in kinds or member.get("prot") == "private":
                        continue
                    file = at.get("declfile") or at.get("file")
                    line = int(at.get("declline") or at.get("line"))
                    if file not in names or member.findtext("name").endswith("_H"):
                        continue
                    name = member.findtext("name")
                    undone = re.search(rf"#undef {re.escape(name)}\b", texts[file]) or name == "HEATBATH_API"
                    if name.startswith("@") or title == "heatbath::detail" or (member.get("kind") == "define" and undone):
                        continue
                    says = describe(member) or "; ".join(f"{value.findtext('name')}: {describe(value)}"
                                                         for value in member.findall("enumvalue") if describe(value))
                    item = Item(name, member.get("kind"), code_of(member), says, line, title if owner else "", is_special(member, title))
                    if owner:
                        owner.inside.append(item)
                    else:
                        found[names[file]].setdefault(member.get("id"), item)
        result = {}
        for name, items in found.items():
            text = (root / name).read_text()
            lines = text.splitlines()
            for item in [one for outer in items.values() for one in (outer, *outer.inside)]:
                item.line = nearest(lines, item.line, item.name.rsplit("::", 1)[-1])
            ordered = sorted(items.values(), key=lambda item: item.line)
            share(ordered, lines)
            for item in ordered:
                item.inside.sort(key=lambda inner: inner.line)
                share(item.inside, lines)
            result[name] = (summary(text), ordered)
        return result


def nearest(lines, line, name):
    """The line with the name: Doxygen counts one wrong behind macros of several lines."""
    near = [at for at in range(max(1, line - 2), min(len(lines), line + 2) + 1) if re.search(rf"\b{re.escape(name)}\b", lines[at - 1])]
    return min(near, key=lambda at: abs(at - line), default=line)


def share(items, lines):
    """Gives what stands together under one comment that comment: `like` is the one whose words it has."""
    for item, behind in zip(reversed(items[:-1]), reversed(items[1:])):  # the words behind the last name on a line
        if item.line == behind.line and not item.words and item.kind == behind.kind == "variable":
            item.words = behind.words
    for before, item in zip(items, items[1:]):
        if item.words:
            continue
        if item.kind == "variable" and re.search(r"\S.*(///<|/\* )", lines[item.line - 2]) and item.line != before.line:
            continue  # words behind a member are of it alone
        above = item.line - 2
        while lines[above].lstrip().startswith("template"):
            above -= 1
        if item.line == before.line or not re.match(r"\s*($|//|/\*|\*|private:|public:|#(?!define))", lines[above]):
            item.like = before.like or before


def undocumented(files):
    for name, (_, items) in files.items():
        for item in items:
            for one in (item, *item.inside):
                named = one is not item and one.kind == "variable" and item.words  # a member whose name says it
                if not one.words and not one.special and not named and not (one.like and (one.like.words or one.like.special)):
                    yield name, one


def wrapped(code):
    """A declaration on lines of at most 110 columns, cut behind commas."""
    lines = [""]
    for piece in re.split(r"(?<=,) ", code):
        if lines[-1] and len(lines[-1]) + len(piece) > 108:
            lines.append("    ")
        lines[-1] += (" " if lines[-1].strip() else "") + piece
    return "\n".join(lines)


def grouped(items):
    """Declarations that share their words, together."""
    result = []
    for item in items:
        if item.special and not item.words:
            continue
        if item.like is not None and result and result[-1][0] is item.like:
            result[-1].append(item)
        else:
            result.append([item])
    return result


def cell(words):
    return re.sub(r"\s*\n+\s*", " ", words).replace("|", "\\|")


def page(title, about, files):
    """Markdown of a page."""
    text = f"# {title}\n\n{about}\n\nMade of the comments in the headers.\n\n"
    for name, (says, items) in files.items():
        shown = str(name).split("/include/", 1)[1]
        text += f"## {shown}\n\n" + "".join(escape(part) + "\n\n" for part in says.split("\n\n") if part)
        for group in grouped(items):
            first = group[0]
            heads = [item.name.rsplit("::", 1)[-1] if item.kind not in ("class", "struct") else item.name.split("heatbath::", 1)[-1] for item in group]
            language = "c" if shown.endswith(".h") else "cpp"
            code = "\n".join(wrapped(item.code) for item in group)
            text += f"### {', '.join(dict.fromkeys(heads))}\n\n```{language}\n{code}\n```\n\n{first.words}\n\n"
            for item in group:
                data = [inner for inner in item.inside if inner.kind == "variable"]
                if data:
                    text += "| member | |\n|---|---|\n"
                    text += "".join(f"| `{cell(inner.code.removesuffix(';'))}` | {cell(inner.words or (inner.like.words if inner.like else ''))} |\n" for inner in data) + "\n"
                for inner in grouped([inner for inner in item.inside if inner.kind != "variable"]):
                    code = "\n".join(wrapped(one.code) for one in inner)
                    members = ", ".join(dict.fromkeys(f"{heads[0]}::{one.name}" for one in inner))
                    text += f"#### {members}\n\n```{language}\n{code}\n```\n\n{inner[0].words}\n\n"
    return text


def reference(root):
    """[(page of the site, Markdown)], and what is undocumented as lines of text. Empty where there is no Doxygen."""
    if shutil.which("doxygen") is None:
        return [], []
    pages, faults = [], []
    for path, title, folders, about in PAGES:
        files = read(root, folders)
        pages.append((path, page(title, about, files)))
        faults += [f"{name}:{item.line}: {item.kind} {item.parent + '::' if item.inside_of else ''}{item.name} has no comment"
                   for name, item in undocumented(files)]
    return pages, faults


if __name__ == "__main__":
    if shutil.which("doxygen") is None:
        sys.exit("cpp_reference: install the Debian package doxygen")
    missing = reference(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve())[1]
    print("\n".join(missing), end="\n" if missing else "")
    sys.exit(1 if missing else 0)
