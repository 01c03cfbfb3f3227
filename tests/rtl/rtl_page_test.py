"""Runs each command that docs/rtl.md shows in a console block, in the root of the project; each must succeed."""

import pathlib
import shlex
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def commands():
    shown, console = [], False
    for line in (ROOT / "docs/rtl.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            console = line == "```console"
        elif console and line.startswith("$ "):
            shown.append(shlex.split(line[2:]))
    return shown


class RtlPage(unittest.TestCase):
    def test_each_command_succeeds(self):
        self.assertGreaterEqual(len(commands()), 6)
        for command in commands():
            with self.subTest(command=" ".join(command)):
                result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
                self.assertEqual(result.returncode, 0, result.stderr)
                if "--format" in command:
                    self.assertIn("CAPTURE_WATERMARK", result.stdout.upper())


if __name__ == "__main__":
    unittest.main()
