"""site_test.py ROOT: docs/ becomes a site without warnings, and warnings are errors: tools/site.sh refuses a page with a
dead anchor, a link to a file that is not there, a page that the navigation lacks, and, where there is Doxygen, a public
declaration without a comment. Every file that a page of the site refers to is in the site, and search finds the names of the
headers. Exit status 77 where mkdocs-material cannot be had."""
import html.parser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

root = pathlib.Path(sys.argv[1]).resolve()


def site(tree, out):
    return subprocess.run([tree / "tools/site.sh", "--out", out], capture_output=True, text=True)


# What pages are made of. A name beside these is a formula, <x>, that was taken for HTML and is not seen.
ELEMENTS = set("a abbr article aside blockquote body br button circle code dd del details div dl dt em figcaption figure footer form g "
               "h1 h2 h3 h4 h5 h6 head header hr html iframe img input kbd label li link main meta nav noscript ol p path pre rect script "
               "section small span strong style sub summary sup svg table tbody td template text th thead title tr ul".split())


class References(html.parser.HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.found, self.ids, self.unknown = [], set(), set()
        self.feed(page.read_text())

    def handle_starttag(self, tag, attributes):
        if tag not in ELEMENTS:
            self.unknown.add(tag)
        for name, value in attributes:
            if name in ("href", "src") and value and not (tag == "link" and dict(attributes).get("rel") == "canonical"):
                self.found.append(value)
            if name in ("id", "name"):
                self.ids.add(value)


with tempfile.TemporaryDirectory() as folder:
    out = pathlib.Path(folder, "site")
    built = site(root, out)
    if built.returncode == 77:
        print(built.stderr, end="")
        sys.exit(77)
    assert built.returncode == 0 and built.stderr == "", built
    pages = {page: References(page) for page in out.rglob("*.html") if page.name != "404.html"}
    assert len(pages) > 100, len(pages)
    checked = 0
    for page, references in pages.items():
        assert not references.unknown, f"{page.relative_to(out)}: {references.unknown} is no element"
        for reference in references.found:
            split = urllib.parse.urlsplit(reference)
            if split.scheme or split.netloc:
                continue
            target = (page.parent / urllib.parse.unquote(split.path)).resolve() if split.path else page
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{page.relative_to(out)} refers to {reference}, which the site lacks"
            if split.fragment and target in pages:
                assert urllib.parse.unquote(split.fragment) in pages[target].ids, f"{page.relative_to(out)}: {reference}"
            checked += 1
    assert checked > 10_000, checked
    for script in ("search/search_index.json", "registers.html", "source/CONTRIBUTING.html"):
        assert (out / script).exists(), script

    has_doxygen = shutil.which("doxygen") is not None
    found = {entry["title"] for entry in json.loads((out / "search/search_index.json").read_text())["docs"]}
    for name in ("Device::start", "Network", "certify", "hb_program_evolve", "heatbath_open", "train_experts", "anneal"):
        assert not has_doxygen or any(name in title for title in found), name

    # A copy of the tree, spoiled in four ways.
    os.environ.setdefault("HEATBATH_SITE_PYTHON", str(root / "build/site_env/bin/python"))
    tree = pathlib.Path(folder, "tree")
    shutil.copytree(root, tree, symlinks=True, ignore=lambda where, names: [
        name for name in names if pathlib.Path(where, name) in (root / "build", root / "out", root / ".git")])
    with (tree / "docs/units_and_signs.md").open("a") as page:
        page.write("[a](links.md#nowhere) [b](../tools/nothing.sh)\n")
    (tree / "docs/forgotten.md").write_text("# A page that no one finds\n")
    header = tree / "driver/include/heatbath/device.hpp"
    text = header.read_text()
    header.write_text(text.replace("  /// Device time since reset.\n", ""))
    assert header.read_text() != text
    spoiled = site(tree, pathlib.Path(folder, "spoiled"))
    assert spoiled.returncode == 1, spoiled
    complaints = ["#nowhere", "tools/nothing.sh, which is not in the repository", "forgotten.md"]
    for complaint in complaints + ["function heatbath::Device::now has no comment"] * has_doxygen:
        assert complaint in spoiled.stderr, (complaint, spoiled)
print(f"{len(pages)} pages, {checked} references")
