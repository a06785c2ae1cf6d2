"""Training meets damaged states, full disks, too little memory, kills between two files, and settings beyond reason."""

import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from training_kit import STATE, TINY, WEIGHTS, assert_same_run, make_dataset, metrics, train

from deblurbench.blur.kernel import Kernel
from deblurbench.dataset.kernels import write_kernels
from deblurbench.errors import DeblurbenchError, RunError, UsageError
from deblurbench.files import canonical_json
from deblurbench.runs.baseline import Resources
from deblurbench.runs.model import open_model
from deblurbench_baselines import unet
from deblurbench_baselines.data.remake import remakes
from deblurbench_baselines.failures import explained
from deblurbench_baselines.free_memory import _free_of_groups, _free_of_machine, free_bytes
from deblurbench_baselines.networks.count import count
from deblurbench_baselines.training import session
from deblurbench_baselines.training.report import Report

resource = pytest.importorskip("resource")  # not on Windows
pytestmark = pytest.mark.usefixtures("one_thread", "no_curves")

HUGE = f"network.widths={[4096] * 8}"  # 5.9 thousand million parameters


@pytest.fixture
def begun(dataset, tmp_path):
    """A run that was stopped after its first step."""
    unet.train(unet.configure("demo", TINY), dataset, tmp_path / "begun", Resources(minutes=0, quiet=True))
    return tmp_path / "begun"


@pytest.fixture
def little_memory():
    """One more GB of addresses for this process, and no more."""
    pages = Path("/proc/self/statm")
    if not pages.is_file():
        pytest.skip("only Linux tells how many addresses are in use")
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(pages.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


class Code:
    def __reduce__(self):
        return os.mkdir, ("made by a pickle",)


def changed(change):
    def damage(path):
        values = torch.load(path, weights_only=True)
        change(values)
        torch.save(values, path)

    return damage


def flip_a_bit(path):
    """In the numbers of a tensor, where no format would be broken."""
    data = bytearray(path.read_bytes())
    number = torch.load(path, weights_only=True)["learner"]["network"]["head.bias"].numpy().tobytes()
    data[data.index(number)] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(pickle.dumps(Code())),
        lambda path: torch.save({"schema": 2, "learner": Code()}, path),
        flip_a_bit,
        changed(lambda state: state.update(learner=None)),
        changed(lambda state: state["started"].update(steps=10**9)),
        changed(lambda state: state["started"].update(sums={"loss": "much"})),
        changed(lambda state: state["learner"]["network"].update({"head.bias": torch.zeros(1).expand(10**12)})),
        changed(lambda state: state.update(random=[{"cpu": torch.zeros(5056, dtype=torch.uint8)}])),
        changed(lambda state: state.update(history=[{"epoch": 1, "val_mse": "low"}])),
    ],
    ids=[
        "truncated",
        "empty",
        "code",
        "code-inside",
        "bit",
        "learner",
        "steps",
        "sums",
        "expanded",
        "random",
        "history",
    ],
)
def test_a_damaged_state_is_refused_in_one_line(begun, dataset, damage, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    damage(begun / STATE)
    with pytest.raises(RunError, match=r"state\.pt is damaged: start anew with --overwrite"):
        train(dataset, begun)
    assert not Path("made by a pickle").exists()


def test_a_full_disk_is_named_and_the_earlier_state_stays(begun, dataset):
    before = (begun / STATE).read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            train(dataset, begun)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.filename == str(begun / STATE)
    assert (begun / STATE).read_bytes() == before
    assert not list(begun.rglob("*.part"))


def test_a_kill_between_state_and_report_loses_no_line(dataset, tmp_path, monkeypatch):
    train(dataset, tmp_path / "whole")
    report = Report.epoch

    def killed(self, history, *more, last):
        if last:
            raise KeyboardInterrupt
        report(self, history, *more, last=last)

    with monkeypatch.context() as patch:
        patch.setattr(Report, "epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            train(dataset, tmp_path / "killed")
    train(dataset, tmp_path / "killed")
    assert [row["epoch"] for row in metrics(tmp_path / "killed")] == ["1", "2", "3", "4"]
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


def test_batch_norm_of_a_single_value(dataset, tmp_path):
    with pytest.raises(RunError, match="BatchNorm has a single value per channel in some batch: choose a batch"):
        train(dataset, tmp_path / "run", "training.crop=2", "training.batch=11")  # of 12 crops


def test_an_epoch_beyond_reason_is_refused(dataset, tmp_path):
    with pytest.raises(UsageError, match=r"an epoch of 8,589,934,592 crops is too long: use fewer"):
        train(dataset, tmp_path / "run", "training.crops_per_pair=2147483648")


def test_a_network_beyond_the_memory_is_refused_before_it_is_built(dataset, tmp_path, little_memory):
    with pytest.raises(RunError, match=r"training takes \d+ GB for this network, and \d+ GB of cpu are free"):
        train(dataset, tmp_path / "run", HUGE, "network.batch_norm=[]")


def test_counting_takes_no_memory(little_memory):
    state = torch.get_rng_state()
    assert count(unet.configure(None, [HUGE]).network)[1] == 5_905_879_043
    assert torch.equal(state, torch.get_rng_state())


def test_weights_that_claim_a_huge_network_are_refused(tmp_path, little_memory):
    config = canonical_json(unet.configure(None, [HUGE]).as_dict())
    path = tmp_path / "huge.safetensors"
    save_file({"head.bias": torch.zeros(3)}, path, {"baseline": "unet", "config": config})
    with pytest.raises(RunError, match="does not fit the network: missing: bottleneck"):
        open_model(str(path), "cpu").restorer()


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.complex64])
def test_weights_that_are_no_floats_are_refused(tmp_path, dtype):
    config = unet.configure("demo", TINY)
    path = tmp_path / "w.safetensors"
    save_file({name: tensor.to(dtype) for name, tensor in config.network.build().state_dict().items()}, path)
    with pytest.raises(RunError, match=r"does not fit the network: no floats: bottleneck\.\S+, .* and \d+ more"):
        unet.restorer(config, path, "cpu")


@pytest.mark.parametrize("size", [2**62, 10_000_000])
def test_weights_with_a_huge_header_are_refused(tmp_path, size):
    path = tmp_path / "header.safetensors"
    path.write_bytes(size.to_bytes(8, "little") + json.dumps({"a": 1}).encode())
    with pytest.raises(RunError, match="is not a safetensors file"):
        open_model(str(path), "cpu")


def test_a_picture_beyond_the_memory_is_one_line(dataset, tmp_path, little_memory):
    train(dataset, tmp_path / "run")
    restore = unet.restorer(unet.configure("demo", TINY), tmp_path / "run" / WEIGHTS, "cpu")
    with pytest.raises(RunError, match="not enough memory: use smaller pictures"):
        restore(np.broadcast_to(np.uint8(0), (24000, 24000, 3)))  # 7 GB: a process may keep some that it has freed


@pytest.mark.parametrize("kind", ["OutOfMemoryError", "TorchDynamoException"])
def test_errors_of_torch_are_explained(kind):
    error = type("Inner", (type(kind, (RuntimeError,), {}),), {})
    what = {
        "OutOfMemoryError": "not enough memory: less",
        "TorchDynamoException": r"torch.compile fails here \(first\)",
    }
    with pytest.raises(RunError, match=what[kind]), explained("less"):
        raise error("first\nsecond")
    with pytest.raises(ValueError, match="mine"), explained("less"):
        raise ValueError("mine")
    with pytest.raises(DeblurbenchError, match="ours"), explained("less"):
        raise UsageError("ours")


def test_gpu_memory_is_asked_for(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "free_bytes", lambda device: 1000)
    with pytest.raises(RunError, match="choose a smaller network"):
        train(dataset, tmp_path / "run")


def test_a_run_folder_that_vanishes_hides_no_other_error(dataset, tmp_path, monkeypatch):
    def epochs(self, bar):
        shutil.rmtree(tmp_path / "run")
        raise RunError("the loss became nan")

    monkeypatch.setattr(session.Trainer, "epochs", epochs)
    with pytest.raises(RunError, match="the loss became nan"):
        train(dataset, tmp_path / "run")


def test_a_pair_whose_blur_has_no_family_is_kept(tmp_path):
    made, kernel = make_dataset(tmp_path, {"train": 1, "val": 1}), Kernel(np.array([[65536]]))
    with (tmp_path / "kernels.npz").open("wb") as file:
        write_kernels(file, [(kernel.id, kernel.taps)])
    (record,) = made.records("train")
    record = record.model_copy(update={"kernels": (kernel.id,), "blur": {"light": "stored"}})
    assert remakes(made, [record]) == [None]


def test_a_limit_of_a_container_counts_as_memory(tmp_path):
    job = tmp_path / "job"
    (job / "step").mkdir(parents=True)
    (tmp_path / "mine").write_text("0::/job/step\n")
    for folder, limit in ((job, "5000\n"), (job / "step", "max\n")):
        (folder / "memory.max").write_text(limit)
        (folder / "memory.current").write_text("4000\n")
        (folder / "memory.stat").write_text("anon 3000\ninactive_file 700\n")
    assert list(_free_of_groups(tmp_path / "mine", tmp_path)) == [1700]
    assert list(_free_of_groups(tmp_path / "none", tmp_path)) == []
    assert 0 < free_bytes(torch.device("cpu")) <= 1.1 * _free_of_machine()  # others take and give meanwhile
