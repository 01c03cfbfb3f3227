"""docs/neighbours.md is what docs/neighbours.toml says, and data without source, date or sense are refused by name."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Neighbours(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.docs = pathlib.Path(self.folder.name, "docs")
        self.docs.mkdir()
        for name in ("neighbours.toml", "neighbours.md", "performance.md"):
            shutil.copy(ROOT / "docs" / name, self.docs)
        self.addCleanup(self.folder.cleanup)

    def write(self, *words):
        return subprocess.run([sys.executable, "-B", ROOT / "tools/neighbours.py", "--root", self.folder.name, *words],
                              capture_output=True, text=True)

    def spoil(self, name, old, new):
        text = (self.docs / name).read_text()
        self.assertIn(old, text)
        (self.docs / name).write_text(text.replace(old, new, 1))

    def test_the_page_is_what_the_data_say(self):
        done = self.write("--check")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_page_changed_by_hand_is_stale(self):
        self.spoil("neighbours.md", "not found", "yes")
        self.assertEqual(self.write("--check").returncode, 1)
        self.assertEqual(self.write().returncode, 0)
        self.assertEqual(self.write("--check").returncode, 0)

    def test_our_figures_follow_the_performance_page(self):
        text = (self.docs / "performance.md").read_text()
        (self.docs / "performance.md").write_text(re.sub(r"(\| `pbit-lattice-x16` \|[^|]*\| )[\d.]+", r"\g<1>9.99", text))
        self.assertEqual(self.write("--check").returncode, 1)

    def test_wrong_data_are_refused_by_name(self):
        for old, new, says in (('source = "thermox/sampler.py at ab5ddd1", ', "", "thermox: source is missing"),
                               ('date = "2026-09-06"', 'date = "last autumn"', "must be YYYY-MM"),
                               ('is = "yes", source = "thrml', 'is = "surely", source = "thrml', "must be yes or partly"),
                               ('grade = "metered"', 'grade = "believed"', "must be one of metered"),
                               ('row = "grid-1024"', 'row = "grid-7"', "has no such row"),
                               ("\nthermox = {", "\nthermix = {", "thermix is no neighbour")):
            shutil.copy(ROOT / "docs/neighbours.toml", self.docs)
            self.spoil("neighbours.toml", old, new)
            done = self.write()
            self.assertEqual(done.returncode, 2, new)
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main()
