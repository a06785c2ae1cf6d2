"""The GPU benchmark runs from end to end, here on the CPU."""

import json
import os
import subprocess
import sys

from conftest import ROOT


def test_gpu_benchmark_measures_what_it_promises(tmp_path):
    small = ["network.widths=[4, 8]", "network.batch_norm=[]"]
    arguments = [
        "--device",
        "cpu",
        "--side",
        "32",
        "--batches",
        "4",
        "--steps",
        "4",
        "--matmul",
        "64",
        "--compile",
        "no",
    ]
    command = [
        sys.executable,
        str(ROOT / "benchmarks" / "train_gpu.py"),
        *arguments,
        "--json",
        str(tmp_path / "found.json"),
    ]
    for setting in small:
        command += ["--set", setting]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment, timeout=240)
    found = json.loads((tmp_path / "found.json").read_text())
    (row,) = found["rows"]
    assert found["best"] == row
    assert row["crops_per_second"] > 0
    assert 0 <= row["data_wait"] <= 1
    assert row["peak_memory_mb"] > 10
    share = row["crops_per_second"] * found["gflop_per_crop"] / (found["matmul_peak_tflops"] * 1e3)
    assert abs(row["mfu"] - share) <= 0.01 * share
