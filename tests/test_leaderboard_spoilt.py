"""Boards with any file spoilt: `check` never fails, `build` fails in words, and takes whatever `check` finds good."""

import copy
import json
import random
import shutil
import tomllib
from contextlib import nullcontext, suppress

import pytest
import tomli_w
from board_kit import make_entry, make_track, write_board
from pydantic import ValidationError

from deblurbench.errors import DeblurbenchError
from deblurbench.files import canonical_json, sha256_text
from deblurbench.leaderboard.board import Contest, read_board
from deblurbench.leaderboard.checks.board import check_board
from deblurbench.leaderboard.submission import UNSEALED, adapter, facts_hash
from deblurbench.leaderboard.submission_file import write_entry
from deblurbench.leaderboard.tables.build import build_tables

ODD = [
    *(None, True, 0, -1, 2, 3, 1 << 63, 10**400, 1e308, -1e308, 5e-324, 1.5),
    *("", " ", "x", "nan", "inf", "-inf", "1_0.5", " 3.0", "1e999", "\u0661\u0662", "\x00", "\u202e", "x" * 2000),
    *("../../x", "..", "a/b", "=1+1", "0" * 64, "train", "reported", "gnr638-eval@9", "basicsr-rgb@1", "a\nb"),
    *([], {}, [1], [[]], {"a": 1}),
]
REPORTED = (
    "method,year,benchmark,train_set,psnr_db,ssim,params_m,macs_g,tier,source,protocol\n"
    "X,2020,GoPro,GoPro,30.1,0.9,1.5,2.5,primary,paper,\n"
    "Y,,GoPro,,31.1,,,,secondary,paper 2,nafnet@1\n"
)
RUN = {"status": "rerun", "baseline": "wiener", "version": 1, "config_hash": "1" * 64, "parameters": 12, "seeds": (1,)}
COST = {"device": "CPU", "sizes": {"256x256": {"macs": 5, "seconds": 0.5, "memory_mb": 2.5, "calls": 3}}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    toy, big = make_track(reported=("GoPro",)), make_track("big.test", 101)
    rerun = make_entry(toy, "a", 2.0, cost=COST, budget={"epochs": 1, "crops": 2, "seconds": 3.0}, **RUN)
    board = tmp_path_factory.mktemp("whole") / "board"
    write_board(board, Contest(toy, [rerun, make_entry(toy, "b")]), Contest(big, [make_entry(big, "c")]))
    (board / "reported").mkdir()
    (board / "reported" / "r.csv").write_text(REPORTED)
    return board


@pytest.fixture
def board(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "board")
    return tmp_path / "board"


def places(value, path=()):
    """All paths into a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(*path, key) for key, _ in items] + [p for key, part in items for p in places(part, (*path, key))]


def spoil_value(value, rng):
    value = copy.deepcopy(value)
    *path, last = rng.choice(places(value))
    holder = value
    for key in path:
        holder = holder[key]
    if rng.random() < 0.2:
        del holder[last]
    else:
        holder[last] = rng.choice(ODD)
    return value


def spoil_csv(text, rng):
    rows = [line.split(",") for line in text.splitlines()]
    y = rng.randrange(len(rows))
    how = rng.random()
    if how < 0.15:
        del rows[y]
    elif how < 0.3:
        rows.insert(y, rows[y])
    else:
        rows[y][rng.randrange(len(rows[y]))] = str(rng.choice(ODD))
    return "".join(",".join(row) + "\n" for row in rows)


def sealed(value):
    """As somebody would who knows how; what is no submission at all stays as it is."""
    try:
        found = adapter().validate_json(canonical_json(value | {"facts_sha256": "0" * 64}), context=UNSEALED)
    except ValidationError:
        return value
    return value | {"facts_sha256": facts_hash(found)}


def spoil_submission(board, rng):
    file = rng.choice(sorted(board.glob("submissions/*/*.json")))
    file.write_text(json.dumps(sealed(spoil_value(json.loads(file.read_text()), rng))))


def spoil_track(board, rng):
    file = board / "tracks" / "toy.test.toml"
    value = spoil_value(tomllib.loads(file.read_text()), rng)
    try:
        file.write_text(tomli_w.dumps(value))
    except TypeError:  # TOML has no null
        file.write_text("")


def spoil_pictures(board, rng):
    file = board / "tracks" / "toy.test.pictures.csv"
    text = spoil_csv(file.read_text(), rng)
    file.write_text(text)
    toml = board / "tracks" / "toy.test.toml"
    toml.write_text(tomli_w.dumps(tomllib.loads(toml.read_text()) | {"pictures_sha256": sha256_text(text)}))


def spoil_scores(board, rng):
    file = board / "submissions" / "big.test" / "c.json"
    scores, value = file.with_name("c.scores.csv"), json.loads(file.read_text())
    text = spoil_csv(scores.read_text(), rng)
    scores.write_text(text)
    value["scores_file"]["sha256"] = sha256_text(text)
    file.write_text(json.dumps(sealed(value)))


def spoil_reported(board, rng):
    file = board / "reported" / "r.csv"
    file.write_text(spoil_csv(file.read_text(), rng))


def spoil_bytes(board, rng):
    file = rng.choice([file for file in sorted(board.rglob("*")) if file.is_file()])
    data = bytearray(file.read_bytes())
    at = rng.randrange(len(data))
    data[at : at + rng.randrange(9)] = rng.choice(
        [b"", b"\x00", b"\xff", b'"', b",", b"\n", b"\r", b"{" * 200, b"9" * 99]
    )
    file.write_bytes(data)


SPOILERS = [spoil_submission, spoil_track, spoil_pictures, spoil_scores, spoil_reported, spoil_bytes]


@pytest.mark.parametrize("spoil", SPOILERS)
def test_whatever_is_spoilt_is_said_in_words(whole, tmp_path, spoil):
    found = set()
    for seed in range(40):
        board = tmp_path / str(seed)
        shutil.copytree(whole, board)
        spoil(board, random.Random(seed))
        problems = [f"{one.file}: {problem}" for one in check_board(board) for problem in one.problems]
        found.add(bool(problems))
        with suppress(DeblurbenchError) if problems else nullcontext():
            build_tables(board)
    assert True in found


def test_a_whole_board_is_good(whole):
    assert not [problem for one in check_board(whole) for problem in one.problems]


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("30.1", "300.1", "'X' on toy.test: mean.psnr_db: it lies between 0 and 150 dB"),
        ("0.9", "90", "'X' on toy.test: mean.ssim: it lies between -1 and 1"),
        ("30.1", "thirty", "r.csv:2: psnr_db: 'thirty' is no number"),
        ("1.5", "1e308", "r.csv:2: params_m: '1e308' is no count"),
        ("Y,,GoPro", "Y,,GoPro2", "r.csv:3: benchmark: no track has 'GoPro2'"),
    ],
)
def test_reported_numbers_are_looked_at_as_well(cli, board, old, new, word):
    file = board / "reported" / "r.csv"
    file.write_text(file.read_text().replace(old, new))
    result = cli("leaderboard", "check", "--board", board)
    assert result.code == 1
    assert f"{board / 'reported'}: {word}" in result.out


@pytest.mark.parametrize(
    ("column", "cell", "word"),
    [
        (-1, "inf", "a name, a hash or a number is none"),
        (-2, "1e+308", "a name, a hash or a number is none"),
        (-2, "-1.0", "a name, a hash or a number is none"),
        (-2, "2_5.0", "not as `leaderboard new-track` writes it"),
        (0, "a,b", "is damaged"),
        (0, "../x.png", "a name, a hash or a number is none"),
        (0, "z.png", "sorted by name"),
    ],
)
def test_no_track_is_read_whose_pictures_cannot_be(board, column, cell, word):
    toml, file = (board / "tracks" / f"toy.test{suffix}" for suffix in (".toml", ".pictures.csv"))
    header, first, *rest = file.read_text().splitlines()
    cells = first.split(",")
    cells[column] = cell
    text = "\n".join([header, ",".join(cells), *rest]) + "\n"
    file.write_text(text)
    toml.write_text(tomli_w.dumps(tomllib.loads(toml.read_text()) | {"pictures_sha256": sha256_text(text)}))
    with pytest.raises(DeblurbenchError, match=word):
        read_board(board)
    assert any(word in problem for one in check_board(board) for problem in one.problems)


def test_a_track_of_the_training_split_is_none(board):
    toml = board / "tracks" / "toy.test.toml"
    toml.write_text(tomli_w.dumps(tomllib.loads(toml.read_text()) | {"split": "train"}))
    with pytest.raises(DeblurbenchError, match="only a test split is measured, not train"):
        read_board(board)


@pytest.mark.parametrize("cell", ["2_5.0", " 25.0", "2.5e1", "25"])
def test_numbers_are_written_in_one_way(board, cell):
    """A spreadsheet would take some of these for text."""
    file = board / "submissions" / "big.test" / "c.json"
    scores, value = file.with_name("c.scores.csv"), json.loads(file.read_text())
    header, first, *rest = scores.read_text().splitlines()
    name, _, *others = first.split(",")
    text = "\n".join([header, ",".join([name, cell, *others]), *rest]) + "\n"
    scores.write_text(text)
    value["scores_file"]["sha256"] = sha256_text(text)
    file.write_text(json.dumps(sealed(value)))
    assert any("not as `leaderboard add` writes it" in what for one in check_board(board) for what in one.problems)


@pytest.mark.parametrize("name", ["tracks", "submissions", "reported", "tables"])
def test_a_folder_of_a_board_leads_nowhere_else(board, tmp_path, name):
    (board / "tables").mkdir()
    (board / name).rename(tmp_path / "elsewhere")
    (board / name).symlink_to(tmp_path / "elsewhere")
    assert any("leads away from the board" in problem for one in check_board(board) for problem in one.problems)


@pytest.mark.parametrize("name", ["blurred (identity)", "Blurred (Identity)"])
def test_no_method_is_called_as_the_blurred_pictures(board, name):
    write_entry(board, make_entry(make_track(), name))
    assert any("what tables call the blurred" in problem for one in check_board(board) for problem in one.problems)
    with pytest.raises(DeblurbenchError, match="what tables call the blurred"):
        build_tables(board)
