"""`list protocols`, and `--explain`: every protocol says all of its recipe."""

import dataclasses
import json

import pytest
from conftest import noise

import deblurbench
from deblurbench import plugins
from deblurbench.scoring.protocol import Metric, Protocol, find_protocol

PROTOCOLS = sorted(name for name, plugin in plugins.find("protocols").items() if plugin.origin == "deblurbench")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_explains_every_point(cli, name):
    protocol = find_protocol(name)
    assert name == protocol.name, "the entry point has another name than the protocol"
    shown = cli("list", "protocols", "--explain", name)
    assert (shown.code, shown.err) == (0, "")
    words = " ".join(shown.out.split())
    for point, text in dataclasses.asdict(protocol.recipe).items():
        assert text.strip(), f"{point} is empty"
        assert f"{point.replace('_', ' ')} {' '.join(text.split())}" in words
    assert all(metric.name in words for metric in protocol.metrics)
    assert ("unpublished" in words) >= protocol.unpublished
    assert max(len(line) for line in shown.out.splitlines()[1:]) <= 110


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_recipe_is_that_of_its_code(name):
    """Where one can tell the other: the reader, the rounding rule, and whether equal pictures are infinite."""
    protocol = find_protocol(name)
    recipe = protocol.recipe
    readers = {"skimage": "skimage.io.imread", "opencv": "cv2.imread", "pillow": "PIL.Image", "matlab": "MATLAB imread"}
    assert [reader for reader, word in readers.items() if word in recipe.reader] == [protocol.reader.name]
    rules = {"keep": "not rounded", "truncate": "truncated", "round": "rounded half to even"}
    assert [rule for rule, word in rules.items() if word in recipe.rounding] == [protocol.rounding]
    if not any(metric.slow for metric in protocol.metrics):
        picture = noise(24, 24)
        (scores,) = deblurbench.score(picture, picture, name).protocols
        assert ("infinite" in recipe.infinities) == bool(scores.infinite)


def test_the_json_is_the_same_as_an_object(cli):
    found = json.loads(cli("list", "protocols", "--explain", "gnr638-eval@1", "--json", "-").out)
    assert found["id"] == "gnr638-eval@1"
    marks = {"slow": False, "pooled": False, "lower_is_better": False}
    assert found["metrics"] == [{"name": "psnr_db", "added": False, **marks}, {"name": "ssim", "added": True, **marks}]
    assert found["recipe"] == dataclasses.asdict(find_protocol("gnr638-eval").recipe)


def test_the_list_says_what_each_protocol_measures(cli):
    rows = {row["name"]: row for row in json.loads(cli("list", "protocols", "--json", "-").out)}
    assert rows.keys() == set(PROTOCOLS)
    assert rows["gnr638-eval"]["metrics"] == ["psnr_db", "ssim"]
    assert rows["gnr638-eval"]["notes"] == ["ssim added"]
    (line,) = [line for line in cli("list", "protocols").out.splitlines() if line.startswith("gnr638-eval ")]
    assert "psnr_db, ssim ssim added the GNR638" in " ".join(line.split())


def test_marks_are_explained(cli, monkeypatch):
    known = find_protocol("gnr638-eval")
    metrics = (Metric("pooled_psnr_db", lambda _: 0.0, pooled=True), Metric("d", lambda _: 0.0, slow=True, added=True))
    odd: Protocol = dataclasses.replace(known, metrics=metrics, unpublished=True)
    monkeypatch.setattr("deblurbench.scoring.protocol.find_protocol", lambda _: odd)
    words = " ".join(cli("list", "protocols", "--explain", "odd").out.split())
    assert "pooled_psnr_db (of a set: from the error over all samples of all its pictures)" in words
    assert "d (added by deblurbench, not in the published script; slow: computed where" in words
    assert "unpublished: nobody has published this recipe" in words


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["protocols", "--explain", "gnr638-evl"], "unknown protocol 'gnr638-evl': did you mean 'gnr638-eval'?"),
        (["protocols", "--explain", "gnr638-eval@9"], "no version 9 of the protocol gnr638-eval"),
        (["protocols", "--explain", ""], "unknown protocol ''"),
        (["blurs", "--explain", "gaussian"], "only protocols have a recipe to explain"),
    ],
)
def test_what_cannot_be_explained_is_one_clear_line(cli, arguments, text):
    result = cli("list", *arguments)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert text in result.err
