"""Leaderboards: submissions from runs, tables that rank only what can be compared."""

import csv
import json
import math
import re
import shutil
from dataclasses import replace

import pytest
from board_kit import make_contest, make_entry, make_track
from conftest import ROOT

from deblurbench.dataset.recipe import published_id
from deblurbench.errors import DeblurbenchError
from deblurbench.leaderboard.board import Contest, read_board
from deblurbench.leaderboard.from_run import from_run
from deblurbench.leaderboard.scores import parse_scores_csv
from deblurbench.leaderboard.submission_file import read_submission, write_entry
from deblurbench.leaderboard.tables.markdown import markdown
from deblurbench.leaderboard.tables.standing import BLURRED, standing
from deblurbench.leaderboard.track import write_track
from deblurbench.runs.run import run_baseline


@pytest.fixture
def runs(tiny, tmp_path):
    for name in ("identity", "wiener"):
        run_baseline(name, tiny, tmp_path / name, quiet=True)
    return tmp_path / "identity", tmp_path / "wiener"


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


def test_the_blurred_row_is_there_without_identity_and_flags_what_is_worse():
    ranked = standing(make_contest(make_track(n=10), bad=-1, good=2))
    rows = ranked.rows
    assert [(r.rank, r.method, r.below_blurred) for r in rows] == [
        (1, "good", False),
        (None, BLURRED, False),
        (2, "bad", True),
    ]
    assert [round(r.gain_db, 9) for r in rows] == [2, 0, -1]
    text = markdown("toy", [ranked])
    assert "bad ⚠ below blurred" in text
    assert "| - | *blurred (identity)* |" in text


def test_ties_share_a_rank():
    ranked = standing(make_contest(make_track(n=10), a=9.00001, b=9.0, c=8.0))
    rows = ranked.rows
    assert [(r.rank, r.first_rank, r.last_rank, r.method) for r in rows][:3] == [
        (1, 1, 2, "a"), (1, 1, 2, "b"), (3, 3, 3, "c"),
    ]  # fmt: skip


def test_who_is_told_the_kernel_has_no_rank_and_says_so(tiny, tmp_path):
    run_baseline("tv", tiny, tmp_path / "tv", settings=["kernel=told"], quiet=True)
    ((track, told),) = from_run(tmp_path / "tv", {})
    assert told.submission.told
    contest = Contest(track, [told, make_entry(track, "better", 40), make_entry(track, "worse", -40)])
    ranked = standing(contest)
    rows = ranked.rows
    assert {row.method: (row.rank, row.first_rank, row.last_rank) for row in rows} == {
        "better": (1, 1, 2), "worse": (2, 1, 2), "tv (oracle)": (None, None, None), BLURRED: (None, None, None)
    }  # fmt: skip
    assert ranked.caution.startswith("Only 3 pictures of 3 scenes: too few to tell any two methods apart")
    assert [row.method for row in rows if row.told] == ["tv (oracle)"]
    text = markdown("tiny", [ranked])
    assert "| - | tv (oracle), told the kernel |" in text
    assert "Such a row is a ceiling, and has no rank." in text
    assert "the kernel" not in markdown("tiny", [standing(make_contest(track, better=3))])


def test_infinite_means():
    track = make_track()
    endless = replace(track, pictures=[replace(picture, blurred_psnr_db=math.inf) for picture in track.pictures])
    ranked = standing(Contest(endless, [make_entry(endless, "same", 0), make_entry(track, "less", 3)]))
    rows = ranked.rows
    assert [(r.method, r.gain_db) for r in rows] == [(BLURRED, 0.0), ("same", 0.0), ("less", float("-inf"))]


@pytest.mark.parametrize("change", [{"dataset_id": "0" * 64}, {"protocol": "gnr638-eval@2"}])
def test_what_cannot_be_compared_is_on_no_board(tmp_path, change):
    track = make_track()
    write_track(tmp_path, track)
    write_entry(tmp_path, make_entry(track, "other", **change))
    with pytest.raises(DeblurbenchError, match=f"other.json:{next(iter(change))}: .* is not that of the track"):
        read_board(tmp_path)


def test_other_predictions_under_a_taken_name_are_refused(cli, runs, tmp_path):
    board = tmp_path / "board"
    cli("leaderboard", "add", runs[1], "--board", board)
    assert cli("leaderboard", "add", runs[1], "--board", board).code == 0  # the same ones: renewed
    (contest,) = read_board(board)
    write_entry(board, make_entry(contest.track, "wiener", 1))
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
        ({"images": []}, "(top)"),
        ({"nonsense": 1}, "nonsense"),
        ({"method": "a\nb"}, "method"),
        ({"about": {"links": {"code": "javascript:alert(1)"}}}, "about.links.code"),
    ],
)
def test_a_hostile_submission_is_refused_by_key(tmp_path, change, key):
    file = write_entry(tmp_path, make_entry(make_track(), "mine"))
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(DeblurbenchError, match=re.escape(f"mine.json:{key}: ")):
        read_submission(file)


def test_a_method_name_cannot_break_the_table():
    track = make_track(n=10)
    ranked = standing(Contest(track, [make_entry(track, "a|b<script> # x")]))
    (line,) = [line for line in markdown("toy", [ranked]).splitlines() if line.startswith("| 1 |")]
    assert "a\\|b\\<script\\> # x" in line
    assert len(re.findall(r"(?<!\\)\|", line)) == 10


def test_many_pictures_stand_in_a_file_of_their_own(tmp_path):
    track = make_track(n=101)
    entry = make_entry(track, "mine", ssim=None)
    file = write_entry(tmp_path, entry)
    scores = file.with_name("mine.scores.csv")
    assert json.loads(file.read_text())["scores_file"]["name"] == scores.name
    assert read_submission(file) == entry
    scores.write_text(scores.read_text().replace("p00007", "p00008", 1))
    with pytest.raises(DeblurbenchError, match=r"is not the file that mine\.json names"):
        read_submission(file)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda text: text.replace("name,", "title,"), "its columns are not"),
        (lambda text: text.splitlines(keepends=True)[0], "there are no rows"),
        (lambda text: text.replace("0.9,", "0.9,x,", 1), "a row has not 4 cells"),
        (lambda text: re.sub(r"(?m)^(p00001.*)$", r"\1\n", text), "a row has not 4 cells"),
        (lambda text: text.replace("p00001", "../p00001"), "a name is none"),
        (lambda text: text.replace("p00001", "p00002", 1), "sorted by name"),
        (lambda text: re.sub(r"(?m)^(p00001.png),[^,]*", r"\1,nan", text), "nan is no number of a picture"),
        (lambda text: re.sub(r"(?m)^(p00001.png),[^,]*", r"\1,-inf", text), "-inf is no number of a picture"),
        (lambda text: re.sub(r"(?m)^(p00001.png),[^,]*", r"\1,1e13", text), "no number of a picture"),
        (lambda text: re.sub(r"(?m)^(p00001.png),[^,]*", r"\1,high", text), "could not convert"),
        (lambda text: text.replace(",0.9,", ",inf,", 1), "inf is no number of a picture"),
        (lambda text: text[:-2] + "\n", "a hash is none"),
        (lambda text: text[:-2] + "G\n", "a hash is none"),
        (lambda text: text.replace("\n", "\r\n"), "its columns are not"),
    ],
)
def test_a_damaged_table_of_scores_is_refused(change, what):
    text = make_entry(make_track(), "mine").scores.csv()
    assert parse_scores_csv(text, "mine.scores.csv").csv() == text
    assert change(text) != text
    with pytest.raises(DeblurbenchError, match=rf"^mine\.scores\.csv is no table of scores \(.*{what}"):
        parse_scores_csv(change(text), "mine.scores.csv")


def test_an_infinite_number_and_no_ssim_are_read_as_they_were_written():
    scores = make_entry(make_track(), "mine").scores
    scores = replace(scores, psnr_db=(math.inf, *scores.psnr_db[1:]), ssim=(None, *scores.ssim[1:]))
    assert parse_scores_csv(scores.csv(), "x") == scores


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
    starter = [c for c in read_board(ROOT / "leaderboard") if c.track.file.dataset == "starter"]
    assert {entry.submission.dataset_id for contest in starter for entry in contest.entries} == {published}


def test_methods_of_any_language_and_length_have_files_of_their_own(tmp_path):
    track = make_track()
    write_track(tmp_path, track)
    names = ["去模糊", "清晰", "é", "x" * 80, "x" * 79, "cnn (demo)"]
    files = [write_entry(tmp_path, make_entry(track, name, k)).name for k, name in enumerate(names)]
    assert len(set(files)) == len(names)
    assert files[-1] == "cnn_demo.json"
    (contest,) = read_board(tmp_path)
    assert {row.page + ".json" for row in standing(contest).rows if row.page} == set(files)
