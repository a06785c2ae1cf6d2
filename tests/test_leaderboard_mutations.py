"""Every single edit of a valid board that matters is caught by `leaderboard check`, with the predictions at hand.

Each test walks over all leaves of a file, and holds what was not caught against a list of what nobody can check: so the
lists cannot rot. `raw`: the file was edited and no more. `resealed`: whoever edited it made all hashes and means anew.
"""

import csv
import io
import json
import re
import shutil
import tomllib
from copy import deepcopy

import pytest
import tomli_w
from conftest import TINY

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.files import canonical_json, sha256_file, sha256_text, write_csv, write_json
from deblurbench.leaderboard.add import add_sources
from deblurbench.leaderboard.card import Card, Wishes
from deblurbench.leaderboard.checks.board import check_board
from deblurbench.leaderboard.checks.evidence import Evidence
from deblurbench.leaderboard.scores import mean_of_all
from deblurbench.runs.run import run_baseline

TRACK = "tiny.test-g1.2"
OTHER_HASH = "5" * 64

# Said by the makers alone, and not sealed: nobody can check it.
SAID = {"about.authors.0", "about.links.code", "about.training_data", "about.licence", "about.note"}
# Left out, these have their default, and it is what stood there: the same submission.
DEFAULTS = {"told", "budget.shipped", "cost.cost_schema", "cost.memory"}
# `add --method` gives any run any name.
NAMED = {"method"}
# Facts of the machine: another one has others, so that a run that is made again differs from the submission's.
MACHINE = re.compile(r"cost\..*|versions\..*|seconds_per_picture|device|git_commit|budget\.seconds")
# Without the run folder, nothing proves what was run; a `rerun` is somebody's word.
RUN = re.compile(
    r"status|baseline|version|origin|told|parameters|trainable|budget\..*|weights_sha256|tiling|config_hash|seeds\.0"
)

CARD = Card.model_validate_json(
    json.dumps(
        {
            "method": "mine",
            "authors": ["A. Author"],
            "links": {"code": "https://example.org/code"},
            "training_data": "none",
            "licence": "MIT",
            "note": "A note.",
        }
    )
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A dataset, a run whose folder says all that a run can say, and a board with its submission."""
    root = tmp_path_factory.mktemp("world")
    (root / "tiny.toml").write_text(TINY)
    dataset = build(make_plan(read_recipe(root / "tiny.toml")), root / "data", quiet=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deblurbench.runs.run.keep_cost", lambda *_, **__: None)
        run_baseline("wiener", dataset, root / "run", quiet=True)
    enrich(root / "run")
    add_sources(root / "board", [root / "run"], Wishes(card=CARD, quiet=True))
    return root


def enrich(run):
    """What a trained network's run says beside."""
    (run / "weights.safetensors").write_bytes(b"weights")
    record, predictions = (json.loads((run / name).read_text()) for name in ("run.json", "predictions.json"))
    record["config"]["training"] = {"seed": 7}
    record |= {"parameters": 1234, "trainable": 1200, "config_hash": sha256_text(canonical_json(record["config"]))}
    record["git_commit"] = "1" * 40
    predictions["weights_sha256"] = sha256_file(run / "weights.safetensors")
    sizes = {"256x256": {"macs": 5, "seconds": 0.5, "memory_mb": 2.5, "calls": 3, "note": "noted"}}
    write_json(run / "run.json", record)
    write_json(run / "predictions.json", predictions)
    write_json(run / "cost.json", {"cost_schema": 1, "device": "a CPU", "memory": "resident", "sizes": sizes})
    write_csv(run / "metrics.csv", ["epoch", "crops", "seconds"], [[1, 10, 1.5], [2, 20, 1.5]])


@pytest.fixture
def board(world, tmp_path):
    shutil.copytree(world / "board", tmp_path / "board")
    return tmp_path / "board"


def problems(board, *, run=None, sharp=None, files=()):
    evidence = Evidence(run, sharp, quiet=True) if run else None
    return [problem for one in check_board(board, files, evidence) for problem in one.problems]


def leaves(value, path=()):
    """The paths of all values that hold no others."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [leaf for key, part in inner for leaf in leaves(part, (*path, key))]
    return found or [path]


def at(value, path):
    for key in path:
        value = value[key]
    return value


SPECIAL = {
    "status": "rescored",
    "protocol": "basicsr-rgb@1",
    "split": "test-g1.6",
    "track": "tiny.test-g1.6",
    "dataset": "starter",
    "device": "cuda",
    "memory": "cuda",
    "submission_schema": 3,
    "track_schema": 2,
    "cost_schema": 2,
}


def another(key, value):
    """Another value of its kind that could as well stand there."""
    if key in SPECIAL:
        return SPECIAL[key]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + (1 if isinstance(value, int) else 0.25 if key != "ssim" else -0.01)
    if re.fullmatch("[0-9a-f]{64}", value):
        return OTHER_HASH
    return f"a{value}" if key == "name" else f"{value}x"


def changes(value):
    """Each edit of one leaf: (what, edited copy)."""
    for path in leaves(value):
        name = ".".join(map(str, path))
        for how in ("changed", "dropped"):
            edited = deepcopy(value)
            holder = at(edited, path[:-1])
            if how == "dropped":
                del holder[path[-1]]
            else:
                holder[path[-1]] = another(path[-1], holder[path[-1]])
            yield name, how, edited


def reseal(value, edited):
    """All that follows from the rest of a submission, made anew, unless it is what was edited."""
    images = value.get("images", [])
    if edited.partition(".")[0] == "images":
        psnrs, ssims = [i.get("psnr_db", 0) for i in images], [i.get("ssim") for i in images]
        value["mean"] = {"psnr_db": sum(psnrs) / len(psnrs)}
        if (ssim := mean_of_all(ssims)) is not None:
            value["mean"]["ssim"] = ssim
        lines = "".join(f"{i.get('name')}\t{i.get('prediction_sha256')}\n" for i in images)
        value["predictions_sha256"] = sha256_text(lines)
    if edited != "facts_sha256":
        facts = {key: part for key, part in value.items() if key not in ("about", "facts_sha256")}
        value["facts_sha256"] = sha256_text(canonical_json(facts))
    return value


def submission_of(board):
    return board / "submissions" / TRACK / "mine.json"


def put(board, value):
    """Write a submission where it says that it belongs, as one who cheats would."""
    submission_of(board).unlink()
    name = f"{value.get('method', 'mine')}.json"
    file = submission_of(board).with_name(name)
    write_json(file, value)
    return file


def uncaught(board, world, *, resealed, run=None, sharp=None):
    """The leaves of which an edit is not noticed, as `leaf changed` or `leaf dropped`."""
    original = json.loads(submission_of(board).read_text())
    assert not problems(board, run=run, sharp=sharp, files=[submission_of(board)])
    found, seen = set(), 0
    for name, how, value in changes(original):
        file = put(board, reseal(value, name) if resealed else value)
        seen += 1
        if not problems(board, run=run, sharp=sharp, files=[file]):
            found.add((name, how))
        file.unlink()
        write_json(submission_of(board), original)
    assert seen > 100  # the walk has really seen a full submission
    return found


def test_a_raw_edit_of_a_submission_is_caught_by_its_file_alone(board, world):
    missed = uncaught(board, world, resealed=False)
    assert {name for name, _ in missed} == SAID | DEFAULTS
    assert {how for name, how in missed if name in DEFAULTS} == {"dropped"}


def test_a_resealed_edit_is_caught_by_the_run_folder(board, world):
    missed = uncaught(board, world, resealed=True, run=world / "run", sharp=world / "data")
    names = {name for name, _ in missed}
    assert {name for name in names if not MACHINE.fullmatch(name)} == SAID | NAMED
    assert ("method", "dropped") not in missed


def test_a_resealed_edit_is_caught_by_the_predictions_alone(board, world):
    folder = world / "run" / "predictions"
    missed = uncaught(board, world, resealed=True, run=folder, sharp=world / "data" / "test-g1.2" / "sharp")
    names = {name for name, _ in missed}
    assert {name for name in names if not MACHINE.fullmatch(name) and not RUN.fullmatch(name)} == SAID | NAMED
    proven = {
        "track",
        "dataset",
        "dataset_version",
        "dataset_id",
        "split",
        "protocol",
        "predictions_sha256",
        "facts_sha256",
    }
    assert not names & proven
    assert not any(name.startswith(("images.", "mean.")) for name in names)


@pytest.mark.parametrize("resealed", [False, True])
@pytest.mark.parametrize("edit", ["swap", "swap-hashes", "swap-numbers", "repeat", "drop"])
def test_pictures_that_change_places_are_caught(board, world, edit, resealed):
    value = json.loads(submission_of(board).read_text())
    first, second, _ = value["images"]
    keys = {"swap": ["name"], "swap-hashes": ["prediction_sha256"], "swap-numbers": ["psnr_db", "ssim"]}.get(edit, [])
    for key in keys:
        first[key], second[key] = second[key], first[key]
    if edit == "repeat":
        value["images"].append(dict(second))
    if edit == "drop":
        value["images"].pop()
    file = put(board, reseal(value, "images") if resealed else value)
    assert problems(board, run=world / "run", sharp=world / "data", files=[file])


@pytest.mark.parametrize(("change", "caught"), [(5e-7, False), (2e-6, True), (-2e-6, True)])
@pytest.mark.parametrize("key", ["psnr_db", "ssim"])
def test_numbers_agree_to_the_tolerance_that_is_stated(board, world, key, change, caught):
    value = json.loads(submission_of(board).read_text())
    value["images"][1][key] += change
    file = put(board, reseal(value, "images"))
    assert bool(problems(board, run=world / "run", sharp=world / "data", files=[file])) is caught


# --- pictures in a file beside ---


@pytest.fixture
def attached(world, tmp_path, monkeypatch):
    """The same board, as if two pictures were many."""
    for module in ("submission_file", "checks.submission"):
        monkeypatch.setattr(f"deblurbench.leaderboard.{module}.INLINE", 1)
    add_sources(tmp_path / "attached", [world / "run"], Wishes(card=CARD, quiet=True))
    return tmp_path / "attached"


def edits_of_rows(text):
    """Each edit of a cell of a CSV file, each row dropped or repeated, two rows swapped: (what, rows)."""
    header, *rows = list(csv.reader(io.StringIO(text)))
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            for value in (another(header[x], float(cell) if re.fullmatch(r"\d+\.\d+", cell) else cell), ""):
                yield (
                    f"{header[x]} of row {y}",
                    [header, *rows[:y], [*row[:x], str(value), *row[x + 1 :]], *rows[y + 1 :]],
                )
        yield f"row {y} dropped", [header, *rows[:y], *rows[y + 1 :]]
        yield f"row {y} repeated", [header, *rows[: y + 1], row, *rows[y + 1 :]]
    yield "swapped", [header, *reversed(rows)]


def text_of(rows):
    return "".join(",".join(row) + "\n" for row in rows)


@pytest.mark.parametrize("resealed", [False, True])
def test_each_edit_of_the_scores_file_is_caught(attached, world, resealed):
    file = submission_of(attached)
    scores = file.with_name("mine.scores.csv")
    original, value = scores.read_text(), json.loads(file.read_text())
    evidence = {"run": world / "run", "sharp": world / "data"} if resealed else {}
    assert not problems(attached, files=[file], **evidence)
    edits = list(edits_of_rows(original))
    assert len(edits) == 3 * (4 * 2 + 2) + 1
    for what, rows in edits:
        scores.write_text(text_of(rows))
        if resealed:
            write_json(file, reseal_attached(deepcopy(value), rows))
        assert problems(attached, files=[file], **evidence), what


def reseal_attached(value, rows):
    body = rows[1:]
    psnrs, ssims = [float(row[1] or 0) for row in body], [float(row[2]) if row[2] else None for row in body]
    value["mean"] = {"psnr_db": sum(psnrs) / len(psnrs)}
    if (ssim := mean_of_all(ssims)) is not None:
        value["mean"]["ssim"] = ssim
    value["predictions_sha256"] = sha256_text("".join(f"{row[0]}\t{row[3]}\n" for row in body))
    value["scores_file"]["sha256"] = sha256_text(text_of(rows))
    return reseal(value, "scores_file")


# --- tracks ---

# For people, or the rules themselves, which whoever keeps the board may change.
KEEPERS = {"title", "about", "rules.max_parameters", "rules.training_data", "reported.0"}


def test_each_edit_of_a_track_that_is_measured_is_caught(board, world):
    file = board / "tracks" / f"{TRACK}.toml"
    value = tomllib.loads(file.read_text())
    value |= {"about": "A paragraph.", "rules": {"max_parameters": 5000, "training_data": "any"}, "reported": ["Tiny"]}
    file.write_text(tomli_w.dumps(value))
    assert not problems(board)
    missed = set()
    for name, _, edited in changes(value):
        file.write_text(tomli_w.dumps(edited))
        if not problems(board):
            missed.add(name)
    assert missed == KEEPERS | {"track_schema"}  # which is 1 where it is not said
    value["rules"]["max_parameters"] = 1000
    file.write_text(tomli_w.dumps(value))
    assert [p for p in problems(board) if p.startswith("parameters: 1,234 are more than the 1,000")]


@pytest.mark.parametrize("key", ["dataset", "dataset_version", "dataset_id", "split"])
def test_a_track_and_its_submission_that_lie_together_are_caught_by_the_dataset(board, world, key):
    file = board / "tracks" / f"{TRACK}.toml"
    track, value = tomllib.loads(file.read_text()), json.loads(submission_of(board).read_text())
    track[key] = value[key] = another(key, track[key])
    file.write_text(tomli_w.dumps(track))
    put(board, reseal(value, key))
    assert not problems(board)  # the two agree
    assert problems(board, run=world / "run" / "predictions" / "test-g1.2", sharp=world / "data")


@pytest.mark.parametrize("resealed", [False, True])
def test_each_edit_of_the_pictures_of_a_track_is_caught(board, world, resealed):
    toml, pictures = (board / "tracks" / f"{TRACK}{suffix}" for suffix in (".toml", ".pictures.csv"))
    original, track = pictures.read_text(), tomllib.loads(toml.read_text())
    evidence = {"run": world / "run", "sharp": world / "data"} if resealed else {}
    assert not problems(board, **evidence)
    for what, rows in edits_of_rows(original):
        pictures.write_text(text_of(rows))
        if resealed:
            toml.write_text(tomli_w.dumps(track | {"pictures_sha256": sha256_text(text_of(rows))}))
        assert problems(board, **evidence), what
