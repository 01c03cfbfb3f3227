"""Hook of mkdocs (mkdocs.yml): what pages written for the repository need on a site.

- A link that leaves docs/ leads to a page of the site that shows that file, or lists that folder. Markdown is shown as
  Markdown; links of such a page are followed in the same way.
- Averages in angle brackets, <x>, stay text: of HTML pages have comments and addresses alone.
- A code block that says file=PATH has the path as its title.
- Headings have the anchors of the repository, which tests/docs/check_texts.py checks.
- A page that says `<!-- site: the reference -->` has links to the references there.
- The decisions stand in the navigation by their numbers, without being listed in mkdocs.yml.
- The reference of the Python module is a page made of the built module's docstrings, where this Python can import it.
- The reference of the C++ and C headers is made of their comments, where there is Doxygen; a public declaration without a comment
  is a fault.
"""
import importlib
import inspect
import logging
import os
import pathlib
import posixpath
import re
import sys

from mkdocs.structure.files import File, InclusionLevel

LOG = logging.getLogger("mkdocs.hooks.site")  # --strict counts its warnings
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/docs"))
sys.path.insert(0, str(ROOT / "tools"))
from check_texts import prose_and_blocks, slug  # noqa: E402
import cpp_reference  # noqa: E402

LINK = re.compile(r"(\[[^\]]*\]\()([^)\s]+)(\))")
BLOCK = re.compile(r"^(\s*```\S+) file=(\S+)(?: region=\S+)?\s*$")
LANGUAGES = {".hpp": "cpp", ".cpp": "cpp", ".h": "c", ".c": "c", ".py": "python", ".sh": "bash", ".toml": "toml",
             ".v": "verilog", ".sbatch": "bash", ".yml": "yaml"}
PICTURES = {".png", ".svg"}


REFERENCE = "python_reference.md"
CPP_REFERENCE = "cpp/README.md"
MODULES = ("heatbath", "heatbath.calibration", "heatbath.enums", "heatbath.errors", "heatbath.estimates", "heatbath.inference", "heatbath.judges", "heatbath.solvers",
           "heatbath.studies", "heatbath.trainers", "heatbath.dimod", "heatbath.plot", "heatbath.torch")


def module_folder():
    return pathlib.Path(os.environ.get("HEATBATH_SITE_MODULE") or ROOT / "build/release/python").resolve()


def python_reference():
    """Markdown of the reference: what each module says is its own. Modules whose packages this Python lacks are named."""
    text = ("# The Python module, name by name\n\nMade of the module's own docstrings; [Python](python.md) shows it at work, and its types are in "
            "`python/heatbath/_core.pyi`.\n\n")
    sys.path.insert(0, str(module_folder()))
    try:
        importlib.import_module("heatbath")
    except ImportError as missing:
        return text + f"This site was built without it: {missing}. After `tools/build.sh release`, `tools/site.sh` has it.\n"
    absent = []
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            absent.append(name)
            continue
        own = [one for one in getattr(module, "__all__", ()) if callable(getattr(module, one))]
        own = own or [one for one, value in vars(module).items()
                      if not one.startswith("_") and callable(value) and getattr(value, "__module__", None) == name]
        text += f"## {name}\n\n{(module.__doc__ or '').strip().splitlines()[0] if module.__doc__ else ''}\n\n"
        for one in sorted(set(own)):
            value = getattr(module, one)
            if inspect.isbuiltin(value):  # a function of C++, whose signature stands in its docstring alone
                signature, _, words = (value.__doc__ or one).partition("\n")
                text += f"### {name}.{one}\n\n```text\n{signature}\n```\n\n{words.strip()}\n\n"
            else:
                text += f"::: {name}.{one}\n    options: {{heading_level: 3}}\n\n"
    if absent:
        text += "Left out, as packages that they need are not here: " + ", ".join(f"`{name}`" for name in absent) + ".\n"
    return text


def cpp_pages():
    """(page, Markdown) of the reference of C++ and C, one that lists them first. Without Doxygen each says so."""
    pages, faults = cpp_reference.reference(ROOT)
    for fault in faults:
        LOG.warning("%s", fault)
    text = "# C++ and C, name by name\n\n"
    if not pages:
        text += "This site was built without it: the Debian package doxygen was missing.\n"
        return [(CPP_REFERENCE, text)] + [(path, f"# {title}\n\n{text.splitlines()[2]}\n") for path, title, *_ in cpp_reference.PAGES]
    text += "Every public header, made of the comments in it.\n\n| page | what is in it | headers |\n|---|---|---|\n"
    for (path, title, folders, about), (_, page) in zip(cpp_reference.PAGES, pages):
        own = ", ".join(f"`{line[3:]}`" for line in page.splitlines() if line.startswith("## "))
        text += f"| [{title}]({path.removeprefix('cpp/')}) | {about} | {own} |\n"
    return [(CPP_REFERENCE, text), *pages]


def leaves_docs(base, target):
    """The path in the repository that a link of a page in the folder `base` leads to, when that is outside docs/."""
    if re.match(r"[a-z]+:|#", target):
        return None
    path = posixpath.normpath(posixpath.join(base, target.partition("#")[0]))
    return None if path == "docs" or path.startswith("docs/") else path


def page_of(path):
    """Where the site has the page of a file or folder of the repository, relative to docs/."""
    if path.endswith(".md"):
        return f"source/{path}"
    return f"source/{path}/index.md" if (ROOT / path).is_dir() else f"source/{path}.md"


def links(text):
    for _, line in prose_and_blocks(text)[0]:
        for match in LINK.finditer(line):
            yield match.group(2)


def source_text(path):
    """Markdown of the page that shows a file or folder of the repository."""
    file = ROOT / path
    if file.is_dir():
        inside = sorted(child for child in file.iterdir() if not child.name.startswith((".", "__pycache__")))
        rows = [f"- [{child.name}{'/' if child.is_dir() else ''}]({child.name})" for child in inside]
        return f"# {path}/\n\n" + "\n".join(rows) + "\n"
    text = file.read_text()
    if file.suffix == ".md":
        return text
    fence = "`" * max([3] + [len(run) + 1 for run in re.findall("`{3,}", text)])
    return f"# {path}\n\n{fence}{LANGUAGES.get(file.suffix, 'text')}\n{text.rstrip()}\n{fence}\n"


CODE_OR_BRACKET = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)|<(?!!--|https?:)", re.DOTALL)


def with_brackets(text):
    """The text with brackets outside code as text. Lines that begin with four blanks are code."""
    parts = re.split(r"(^ *```.*?^ *```[^\n]*\n|^    [^\n]*\n)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if k % 2 else CODE_OR_BRACKET.sub(lambda found: "&lt;" if found.group(0) == "<" else found.group(0), part)
                   for k, part in enumerate(parts))


def rewritten(text, base, place):
    """Text of a page of the folder `base` of the repository, whose page is in the folder `place` of the site."""
    text = with_brackets(text if text.endswith("\n") else text + "\n")
    fenced, lines = False, []
    for line in text.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
            line = BLOCK.sub(r'\1 title="\2"', line)
        elif not fenced:
            def moved(match):
                target = match.group(2)
                if re.match(r"[a-z]+:|#", target):
                    return match.group(0)
                path, hash_sign, anchor = target.partition("#")
                outside = leaves_docs(base, path)
                inside = posixpath.normpath(posixpath.join(base, path)).removeprefix("docs").lstrip("/") or "README.md"
                there = page_of(outside) if outside is not None else inside
                return match.group(1) + posixpath.relpath(there, place or ".") + hash_sign + anchor + match.group(3)
            line = LINK.sub(moved, line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def on_config(config):
    config.mdx_configs.setdefault("toc", {})["slugify"] = lambda heading, _: slug(heading)
    config.plugins["mkdocstrings"].config.handlers["python"]["paths"] = [str(module_folder())]
    decisions = [f"adr/{file.name}" for file in sorted((ROOT / "docs/adr").glob("0*.md"))]

    def spread(entries):
        for entry in entries:
            for title, below in entry.items() if isinstance(entry, dict) else ():
                if title == "Reference":
                    below[1:1] = [{"Python, name by name": REFERENCE},
                                  {"C++ and C, name by name": [CPP_REFERENCE, *({name: path} for path, name, *_ in cpp_reference.PAGES)]}]
                if below == "adr/README.md":
                    entry[title] = [below, *decisions]
                elif isinstance(below, list):
                    spread(below)
    spread(config.nav)
    return config


def on_files(files, config):
    """Pages of all files and folders that a page links to outside docs/, and that those link to."""
    waiting = []
    for page in files.documentation_pages():
        base = posixpath.join("docs", posixpath.dirname(page.src_uri)).rstrip("/")
        waiting += [leaves_docs(base, target) for target in links(page.content_string)]
    files.append(File.generated(config, REFERENCE, content=python_reference()))
    for path, text in cpp_pages():
        files.append(File.generated(config, path, content=text))
    made = set()
    while waiting:
        path = waiting.pop()
        if path is None or path in made:
            continue
        made.add(path)
        if path.startswith("..") or not (ROOT / path).exists():
            LOG.warning("a page links to %s, which is not in the repository", path)
            continue
        if pathlib.PurePath(path).suffix in PICTURES:
            continue
        text = source_text(path)
        base = path if (ROOT / path).is_dir() else posixpath.dirname(path)
        if (ROOT / path).is_dir():  # lists what is there; of that only Markdown and source text has pages
            shown = [line for line in text.splitlines() if not line.startswith("- ") or has_page(base, line)]
            text = "\n".join(shown) + "\n"
        waiting += [leaves_docs(base, target) for target in links(text)] if path.endswith(".md") or base == path else []
        if path.endswith(".md") or base == path:
            text = rewritten(text, base, posixpath.dirname(page_of(path)))
        files.append(File.generated(config, page_of(path), content=text, inclusion=InclusionLevel.NOT_IN_NAV))
    return files


def has_page(base, line):
    name = LINK.search(line).group(2)
    file = ROOT / base / name
    if file.is_dir():
        return True
    try:
        file.read_text()
    except UnicodeDecodeError:
        return False
    return os.path.getsize(file) < 200_000


def on_page_content(html, page, config, files):
    """Docstrings of Python have averages in brackets, too, and are made into HTML by the generator of that page."""
    if page.file.src_uri != REFERENCE:
        return html
    names = set("a code div em h1 h2 h3 h4 h5 h6 li ol p pre small span strong table tbody td th thead tr ul details summary br".split())
    return re.sub(r"<(?=/?([A-Za-z][^\s<>/]*))", lambda found: "<" if found.group(1).lower() in names else "&lt;", html)


def on_page_markdown(markdown, page, config, files):
    if page.file.generated_by is not None:
        if page.file.src_uri.startswith("source/examples/"):
            page.meta["search"] = {"boost": 0.2}  # behind the pages that explain it
        elif page.file.src_uri.startswith("source/") and not page.file.src_uri.startswith("source/CONTRIBUTING"):
            page.meta["search"] = {"exclude": True}  # code would stand before the pages that explain it
        return markdown
    folder = posixpath.dirname(page.file.src_uri)
    there = {name: posixpath.relpath(path, folder or ".") for name, path in (("Python", REFERENCE), ("C++ and C", CPP_REFERENCE))}
    markdown = markdown.replace("<!-- site: the reference -->",
                                "Name by name: " + ", ".join(f"[{name}]({path})" for name, path in there.items()) + ".")
    return rewritten(markdown, posixpath.join("docs", folder).rstrip("/"), folder)
