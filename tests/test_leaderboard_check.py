"""`leaderboard check`: what it says of good, wrong and hostile boards; the JSON Schema; the workflow that runs it."""

import importlib.util
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import zipfile
from dataclasses import replace

import jsonschema
import pytest
import tomli_w
import yaml
from board_kit import make_entry, make_track, write_board
from conftest import ROOT, TINY, noise
from hypothesis import given, settings
from hypothesis import strategies as st
from submission_kit import SPLIT, build_tiny, predict_into, tree

from deblurbench.cli.main import cli as program
from deblurbench.config import read_toml
from deblurbench.dataset.reader import open_dataset
from deblurbench.files import json_text, sha256_text, write_json
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.leaderboard.board import Contest
from deblurbench.leaderboard.checks.submission import examine
from deblurbench.leaderboard.checks.tracks import examine_track
from deblurbench.leaderboard.scores import Scores
from deblurbench.leaderboard.submission import Reported, ReportedMeans, adapter, json_schema
from deblurbench.leaderboard.submission_file import new_entry, read_submission, write_entry
from deblurbench.leaderboard.track import Rules, new_track, write_track
from deblurbench.runs.run import run_baseline

TRACK = make_track()
HASH = "5" * 64


@pytest.fixture
def board(tmp_path):
    return write_board(
        tmp_path / "board", Contest(TRACK, [make_entry(TRACK, "mine", 2), make_entry(TRACK, "other", 3)])
    )


def file_of(board, method="mine"):
    return board / "submissions" / TRACK.name / f"{method}.json"


def with_scores(entry, **columns):
    """The same submission with other columns, sealed again."""
    kept = ("images", "scores_file", "mean", "predictions_sha256", "facts_sha256")
    facts = {key: value for key, value in dict(entry.submission).items() if key not in kept}
    scores = entry.scores
    own = {key: getattr(scores, key) for key in ("names", "psnr_db", "ssim", "hashes")} | columns
    return new_entry(facts, Scores(**own))


def lines(cli, board, *arguments):
    """The lines of problems."""
    result = cli("leaderboard", "check", *arguments, "--board", board)
    found = [line for line in result.out.splitlines() if not line.startswith("ok ")]
    assert result.code == (1 if found else 0), result
    return found


def test_a_good_board_has_a_line_for_each_file_and_says_that_nothing_was_scored(cli, board):
    result = cli("leaderboard", "check", "--board", board)
    assert result.code == 0
    assert result.err == ""
    assert result.out.splitlines() == [
        f"ok {board}/tracks/toy.test.toml: 6 pictures, not re-scored",
        f"ok {board}/submissions/toy.test/mine.json: rescored; not re-scored",
        f"ok {board}/submissions/toy.test/other.json: rescored; not re-scored",
    ]


def test_all_that_is_wrong_is_listed(cli, board):
    value = json.loads(file_of(board).read_text())
    value["mean"]["psnr_db"] += 1
    value["mean"]["ssim"] = 0.5
    value["method"] = "nobody"
    file_of(board).write_text(json.dumps(value))
    file_of(board, "other").write_text(json.dumps(value | {"seeds": ["a"], "extra": 1, "device": "tpu"}))
    found = lines(cli, board)
    for word in (
        "mine.json: method:",
        "mine.json: mean.psnr_db:",
        "mine.json: mean.ssim:",
        "mine.json: facts_sha256:",
        "other.json: seeds.0:",
        "other.json: extra:",
        "other.json: device:",
    ):
        assert any(word in line for line in found), word
    report = json.loads(cli("leaderboard", "check", "--board", board, "--json", "-").out)
    assert report["wrong"] == 2
    assert sum(len(file["problems"]) for file in report["files"]) == len(found)


def test_only_the_files_that_are_named_are_checked_yet_against_all_others(cli, board):
    shutil.copy(file_of(board), file_of(board).with_name("copy.json"))
    assert not lines(cli, board, file_of(board, "other"))
    assert len(lines(cli, board, file_of(board).with_name("copy.json"))) >= 2
    assert lines(cli, board, file_of(board).parent) == lines(cli, board)
    for wrong in (board / "nothing.json", board / "tracks"):
        assert cli("leaderboard", "check", wrong, "--board", board).code == 2


@pytest.mark.parametrize(
    ("columns", "word"),
    [
        ({"psnr_db": (-1.0, *[26.0] * 5)}, "psnr_db: it lies between 0 and 150 dB"),
        ({"psnr_db": (151.0, *[26.0] * 5)}, "psnr_db: it lies between 0 and 150 dB"),
        (
            {"psnr_db": (float("inf"), *[26.0] * 5)},
            "infinite, and the prediction is not the sharp picture",
        ),
        ({"ssim": (1.1, *[0.9] * 5)}, "ssim: it lies between -1 and 1"),
        ({"hashes": (TRACK.pictures[0].facts.sharp_sha256, *[HASH] * 5)}, "the prediction is the sharp picture itself"),
        (
            {"hashes": (TRACK.pictures[0].facts.blur_sha256, *[HASH] * 5)},
            "the blurred picture, and has another number",
        ),
    ],
)
def test_numbers_that_cannot_be_are_refused(cli, board, columns, word):
    write_entry(board, with_scores(make_entry(TRACK, "mine", 2), **columns))
    (line,) = lines(cli, board)
    assert word in line


def test_where_the_blurred_picture_is_nearly_sharp_an_honest_method_may_hit_it(cli, tmp_path):
    track = make_track()
    near = [type(p)(p.facts, 60.0, 0.8) for p in track.pictures]
    track = new_track(track.name, track.file, near)
    entry = make_entry(track, "mine", 1)
    hit = with_scores(
        entry,
        psnr_db=(float("inf"), *entry.scores.psnr_db[1:]),
        hashes=(near[0].facts.sharp_sha256, *entry.scores.hashes[1:]),
    )
    assert not lines(cli, write_board(tmp_path / "b", Contest(track, [hit])))


def test_duplicates(cli, board):
    mine = make_entry(TRACK, "mine", 2)
    write_entry(board, with_scores(make_entry(TRACK, "thief", 2), hashes=mine.scores.hashes))
    found = lines(cli, board)
    assert len(found) == 2
    assert "mine.json: predictions_sha256: these are the predictions of 'thief' (thief.json)" in found[0]
    assert "thief.json: predictions_sha256: these are the predictions of 'mine' (mine.json)" in found[1]
    write_entry(board, with_scores(make_entry(TRACK, "thief", 2.5), hashes=(mine.scores.hashes[0], *[HASH] * 5)))
    found = lines(cli, board)
    assert len(found) == 2  # nobody knows which of the two is right
    assert all("has the same prediction of p00000.png, and another number" in line for line in found)
    file_of(board, "thief").unlink()
    write_entry(board, make_entry(TRACK, "M i n e", 4))
    found = lines(cli, board)
    assert len(found) == 2
    assert all("has the same name" in line for line in found)


def test_two_that_do_nothing_are_no_duplicates(cli, board):
    blurred = tuple(picture.facts.blur_sha256 for picture in TRACK.pictures)
    for method in ("identity", "lazy"):
        write_entry(board, with_scores(make_entry(TRACK, method, 0, ssim=0.8), hashes=blurred))
    assert not lines(cli, board)


def test_predictions_of_another_split_are_found(cli, board):
    other = make_track("other.test", seed=1)
    borrowed = with_scores(make_entry(other, "mine", 2), hashes=make_entry(TRACK, "mine", 2).scores.hashes)
    easier = with_scores(make_entry(other, "easy", 2), hashes=(TRACK.pictures[0].facts.blur_sha256, *[HASH] * 5))
    write_board(board, Contest(other, [borrowed, easier]))
    found = lines(cli, board)
    assert any("other.test/easy.json" in line and "blurred picture of another track" in line for line in found)
    assert sum("mine.json: predictions_sha256: " in line and "on another split" in line for line in found) == 2
    assert len(found) == 3


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        ({"parameters": 1001}, "1,001 are more than the 1,000 of the track"),
        ({"parameters": None}, "say how many it has"),
        ({"parameters": 5, "trainable": 6}, "trainable: 6 are more"),
    ],
)
def test_the_limit_of_parameters(cli, tmp_path, facts, word):
    track = replace(TRACK, file=TRACK.file.model_copy(update={"rules": Rules(max_parameters=1000)}))
    board = write_board(tmp_path / "b", Contest(track, [make_entry(track, "mine", **facts)]))
    (line,) = lines(cli, board)
    assert word in line


def test_a_protocol_that_this_program_does_not_have_is_refused(cli, tmp_path):
    for protocol in ("gnr638-eval@2", "nobodys@1", "lpips-alex@1"):
        track = make_track(protocol=protocol)
        board = write_board(tmp_path / protocol, Contest(track, [make_entry(track, "mine")]))
        (line,) = lines(cli, board)
        assert "toy.test.toml: protocol: " in line


def test_reported_numbers_are_read_and_said_to_be_reported(cli, board):
    reported = Reported(
        track=TRACK.name, method="Paper", mean=ReportedMeans(psnr_db=30.0), tier="primary", source="p. 3"
    )
    write_json(file_of(board, "Paper"), reported.as_dict())
    result = cli("leaderboard", "check", "--board", board)
    assert result.code == 0
    assert "Paper.json: reported, not measured: only its source can tell" in result.out
    write_json(file_of(board, "Paper"), reported.as_dict() | {"mean": {"psnr_db": 300.0}, "dataset_id": HASH})
    assert any("dataset_id" in line for line in lines(cli, board))


# --- hostile files ---


def deep(text):
    return "[" * 100_000


def twice(text):
    return text.replace('"told": false', '"told": true,\n  "told": false')


def hostile(change):
    return lambda text: json.dumps(change(json.loads(text)))


HOSTILE = {
    "deep": (deep, "too deeply nested"),
    "deep objects": (lambda _: '{"a":' * 50_000, "too deeply nested"),
    "empty": (lambda _: "", "it is no JSON"),
    "list": (lambda text: f"[{text}]", "submission_schema"),
    "nan": (lambda text: re.sub(r'"psnr_db": [\d.]+', '"psnr_db": NaN', text), "NaN is no JSON number"),
    "huge": (lambda text: re.sub(r'"psnr_db": [\d.]+', '"psnr_db": 1e999', text), "1e999 is no JSON number"),
    "digits": (lambda text: text.replace('"dataset_version": 1', f'"dataset_version": {"9" * 5000}'), "it is no JSON"),
    "large": (lambda text: text.replace('"dataset_version": 1', f'"dataset_version": {"9" * 50}'), "dataset_version"),
    "twice": (twice, "told: it stands there twice"),
    "version": (hostile(lambda v: v | {"submission_schema": True}), "submission_schema"),
    "foreign": (hostile(lambda v: v | {"submission_schema": 3}), "this program knows 2, not 3"),
    "track": (hostile(lambda v: v | {"track": "../../etc"}), "track: String should match"),
    "name": (hostile(lambda v: v | {"method": "a\x1b[31mb"}), "method: "),
    "key": (hostile(lambda v: v | {"\x1b[31m\n": 1}), "Extra inputs"),
    "link": (hostile(lambda v: v | {"about": {"links": {"code": "javascript:alert(1)"}}}), "about.links.code: "),
    "surrogate": (hostile(lambda v: v | {"method": "\ud800"}), "(top): Invalid JSON"),
    "picture": (hostile(lambda v: v | {"images": [v["images"][0] | {"name": "../p.png"}]}), "images.0.name: "),
    "elsewhere": (
        hostile(lambda v: v | {"images": [], "scores_file": {"name": "..", "sha256": HASH}}),
        "scores_file.name: ",
    ),
    "others": (
        hostile(lambda v: v | {"images": [], "scores_file": {"name": "other.json", "sha256": HASH}}),
        "the scores of mine.json stand in mine.scores.csv",
    ),
    "no pictures": (hostile(lambda v: v | {"images": []}), "the pictures stand either in"),
    "many errors": (hostile(lambda v: v | {f"k{i}": i for i in range(500)}), "more)"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused_in_lines_that_can_be_shown(cli, board, case):
    change, word = HOSTILE[case]
    file_of(board).write_text(change(file_of(board).read_text()))
    found = lines(cli, board)
    assert found
    assert any(word in line for line in found), found
    assert all(line.isprintable() for line in found)
    assert len(found) < 40


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """A board whose files are spoilt again and again."""
    return write_board(tmp_path_factory.mktemp("spoilt"), Contest(TRACK, [make_entry(TRACK, "mine", 2)]))


PIECES = st.binary(max_size=12) | st.sampled_from([b'"', b"{", b"[", b"1e9", b"-", b"null", b"\n", b","])


@given(at=st.integers(0, 10_000), length=st.integers(0, 30), new=PIECES)
@settings(max_examples=150)
def test_whatever_is_done_to_a_submission_is_said_or_changes_nothing(spoilt, at, length, new):
    file = file_of(spoilt)
    good = write_entry(spoilt, make_entry(TRACK, "mine", 2)).read_bytes()
    start = at % len(good)
    file.write_bytes(good[:start] + new + good[start + length :])
    found = examine(file)
    if not found.problems:
        assert found.submission.facts_sha256 == make_entry(TRACK, "mine", 2).submission.facts_sha256


@given(at=st.integers(0, 10_000), length=st.integers(0, 30), new=PIECES, toml=st.booleans())
@settings(max_examples=150)
def test_whatever_is_done_to_a_track_is_said_or_changes_nothing_that_is_measured(spoilt, at, length, new, toml):
    write_track(spoilt, TRACK)
    file = spoilt / "tracks" / ("toy.test.toml" if toml else "toy.test.pictures.csv")
    good = file.read_bytes()
    start = at % len(good)
    file.write_bytes(good[:start] + new + good[start + length :])
    found = examine_track(spoilt, TRACK.name)
    assert found.problems or found.track.pictures in ((), TRACK.pictures)


def test_bytes_that_are_no_text_links_and_devices_are_refused(cli, board, tmp_path):
    file_of(board).write_bytes(b'{"method": "\xff"}')
    assert any("mine.json: it is not UTF-8" in line for line in lines(cli, board))
    file_of(board).unlink()
    file_of(board).symlink_to(file_of(board, "other"))
    assert any("mine.json: it is no ordinary file" in line for line in lines(cli, board))
    file_of(board).unlink()
    file_of(board).symlink_to(file_of(board))  # to itself
    assert any("mine.json: it is no ordinary file" in line for line in lines(cli, board))
    file_of(board).unlink()
    (tmp_path / "far").mkdir()
    shutil.move(board / "submissions" / TRACK.name, tmp_path / "far" / TRACK.name)
    (board / "submissions" / TRACK.name).symlink_to(tmp_path / "far" / TRACK.name)
    assert lines(cli, board)


def test_files_that_belong_to_nothing_are_named(cli, board):
    for name in (
        "tracks/x.pictures.csv",
        "tracks/evil.html",
        "submissions/loose.json",
        "submissions/toy.test/a.scores.csv",
    ):
        (board / name).write_text("x")
    (board / "submissions" / "toy.test" / "page.html").write_text("<script>")
    assert len(lines(cli, board)) == 5


def test_a_submission_in_the_wrong_place_is_refused(cli, board):
    (board / "submissions" / "nothere").mkdir()
    shutil.move(file_of(board), board / "submissions" / "nothere" / "mine.json")
    (line,) = lines(cli, board)
    assert "track: a submission to toy.test lies in" in line.replace(f"{board}/submissions/nothere/mine.json: ", "")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("p00001", "p00000"),
        lambda text: text.replace("p00001", "../p1"),
        lambda text: text.replace("scene-1", "s\x1b[31m"),
        lambda text: re.sub(r"\d+\.\d+,0\.8\n", "nan,0.8\n", text, count=1),
        lambda text: re.sub(r"\d+\.\d+,0\.8\n", "1e999,2\n", text, count=1),
        lambda text: text.replace("0.8\n", "0.80\n", 1),
        lambda text: text + "\n",
        lambda text: text.replace("scene,", "scene,more,", 1),
        lambda text: "\n".join([text.splitlines()[0], *text.splitlines()[:0:-1]]) + "\n",
        lambda text: "",
        lambda text: "name\n" + "x" * 200_000 + "\n",
    ],
)
def test_pictures_of_a_track_that_are_sealed_and_still_wrong(cli, board, change):
    toml, pictures = board / "tracks" / "toy.test.toml", board / "tracks" / "toy.test.pictures.csv"
    text = change(pictures.read_text())
    pictures.write_text(text)
    toml.write_text(tomli_w.dumps(read_toml(toml) | {"pictures_sha256": sha256_text(text)}))
    assert any("toy.test.toml: " in line for line in lines(cli, board))


@pytest.mark.parametrize("text", ["= 3", "track_schema = 2", "", "a = " + "[" * 5000, "title = 'a\\nb'"])
def test_a_track_that_is_no_track_is_refused(cli, board, text):
    (board / "tracks" / "toy.test.toml").write_text(text)
    assert lines(cli, board)


def test_no_board(cli, tmp_path):
    result = cli("leaderboard", "check", "--board", tmp_path)
    assert result.code == 2
    assert "no board at" in result.err


# --- with predictions ---


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return build_tiny(tmp_path_factory.mktemp("data")).path


@pytest.fixture
def scored(cli, data, tmp_path):
    """A board with one method, and its predictions."""
    preds = predict_into(tmp_path / "preds", data)
    add = ("leaderboard", "add", preds, "--sharp", data, "--method", "mine", "--board", tmp_path / "scored", "--quiet")
    assert cli(*add).code == 0
    return tmp_path / "scored", preds


def test_a_sample_is_scored_again_and_the_seed_is_said(cli, data, scored):
    board, preds = scored
    check = ("leaderboard", "check", "--board", board, "--predictions", preds, "--sharp", data)
    first, second = cli(*check, "--sample", 2), cli(*check, "--sample", 2)
    assert "mine.json: rescored; re-scored 2 of 3" in first.out
    seeds = [int(re.search(r"--sample 2 --seed (\d+)", result.err)[1]) for result in (first, second)]
    assert seeds[0] != seeds[1]  # one in 4,294,967,296 runs fails
    assert f"--seed {seeds[0]}" in cli(*check, "--sample", 2, "--seed", seeds[0]).err
    assert "re-scored 3 of 3" in cli(*check, "--all").out
    hashes = cli("leaderboard", "check", "--board", board, "--predictions", preds)
    assert hashes.code == 0
    assert "not re-scored" in hashes.out
    assert cli("leaderboard", "check", "--board", board, "--sharp", data).code == 2


def test_predictions_that_are_others_missing_or_damaged_are_named(cli, data, scored):
    board, preds = scored
    first, second, third = sorted(preds.iterdir())
    write_png(first, noise(*read_rgb(first).shape[:2]))
    second.write_bytes(b"damaged")
    third.unlink()
    before = tree(board)
    found = lines(cli, board, "--predictions", preds, "--sharp", data)
    assert any(
        f"prediction_sha256: 1 of 3 pictures are not those that it names: {first.name}" in line for line in found
    )
    assert any(f"psnr_db of {first.name}: " in line and "re-scored" in line for line in found)
    assert any(second.name in line and "cannot be decoded" in line for line in found)
    assert any(f"has no prediction for {third.name}" in line for line in found)
    assert tree(board) == before


def test_predictions_of_the_training_split_are_refused(cli, data, scored, tmp_path):
    board, _ = scored
    flat = predict_into(tmp_path / "flat", data, "train")
    (line,) = [p for p in lines(cli, board, "--predictions", flat, "--sharp", data) if "no prediction for" in p]
    assert "it has pictures of the split train, which this track does not take" in line
    nested = predict_into(tmp_path / "nested" / "train", data, "train").parent
    (line,) = lines(cli, board, "--predictions", nested, "--sharp", data)
    assert "has predictions of train, and none of test-g1.2" in line


def test_a_dataset_that_is_not_the_tracks_is_refused(cli, scored, tmp_path, data):
    board, preds = scored
    (tmp_path / "else").mkdir()
    other = build_tiny(tmp_path / "else", TINY.replace("sigma = 1.2", "sigma = 1.3")).path
    found = lines(cli, board, "--predictions", preds, "--sharp", other)
    assert any("tracks/tiny.test-g1.2.toml: dataset_id: " in line for line in found)
    assert any("is not as" in line for line in found)
    swapped = shutil.copytree(data / SPLIT / "sharp", tmp_path / "swapped")
    first, second, _ = sorted(swapped.iterdir())
    shutil.copy(second, first)
    found = lines(cli, board, "--predictions", preds, "--sharp", swapped)
    assert any(f"{first.name} is not the sharp picture of the track" in line for line in found)


def test_whose_predictions_they_are_has_to_be_clear(cli, data, scored, tmp_path):
    board, preds = scored
    other = predict_into(tmp_path / "other", data, weight=2)
    add = ("leaderboard", "add", other, "--sharp", data, "--method", "other", "--board", board, "--quiet")
    assert cli(*add).code == 0
    check = ("leaderboard", "check", "--board", board, "--predictions", preds, "--sharp", data, "--quiet")
    result = cli(*check)  # whose hashes these are
    assert result.code == 0
    assert "mine.json: rescored; re-scored 3 of 3" in result.out
    assert "other.json: rescored; not re-scored" in result.out
    first = sorted(preds.iterdir())[0]
    write_png(first, noise(*read_rgb(first).shape[:2]))
    assert "are not those that it names" in cli(*check).out
    for file in preds.iterdir():
        write_png(file, noise(*read_rgb(file).shape[:2]))
    result = cli(*check)
    assert result.code == 2
    assert "name the submission files" in result.err
    shutil.rmtree(preds)
    predict_into(preds, data)
    file = board / "submissions" / "tiny.test-g1.2" / "mine.json"
    assert not lines(cli, board, file, "--predictions", preds, "--sharp", data)
    assert lines(cli, board, file.with_name("other.json"), "--predictions", preds, "--sharp", data)


def test_evidence_of_one_method_does_not_keep_the_others_from_being_checked(cli, data, scored, tmp_path):
    board, _ = scored
    run_baseline("wiener", open_dataset(data), tmp_path / "run", quiet=True)
    assert cli("leaderboard", "add", tmp_path / "run", "--board", board).code == 0
    check = ("leaderboard", "check", "--board", board, "--predictions", tmp_path / "run", "--sharp", data)
    result = cli(*check)
    assert result.code == 0
    assert "wiener.json: rerun; re-scored 3 of 3" in result.out
    assert "mine.json: rescored; not re-scored" in result.out
    mine = board / "submissions" / "tiny.test-g1.2" / "mine.json"
    mine.write_text(mine.read_text().replace('"mine"', '"wiener"'))
    assert cli(*check).code == 1
    mine.write_text(mine.read_text().replace('"wiener"', '"nobody"'))
    assert cli(*check).code == 1
    mine.unlink()
    (board / "submissions" / "tiny.test-g1.2" / "wiener.json").rename(mine)
    assert cli(*check).code == 1


def test_what_is_only_scored_says_nothing_of_a_run(cli, data, tmp_path):
    """Predictions of a run folder that were added as pictures: the folder proves what they say, and no more."""
    run, board = tmp_path / "run", tmp_path / "b"
    run_baseline("wiener", open_dataset(data), run, quiet=True)
    add = ("leaderboard", "add", run / "predictions", "--sharp", data, "--method", "m", "--board", board, "--quiet")
    assert cli(*add).code == 0
    assert not lines(cli, board, "--predictions", run, "--sharp", data, "--quiet")
    assert cli(*add, "--told", "--parameters", 3).code == 0
    found = lines(cli, board, "--predictions", run, "--sharp", data, "--quiet")
    assert len(found) == 2
    assert "told: True is not that of the run, False" in found[0]
    assert "parameters: 3 is not that of the run, None" in found[1]


def test_the_hash_of_the_weights(cli, data, scored, tmp_path):
    board, preds = scored
    weights = tmp_path / "w"
    weights.write_text("weights")
    (line,) = lines(cli, board, "--weights", weights)
    assert "mine.json: weights_sha256: None is not that of the file" in line
    add = ("leaderboard", "add", preds, "--sharp", data, "--method", "mine", "--board", board, "--quiet")
    assert cli(*add, "--weights", weights, "--parameters", 3).code == 0
    assert not lines(cli, board, "--weights", weights)


# --- the JSON Schema ---

RENEW = (
    "python -c 'from deblurbench.files import json_text; from deblurbench.leaderboard.submission import json_schema; "
    'print(json_text(json_schema()), end="")\' > leaderboard/submission.schema.json'
)


def test_the_schema_file_is_that_of_the_program():
    file = ROOT / "leaderboard" / "submission.schema.json"
    assert file.read_text() == json_text(json_schema()), f"renew it: {RENEW}"
    assert RENEW in (ROOT / "leaderboard" / "README.md").read_text()
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_the_schema_accepts_what_the_program_writes(tmp_path):
    validator = jsonschema.Draft202012Validator(json_schema())
    many = make_track("many.test", n=101)
    write_board(
        tmp_path, Contest(TRACK, [make_entry(TRACK, "mine")]), Contest(many, [make_entry(many, "mine", ssim=None)])
    )
    endless = with_scores(make_entry(TRACK, "endless"), psnr_db=(float("inf"),) * 6)
    write_entry(tmp_path, endless)
    reported = Reported(track=TRACK.name, method="P", mean=ReportedMeans(ssim=0.9), tier="seed", source="s")
    write_json(file_of(tmp_path, "P"), reported.as_dict())
    files = [*(ROOT / "leaderboard" / "submissions").glob("*/*.json"), *tmp_path.rglob("submissions/*/*.json")]
    assert len(files) > 10
    for file in files:
        validator.validate(json.loads(file.read_text()))
        assert read_submission(file)


@pytest.mark.parametrize(
    "change",
    [
        {"submission_schema": 1},
        {"submission_schema": None},
        {"status": "best"},
        {"dataset_id": None},
        {"dataset_id": "5" * 63},
        {"mean": {"psnr_db": "high"}},
        {"mean": {"psnr_db": "-inf"}},
        {"protocol": "gnr638-eval"},
        {"method": ""},
        {"extra": 1},
        {"parameters": -1},
        {"device": "tpu"},
        {"about": {"links": {"code": "ftp://example.org"}}},
        {"images": [{"name": "a/b.png", "psnr_db": 1.0, "prediction_sha256": HASH}]},
    ],
)
def test_the_schema_refuses_what_the_program_refuses(change):
    value = make_entry(TRACK, "mine").submission.as_dict() | change
    if change == {"submission_schema": None}:
        del value["submission_schema"]
        assert "submission_schema" in json_schema()["$defs"]["Measured"]["required"]
    else:
        with pytest.raises(ValueError, match=r"\S"):
            adapter().validate_json(json.dumps(value), strict=True)
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(value)


def test_reported_ones_have_no_dataset_id():
    value = Reported(track="a", method="P", mean=ReportedMeans(ssim=0.9), tier="seed", source="s").as_dict()
    validator = jsonschema.Draft202012Validator(json_schema())
    assert validator.is_valid(value)
    assert not validator.is_valid(value | {"dataset_id": HASH})


# --- the workflow ---

WORKFLOW = ROOT / ".github" / "workflows" / "leaderboard.yml"


def steps():
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    return [(name, step) for name, job in jobs.items() for step in job["steps"]]


def test_the_workflow_has_few_rights_and_takes_what_it_is_given_as_data():
    text, flow = WORKFLOW.read_text(), yaml.safe_load(WORKFLOW.read_text())
    assert flow["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in flow["jobs"].values())
    assert "secrets" not in re.sub(r"#.*", "", text)
    assert "pull_request_target" not in text
    on = flow[True]  # YAML 1.1 takes `on` for a truth
    assert on["pull_request"]["paths"] == ["leaderboard/**"]
    for _, step in steps():
        assert "${{" not in step.get("run", ""), "inputs come through env, so that they are never code"
        if "uses" in step:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False
    assert all(job["timeout-minutes"] <= 120 for job in flow["jobs"].values())


def test_the_commands_of_the_workflow_are_those_of_the_program(cli):
    found = []
    for job, step in steps():
        for line in step.get("run", "").splitlines():
            if line.strip().startswith("deblurbench "):
                words = shlex.split(line)[1:]
                found.append((job, " ".join(words[:2])))
                command, names = program, []
                while words and hasattr(command, "get_command"):
                    names.append(words.pop(0))
                    command = command.get_command(None, names[-1])
                    assert command is not None, line
                options = {option for parameter in command.params for option in parameter.opts}
                assert {word for word in words if word.startswith("--")} <= options, line
                assert cli(*names, "--help").code == 0
    assert found == [
        ("check", "leaderboard check"),
        ("check", "leaderboard build"),
        ("rescore", "build-dataset $DATASET"),
        ("rescore", "leaderboard check"),
    ]
    assert "--sample" in WORKFLOW.read_text()
    script = [step["run"] for job, step in steps() if "unpack" in step.get("name", "")]
    assert ".github/unpack_predictions.py predictions.zip predictions" in script[0]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, 0),
        ({"PULL_REQUEST": "17", "SAMPLE": "50"}, 0),
        ({"PULL_REQUEST": "17/merge"}, 2),
        ({"SUBMISSION": "../../x"}, 2),
        ({"SUBMISSION": "a/b; rm -rf /"}, 2),
        ({"PREDICTIONS": "http://example.org/p.zip"}, 2),
        ({"PREDICTIONS": "https://example.org/p.zip --output /etc/passwd"}, 2),
        ({"PREDICTIONS": "file:///etc/passwd"}, 2),
        ({"DATASET": "--set=x"}, 2),
        ({"DATASET": "../mine.toml"}, 2),
        ({"SAMPLE": "all"}, 2),
    ],
)
def test_what_is_typed_into_the_form_is_looked_at_first(changed, code):
    first = steps()[[job for job, _ in steps()].index("rescore")][1]
    good = {"SUBMISSION": "starter.test-g1.2/mine", "PREDICTIONS": "https://example.org/p.zip", "DATASET": "starter"}
    environment = {"PATH": os.environ["PATH"], "PULL_REQUEST": "", "SAMPLE": "", **good, **changed}
    assert set(environment) - {"PATH"} == set(first["env"])
    done = subprocess.run(["bash", "-eo", "pipefail", "-c", first["run"]], env=environment, check=False)
    assert done.returncode == code


# --- unpacking ---


@pytest.fixture(scope="module")
def unpacker():
    spec = importlib.util.spec_from_file_location("unpack_predictions", ROOT / ".github" / "unpack_predictions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def zipped(path, names, *, mode=0, content=b"x"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return path


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a.png", "b.npy"], ["a.png", "b.npy"]),
        (["test-g1/a.png", "test-g2/a.png"], ["test-g1/a.png", "test-g2/a.png"]),
        (["mine/test/a.png"], ["test/a.png"]),
        (["mine/a.png", "mine/b.png"], ["a.png", "b.png"]),
        (["test/a.png"], ["test/a.png"]),
    ],
)
def test_pictures_are_unpacked(unpacker, tmp_path, names, found):
    assert unpacker.main([str(zipped(tmp_path / "p.zip", names)), str(tmp_path / "out")]) == 0
    assert sorted(tree(tmp_path / "out")) == found


@pytest.mark.parametrize(
    "names",
    [
        ["../a.png"],
        ["/etc/a.png"],
        ["x/../../a.png"],
        ["test/../a.png"],
        ["a.png", "run.json"],
        ["a.sh"],
        ["train/a.png"],
        [".hidden.png"],
        ["-rf.png", "a/b/c.png"],
        ["a.png", "A.png"],
        ["a\nb.png"],
        ["C:\\a.png"],
        [],
    ],
)
def test_all_else_is_refused_and_nothing_is_written(unpacker, tmp_path, capsys, names):
    assert unpacker.main([str(zipped(tmp_path / "p.zip", names)), str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.startswith("Error: ")
    assert [p.name for p in tmp_path.rglob("*")] == ["p.zip"]


def test_links_become_files_and_bombs_are_stopped(unpacker, tmp_path, monkeypatch, capsys):
    link = zipped(tmp_path / "l.zip", ["a.png"], mode=0o120777, content=b"/etc/passwd")
    assert unpacker.main([str(link), str(tmp_path / "links")]) == 0
    assert not (tmp_path / "links" / "a.png").is_symlink()
    monkeypatch.setattr(unpacker, "MOST_BYTES", 10_000)
    bomb = zipped(tmp_path / "b.zip", ["a.png", "b.png"], content=bytes(9_000))
    assert unpacker.main([str(bomb), str(tmp_path / "bomb")]) == 1
    assert not (tmp_path / "bomb").exists()


@pytest.mark.parametrize("place", [0, 40, 200])
def test_a_damaged_zip_is_refused(unpacker, tmp_path, capsys, place):
    """Its beginning, the packed bytes of a picture, its middle."""
    archive = zipped(tmp_path / "p.zip", ["a.png"], content=random.Random(0).randbytes(300) * 3)
    data = bytearray(archive.read_bytes())
    data[place : place + 8] = b"\xff" * 8
    archive.write_bytes(data)
    assert unpacker.main([str(archive), str(tmp_path / "x")]) == 1
    assert "cannot be unpacked" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_submission_from_elsewhere_changes_and_removes_no_code(tmp_path):
    (script,) = [step["run"] for _, step in steps() if "brings no code" in step.get("name", "")]
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")

    def commit(*paths):
        for path in paths:
            (tmp_path / path).parent.mkdir(exist_ok=True, parents=True)
            (tmp_path / path).write_text("1\n2\n3\n")
        for words in (("add", "-A"), ("commit", "-qm", "x")):
            subprocess.run([*git, *words], cwd=tmp_path, check=True)

    def allowed():
        environment = os.environ | {"RUNNER_TEMP": str(tmp_path / ".git")}
        bash = ["bash", "-eo", "pipefail", "-c", script]
        return subprocess.run(bash, check=False, cwd=tmp_path, env=environment, capture_output=True).returncode == 0

    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    commit("code/a.py", "leaderboard/a.json")
    assert not allowed()  # there is nothing to compare with
    commit("leaderboard/b.json")
    assert allowed()
    commit("code/b.py")
    assert not allowed()
    (tmp_path / "code" / "a.py").rename(tmp_path / "leaderboard" / "a.py")
    commit()
    assert not allowed()


def test_what_a_pull_request_changes_is_said(tmp_path):
    (script,) = [step["run"] for _, step in steps() if step.get("name") == "Say what it changes that was there before"]
    track = tmp_path / "leaderboard" / "tracks" / "a.toml"
    track.parent.mkdir(parents=True)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    said = []
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    for change in ("first", "added", "edited"):
        (track.with_name("b.toml") if change == "added" else track).write_text(change)
        for words in (("add", "-A"), ("commit", "-qm", change)):
            subprocess.run([*git, *words], cwd=tmp_path, check=True)
        environment = os.environ | {"RUNNER_TEMP": str(tmp_path / ".git")}
        bash = ["bash", "-c", script]
        said.append(
            subprocess.run(bash, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True).stdout
        )
    assert said[1] == ""
    assert said[2].startswith("M\tleaderboard/tracks/a.toml\n::warning::")
