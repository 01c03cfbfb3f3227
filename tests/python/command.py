"""The heatbath command beside the module, where it is built."""
import os
import subprocess

import pytest


def run_command(*arguments):
    """What it did, as of subprocess.run: its output as text. Skips the test where there is none."""
    command = os.environ.get("HEATBATH_COMMAND")
    if not command or not os.path.exists(command):
        pytest.skip("the command is not built")
    return subprocess.run([command, *map(str, arguments)], check=True, capture_output=True, text=True)
