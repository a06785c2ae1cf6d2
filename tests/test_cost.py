"""What a method costs: counted, measured once in a process of its own, carried into submissions and tables."""

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from board_kit import make_entry, make_track
from conftest import noise
from torch import nn

import deblurbench_baselines
from deblurbench.errors import DeblurbenchError, RunError
from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.from_run import from_run
from deblurbench.leaderboard.submission_file import read_submission, write_entry
from deblurbench.leaderboard.tables.cells import cost_legend
from deblurbench.leaderboard.tables.markdown import markdown
from deblurbench.leaderboard.tables.standing import standing
from deblurbench.runs import cost as cost_module
from deblurbench.runs import cost_probe
from deblurbench.runs.cost import SIZES, Cost, SizeCost, amount, keep_cost, measure, read_cost
from deblurbench.runs.model import Model
from deblurbench.runs.record import read_run
from deblurbench.runs.run import run_baseline
from deblurbench_baselines import cnn, gir, identity, nafnet, unet
from deblurbench_baselines.networks.macs import macs
from deblurbench_baselines.trained import TrainedBaseline

TRAINED = {
    name: baseline for name, baseline in vars(deblurbench_baselines).items() if isinstance(baseline, TrainedBaseline)
}
MEASURED = Cost(
    device="A CPU, 1 thread",
    sizes={
        "256x256": SizeCost(macs=533_200_896, seconds=0.0161, memory_mb=15.2, calls=5),
        "1280x720": SizeCost(macs=7_498_137_600, note="it would take about 90 s"),
    },
)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux alone")


def identity_model():
    return Model(identity, identity.configure(), None, "cpu")


def measured(run, monkeypatch, cost=MEASURED):
    """A run folder with a cost in it, as if that had been measured."""
    monkeypatch.setattr(cost_module, "measure", lambda *_: cost)
    assert keep_cost(run, "wiener", identity_model(), quiet=True) == cost


# Counting


def test_nafnet_has_the_macs_that_its_authors_state():
    """16 GMAC for width 32 (the paper's table 6); 15.96 to more digits."""
    assert nafnet.macs(nafnet.configure(), 256, 256) == pytest.approx(15.96e9, abs=5e6)


def test_macs_of_a_cnn_by_hand():
    shrunk, whole = 254 * 254, 256 * 256
    by_hand = shrunk * (3 * 25 * 128 + 128 * 9 * 64) + whole * 64 * 3
    assert cnn.macs(cnn.configure(), 256, 256) == by_hand


def test_macs_grow_with_the_picture():
    config = unet.configure()
    assert unet.macs(config, 256, 256) == 12_075_401_216
    assert unet.macs(config, 512, 256) == 2 * 12_075_401_216


@pytest.mark.parametrize("name", sorted(TRAINED))
def test_every_network_that_ships_is_counted(name):
    baseline = TRAINED[name]
    config = baseline.configure()
    small, large = baseline.macs(config, 64, 64), baseline.macs(config, 64, 128)
    assert 0 < 1.9 * small < large


class Products(nn.Module):
    """A matrix product, a batch of them, attention, a linear layer; and what is not counted."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(5, 7)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, batch):
        rows = batch[0, 0]  # 4 x 5
        self.linear(rows)  # 4 x 5 x 7 = 140
        _ = rows @ rows.T  # 4 x 5 x 4 = 80
        _ = torch.bmm(batch[0], batch[0].mT)  # 3 x 4 x 5 x 4 = 240
        query = batch[:, :, :, :]
        nn.functional.scaled_dot_product_attention(query, query, query)  # 2 x 3 x 4 x 4 x 5 = 480
        return torch.fft.ifft2(torch.fft.fft2(self.norm(batch))).real * 2


def test_what_is_counted_and_what_is_not():
    assert macs(SimpleNamespace(build=Products), 4, 5) == 140 + 80 + 240 + 480


def test_counting_draws_nothing_and_takes_no_memory_for_huge_pictures():
    state = torch.random.get_rng_state()
    assert gir.macs(gir.configure(), 30_000, 30_000) > 10**13
    assert torch.equal(state, torch.random.get_rng_state())


def test_classical_methods_have_no_macs():
    assert identity.macs(identity.configure(), 256, 256) is None


# Measuring


@LINUX
def test_identity_costs_a_copy_of_the_picture():
    cost = measure("identity", identity_model())
    assert cost.memory == "resident"
    assert cost.device.endswith(("thread", "threads"))
    for size, pixels in (("256x256", 256 * 256), ("1280x720", 1280 * 720)):
        at = cost.at(size)
        assert at.macs is None
        assert at.calls == 5
        assert at.seconds is not None
        assert 0 < at.seconds < 1
        assert at.memory_mb is not None
        assert 0.5 * 3 * pixels / 1e6 < at.memory_mb < 3 * pixels / 1e6 + 3


@LINUX
def test_memory_is_the_peak_beyond_what_was_held():
    held = np.ones(16_000_000)
    meter = cost_probe.ResidentMeter()

    def restorer(picture):
        return picture + np.uint8(np.ones(8_000_000).min())  # 64 MB for a moment

    at = cost_probe._measured(restorer, noise(8, 8), meter)
    assert at.memory_mb == pytest.approx(64, abs=6)
    small = cost_probe._measured(lambda picture: picture.copy(), noise(8, 8), meter)
    assert small.memory_mb is not None
    assert small.memory_mb < 6  # the peak was set back
    assert held.sum() == 16_000_000


@pytest.mark.parametrize(("waited", "said"), [(0.5, False), (1.5, True)])
def test_threads_that_wait_for_a_processor_are_noticed(monkeypatch, waited, said):
    """Two threads that have half a processor each: as much as one of the clock, and yet half of what they need."""
    clock = {name: iter(np.arange(0, 1e6, 4.0)) for name in ("perf_counter", "process_time")}
    for name, now in clock.items():
        monkeypatch.setattr(cost_probe.time, name, lambda now=now: next(now))
    waits = iter([10.0, 10.0 + waited])
    monkeypatch.setattr(cost_probe, "_waited", lambda: next(waits))
    monkeypatch.setattr(cost_probe, "_CALLS", 0)
    monkeypatch.setattr(cost_probe, "_seconds", lambda *_: 4.0)
    at = cost_probe._measured(lambda p: p, noise(8, 8), cost_probe.ResidentMeter())
    assert ("other programs were at work" in (at.note or "")) is said


@LINUX
def test_waiting_is_that_of_all_threads(tmp_path, monkeypatch):
    assert cost_probe._waited() >= 0
    for thread, text in (("1", "700 2000000000 3"), ("2", "800 500000000 9"), ("3", "")):
        (tmp_path / thread).mkdir()
        (tmp_path / thread / "schedstat").write_text(text)
    monkeypatch.setattr(cost_probe, "_THREADS", tmp_path)
    assert cost_probe._waited() == 2.5


def test_a_slow_method_is_called_once(monkeypatch):
    now = iter(np.arange(0, 1e6, 10.0))
    monkeypatch.setattr(cost_probe.time, "perf_counter", lambda: next(now))
    monkeypatch.setattr(cost_probe.time, "process_time", lambda: 0.0)
    calls = []
    at = cost_probe._measured(lambda p: calls.append(p) or p, noise(8, 8), cost_probe.ResidentMeter())
    assert len(calls) == 1
    assert (at.seconds, at.calls) == (10.0, 0)
    assert at.note is not None
    assert "other programs were at work" in at.note  # it never had a processor


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (SizeCost(seconds=1.0, memory_mb=1.0), None),
        (SizeCost(seconds=5.0, memory_mb=1.0), "it would take about 70 s"),
        (SizeCost(seconds=0.1, memory_mb=1e9), "it would need about 14062500000 MB, and 8000 MB are free"),
        (SizeCost(note="not enough memory"), "a smaller picture could not be restored"),
    ],
)
def test_a_large_picture_is_left_out_for_a_reason(monkeypatch, known, reason):
    monkeypatch.setattr(cost_probe, "_available", lambda: 8000.0)
    large, small = (np.zeros((h, w, 3), np.uint8) for h, w in ((720, 1280), (256, 256)))
    assert cost_probe._too_much(large, known, small, "resident") == reason


@pytest.mark.parametrize(
    ("error", "note"), [(MemoryError(), "not enough memory"), (RunError("its weights are damaged"), "restoring failed")]
)
def test_what_cannot_be_restored_is_noted(error, note):
    def fail(picture):
        raise error

    assert cost_probe._measured(fail, noise(8, 8), cost_probe.ResidentMeter()) == SizeCost(note=note)


def test_a_process_that_fails_costs_the_figures_not_the_run():
    config = unet.configure("demo")
    cost = measure("no-such-baseline", Model(unet, config, None, "cpu"))
    for size, count in zip(SIZES, (533_200_896, 7_498_137_600), strict=True):
        assert cost.at(size) == SizeCost(macs=count, note="the measuring process ended with code 1")


def test_the_picture_is_always_the_same_and_like_a_photograph():
    from deblurbench.blur.estimate import estimate
    from deblurbench.blur.gaussian import Gaussian

    kernel = Gaussian(sigma=1.2).kernel()
    picture = cost_probe.blurred_picture(120, 160, kernel)
    assert np.array_equal(picture, cost_probe.blurred_picture(120, 160, kernel))
    assert picture.shape == (120, 160, 3)
    assert estimate(picture).spread == pytest.approx(1.2, abs=0.25)


def test_memory_of_a_gpu_is_that_of_its_tensors(monkeypatch):
    """Without a GPU: torch's three counters, as it documents them, in their place."""
    peaks = iter([180_000_000, 700_000_000])
    for name, value in (
        ("memory_allocated", lambda *_: 100_000_000),
        ("reset_peak_memory_stats", lambda *_: None),
        ("max_memory_allocated", lambda *_: next(peaks)),
    ):
        monkeypatch.setattr(torch.cuda, name, value)
    meter = cost_probe.CudaMeter("cuda:0")
    figures = [cost_probe._measured(lambda p: p, noise(8, 8), meter).memory_mb for _ in range(2)]
    assert (meter.kind, figures) == ("cuda", [80.0, 600.0])


# Keeping


def test_measured_once_and_again_where_damaged(tmp_path, monkeypatch):
    count = []
    monkeypatch.setattr(cost_module, "measure", lambda *_: count.append(1) or MEASURED)
    for _ in range(2):
        assert keep_cost(tmp_path, "identity", identity_model(), quiet=True) == MEASURED
    assert len(count) == 1
    (tmp_path / "cost.json").write_text('{"cost_schema": 1, "sizes": {"1x1": {}}}')
    with pytest.raises(RunError, match=r"cost\.json is damaged"):
        read_cost(tmp_path)
    keep_cost(tmp_path, "identity", identity_model(), quiet=True)
    assert len(count) == 2
    assert read_cost(tmp_path) == MEASURED


def test_a_run_has_its_cost_and_the_same_command_measures_no_more(tiny, tmp_path, monkeypatch):
    run = tmp_path / "run"
    run_baseline("identity", tiny, run, quiet=True)  # as an older version left it
    identity_of_run = read_run(run).identity
    assert read_cost(run) is None
    monkeypatch.setattr("deblurbench.runs.run.keep_cost", keep_cost)
    run_baseline("identity", tiny, run, quiet=True)
    before = (run / "cost.json").read_bytes()
    assert read_cost(run) is not None
    assert read_run(run).identity == identity_of_run
    run_baseline("identity", tiny, run, quiet=True)
    assert (run / "cost.json").read_bytes() == before
    monkeypatch.setattr("deblurbench.runs.run.keep_cost", lambda *_, **__: None)
    run_baseline("identity", tiny, run, overwrite=True, quiet=True)  # it is a run's own file
    assert not (run / "cost.json").exists()


# Showing


def test_cost_in_submission_and_tables(cli, tiny, tmp_path, monkeypatch):
    run, board = tmp_path / "run", tmp_path / "board"
    run_baseline("wiener", tiny, run, quiet=True)
    ((_, entry),) = from_run(run, {})
    assert entry.submission.cost is None
    measured(run, monkeypatch)
    assert cli("leaderboard", "add", run, "--board", board).code == 0
    built = cli("leaderboard", "build", "--board", board)
    assert built.code == 0
    (line,) = [line for line in built.out.splitlines() if "| wiener |" in line]
    assert "| 0.53 / 7.5 | 0.016 / - | 15 / - |" in line
    assert "Measured on: A CPU, 1 thread." in built.out
    assert "wiener: at 1280x720, it would take about 90 s." in built.out
    rows = {row["method"]: row for row in csv.DictReader((board / "tables" / "tiny.csv").read_text().splitlines())}
    row = rows["wiener"]
    assert (row["macs_256x256"], row["macs_1280x720"]) == ("533200896", "7498137600")
    assert (float(row["seconds_256x256"]), row["seconds_1280x720"]) == (0.0161, "")
    assert (float(row["memory_mb_256x256"]), row["measured_on"]) == (15.2, "A CPU, 1 thread")
    tables = [(board / "tables" / f"tiny.{kind}").read_text() for kind in ("csv", "md")]
    monkeypatch.setattr(cost_module, "measure", lambda *_: pytest.fail("tables come from submissions"))
    cli("leaderboard", "build", "--board", board)
    assert [(board / "tables" / f"tiny.{kind}").read_text() for kind in ("csv", "md")] == tables


def test_a_submission_without_cost_shows_its_seconds_per_picture():
    track = make_track()
    old = make_entry(track, "old", seconds_per_picture=0.25, device="cpu")
    assert "cost" not in old.submission.as_dict()
    ranked = standing(Contest(track, [old]))
    assert "| 0.250 per picture (cpu) |" in markdown("toy", [ranked])
    assert cost_legend(ranked.rows) == []
    other = make_entry(track, "b|d", cost=MEASURED.model_copy(update={"device": "GPU | <b>"}))
    both = cost_legend(standing(Contest(track, [other, make_entry(track, "a", cost=MEASURED)])).rows)
    assert r"A CPU, 1 thread (a); GPU \| \<b\> (b\|d)" in both[0] or r"GPU \| \<b\> (b\|d); A CPU" in both[0]


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"device": "a\nb"}, "cost.device"),
        ({"device": "x" * 200}, "cost.device"),
        ({"sizes": {"1x1": {}}}, "cost.sizes.1x1"),
        ({"sizes": {"256x256": {"seconds": -1.0}}}, "cost.sizes.256x256.seconds"),
        ({"sizes": {"256x256": {"macs": 1.5}}}, "cost.sizes.256x256.macs"),
        ({"sizes": {"256x256": {"note": "<b>\x00"}}}, "cost.sizes.256x256.note"),
    ],
)
def test_a_hostile_cost_is_refused_by_key(tmp_path, change, key):
    file = write_entry(tmp_path, make_entry(make_track(), "s"))
    file.write_text(json.dumps(json.loads(file.read_text()) | {"cost": MEASURED.as_dict() | change}))
    with pytest.raises(DeblurbenchError, match=f"s.json:{key}"):
        read_submission(file)


def test_figures_have_two_digits():
    assert [amount(v) for v in (0.0, 3.2e-6, 0.0461, 0.999, 3.14, 15.96, 203.3, 1689.6)] == [
        "0", "0.0000032", "0.046", "1.00", "3.1", "16", "203", "1690",
    ]  # fmt: skip


def test_figures_without_a_device_are_explained_too():
    """A process that could not measure leaves the counts, and why there is no more."""
    track = make_track()
    counted = Cost(sizes={"256x256": SizeCost(macs=533_200_896, note="the measuring process ended with code 1")})
    legend = cost_legend(standing(Contest(track, [make_entry(track, "wiener", cost=counted)])).rows)
    assert legend[0].startswith("GMAC, seconds and MB: of one picture")
    assert "Measured on" not in legend[0]
    assert legend[1:] == ["wiener: at 256x256, the measuring process ended with code 1.\n"]


def test_methods_of_two_machines_are_told_apart():
    track = make_track()
    first = standing(Contest(track, [make_entry(track, "a")])).rows
    row = replace(next(row for row in first if row.method == "a"), measured_on="One", seconds_256x256=1.0)
    assert cost_legend([row, row])[0].endswith("Measured on: One.\n")
    assert cost_legend([row, replace(row, method="b", measured_on="Two")])[0].endswith("One (a); Two (b).\n")
    assert Path(cost_probe.__file__).stem in cost_module._PROBE
