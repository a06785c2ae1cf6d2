"""`deblurbench.score`: folders, files, arrays and tensors give one number, and what may be misread is refused."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from conftest import noise
from PIL import Image
from test_docs import blocks

import deblurbench
from deblurbench.errors import DeblurbenchError, UsageError
from deblurbench.scoring.protocol import find_protocol
from deblurbench.scoring.selection import select


def near(picture, seed=1):
    """A picture a few grey levels away."""
    return np.clip(picture.astype(int) + noise(*picture.shape, seed=seed) % 9 - 4, 0, 255).astype(np.uint8)


SHARP = np.stack([noise(20, 31, seed=i) for i in range(3)])
PREDICTED = np.stack([near(picture) for picture in SHARP])


def planes(pictures, scale=255):
    """N x H x W x 3 uint8 as a tensor N x 3 x H x W of floats."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2) / scale


@pytest.fixture
def folders(tmp_path):
    for name, pictures in (("preds", PREDICTED), ("sharp", SHARP)):
        (tmp_path / name).mkdir()
        for i, picture in enumerate(pictures):
            Image.fromarray(picture).save(tmp_path / name / f"{i}.png")
    return tmp_path / "preds", tmp_path / "sharp"


def files(folder):
    return sorted(folder.iterdir())


def values(report):
    (scores,) = report.protocols
    return [dict(image.values) for image in scores.images]


def test_all_kinds_of_pictures_give_the_numbers_of_the_folders(folders):
    preds, sharp = folders
    wanted = values(deblurbench.score(preds, sharp, "basicsr-rgb", exact=True))
    kinds = [
        (str(preds), str(sharp)),
        (files(preds), files(sharp)),
        (PREDICTED, SHARP),
        (list(PREDICTED), tuple(SHARP)),
        (PREDICTED / 255, SHARP),
        ((PREDICTED / 255).astype(np.float32), SHARP / 255),
        (planes(PREDICTED), SHARP),
        (planes(PREDICTED).requires_grad_(), planes(SHARP)),
        (planes(PREDICTED).double().to(memory_format=torch.channels_last), planes(SHARP, 1).byte()),
        (list(planes(PREDICTED)), files(sharp)),
        ([str(file) for file in files(preds)], planes(SHARP)),
        ([files(preds)[0], PREDICTED[1], planes(PREDICTED)[2]], SHARP),
    ]
    for predictions, pictures in kinds:
        assert values(deblurbench.score(predictions, pictures, "basicsr-rgb", exact=True)) == wanted


def test_one_picture(folders):
    preds, sharp = (files(folder)[0] for folder in folders)
    report = deblurbench.score(preds, sharp)
    assert report.n == 1
    assert report.protocols[0].images[0].name == "0.png"
    assert report.mean == deblurbench.score(PREDICTED[0], SHARP[0]).mean
    assert report.mean == deblurbench.score(planes(PREDICTED)[0], SHARP[0]).mean


def test_grey_pictures():
    sharp, predicted = SHARP[0, :, :, 0], PREDICTED[0, :, :, 0]
    wanted = deblurbench.score(predicted, sharp).mean
    assert deblurbench.score(torch.from_numpy(predicted)[None], sharp).mean == wanted
    assert deblurbench.score(torch.from_numpy(predicted)[None, None] / 255, sharp).mean == wanted


def test_predictions_in_half_precision_are_taken_as_float32():
    halves = planes(PREDICTED).half()
    wanted = deblurbench.score(halves.float(), SHARP).mean
    assert deblurbench.score(halves, SHARP).mean == wanted
    assert deblurbench.score(halves.permute(0, 2, 3, 1).numpy(), SHARP).mean == wanted
    assert deblurbench.score(planes(PREDICTED).bfloat16(), SHARP).mean == wanted  # 8 bits are enough for 8 bits


def test_what_is_a_little_outside_is_clamped_in_predictions_alone():
    beyond = np.where(SHARP > 128, 1.2, -0.2)
    inside = beyond.clip(0, 1)
    assert deblurbench.score(beyond, SHARP, "kornia").mean == deblurbench.score(inside, SHARP, "kornia").mean
    with pytest.raises(UsageError, match=r"sharp picture holds floats from -0.2 to 1.2"):
        deblurbench.score(inside, beyond)


def test_a_report_is_read_by_protocol_and_shows_itself_as_a_table():
    report = deblurbench.score(PREDICTED, SHARP, ["basicsr-rgb", "matlab-gopro@1"])
    assert report["matlab-gopro"].mean["ssim"] == report["matlab-gopro@1"].mean["ssim"] > 0.9
    assert report["basicsr-rgb"].mean == pytest.approx(deblurbench.score(PREDICTED, SHARP, "basicsr-rgb").mean)
    with pytest.raises(UsageError, match=r"several protocols: name one: report\['basicsr-rgb'\].mean"):
        _ = report.mean
    with pytest.raises(UsageError, match=r"no scores under 'matlab'.*did you mean 'matlab-gopro'"):
        report["matlab"]
    shown = repr(report)
    for scores in report.protocols:
        assert f"{scores.mean['psnr_db']:.4f}" in shown
        assert f"{scores.mean['ssim']:.4f}" in repr(scores)


def test_blurred_pictures_get_their_own_numbers(folders):
    blurred = np.stack([near(picture, seed=5) // 2 for picture in SHARP])
    (scores,) = deblurbench.score(PREDICTED, SHARP, blur=blurred).protocols
    assert scores.blurred_mean == deblurbench.score(blurred, SHARP).mean
    with pytest.raises(UsageError, match="2 blurred pictures for 3 sharp pictures"):
        deblurbench.score(PREDICTED, SHARP, blur=blurred[:2])
    with pytest.raises(UsageError, match="only predictions and sharp is a folder"):
        deblurbench.score(*folders, blur=blurred)


def test_all_protocols_leave_out_what_is_slow_unless_it_is_named():
    def ids(*names, slow=False):
        return {(p.name, m.name) for p in select(names, slow=slow).protocols for m in p.metrics}

    assert ("deblurganv2", "psnr_db") in ids("all")
    assert ("deblurganv2", "cw_ssim") not in ids("all")
    assert ("deblurganv2", "cw_ssim") in ids("all", "deblurganv2") & ids("deblurganv2@1", "all") & ids("all", slow=True)
    assert not {protocol for protocol, _ in ids("all")} & {"realblur-ecc", "lpips-alex"}
    assert [p.name for p in select(["tf", "uformer", "tf@1"]).protocols] == ["tf", "uformer"]
    with pytest.raises(UsageError, match="no protocol is named"):
        deblurbench.score(PREDICTED, SHARP, [])


def test_all_is_exact():
    every, alone = (deblurbench.score(PREDICTED, SHARP, p, exact=e) for p, e in (("all", False), ("tf", True)))
    assert every["tf"].mean == alone.mean
    assert len(every.protocols) >= 20


def test_what_cannot_be_scored_is_named(folders):
    preds, sharp = folders
    (preds / "1.png").unlink()
    with pytest.raises(
        DeblurbenchError, match=r"1 of 3 .*1.png: the prediction is missing.*allow_missing=True"
    ) as error:
        deblurbench.score(preds, sharp)
    assert not isinstance(error.value, UsageError)
    report = deblurbench.score(preds, sharp, allow_missing=True)
    assert report.n == 2
    assert report.failures == ("1.png: the prediction is missing",)
    with pytest.raises(DeblurbenchError, match=r"1\.png"):
        deblurbench.score([preds / f"{i}.png" for i in range(3)], SHARP)
    with pytest.raises(DeblurbenchError, match="3 of 3 pictures cannot be scored"):
        deblurbench.score(SHARP[:, 1:], files(sharp), allow_missing=True)


def test_an_extra_prediction_is_warned_about(folders):
    preds, sharp = folders
    (sharp / "1.png").unlink()
    with pytest.warns(UserWarning, match=r"no sharp picture for 1.png; left out"):
        assert deblurbench.score(preds, sharp).n == 2


def test_lists_of_files_in_different_orders_are_refused(folders):
    preds, sharp = folders
    with pytest.raises(UsageError, match="in another order: sort both lists"):
        deblurbench.score(files(preds)[::-1], files(sharp))


REFUSED = {
    "channels first": (np.zeros((2, 3, 20, 31)), r"2 x 3 x 20 x 31.*numpy.moveaxis\(array, -3, -1\)"),
    "one picture, channels first": (np.zeros((3, 20, 31)), r"3 x 20 x 31.*moveaxis"),
    "a stack of grey ones": (np.zeros((5, 20, 31)), r"array 5 x 20 x 31: arrays are H x W, H x W x 3 or N x H x W x 3"),
    "alpha": (np.zeros((20, 31, 4)), "20 x 31 x 4: arrays are"),
    "one channel": (np.zeros((20, 31, 1)), "20 x 31 x 1: arrays are"),
    "either way": (np.zeros((3, 20, 3)), "either 3 may be the colours"),
    "either way, many": (np.zeros((2, 3, 20, 3)), "either 3 may be the colours"),
    "five axes": (np.zeros((1, 1, 20, 31, 3)), "1 x 1 x 20 x 31 x 3: arrays are"),
    "empty": (np.zeros((0, 31, 3)), "0 x 31 x 3: arrays are"),
    "channels last": (torch.zeros(2, 20, 31, 3), r"tensor 2 x 20 x 31 x 3.*tensor.permute\(0, 3, 1, 2\)"),
    "one tensor, channels last": (torch.zeros(20, 31, 3), r"tensor.permute\(2, 0, 1\)"),
    "a tensor without channels": (torch.zeros(20, 31), "20 x 31: tensors are 3 x H x W"),
    "a tensor either way": (torch.zeros(3, 20, 3), "its last 3 may be the colours"),
    "grey or one row": (torch.zeros(1, 20, 3), "its last 3 may be the colours"),
    "floats in 0 .. 255": (SHARP[0].astype(float), "floats from 0 to 255: give uint8 in 0 .. 255 or floats in 0 .. 1"),
    "floats in -1 .. 1": (SHARP[0] / 127.5 - 1, "floats from -1 to 1.*clamp them first"),
    "a tensor in 0 .. 255": (planes(SHARP, 1)[0].float(), "floats from 0 to 255"),
    "16 bits": (SHARP[0].astype(np.uint16), "of uint16: give uint8"),
    "int64": (torch.zeros(3, 20, 31, dtype=torch.int64), "of int64: give uint8"),
    "bool": (SHARP[0] > 100, "of bool"),
    "NaN": (np.full((20, 31, 3), np.nan), "not finite"),
    "infinity": (torch.full((3, 20, 31), torch.inf), "not finite"),
    "a picture of Pillow": (Image.fromarray(SHARP[0]), "is a Image: give a folder, a file, a NumPy array"),
    "None": (None, "is a NoneType"),
    "a list of lists": ([[SHARP[0]]], "prediction 0 is a list: give one flat list"),
    "a list of batches": ([SHARP], "prediction 0 is a batch of 3"),
    "too many": (SHARP[:2], "2 predictions for 1 sharp pictures"),
    "another size": (SHARP[0, 1:], "prediction 0 is 31x19 with 3 channels, the sharp picture 31x20"),
    "a missing file": ("nowhere/0.png", "no file or folder nowhere"),
    "nothing": ([], "0 predictions for 1 sharp"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_may_be_misread_is_refused_with_what_is_expected(case):
    given, message = REFUSED[case]
    with pytest.raises(UsageError, match=message):
        deblurbench.score(given, SHARP[0])


def test_nothing_against_nothing():
    with pytest.raises(UsageError, match="there are no pictures"):
        deblurbench.score([], [])


def test_pictures_from_elsewhere_stay_as_they_were():
    predicted = planes(PREDICTED).requires_grad_()
    before = predicted.detach().clone()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        deblurbench.score(predicted, SHARP, "uformer")
    assert torch.equal(predicted, before)
    assert predicted.requires_grad


def test_folders_that_are_not_meant_are_named(tiny, tmp_path):
    (tmp_path / "preds").mkdir()
    with pytest.raises(UsageError, match=r"no file or folder .*shrap"):
        deblurbench.score(tmp_path / "preds", tmp_path / "shrap")
    with pytest.raises(UsageError, match="is a dataset, and the pictures in it are its sheets"):
        deblurbench.score(tmp_path / "preds", tiny.path)


def test_importing_is_cheap_and_arrays_need_no_torch():
    code = (
        "import sys, deblurbench\n"
        "assert not {'torch', 'numpy', 'cv2'} & sys.modules.keys()\n"
        "import deblurbench.scoring.score, deblurbench.cli.score, numpy\n"
        "assert callable(deblurbench.score) and 'score' in dir(deblurbench)\n"
        "picture = numpy.zeros((20, 20, 3), numpy.uint8)\n"
        "deblurbench.score(picture, picture + numpy.uint8(1))\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_values_of_published_code_through_arrays_and_tensors(shared):
    """The floating prediction, which protocols round, truncate or keep."""
    from csv import DictReader

    folder = shared / "protocol_vectors"
    predicted = np.load(folder / "pred_float" / "f12_float.npy")
    sharp = np.asarray(Image.open(folder / "sharp_float" / "f12_float.png"))
    rows = DictReader((folder / "expected.csv").read_text().splitlines())
    wanted = {(r["protocol"], r["metric"]): float(r["value"]) for r in rows if r["pair"] == "f12_float"}
    tensor = torch.from_numpy(predicted).permute(2, 0, 1)
    for name, tolerance in {"basicsr-rgb": 1e-9, "matlab-gopro": 1e-9, "uformer": 1e-5, "deblurganv2": 1e-5}.items():
        for prediction in (predicted, tensor, folder / "pred_float" / "f12_float.npy"):
            protocol = find_protocol(name)
            mean = deblurbench.score(prediction, sharp, name, exact=True).mean
            assert mean["psnr_db"] == pytest.approx(wanted[name, "psnr"], abs=tolerance), protocol.id
            if (name, "ssim") in wanted:
                assert mean["ssim"] == pytest.approx(wanted[name, "ssim"], abs=1e-8), protocol.id


def test_the_examples_of_the_docs_run(folders, monkeypatch, capsys):
    monkeypatch.chdir(folders[0].parent)
    examples = blocks("docs/python.md", "python")
    assert len(examples) == 4
    scope: dict[str, object] = {"__name__": "docs"}
    exec("\n".join(examples), scope)
    assert "basicsr-rgb@1" in capsys.readouterr().out
    assert scope["prediction"].grad.count_nonzero()
    assert 0 < scope["mean"] < 20
