"""The search for hand-typed register offsets finds them, and lets other numbers pass."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().with_name("register_names.py")


class RegisterNames(unittest.TestCase):
    def check(self, text, *places):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path, content in (("firmware_api/include/heatbath/regs.h", "#define HB_STATUS_OFFSET      0x108u\n"),
                                  *((place, text) for place in places or ["driver/src/job.cpp"])):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(content, encoding="utf-8")
            return subprocess.run([sys.executable, CHECKER, root], capture_output=True, text=True, check=False)

    def test_finds_numbers_and_declarations(self):
        for text in ("link.read32(0x108);", "link->write32(264u, 1);", "hb_read(mmio, 0x108u);",
                     "#define HB_STATUS_OFFSET 0x108", "constexpr std::uint32_t HB_EXTRA_OFFSET = 0x400;"):
            result = self.check("\n" + text + "\n")
            self.assertEqual(result.returncode, 1, text)
            self.assertIn("driver/src/job.cpp:2:", result.stdout)

    def test_looks_into_every_folder(self):
        repository = pathlib.Path(__file__).resolve().parents[2]
        tops = sorted(entry.name for entry in repository.iterdir()
                      if (entry / "CMakeLists.txt").is_file() and not entry.name.startswith((".", "build")))
        self.assertIn("capi", tops)
        result = self.check("link.read32(0x108);", *(f"{top}/file.cpp" for top in tops), "build/file.cpp", ".git/file.cpp")
        self.assertEqual([line.split("/")[0] for line in result.stdout.splitlines()], tops)

    def test_lets_names_and_unmapped_numbers_pass(self):
        result = self.check("link.read32(HB_STATUS_OFFSET);\nlink.read32(0x109);\nfile.read(0x108);\n"
                            "link.write32(HB_STATUS_OFFSET, 0x108);\n")
        self.assertEqual(result.returncode, 0, result.stdout)


if __name__ == "__main__":
    unittest.main()
