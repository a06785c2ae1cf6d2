"""Files that somebody has edited: refused by name, in one line, and nothing is written where it must not be."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import noise

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.images.codec import write_png
from deblurbench.runs.run import run_baseline


def edit(file: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file as a value."""
    value = json.loads(file.read_text())
    result = change(value)
    file.write_text(json.dumps(value if result is None else result))


def set_key(*path: Any, value: Any) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        for part in path[:-1]:
            data = data[part]
        data[path[-1]] = value

    return change


def refused(result: Any, *, code: int = 1) -> None:
    assert result.code == code, result
    assert "this is a bug" not in result.err
    assert result.err.startswith("Error: ")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    "change",
    [
        set_key("splits", value={"test-/../../../../pwn": 3}),
        set_key("splits", value={"test": "many"}),
        set_key("recipe", "name", value="../../evil"),
        set_key("recipe", "name", value=5),
        set_key("dataset_id", value=5),
        set_key("schema", value=2),
        lambda data: [data],
    ],
)
def test_an_edited_dataset_mark_is_refused(cli, tiny, tmp_path, monkeypatch, change):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    edit(tiny.path / "dataset.json", change)
    refused(cli("run-baseline", "identity", "--data", tiny.path, "--quiet"))
    refused(cli("verify-dataset", tiny.path))
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"pair": "val//etc/passwd"},
        {"pair": "val/../../x"},
        {"pair": "val/.hidden"},
        {"pair": "train/x"},
        {"split": "val/../.."},
        {"blur_sha256": "short"},
        {"seed": float("nan")},
    ],
)
def test_an_edited_manifest_is_refused(cli, tiny, change):
    lines = (tiny.path / "manifest.jsonl").read_text().splitlines()
    record = json.loads(lines[-1])
    assert record["split"] == "val"
    (tiny.path / "manifest.jsonl").write_text("\n".join([*lines[:-1], json.dumps(record | change)]))
    refused(cli("verify-dataset", tiny.path))


def test_a_manifest_that_is_no_text_is_refused(cli, tiny):
    (tiny.path / "manifest.jsonl").write_bytes(b"\xff\xfe")
    refused(cli("verify-dataset", tiny.path))


@pytest.mark.parametrize(
    "text", ["", "[", "[" * 100_000, "NaN", '{"a": 1e999}', "[]", "null", "\ud800".encode("utf-8", "surrogatepass")]
)
@pytest.mark.parametrize("file", ["run.json", "predictions.json"])
def test_a_damaged_run_is_refused(cli, tiny, tmp_path, file, text):
    run = tmp_path / "run"
    run_baseline("identity", tiny, run, quiet=True)
    (run / file).write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(cli("leaderboard", "add", run, "--board", tmp_path / "board"))
    refused(cli("run-baseline", "identity", "--data", tiny.path, "--out", run, "--quiet"))
    assert cli("run-baseline", "identity", "--data", tiny.path, "--out", run, "--quiet", "--overwrite").code == 0


@pytest.mark.parametrize(
    "change",
    [
        set_key("dataset", value="../../../evil"),
        set_key("parameters", value=10**30),
        set_key("parameters", value=-5),
        set_key("device", value="x) | <img src=x onerror=1> |"),
        set_key("dataset_id", value="x | y"),
    ],
)
def test_an_edited_run_record_is_refused(cli, tiny, tmp_path, change):
    run_baseline("identity", tiny, tmp_path / "run", quiet=True)
    edit(tmp_path / "run" / "run.json", change)
    refused(cli("leaderboard", "add", tmp_path / "run", "--board", tmp_path / "board"))
    assert not (tmp_path / "board").exists()


@pytest.mark.parametrize(
    ("old", "new"),
    [("gnr638-eval@1", "evil@9"), (",0.", ",nan,0."), (",0.", ",inf,"), ("psnr_db", "x"), (",", "x" * 140_000)],
)
def test_edited_scores_are_refused(cli, tiny, tmp_path, old, new):
    run_baseline("identity", tiny, tmp_path / "run", quiet=True)
    file = tmp_path / "run" / "scores.csv"
    file.write_text(file.read_text().replace(old, new, 1))
    refused(cli("leaderboard", "add", tmp_path / "run", "--board", tmp_path / "board"))


@pytest.mark.parametrize(
    "change",
    [
        set_key("mean", "psnr_db", value=99.0),
        set_key("images", 0, "psnr_db", value=99.0),
        set_key("images", 0, "prediction_sha256", value="0" * 64),
        lambda data: data["images"].append(data["images"][0]),
        set_key("seconds_per_picture", value=-1.0),
        set_key("protocol", value="a|b"),
        set_key("method", value=""),
    ],
)
def test_an_edited_submission_is_refused(cli, tiny, tmp_path, change):
    run_baseline("wiener", tiny, tmp_path / "run", quiet=True)
    board = tmp_path / "board"
    cli("leaderboard", "add", tmp_path / "run", "--board", board)
    edit(next(board.glob("submissions/*/*.json")), change)
    refused(cli("leaderboard", "build", "--board", board))


def test_a_submission_under_a_second_file_name_is_refused(cli, tiny, tmp_path):
    run_baseline("wiener", tiny, tmp_path / "run", quiet=True)
    board = tmp_path / "board"
    cli("leaderboard", "add", tmp_path / "run", "--board", board)
    file = next(board.glob("submissions/*/*.json"))
    shutil.copy(file, file.with_name("again.json"))
    result = cli("leaderboard", "build", "--board", board)
    refused(result)
    assert "'wiener' stands there twice" in result.err


def test_two_runs_of_one_name_are_refused(cli, tiny, tmp_path):
    for name in ("a", "b"):
        run_baseline("wiener", tiny, tmp_path / name, quiet=True)
    edit(
        tmp_path / "b" / "predictions.json",
        set_key("splits", "test-g1.2", "pictures", _first_name(tmp_path / "b"), value="0" * 64),
    )
    refused(cli("leaderboard", "add", tmp_path / "a", tmp_path / "b", "--board", tmp_path / "board"), code=2)
    assert not list((tmp_path / "board").rglob("*.json"))


def _first_name(run: Path) -> str:
    return next(iter(json.loads((run / "predictions.json").read_text())["splits"]["test-g1.2"]["pictures"]))


@pytest.mark.parametrize(
    "file", ["train/cats/p0.png", "test/p1.png", "val/blur/deep/x.png", "notes.md", "predictions/x/y.png"]
)
def test_overwriting_a_dataset_spares_what_is_not_ours(tiny, tiny_recipe, file):
    (tiny.path / file).parent.mkdir(parents=True, exist_ok=True)
    write_png(tiny.path / file, noise(4, 4))
    with pytest.raises(Exception, match="holds other files"):
        build(make_plan(read_recipe(tiny_recipe)), tiny.path, overwrite=True, quiet=True)
    assert (tiny.path / file).is_file()
    assert (tiny.path / "dataset.json").is_file()


def test_photos_and_dataset_must_not_lie_in_one_another(cli, tmp_path):
    recipe = tmp_path / "mine.toml"
    text = 'schema = 1\nname = "mine"\nversion = 1\nsummary = ""\nseed = 1\n'
    text += '[[sources]]\nsource = "folder"\nscenes = { test = 1 }\n'
    recipe.write_text(text + '[[splits]]\nname = "test"\nblurs = [{ family = "gaussian", sigma = 1.0 }]\n')
    photos = tmp_path / "photos"
    photos.mkdir()
    write_png(photos / "a.png", noise(8, 8))
    for out in (photos, photos / "data" / "mine", tmp_path):
        refused(cli("build-dataset", recipe, "--photos", photos, "--out", out), code=2)
    assert [p.name for p in photos.iterdir()] == ["a.png"]


def test_a_run_inside_its_dataset_is_refused(cli, tiny):
    refused(cli("run-baseline", "identity", "--data", tiny.path, "--out", tiny.path / "run"), code=2)


def test_a_recipe_with_a_byte_order_mark_is_read(cli, tiny_recipe, tmp_path):
    tiny_recipe.write_bytes(b"\xef\xbb\xbf" + tiny_recipe.read_bytes())
    assert cli("build-dataset", tiny_recipe, "--out", tmp_path / "o", "--quiet").code == 0


def test_a_recipe_too_deep_to_read_is_refused(cli, tmp_path):
    (tmp_path / "deep.toml").write_text("a = " + "[" * 5000)
    refused(cli("build-dataset", tmp_path / "deep.toml"), code=2)
