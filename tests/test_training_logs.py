"""What training shows: metrics, curves, samples, summary, TensorBoard, speed, log."""

import csv
import io
import itertools
import math
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from deblurbench import progress as progress_module
from deblurbench.errors import UsageError
from deblurbench.images.codec import read_rgb
from deblurbench.progress import progress, say
from deblurbench_baselines import cnn, unet
from deblurbench_baselines.networks.count import printed_total
from deblurbench_baselines.training.curves import CURVES, draw_curves
from deblurbench_baselines.training.history import Epoch, write_metrics
from deblurbench_baselines.training.log import LOG, TrainingLog
from deblurbench_baselines.training.meter import Meter
from deblurbench_baselines.training.samples import (
    SAMPLES,
    Sample,
    draw_samples,
    kept,
    sample_name,
    write_samples,
)
from deblurbench_baselines.training.summary import SUMMARY, layer_summary, write_summary
from deblurbench_baselines.training.tensorboard import TensorBoard


def epoch(number=1, **changes):
    mse = 0.002 / number
    plain = Epoch(
        epoch=number,
        crops=100 * number,
        train_loss=0.1 / number,
        terms={"l1": 0.1 / number},
        val_mse=mse,
        val_mae=math.sqrt(mse),
        val_psnr=-10 * math.log10(mse),
        val_ssim=1 - 0.1 / number,
        blurred_psnr=26.5,
        learning_rate=1e-3 / number,
        seconds=4.0,
        crops_per_second=800.0,
        data_wait=0.01,
        alarms=(),
    )
    return replace(plain, **changes)


def adversarial(number, **changes):
    signs = {"adversarial": (-1) ** number * 0.3, "critic": -1.0 - number, "penalty": 0.1}
    return epoch(number, terms={"l1": 0.1, "fft": 0.7, **signs}, **changes)


# metrics.csv


def test_metrics_have_all_digits_and_columns_for_all_terms(tmp_path):
    history = [
        epoch(1, train_loss=math.nan, val_ssim=None, terms={"l1": 0.1 + 0.2}, alarms=("loss-spike", "unchanged")),
        epoch(2, val_psnr=math.inf, terms={"adversarial": -math.inf, "l1": 1e-17}),
    ]
    write_metrics(tmp_path / "metrics.csv", history)
    with (tmp_path / "metrics.csv").open(newline="") as file:
        header, first, second = csv.reader(file)
    assert header == [
        *("epoch", "crops", "train_loss", "val_mse", "val_mae", "val_psnr", "val_ssim", "blurred_psnr"),
        *("learning_rate", "seconds", "crops_per_second", "data_wait", "loss_adversarial", "loss_l1", "alarms"),
    ]
    row = dict(zip(header, first, strict=True))
    assert (row["train_loss"], row["val_ssim"], row["loss_adversarial"]) == ("nan", "", "")
    assert (row["loss_l1"], row["alarms"]) == ("0.30000000000000004", "loss-spike unchanged")
    row = dict(zip(header, second, strict=True))
    assert (row["val_psnr"], row["loss_adversarial"], row["loss_l1"], row["alarms"]) == ("inf", "-inf", "1e-17", "")


def test_metrics_without_an_epoch_are_a_header(tmp_path):
    write_metrics(tmp_path / "metrics.csv", [])
    assert (tmp_path / "metrics.csv").read_text().startswith("epoch,crops,train_loss,")
    assert (tmp_path / "metrics.csv").read_text().count("\n") == 1


# curves.png


def drawn(monkeypatch, tmp_path, history):
    """The axes that were drawn, by their titles."""
    from matplotlib.figure import Figure

    figures = []
    whole = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (figures.append(self), whole(self, *a, **k)))
    draw_curves(tmp_path / CURVES, history, "unet on $tiny")
    with Image.open(tmp_path / CURVES) as picture:
        assert picture.size == (1210, 660)
    (figure,) = figures
    return {re.sub(r",? (best|\(|on|range).*", "", axes.get_title()): axes for axes in figure.axes}


def lines(axes):
    """What is drawn, by name: (epochs, values)."""
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()}


def test_curves_of_a_plain_training(monkeypatch, tmp_path):
    history = [epoch(n, alarms=("unchanged",) if n == 2 else ()) for n in (1, 2, 3)]
    panels = drawn(monkeypatch, tmp_path, history)
    assert list(panels) == ["PSNR", "SSIM", "error", "training loss", "learning rate", "crops per second"]
    assert panels["PSNR"].get_title().endswith("best 31.76 in epoch 3")
    assert lines(panels["PSNR"]) == {
        "restored": ([1, 2, 3], [e.val_psnr for e in history]),
        "blurred": ([1, 2, 3], [26.5] * 3),
        "alarm": ([2], [26.5]),
    }
    assert list(lines(panels["error"])) == ["MSE", "MAE"]
    assert [axes.get_yscale() for axes in panels.values()] == ["linear", "linear", "log", "log", "log", "linear"]
    ((_, losses),) = lines(panels["training loss"]).values()  # one term is the loss: it is drawn once
    assert losses == [e.train_loss for e in history]


def test_curves_of_an_adversarial_training_have_a_panel_for_the_critic(monkeypatch, tmp_path):
    panels = drawn(monkeypatch, tmp_path, [adversarial(n) for n in range(1, 101)])
    assert list(lines(panels["training loss"])) == ["loss", "fft", "l1"]
    assert list(lines(panels["critic"])) == ["adversarial", "critic", "penalty"]
    assert panels["critic"].get_yscale() == "linear"
    colours = [line.get_color() for line in panels["critic"].get_lines()]
    assert len(set(colours)) == 3
    assert "crops per second" not in panels


def test_curves_leave_out_what_is_no_number(monkeypatch, tmp_path):
    history = [
        epoch(1, val_psnr=math.inf, val_mse=0.0, val_ssim=None, train_loss=math.nan),
        epoch(2, val_psnr=math.nan, val_mse=math.nan, val_ssim=None, learning_rate=0.0, alarms=("unchanged",)),
    ]
    panels = drawn(monkeypatch, tmp_path, history)
    assert all(math.isnan(value) for value in lines(panels["PSNR"])["restored"][1])
    assert panels["SSIM"].texts[0].get_text() == "no figures"
    assert panels["learning rate"].get_yscale() == "linear"  # a zero has no logarithm


@pytest.mark.parametrize("history", [[], [epoch()], [adversarial(1)], [epoch(1, crops_per_second=0.0)]])
def test_curves_of_hardly_anything(monkeypatch, tmp_path, history):
    panels = drawn(monkeypatch, tmp_path, history)
    assert len(panels) == 6
    left, right = panels["PSNR"].get_xlim()
    assert [tick for tick in panels["PSNR"].get_xticks() if left <= tick <= right] == [1]


# samples


def sample(seed=0, height=300, width=400, name="tree"):
    sharp = np.random.default_rng(seed).integers(0, 246, (height, width, 3)).astype(np.uint8)
    return Sample(name, sharp + np.uint8(10), sharp + np.uint8(1), sharp)


def test_samples_show_the_middle_of_each_picture_at_full_resolution(tmp_path):
    rows = [sample(0), sample(1)]
    draw_samples(tmp_path / "s.png", rows, "unet, epoch 7")
    sheet = read_rgb(tmp_path / "s.png")
    assert sheet.shape[1] == 6 + 3 * (224 + 6)
    for y, row in enumerate(rows):
        for x, picture in enumerate((row.blurred, row.restored, row.sharp)):
            top, left = 46 + y * (192 + 26), 6 + x * 230
            np.testing.assert_array_equal(sheet[top : top + 192, left : left + 224], picture[54:246, 88:312])


def test_samples_are_captioned_with_the_psnr_of_whole_pictures(monkeypatch, tmp_path):
    seen = []
    module = sys.modules[draw_samples.__module__]
    monkeypatch.setattr(module, "contact_sheet", lambda _, rows, __: seen.extend(rows) or np.zeros((1, 1, 3), np.uint8))
    draw_samples(tmp_path / "s.png", [sample(name="a" * 50 + "/tree")])
    ((blurred, restored, sharp),) = [[cell.caption for cell in row] for row in seen]
    assert blurred == f"{10 * math.log10(255**2 / 100):.2f} dB"
    assert restored == f"{20 * math.log10(255):.2f} dB"
    assert len(sharp) == 30
    assert sharp.startswith("...a")
    assert sharp.endswith("a/tree")


def test_samples_of_different_and_small_pictures_stand_on_white(tmp_path):
    small, tall = sample(height=16, width=20), sample(height=500, width=30)
    draw_samples(tmp_path / "s.png", [small, tall])
    sheet = read_rgb(tmp_path / "s.png")
    assert sheet.shape[1] == 6 + 3 * (176 + 6)
    np.testing.assert_array_equal(sheet[26:42, 6:26], small.blurred)
    assert (sheet[42:218, 6:182] == 255).all()
    np.testing.assert_array_equal(sheet[244:436, 6:36], tall.blurred[154:346])
    with pytest.raises(ValueError, match="nothing to draw"):
        draw_samples(tmp_path / "s.png", [])


def removed_with_the_run(name):
    return any(re.fullmatch(pattern, name) for pattern in unet.files)


def test_old_samples_are_thinned_out_in_the_same_way_whatever_was_interrupted(monkeypatch, tmp_path):
    module = sys.modules[draw_samples.__module__]
    monkeypatch.setattr(module, "draw_samples", lambda path, *_: path.write_bytes(b""))
    (tmp_path / SAMPLES).mkdir()
    (tmp_path / SAMPLES / "notes.txt").write_text("mine")
    for number in range(1, 131):
        best = 37 if number >= 37 else number
        path = write_samples(tmp_path, number, [sample()], "", best=best)
        assert path == tmp_path / SAMPLES / f"epoch-{number:04d}.png"
        there = {p.name for p in (tmp_path / SAMPLES).iterdir()} - {"notes.txt"}
        assert there == {sample_name(n) for n in range(1, number + 1) if kept(n, number, best)}
        assert len(there) <= 53
        assert number > 50 or len(there) == number
    assert there == {sample_name(n) for n in (1, 37, 130, *range(4, 130, 4))}
    assert (tmp_path / SAMPLES / "notes.txt").exists()
    assert all(map(removed_with_the_run, [f"{SAMPLES}/{sample_name(n)}" for n in (1, 130, 12345)]))


# model_summary.txt


def table(text):
    """Rows by layer, and the totals by what they are of."""
    head, _, foot = text.partition("\n\n")
    rows = [re.split(r"\s{2,}", line) for line in head.splitlines()[2:]]
    return {row[0]: row[1:] for row in rows}, dict(line.split(": ") for line in foot.splitlines())


def test_summary_of_the_unet_adds_up():
    rows, totals = table(layer_summary(unet.configure(None, []).network.build()))
    assert rows["encoder.1.4"] == ["BatchNorm2d", "64 x 128 x 128", "256", "0"]
    assert rows["up.0"] == ["ConvTranspose2d", "256 x 32 x 32", "524,544", f"{256 * 512 * 32 * 32:,}"]
    assert rows["head"] == ["Conv2d", "3 x 256 x 256", "99", f"{3 * 32 * 256 * 256:,}"]
    assert list(rows).index("up.0") < list(rows).index("decoder.0.0") < list(rows).index("up.1")  # as they are used
    assert sum(int(row[2].replace(",", "")) for row in rows.values()) == 7_763_491
    assert totals["Total parameters"] == "7,763,491 (running statistics included)"
    assert totals["Trainable parameters"] == "7,761,827"
    assert totals["Other parameters"] == "1,664"
    macs = sum(int(row[3].replace(",", "")) for row in rows.values())
    assert totals["MACs at 256 x 256"] == f"{macs:,}" == "12,075,401,216"


class Odd(nn.Module):
    """With parameters of its own, functional arithmetic, a layer that is used twice, and one that is not used."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.weight = nn.Parameter(torch.ones(4, 3, 3, 3))
        self.twice = nn.Conv2d(4, 4, 1, bias=False)
        self.inner = nn.Sequential(nn.Dropout(), nn.BatchNorm2d(4))
        self.unused = nn.Linear(2, 2)
        self.kernel = torch.ones(1, 4, 1, 1)  # neither parameter nor buffer

    def forward(self, batch):
        assert not self.training
        with torch.autocast(batch.device.type, enabled=False):
            batch = torch.fft.irfft2(torch.fft.rfft2(batch)) * self.scale[:, None, None]
        hidden = nn.functional.conv2d(batch, self.weight, padding=1)
        return self.inner(self.twice(self.twice(hidden))) * self.kernel


def test_summary_of_a_network_with_arithmetic_of_its_own():
    network = Odd()
    network.inner.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    stream = torch.get_rng_state()
    rows, totals = table(layer_summary(network, (6, 8)))
    assert rows["(whole)"] == ["Odd", "4 x 6 x 8", str(3 + 108), f"{108 * 48:,}"]
    assert rows["twice"] == ["Conv2d", "4 x 6 x 8", "16", f"{2 * 16 * 48:,}"]
    assert rows["unused"] == ["Linear", "not used", "6", "0"]
    assert rows["inner.1"] == ["BatchNorm2d", "4 x 6 x 8", "16", "0"]
    assert "inner" not in rows
    assert totals["Total parameters"].startswith(f"{printed_total(network)} ")
    assert torch.equal(torch.get_rng_state(), stream)
    assert [module.training for module in network.modules()] == [True, True, False, False, False, True]
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_summary_leaves_no_trace_where_the_network_fails():
    def fail(*_):
        raise ValueError("no such size")

    network = Odd()
    network.unused.forward = fail
    network.inner.append(network.unused)
    with pytest.raises(ValueError, match="no such size"):
        layer_summary(network, (6, 8))
    assert all(module.training for module in network.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_summary_file_names_its_networks(tmp_path):
    networks = {"cnn": cnn.configure(None, []).network.build(), "critic": nn.Sequential(nn.Flatten(), nn.Linear(48, 1))}
    write_summary(tmp_path / SUMMARY, networks, (4, 4))
    text = (tmp_path / SUMMARY).read_text()
    assert text.startswith("cnn\n\nlayer  ")
    assert "Total parameters: 83,715 (" in text
    assert "\n\ncritic\n\nlayer" in text
    assert "MACs at 4 x 4: 48\n" in text


# TensorBoard


@pytest.fixture
def events(tmp_path):
    """What TensorBoard reads from the folder."""
    pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read():
        accumulator = EventAccumulator(str(tmp_path / "tensorboard"), size_guidance={"scalars": 0, "images": 0})
        accumulator.Reload()
        return accumulator

    return read


def values(accumulator, tag):
    return [(event.step, event.value) for event in accumulator.Scalars(tag)]


def test_tensorboard_shows_epochs_and_samples(tmp_path, events):
    draw_samples(tmp_path / "s.png", [sample()])
    board = TensorBoard(tmp_path / "tensorboard")
    board.epoch(adversarial(1, val_ssim=None))
    board.epoch(adversarial(2, alarms=("loss-spike",)))
    assert len(values(events(), "loss/train")) == 2  # on disk already
    board.samples(2, tmp_path / "s.png")
    board.close()
    shown = events()
    assert values(shown, "val/psnr") == [(n, pytest.approx(epoch(n).val_psnr)) for n in (1, 2)]
    assert values(shown, "loss/critic") == [(1, -2.0), (2, -3.0)]
    assert [step for step, _ in values(shown, "val/ssim")] == [2]
    (picture,) = shown.Images("samples")
    assert picture.step == 2
    with Image.open(io.BytesIO(picture.encoded_image_string)) as image:
        np.testing.assert_array_equal(np.asarray(image), read_rgb(tmp_path / "s.png"))
    assert "alarms/text_summary" in shown.Tags()["tensors"]
    assert all(removed_with_the_run(f"tensorboard/{path.name}") for path in (tmp_path / "tensorboard").iterdir())


def test_tensorboard_shows_no_epoch_twice_and_misses_none(tmp_path, events):
    board = TensorBoard(tmp_path / "tensorboard")
    for number in (1, 2, 3, 4):
        board.epoch(epoch(number))
    board.close()
    killed_before_its_state = [epoch(1), epoch(2)]
    killed_after_its_state = [epoch(1), epoch(2), epoch(3, train_loss=7.0)]
    for call, history in enumerate((killed_before_its_state, killed_after_its_state)):
        (last,) = (tmp_path / "tensorboard").glob("*tfevents.[1-9][0-9]*")
        last.rename(last.with_name(f"events.out.tfevents.0{call}"))  # files of one second are in no sure order
        TensorBoard(tmp_path / "tensorboard", history).close()
        assert values(events(), "loss/train") == [(e.epoch, pytest.approx(e.train_loss)) for e in history]


def test_tensorboard_that_is_asked_for_later_gets_the_whole_history(tmp_path, events):
    TensorBoard(tmp_path / "tensorboard", [epoch(n) for n in (1, 2, 3)]).close()
    assert [step for step, _ in values(events(), "val/mse")] == [1, 2, 3]


def test_missing_tensorboard_says_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match=r"pip install 'deblurbench\[tensorboard\]'"):
        TensorBoard(tmp_path / "tensorboard")
    assert not (tmp_path / "tensorboard").exists()


# Speed


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def show(meter, clock, steps, *, wait, work, crops=10):
    for _ in range(steps):
        with meter.waiting():
            clock.now += wait
        clock.now += work
        meter.step(crops)


def test_meter_measures_speed_and_the_share_of_waiting():
    clock = Clock()
    meter = Meter(clock)
    assert (meter.crops_per_second, meter.data_wait, meter.note()) == (0.0, 0.0, "")
    show(meter, clock, 4, wait=0.5, work=1.5)
    assert (meter.crops, meter.seconds, meter.waited) == (40, 8.0, 2.0)
    assert (meter.crops_per_second, meter.data_wait) == (5.0, 0.25)
    assert meter.note() == "5.0 crops/s, waits 25 %"
    clock.now += 2
    assert meter.crops_per_second == 5.0  # time after the last step is no one's yet
    meter.end()
    assert meter.crops_per_second == 4.0
    assert meter.data_wait == 0.2


def test_meter_counts_what_came_before_a_pause():
    clock = Clock()
    meter = Meter(clock, crops=30, seconds=4.0, waited=1.0)
    show(meter, clock, 1, wait=1.0, work=5.0)
    assert (meter.crops_per_second, meter.data_wait) == (4.0, 0.2)
    assert meter.note() == "1.7 crops/s, waits 17 %"  # of late


def test_note_follows_a_change_of_speed_within_seconds():
    clock = Clock()
    meter = Meter(clock)
    show(meter, clock, 500, wait=0.0, work=0.1, crops=80)
    assert meter.note() == "800 crops/s, waits 0 %"
    show(meter, clock, 100, wait=0.15, work=0.05, crops=40)
    assert re.fullmatch(r"2[01]\d crops/s, waits 7[3-5] %", meter.note())
    assert meter.crops_per_second == pytest.approx(44_000 / 70)


def test_waiting_that_fails_counts_too():
    clock = Clock()
    meter = Meter(clock)

    def wait_in_vain():
        with meter.waiting():
            clock.now += 3
            raise StopIteration

    with pytest.raises(StopIteration):
        wait_in_vain()
    meter.end()
    assert meter.data_wait == 1.0


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_bar_shows_figures_after_the_note(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress("train", 4, "crops") as bar:
        bar.note("epoch 1: val 30.00 dB")
        for _ in range(4):
            bar.figures("812 crops/s, waits 1 %")
            bar.step()
    assert re.search(r"4/4 \[.*, epoch 1: val 30\.00 dB, 812 crops/s, waits 1 %\]", stream.getvalue())


def test_figures_alone_do_not_draw_the_bar(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress("train", 4, "crops") as bar:
        before = len(stream.getvalue())
        bar.figures("812 crops/s")
        assert len(stream.getvalue()) == before
        bar.note("epoch 1")
        assert "epoch 1, 812 crops/s" in stream.getvalue()


def test_what_is_said_stands_above_the_bar(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress("train", 4, "crops") as bar:
        bar.step()
        say("ALARM: \x1b[2J")
        say("unheard", quiet=True)
    say("done")
    shown = stream.getvalue()
    assert re.search(r"\r(\x1b\[K| *\r)?ALARM: \\x1b\[2J\n\rtrain:", shown)
    assert "unheard" not in shown
    assert shown.endswith("\ndone\n")


def test_plain_lines_have_note_and_figures(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    clock = itertools.count(0, 15)
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: next(clock))
    with progress("train", 2, "crops") as bar:
        bar.figures("812 crops/s")
        bar.step()
        bar.note("epoch 1")
        bar.step()
    first, last = stream.getvalue().splitlines()
    assert first.endswith("s left, 812 crops/s")
    assert last.endswith("/s, epoch 1, 812 crops/s")


def test_quiet_progress_takes_figures_too(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress("train", 2, "crops", quiet=True) as bar:
        bar.figures("812 crops/s")
    assert stream.getvalue() == ""


# training.log


def ticking():
    times = (datetime(2026, 1, 31, 23, 59, 58, tzinfo=UTC) + timedelta(seconds=s) for s in itertools.count())
    return lambda: next(times)


def test_log_has_whole_lines_with_their_time_and_goes_on(tmp_path, capsys):
    clock = ticking()
    TrainingLog(tmp_path / LOG, clock=clock).write("starts on cpu")
    log = TrainingLog(tmp_path / LOG, clock=clock)
    log.say("two\nlines, \x1b[2J, Grün")
    TrainingLog(tmp_path / LOG, quiet=True, clock=clock).say("unheard \udcff")
    assert (tmp_path / LOG).read_text(encoding="utf-8").splitlines() == [
        "2026-01-31T23:59:58Z starts on cpu",
        r"2026-01-31T23:59:59Z two\nlines, \x1b[2J, Grün",
        r"2026-02-01T00:00:00Z unheard \udcff",
    ]
    assert capsys.readouterr().err == "two\\nlines, \\x1b[2J, Grün\n"


def test_line_that_a_kill_cut_off_is_ended(tmp_path):
    (tmp_path / LOG).write_bytes(b"2026-01-31T00:00:00Z epo")
    TrainingLog(tmp_path / LOG, clock=ticking()).write("goes on")
    assert (tmp_path / LOG).read_bytes() == b"2026-01-31T00:00:00Z epo\n2026-01-31T23:59:58Z goes on\n"


def test_log_tells_real_time(tmp_path):
    before = datetime.now(UTC).replace(microsecond=0)
    TrainingLog(tmp_path / LOG).write("now")
    time, text = (tmp_path / LOG).read_text().split()
    assert before <= datetime.fromisoformat(time) <= datetime.now(UTC)
    assert text == "now"
