"""A kill at any moment of a fetch costs the files in flight: the same command again ends as if nothing had been."""

import os
import subprocess
import sys

import pytest
from conftest import ROOT


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills need fork")
@pytest.mark.parametrize(
    ("scenario", "every"),  # every so-many-th file operation, to take seconds; `fetch_kill_kit.py` takes 1, too
    [("fetch", 7), ("overwrite", 9), ("larger", 7), ("smaller", 9)],
)
def test_killed_before_any_file_operation(tmp_path, scenario, every):
    script = [sys.executable, "tests/fetch_kill_kit.py", scenario, str(every), str(tmp_path)]
    done = subprocess.run(script, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]
    *wrong, kills = done.stdout.splitlines()
    assert not wrong
    assert int(kills) >= 20
