"""Leaderboards: submissions from runs, tables that rank only what can be compared."""

import csv
import json
import re
import shutil

import pytest
from conftest import ROOT

from deblurbench.dataset.recipe import published_id
from deblurbench.errors import DeblurbenchError
from deblurbench.files import sha256_text
from deblurbench.leaderboard.submission import Means, from_run, read_board, read_submission
from deblurbench.leaderboard.table import BLURRED, markdown, rank_track
from deblurbench.runs.run import run_baseline


@pytest.fixture
def runs(tiny, tmp_path):
    for name in ("identity", "wiener"):
        run_baseline(name, tiny, tmp_path / name, quiet=True)
    return tmp_path / "identity", tmp_path / "wiener"


@pytest.fixture
def submission(runs):
    return from_run(runs[1])[0]


def scored(submission, method, psnr, ssim=0.9):
    return submission.model_copy(update={"method": method, "mean": Means(psnr_db=psnr, ssim=ssim)})


def test_add_and_build(cli, runs, tmp_path, tiny):
    board = tmp_path / "board"
    result = cli("leaderboard", "add", *runs, "--board", board)
    assert result.code == 0
    assert result.out.splitlines() == [
        str(board / "submissions" / "tiny.test-g1.2" / f"{name}.json") for name in ("identity", "wiener")
    ]
    built = cli("leaderboard", "build", "--board", board)
    assert built.code == 0
    assert BLURRED in built.out
    rows = list(csv.DictReader((board / "tables" / "tiny.csv").read_text().splitlines()))
    assert [row["method"] for row in rows] in ([BLURRED, "wiener"], ["wiener", BLURRED])
    by_method = {row["method"]: row for row in rows}
    stored = json.loads((board / "submissions" / "tiny.test-g1.2" / "wiener.json").read_text())
    assert float(by_method["wiener"]["psnr_db"]) == stored["mean"]["psnr_db"]
    assert stored["dataset_id"] == tiny.id
    assert stored["status"] == "rerun"
    assert len(stored["images"]) == tiny.splits["test-g1.2"]
    again = (board / "tables" / "tiny.md").read_text()
    cli("leaderboard", "build", "--board", board)
    assert (board / "tables" / "tiny.md").read_text() == again


def test_the_blurred_row_is_there_without_identity_and_flags_what_is_worse(submission):
    blurred = float(submission.blurred.psnr_db)
    rows = rank_track([scored(submission, "bad", blurred - 1), scored(submission, "good", blurred + 2)])
    assert [(r.rank, r.method, r.below_blurred) for r in rows] == [
        (1, "good", False),
        (None, BLURRED, False),
        (2, "bad", True),
    ]
    assert [round(r.gain_db, 9) for r in rows] == [2, 0, -1]
    text = markdown("tiny", [rows])
    assert "bad ⚠ below blurred" in text
    assert "| - | blurred (identity) |" in text


def test_ties_share_a_rank(submission):
    rows = rank_track([scored(submission, m, v) for m, v in [("a", 90.00001), ("b", 90.0), ("c", 89.0)]])
    assert [(r.rank, r.method) for r in rows][:3] == [(1, "a"), (1, "b"), (3, "c")]


def test_who_is_told_the_kernel_has_no_rank_and_says_so(tiny, tmp_path, submission):
    run_baseline("tv", tiny, tmp_path / "tv", settings=["kernel=told"], quiet=True)
    (told,) = from_run(tmp_path / "tv")
    assert told.told
    rows = rank_track([told, submission, scored(submission, "good", 90.0)])
    by_method = {row.method: row for row in rows}
    assert {name: row.rank for name, row in by_method.items()} == {
        "good": 1, "wiener": 2, "tv (oracle)": None, BLURRED: None
    }  # fmt: skip
    assert [row.method for row in rows if row.told] == ["tv (oracle)"]
    text = markdown("tiny", [rows])
    assert "| - | tv (oracle), told the kernel |" in text
    assert "Such a row is a ceiling, and has no rank." in text
    assert "told" not in markdown("tiny", [rank_track([submission])])


def test_infinite_means(submission):
    endless = submission.model_copy(update={"blurred": Means(psnr_db="inf", ssim=1.0)})
    rows = rank_track([scored(endless, "same", "inf"), scored(endless, "less", 60.0)])
    assert [(r.method, r.gain_db) for r in rows] == [(BLURRED, 0.0), ("same", 0.0), ("less", float("-inf"))]


@pytest.mark.parametrize("change", [{"dataset_id": "0" * 64}, {"protocol": "gnr638-eval@2"}])
def test_what_cannot_be_compared_is_not_ranked(submission, change):
    with pytest.raises(DeblurbenchError, match="cannot be compared"):
        rank_track([submission, submission.model_copy(update={"method": "other", **change})])


def test_other_predictions_under_a_taken_name_are_refused(cli, runs, tmp_path):
    board = tmp_path / "board"
    cli("leaderboard", "add", runs[1], "--board", board)
    file = board / "submissions" / "tiny.test-g1.2" / "wiener.json"
    assert cli("leaderboard", "add", runs[1], "--board", board).code == 0  # the same ones: renewed
    stored = json.loads(file.read_text())
    stored["images"][0]["prediction_sha256"] = "0" * 64
    lines = "".join(f"{image['name']}\t{image['prediction_sha256']}\n" for image in stored["images"])
    file.write_text(json.dumps(stored | {"predictions_sha256": sha256_text(lines)}))
    result = cli("leaderboard", "add", runs[1], "--board", board)
    assert result.code == 1
    assert "holds other predictions" in result.err
    assert cli("leaderboard", "add", runs[1], "--board", board, "--overwrite").code == 0


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"dataset": "../../etc"}, "dataset"),
        ({"split": "test-a/b"}, "split"),
        ({"mean": {"psnr_db": "high"}}, "mean.psnr_db"),
        ({"images": []}, "images"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_hostile_submission_is_refused_by_key(submission, tmp_path, change, key):
    file = tmp_path / "s.json"
    file.write_text(json.dumps(submission.as_dict() | change))
    with pytest.raises(DeblurbenchError, match=f"s.json:{key}"):
        read_submission(file)


def test_a_method_name_cannot_break_the_table(submission):
    rows = rank_track([scored(submission, "a|b<script>\n# x", 99.0)])
    (line,) = [line for line in markdown("tiny", [rows]).splitlines() if line.startswith("| 1 |")]
    assert "a\\|b\\<script\\> # x" in line
    assert len(re.findall(r"(?<!\\)\|", line)) == 12


def test_an_unfinished_run_is_refused(cli, runs, tmp_path):
    (runs[0] / "predictions.json").unlink()
    result = cli("leaderboard", "add", runs[0], "--board", tmp_path / "b")
    assert result.code == 1
    assert "has no predictions yet" in result.err
    assert not (tmp_path / "b").exists()


def test_the_tables_that_ship_are_those_of_the_submissions_that_ship(cli, tmp_path):
    shutil.copytree(ROOT / "leaderboard", tmp_path / "board")
    shutil.rmtree(tmp_path / "board" / "tables")
    assert cli("leaderboard", "build", "--board", tmp_path / "board").code == 0
    shipped = {file.name: file.read_text() for file in (ROOT / "leaderboard" / "tables").iterdir()}
    assert {file.name: file.read_text() for file in (tmp_path / "board" / "tables").iterdir()} == shipped
    published = published_id(ROOT / "datasets" / "starter" / "recipe.toml")
    assert {s.dataset_id for s in read_board(ROOT / "leaderboard")} == {published}
