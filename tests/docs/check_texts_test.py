"""Each rule of check_texts.py finds its violation, and nothing in a page that keeps them."""
import pathlib
import tempfile
import unittest

import check_texts

PROGRAM = "int a;\n  // docs: begin part\n  int b;\n    int c;\n  // docs: end part\n"


class CheckTexts(unittest.TestCase):
    def found(self, text, navigation=None, commands=None):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "docs").mkdir()
            (root / "program.cpp").write_text(PROGRAM)
            (root / "docs/page.md").write_text("# A heading: `one`\n")
            (root / "firmware_api/include/heatbath").mkdir(parents=True)
            (root / "firmware_api/regmap").mkdir()
            (root / "firmware_api/regmap/heatbath.toml").write_text(
                '[[register]]\nname = "TIME_LO"\nfields = [{ name = "LOW" }]\n')
            (root / "README.md").write_text(text)
            if commands is not None:
                (root / "docs/command.md").write_text(commands)
            if navigation is not None:
                (root / "mkdocs.yml").write_text(navigation)
            return list(check_texts.findings(root))

    def test_a_right_page_passes(self):
        self.assertEqual(self.found("[a](docs/page.md#a-heading-one) [b](https://example.org/x)\n"
                                    "```cpp file=program.cpp region=part\nint b;\n  int c;\n```\n"), [])

    def test_dead_link(self):
        self.assertIn("there is no docs/none.md", self.found("[a](docs/none.md)\n")[0])

    def test_dead_anchor(self):
        self.assertIn("no heading", self.found("[a](docs/page.md#other)\n")[0])

    def test_block_that_differs(self):
        self.assertIn("differs", self.found("```cpp file=program.cpp region=part\nint b;\n```\n")[0])

    def test_block_of_an_absent_region(self):
        self.assertIn("no region", self.found("```cpp file=program.cpp region=other\nint b;\n```\n")[0])

    def test_block_that_nobody_runs(self):
        self.assertIn("must say file=", self.found("```cpp\nint b;\n```\n")[0])

    def test_a_register_that_is_not_there(self):
        self.assertEqual(self.found("`TIME_LO`, `TIME`, `TIME_LO.LOW`\n"), [])
        self.assertEqual(self.found("`EXPECT_EQ` is no name of the register map\n"), [])
        self.assertIn("TIME_MID", self.found("`TIME_MID`\n")[0])
        self.assertIn("TIME_LO.HIGH", self.found("`TIME_LO.HIGH`\n")[0])

    def test_a_command_or_option_that_is_not_described(self):
        commands = "    heatbath --device URI\n\n## heatbath run\n\n`--shots`\n\n## heatbath train score\n\n`--rate X`\n"
        right = "$ heatbath run x.toml --shots=3 --device func: | tail --lines 2\n$ build/apps/heatbath train score --rate 1\n$ other --odd\n"
        self.assertEqual(self.found(f"```console\n{right}```\n", commands=commands), [])
        self.assertIn("no option --rate of heatbath run", self.found("```console\n$ heatbath run --rate 1\n```\n", commands=commands)[0])
        self.assertIn("no heatbath walk", self.found("```console\n$ heatbath walk\n```\n", commands=commands)[0])

    def test_a_page_that_the_navigation_lacks(self):
        self.assertEqual(self.found("", "nav:\n  - How-to:\n      - A page: page.md\n"), [])
        self.assertIn("docs/page.md is not in the navigation", self.found("", "nav:\n  - Other: other.md\n")[0])

    def test_a_link_inside_a_block_is_code(self):
        self.assertEqual(self.found("```console\n[a](none.md)\n```\n"), [])


if __name__ == "__main__":
    unittest.main()
