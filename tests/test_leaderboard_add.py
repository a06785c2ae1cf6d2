"""`leaderboard add` of run folders and of predictions, `leaderboard new-track`, and the five commands of the guide."""

import json
import re
import shlex
import shutil
import tomllib

import numpy as np
import pytest
from conftest import ROOT, TINY, noise
from submission_kit import SPLIT, TRACK, build_tiny, predict_into, stored, tree

from deblurbench.dataset.reader import open_dataset
from deblurbench.files import sha256_text
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.leaderboard.track import Track, TrackFile, read_track, write_track
from deblurbench.runs.run import run_baseline
from deblurbench.scoring.api import score


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return build_tiny(tmp_path_factory.mktemp("data")).path


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "wiener"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deblurbench.runs.run.keep_cost", lambda *_, **__: None)
        run_baseline("wiener", open_dataset(data), folder, quiet=True)
    return folder


@pytest.fixture
def preds(data, tmp_path):
    return predict_into(tmp_path / "preds", data)


@pytest.fixture
def board(tmp_path):
    return tmp_path / "board"


def refused(result, *words, code=1):
    assert result.code == code, result
    for word in words:
        assert word in result.err
    assert result.err.splitlines()[-1].startswith("Error: ")
    assert "bug" not in result.err


# --- predictions ---


def test_predictions_are_scored_under_the_protocol_of_the_track(cli, data, preds, board):
    result = cli("leaderboard", "add", preds, "--sharp", data, "--method", "mine", "--board", board, "--quiet")
    assert result.code == 0
    assert result.out.split() == [str(board / "submissions" / TRACK / "mine.json")]
    value = stored(board, "mine")
    assert value["status"] == "rescored"
    report = score(preds, data / SPLIT / "sharp", "gnr638-eval", exact=True)
    assert value["mean"]["psnr_db"] == pytest.approx(report.mean["psnr_db"], abs=1e-12)
    assert [i["psnr_db"] for i in value["images"]] == [i.values["psnr_db"] for i in report["gnr638-eval"].images]
    assert cli("leaderboard", "check", "--board", board, "--predictions", preds, "--sharp", data).code == 0


@pytest.mark.parametrize("sharp", ["", SPLIT, f"{SPLIT}/sharp"])
@pytest.mark.parametrize("nested", [False, True])
def test_any_way_to_say_where_the_pictures_are_gives_the_same(cli, data, preds, board, sharp, nested, tmp_path):
    if nested:
        (tmp_path / "all").mkdir()
        preds = shutil.move(preds, tmp_path / "all" / SPLIT).parent
    result = cli("leaderboard", "add", preds, "--sharp", data / sharp, "--method", "mine", "--board", board, "--quiet")
    assert result.code == 0
    assert stored(board, "mine")["track"] == TRACK


def test_any_folder_with_the_sharp_pictures_of_the_track_will_do(cli, data, preds, board, tmp_path):
    new = ("leaderboard", "new-track", TRACK, "--data", data, "--board", board, "--quiet")
    assert cli(*new).code == 0
    sharp = shutil.copytree(data / SPLIT / "sharp", tmp_path / "somewhere")
    add = ("leaderboard", "add", preds, "--sharp", sharp, "--method", "mine", "--board", board, "--quiet")
    refused(cli(*add), "no track is named", code=2)
    assert cli(*add, "--track", TRACK).code == 0
    first = sorted(sharp.iterdir())[0]
    write_png(first, noise(*read_rgb(first).shape[:2]))
    before = tree(board)
    refused(cli(*add, "--track", TRACK, "--overwrite"), f"{first.name} is not the sharp picture of the track")
    first.unlink()
    refused(cli(*add, "--track", TRACK, "--overwrite"), f"has no sharp picture {first.name}", code=2)
    assert tree(board) == before


def test_a_track_made_of_predictions_of_a_run_and_of_a_dataset_is_the_same(cli, data, run, preds, tmp_path):
    for name, arguments in {
        "of-run": ["add", run],
        "of-predictions": ["add", preds, "--sharp", data, "--method", "mine"],
        "of-data": ["new-track", TRACK, "--data", data],
    }.items():
        assert cli("leaderboard", *arguments, "--board", tmp_path / name, "--quiet").code == 0
    assert tree(tmp_path / "of-run" / "tracks") == tree(tmp_path / "of-data" / "tracks")
    assert tree(tmp_path / "of-run" / "tracks") == tree(tmp_path / "of-predictions" / "tracks")


def spoil_missing(folder):
    sorted(folder.iterdir())[0].unlink()


def spoil_unreadable(folder):
    sorted(folder.iterdir())[0].write_bytes(b"no picture")


def spoil_size(folder):
    write_png(sorted(folder.iterdir())[0], noise(9, 9))


def spoil_all(folder):
    for file in folder.iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (spoil_missing, "has no prediction for"),
        (spoil_all, "3 of 3"),
        (spoil_unreadable, "cannot be decoded"),
        (spoil_size, "the prediction is 9x9"),
    ],
)
def test_predictions_that_are_not_whole_are_named_and_nothing_is_written(cli, data, preds, board, spoil, word):
    name = sorted(preds.iterdir())[0].name
    spoil(preds)
    refused(cli("leaderboard", "add", preds, "--sharp", data, "--method", "m", "--board", board), word, name)
    assert not (board / "submissions").exists()
    assert not (board / "tracks").exists()


def test_predictions_of_the_training_split_are_refused_and_it_is_said(cli, data, board, tmp_path):
    flat = predict_into(tmp_path / "flat", data, "train")
    result = cli("leaderboard", "add", flat, "--sharp", data, "--method", "m", "--board", board, "--quiet")
    refused(result, "it has pictures of the split train, which this track does not take")
    nested = predict_into(tmp_path / "nested" / "train", data, "train").parent
    result = cli("leaderboard", "add", nested, "--sharp", data, "--method", "m", "--board", board, "--quiet")
    refused(result, "has predictions of train, and none of test-g1.2", code=2)


def test_the_sharp_pictures_are_no_predictions(cli, data, board):
    sharp = data / SPLIT / "sharp"
    result = cli("leaderboard", "add", sharp, "--sharp", sharp, "--method", "m", "--board", board, "--quiet")
    refused(result, "the prediction is the sharp picture itself", "3 of 3")
    assert not (board / "submissions").exists()


def test_the_blurred_pictures_are_and_floats_too(cli, data, board, tmp_path):
    add = ("leaderboard", "add", "--sharp", data, "--board", board, "--quiet")
    assert cli(*add, data / SPLIT / "blur", "--method", "nothing").code == 0
    track = read_track(board, TRACK)
    assert [i["psnr_db"] for i in stored(board, "nothing")["images"]] == [p.blurred_psnr_db for p in track.pictures]
    (tmp_path / "floats").mkdir()
    for file in (data / SPLIT / "blur").iterdir():
        np.save(tmp_path / "floats" / f"{file.stem}.npy", read_rgb(file).astype(np.float32) / 255)
    assert cli(*add, tmp_path / "floats", "--method", "floats").code == 0
    assert stored(board, "floats")["mean"] == stored(board, "nothing")["mean"]


def test_floats_that_are_no_numbers_are_refused(cli, data, preds, board):
    first = sorted(preds.iterdir())[0]
    np.save(first.with_suffix(".npy"), np.full(read_rgb(first).shape, np.nan, np.float32))
    first.unlink()
    result = cli("leaderboard", "add", preds, "--sharp", data, "--method", "m", "--board", board, "--quiet")
    refused(result, first.stem)
    assert not (board / "submissions").exists()


def test_what_is_missing_is_said_before_any_picture_is_scored(cli, data, preds, board, monkeypatch):
    monkeypatch.setattr("deblurbench.leaderboard.predictions.score_pairing", None)
    sorted(preds.iterdir())[0].unlink()
    result = cli("leaderboard", "add", preds, "--sharp", data, "--method", "m", "--board", board, "--quiet")
    refused(result, "has no prediction for")


def test_the_card_says_what_the_makers_say(cli, data, preds, board, tmp_path):
    card, weights = tmp_path / "card.toml", tmp_path / "w.bin"
    weights.write_text("weights")
    card.write_text(
        'method = "Mine | <b>"\nauthors = ["A", "Ö"]\ntraining_data = "GoPro train"\nlicence = "MIT"\nnote = "n"\n'
        'parameters = 12\n[links]\ncode = "https://example.org/x"\n'
    )
    add = ("leaderboard", "add", preds, "--sharp", data, "--card", card, "--board", board, "--quiet")
    assert cli(*add, "--weights", weights).code == 0
    value = stored(board, "Mine_b")
    assert (value["method"], value["parameters"], value["weights_sha256"]) == ("Mine | <b>", 12, sha256_text("weights"))
    assert value["about"]["links"] == {"code": "https://example.org/x"}
    assert cli(*add, "--method", "other", "--parameters", 13, "--told").code == 0
    value = stored(board, "other")
    assert (value["parameters"], value["told"]) == (13, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("metod = 'x'", ["card.toml:metod", "did you mean 'method'"]),
        ("parameters = -1", ["card.toml:parameters"]),
        ("parameters = true", ["card.toml:parameters"]),
        ("[links]\ncode = 'javascript:alert(1)'", ["card.toml:links.code", "https://"]),
        ("method = 'a\\nb'\nauthors = 3", ["card.toml:"]),
        ('method = "a\\nb"', ["card.toml:method", "one line"]),
        ("= 3", ["card.toml is not valid TOML"]),
        ("licence = 'MIT'", ["the method has no name", "--method"]),
    ],
)
def test_a_card_that_is_wrong_is_refused_by_key(cli, data, preds, board, tmp_path, text, words):
    (tmp_path / "card.toml").write_text(text)
    result = cli("leaderboard", "add", preds, "--sharp", data, "--card", tmp_path / "card.toml", "--board", board)
    refused(result, *words, code=2)
    assert not board.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--sharp", "data", "--method", "m"], ["no folder nowhere"]),
        (["preds", "--method", "m"], ["preds is no run folder", "--sharp"]),
        (["preds", "--sharp", "nowhere", "--method", "m"], ["no folder nowhere"]),
        (["preds", "--sharp", "data", "--method", "m", "--card", "nowhere.toml"], ["nowhere.toml"]),
        (["preds", "--sharp", "data", "--method", "x" * 81], ["method", "80"]),
        (["preds", "--sharp", "data", "--method", ""], ["method"]),
        (["preds", "--sharp", "data", "--method", "  "], ["method", "begins nor ends with a space"]),
        (["preds", "--sharp", "data", "--method", "m", "--track", "tiny.tset"], ["no track 'tiny.tset'", "new-track"]),
        (["preds", "preds", "run", "--sharp", "data", "--method", "m"], ["two of the sources are 'm'"]),
        (["preds", "--sharp", "preds", "--method", "m", "--track", "x.test"], ["no track 'x.test'"]),
        (["preds", "--sharp", "data", "--method", "m", "--track", "../x"], ["../x"]),
    ],
)
def test_what_newcomers_type_wrong(cli, data, run, preds, board, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").symlink_to(run)
    (tmp_path / "data").symlink_to(data)
    result = cli("leaderboard", "add", *arguments, "--board", board, "--quiet")
    refused(result, *words, code=2)
    assert not board.exists()


def test_a_board_that_is_a_file_is_seen_before_anything_is_scored(cli, data, preds, board):
    board.write_text("mine")
    result = cli("leaderboard", "add", preds, "--sharp", data, "--method", "m", "--board", board)
    refused(result, f"cannot write to {board}", code=2)
    assert "score:" not in result.err
    assert board.read_text() == "mine"


def test_weights_of_a_method_without_any_are_refused(cli, run, board):
    result = cli("leaderboard", "add", run, "--weights", run / "run.json", "--board", board)
    refused(result, "has other weights than these: it has none: leave it out", code=2)


def test_a_method_with_other_predictions_is_replaced_only_if_asked(cli, data, preds, board, tmp_path):
    add = ("leaderboard", "add", "--sharp", data, "--method", "mine", "--board", board, "--quiet")
    assert cli(*add, preds).code == 0
    other = predict_into(tmp_path / "other", data, weight=3)
    before = tree(board)
    refused(cli(*add, other), "holds other predictions")
    assert tree(board) == before
    assert cli(*add, other, "--overwrite").code == 0
    assert tree(board) != before


def test_many_pictures_stand_in_a_file_beside(cli, data, preds, board, monkeypatch):
    for module in ("submission_file", "checks.submission"):
        monkeypatch.setattr(f"deblurbench.leaderboard.{module}.INLINE", 2)  # so that three are many
    add = ("leaderboard", "add", preds, "--sharp", data, "--method", "m", "--board", board, "--quiet")
    assert cli(*add).code == 0
    assert stored(board, "m")["scores_file"]["name"] == "m.scores.csv"
    check = ("leaderboard", "check", "--board", board, "--predictions", preds, "--sharp", data, "--quiet")
    result = cli(*check, "--sample", 2)
    assert result.code == 0
    assert "re-scored 2 of 3" in result.out


# --- runs ---


def test_a_run_goes_on_a_track_of_another_protocol_when_it_is_scored_again(cli, data, run, board):
    new = ("leaderboard", "new-track", "luma", "--data", data, "--protocol", "basicsr-y", "--board", board, "--quiet")
    assert cli(*new).code == 0
    add = ("leaderboard", "add", run, "--track", "luma", "--method", "my wiener", "--board", board, "--quiet")
    refused(cli(*add), "was scored under gnr638-eval@1, the track luma has basicsr-y@1", "--sharp", code=2)
    assert cli(*add, "--sharp", data).code == 0
    value = stored(board, "my_wiener", "luma")
    assert (value["status"], value["protocol"], value["method"]) == ("rerun", "basicsr-y@1", "my wiener")
    report = score(run / "predictions" / SPLIT, data / SPLIT / "sharp", "basicsr-y", exact=True)
    assert value["mean"]["psnr_db"] == pytest.approx(report.mean["psnr_db"], abs=1e-12)
    file = board / "submissions" / "luma" / "my_wiener.json"
    assert cli("leaderboard", "check", file, "--board", board, "--predictions", run, "--sharp", data).code == 0


def test_a_run_says_by_itself_what_it_is(cli, run, board, tmp_path):
    (tmp_path / "w").write_text("w")
    add = ("leaderboard", "add", run, "--board", board)
    refused(cli(*add, "--parameters", 5), "has 0 parameters, not 5", code=2)
    refused(cli(*add, "--told"), "was not told", code=2)
    refused(cli(*add, "--weights", tmp_path / "w"), "has other weights", code=2)
    refused(cli(*add, "--track", "x.test"), "no track 'x.test'", "new-track", code=2)
    assert not board.exists()


def test_a_run_whose_pictures_were_changed_is_refused_when_it_is_scored_again(cli, data, run, board, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    first = sorted((copy / "predictions" / SPLIT).iterdir())[0]
    write_png(first, noise(*read_rgb(first).shape[:2]))
    result = cli("leaderboard", "add", copy, "--sharp", data, "--board", board, "--quiet")
    refused(result, "the pictures are not those of predictions.json")


# --- tracks ---


def test_new_track_takes_test_splits_and_protocols_with_a_psnr_alone(cli, data, board):
    new = ("leaderboard", "new-track", "t", "--data", data, "--board", board, "--quiet")
    refused(cli(*new, "--split", "train"), "train is no test split", code=2)
    refused(cli(*new, "--split", "val"), "val is no test split", code=2)
    refused(cli(*new, "--split", "test-g1.1"), "did you mean 'test-g1.2'", code=2)
    refused(cli(*new, "--protocol", "lpips-alex"), "no psnr_db", code=2)
    refused(cli(*new, "--protocol", "torchmetrics-pooled"), "of all pictures together", code=2)
    refused(cli(*new, "--protocol", "gnr638-eval@7"), "no version 7", code=2)
    refused(cli(*new, "--title", "a\nb"), "title", code=2)
    refused(cli("leaderboard", "new-track", "../t", "--data", data, "--board", board), "no name of a track", code=2)
    assert not board.exists()


def test_a_track_says_its_rules_and_keeps_what_is_not_said_again(cli, data, board):
    new = ("leaderboard", "new-track", "t", "--data", data, "--board", board, "--quiet")
    assert cli(*new, "--title", "Small", "--max-parameters", 1000, "--training-data", "tiny alone").code == 0
    refused(cli(*new), "there is a track t", "--overwrite", code=2)
    assert cli(*new, "--max-parameters", 5, "--overwrite").code == 0
    file = tomllib.loads((board / "tracks" / "t.toml").read_text())
    assert file["title"] == "Small"
    assert file["rules"] == {"max_parameters": 5, "training_data": "tiny alone"}


def test_a_track_is_not_replaced_under_the_feet_of_its_submissions(cli, data, preds, board):
    new = ("leaderboard", "new-track", TRACK, "--data", data, "--board", board, "--overwrite", "--quiet")
    add = ("leaderboard", "add", preds, "--sharp", data, "--method", "mine", "--parameters", 9, "--board", board)
    assert cli(*add, "--quiet").code == 0
    before = tree(board)
    refused(cli(*new, "--protocol", "basicsr-y"), "would no longer fit: mine")
    refused(cli(*new, "--max-parameters", 8), "would no longer fit: mine")
    assert tree(board) == before
    assert cli(*new, "--max-parameters", 9).code == 0


@pytest.mark.parametrize(
    ("parameters", "word"), [([], "say how many it has"), (["--parameters", 1001], "1,001 are more than the 1,000")]
)
def test_a_limit_of_parameters_holds_when_results_are_added(cli, data, preds, board, parameters, word):
    new = ("leaderboard", "new-track", TRACK, "--data", data, "--max-parameters", 1000, "--board", board, "--quiet")
    assert cli(*new).code == 0
    add = ("leaderboard", "add", preds, "--sharp", data, "--method", "mine", "--board", board, "--quiet")
    refused(cli(*add, *parameters), word)
    assert cli(*add, "--parameters", 0).code == 0


@pytest.mark.parametrize("source", ["run", "preds"])
def test_a_track_of_reported_numbers_becomes_a_measured_one(cli, data, run, preds, board, source):
    file = TrackFile(title="Ours", about="Text.", dataset="tiny", split=SPLIT, reported=("Tiny",))
    write_track(board, Track(TRACK, file))
    arguments = [run] if source == "run" else [preds, "--sharp", data, "--method", "mine"]
    assert cli("leaderboard", "add", *arguments, "--board", board, "--quiet").code == 0
    track = read_track(board, TRACK)
    assert track.is_measured
    assert (track.file.title, track.file.about, track.file.reported) == ("Ours", "Text.", ("Tiny",))
    assert cli("leaderboard", "check", "--board", board).code == 0


def test_nothing_is_written_into_an_input(cli, data, run, preds):
    refused(cli("leaderboard", "add", run, "--board", run / "board"), "lies inside the input", code=2)
    inside = preds / "board"
    result = cli("leaderboard", "add", preds, "--sharp", data, "--method", "m", "--board", inside)
    refused(result, "lies inside the input", code=2)
    assert not inside.exists()


# --- the guide ---


def test_the_five_commands_of_the_guide_run_as_they_stand(cli, tmp_path, monkeypatch):
    guide = (ROOT / "docs" / "leaderboard.md").read_text()
    block = re.search(r"<!-- five commands -->\n```sh\n(.*?)```", guide, re.DOTALL)
    card = re.search(r"`card.toml`[^\n]*\n\n```toml\n(.*?)```", guide, re.DOTALL)
    assert block
    assert card
    monkeypatch.chdir(tmp_path)
    (tmp_path / "card.toml").write_text(card[1])
    (tmp_path / "tiny.toml").write_text(TINY)
    lines = [line.partition("#")[0].strip() for line in block[1].splitlines()]
    commands = [shlex.split(line) for line in lines if line]
    assert len(commands) == 5
    assert all(command[0] == "deblurbench" for command in commands)
    for command in commands:
        words = [word.replace("starter", "tiny") for word in command[1:]]
        result = cli(*("tiny.toml" if word == "tiny" else word for word in words))
        assert result.code == 0, (command, result)
    assert (tmp_path / "leaderboard" / "tables" / "tiny.csv").is_file()
    assert json.loads((tmp_path / "leaderboard" / "submissions" / TRACK / "mine.json").read_text())["about"]["licence"]


def test_a_run_says_who_made_its_baseline_and_a_card_says_it_better(cli, tiny, tmp_path):
    run_baseline("identity", tiny, tmp_path / "run", quiet=True)
    file = tmp_path / "leaderboard" / "submissions" / TRACK / "identity.json"
    assert cli("leaderboard", "add", tmp_path / "run", "--board", tmp_path / "leaderboard").code == 0
    about = json.loads(file.read_text())["about"]
    assert (about["authors"], about["licence"]) == (["The deblurbench authors"], "Apache-2.0")
    (tmp_path / "card.toml").write_text('authors = ["Somebody"]\n')
    card = ["--card", tmp_path / "card.toml", "--board", tmp_path / "leaderboard"]
    assert cli("leaderboard", "add", tmp_path / "run", *card).code == 0
    about = json.loads(file.read_text())["about"]
    assert (about["authors"], about["licence"]) == (["Somebody"], "")
