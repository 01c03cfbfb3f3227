"""A checker that cannot fail proves nothing: backwards includes in a small tree are found, right ones are not."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().with_name("include_arrows.py")
TREE = {
    "cells/include/heatbath/cells/formula.hpp": "",
    "cells/include/heatbath/cells/quartic.hpp": '#include "heatbath/cells/formula.hpp"\n',
    "firmware_api/include/heatbath/regs.h": "#include <stdint.h>\n",
    "firmware_api/include/heatbath/codes.h": "",
    "firmware_api/include/heatbath/status.h": "",
    "numerics/include/heatbath/numerics/isa.hpp": "#include <string_view>\n",
    "numerics/include/heatbath/numerics/text.hpp": "#include <string_view>\n",
    "hw_model/physics/array.hpp": '#include <Eigen/Dense>\n#include "heatbath/cells/quartic.hpp"\n#include "heatbath/numerics/isa.hpp"\n',
    "hw_model/analog/dac.hpp": '#include "heatbath/codes.h"\n#include "hw_model/physics/array.hpp"\n',
    "hw_model/device/chip.hpp": '#include "heatbath/regs.h"\n#include "hw_model/analog/dac.hpp"\n',
    "hw_model/systemc/chip_module.hpp": '#include <systemc>\n#include <tlm>\n#include "hw_model/device/chip.hpp"\n',
    "driver/include/heatbath/device.hpp": '#include "heatbath/status.h"\n',
    "driver/src/link.hpp": '#include <fmt/format.h>\n#include "heatbath/numerics/text.hpp"\n',
    "driver/src/device.cpp": '#include "heatbath/device.hpp"\n#include "heatbath/regs.h"\n#include "link.hpp"\n',
    "link/include/heatbath/transport.hpp": '#include "heatbath/status.h"\n',
    "link/wire.cpp": '#include "heatbath/transport.hpp"\n#include <sys/socket.h>\n',
    "server/server.cpp": '#include "heatbath/device.hpp"\n#include "link/wire.hpp"\n#include "sim/src/open_transport.hpp"\n',
    "oracles/exact.cpp": '#include <Eigen/Dense>\n#include <boost/math/tools/roots.hpp>\n',
    "studies/src/bound.cpp": '#include "heatbath/trainers/generative.hpp"\n',
    "files/model_file.hpp": '#include "heatbath/trainers/generative.hpp"\n',
    "report/page.hpp": '#include "files/model_file.hpp"\n',
    "bridges/netlist.cpp": '#include "files/model_file.hpp"\n',
    "conformance/claims.cpp": '#include "heatbath/device.hpp"\n#include "heatbath/regs.h"\n',
    "validate/ladder.cpp": '#include "heatbath/device.hpp"\n#include "oracles/exact.hpp"\n',
    "sim/src/open.cpp": '#include "heatbath/device.hpp"\n#include "hw_model/device/chip.hpp"\n',
    "network/include/heatbath/network/network.hpp": '#include "heatbath/device.hpp"\n#include <vector>\n',
    "network/src/network.cpp": '#include "heatbath/network/network.hpp"\n#include "heatbath/status.h"\n',
    "trainers/include/heatbath/trainers/generative.hpp": '#include "heatbath/device.hpp"\n',
    "trainers/src/generative.cpp":
        '#include "heatbath/trainers/generative.hpp"\n#include <heatbath/numerics/isa.hpp>\n',
    "apps/cli/main.cpp": '#include <CLI/CLI.hpp>\n#include "heatbath/trainers/generative.hpp"\n',
    "examples/first.cpp": '#include "heatbath/device.hpp"\n',
    "tests/device/chip_test.cpp": '#include "hw_model/device/chip.hpp"\n',
    "tests/conformance/registers.cpp": '#include "heatbath/device.hpp"\n#include "heatbath/regs.h"\n',
}
BACKWARDS = (
    ("cells/include/heatbath/cells/quartic.hpp", "<cmath>"),
    ("cells/include/heatbath/cells/quartic.hpp", '"hw_model/physics/array.hpp"'),
    ("driver/src/device.cpp", '"heatbath/cells/quartic.hpp"'),
    ("driver/src/device.cpp", '"heatbath/network/network.hpp"'),
    ("firmware_api/include/heatbath/regs.h", "<stdio.h>"),
    ("firmware_api/include/heatbath/regs.h", '"heatbath/device.hpp"'),
    ("numerics/include/heatbath/numerics/isa.hpp", '"heatbath/status.h"'),
    ("numerics/include/heatbath/numerics/isa.hpp", "<nlohmann/json.hpp>"),
    ("hw_model/physics/array.hpp", '"heatbath/regs.h"'),
    ("hw_model/physics/array.hpp", "<heatbath/regs.h>"),
    ("hw_model/physics/array.hpp", '"hw_model/device/chip.hpp"'),
    ("hw_model/physics/array.hpp", '"../device/chip.hpp"'),
    ("hw_model/physics/array.hpp", "<systemc>"),
    ("hw_model/physics/array.hpp", "<toml.hpp>"),
    ("hw_model/analog/dac.hpp", '"heatbath/regs.h"'),
    ("hw_model/device/chip.hpp", '"heatbath/device.hpp"'),
    ("hw_model/device/chip.hpp", "<systemc.h>"),
    ("driver/src/device.cpp", '"hw_model/device/chip.hpp"'),
    ("driver/src/device.cpp", '"heatbath/trainers/generative.hpp"'),
    ("driver/src/device.cpp", '"heatbath/numerics/isa.hpp"'),
    ("driver/src/device.cpp", '"sim/src/functional.hpp"'),
    ("link/wire.cpp", '"heatbath/device.hpp"'),
    ("link/wire.cpp", '"sim/src/open.cpp"'),
    ("link/wire.cpp", '"hw_model/device/chip.hpp"'),
    ("driver/src/device.cpp", '"server/server.hpp"'),
    ("server/server.cpp", '"hw_model/device/chip.hpp"'),
    ("server/server.cpp", '"sim/src/functional.hpp"'),
    ("sim/src/open.cpp", '"server/server.hpp"'),
    ("oracles/exact.cpp", '"hw_model/physics/array.hpp"'),
    ("oracles/exact.cpp", '"heatbath/numerics/isa.hpp"'),
    ("trainers/src/generative.cpp", '"studies/src/bound.hpp"'),
    ("studies/src/bound.cpp", '"hw_model/physics/array.hpp"'),
    ("studies/src/bound.cpp", '"files/model_file.hpp"'),
    ("files/model_file.hpp", '"report/page.hpp"'),
    ("files/model_file.hpp", '"hw_model/physics/array.hpp"'),
    ("report/page.hpp", '"apps/cli/main.hpp"'),
    ("bridges/netlist.cpp", '"sim/src/open.cpp"'),
    ("conformance/claims.cpp", '"sim/src/open.cpp"'),
    ("conformance/claims.cpp", '"files/model_file.hpp"'),
    ("conformance/claims.cpp", '"sim/include/heatbath/open.hpp"'),
    ("validate/ladder.cpp", '"sim/include/heatbath/open.hpp"'),
    ("validate/ladder.cpp", '"report/page.hpp"'),
    ("apps/cli/main.cpp", '"bench/rows.hpp"'),
    ("validate/ladder.cpp", '"hw_model/physics/array.hpp"'),
    ("sim/src/open.cpp", '"heatbath/trainers/generative.hpp"'),
    ("sim/src/open.cpp", "<tlm_utils/simple_initiator_socket.h>"),
    ("network/src/network.cpp", '"hw_model/physics/array.hpp"'),
    ("network/src/network.cpp", '"heatbath/trainers/generative.hpp"'),
    ("network/src/network.cpp", '"heatbath/regs.h"'),
    ("trainers/src/generative.cpp", '"hw_model/physics/array.hpp"'),
    ("trainers/src/generative.cpp", '"heatbath/regs.h"'),
    ("trainers/src/generative.cpp", '"sim/src/open.cpp"'),
    ("apps/cli/main.cpp", '"hw_model/device/chip.hpp"'),
    ("examples/first.cpp", '"hw_model/device/chip.hpp"'),
    ("tests/conformance/registers.cpp", '"hw_model/device/chip.hpp"'),
    ("tests/device/chip_test.cpp", "<systemc>"),
)


class IncludeArrows(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for path, text in TREE.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text, encoding="utf-8")

    def check(self):
        return subprocess.run([sys.executable, CHECKER, self.root], capture_output=True, text=True, check=False)

    def test_accepts_a_tree_whose_arrows_run_forwards(self):
        result = self.check()
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_names_file_and_line_of_each_backwards_include(self):
        expected = []
        for path, text in TREE.items():
            added = [name for file, name in BACKWARDS if file == path]
            (self.root / path).write_text(text + "".join(f"#  include {name}  // why\n" for name in added))
            first = text.count("\n") + 1
            expected += [(f"{path}:{first + i}:", name.strip('<>"').rsplit("/", 1)[-1]) for i, name in enumerate(added)]
        result = self.check()
        self.assertEqual(result.returncode, 1, result.stdout)
        lines = result.stdout.splitlines()[:-1]
        self.assertEqual(len(lines), len(BACKWARDS), result.stdout)
        for where, name in expected:
            self.assertTrue(any(line.startswith(where) and name in line for line in lines), (where, name, lines))

    def test_reads_past_comments(self):
        with (self.root / "driver/src/device.cpp").open("a", encoding="utf-8") as file:
            file.write('// #include "hw_model/device/chip.hpp"\n/*\n#include <systemc>\n*/\n')
        self.assertEqual(self.check().returncode, 0)

    def test_a_folder_without_a_rule_is_an_error(self):
        (self.root / "hw_model/magic").mkdir()
        (self.root / "hw_model/magic/spell.cpp").write_text("#include <vector>\n", encoding="utf-8")
        result = self.check()
        self.assertEqual(result.returncode, 1)
        self.assertIn("hw_model/magic has no rule", result.stdout)

    def test_a_folder_without_sources_is_an_error(self):
        result = subprocess.run([sys.executable, CHECKER, self.root / "driver/src"], capture_output=True, text=True,
                                check=False)
        self.assertEqual(result.returncode, 2)


if __name__ == "__main__":
    unittest.main()
