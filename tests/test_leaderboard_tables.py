"""Tables of a leaderboard: intervals, ranges of ranks, and files in which hostile names do nothing."""

import csv
import html
import io
import json
import re
import shutil
import subprocess
from dataclasses import fields, replace

import numpy as np
import pytest
from board_kit import make_contest, make_entry, make_track, write_board

from deblurbench.draws import Draws
from deblurbench.errors import DeblurbenchError, UsageError
from deblurbench.leaderboard.board import Contest, read_board
from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.tables import ranks as ranks_module
from deblurbench.leaderboard.tables.build import LIST, build_tables
from deblurbench.leaderboard.tables.cells import escape, training_cell
from deblurbench.leaderboard.tables.csv_file import measured_csv, reported_csv, safe_cell
from deblurbench.leaderboard.tables.intervals import RESAMPLES, Intervals, intervals
from deblurbench.leaderboard.tables.json_file import tables_json
from deblurbench.leaderboard.tables.latex import escape as latex_escape
from deblurbench.leaderboard.tables.latex import latex
from deblurbench.leaderboard.tables.markdown import markdown
from deblurbench.leaderboard.tables.ranks import FEWEST_SCENES, caution, critical_t, ranges, shown_better
from deblurbench.leaderboard.tables.row import Row
from deblurbench.leaderboard.tables.standing import BLURRED, standing
from deblurbench.runs.budget import Budget
from deblurbench.scoring.statistics.align import Aligned
from deblurbench.scoring.statistics.bootstrap import tail
from deblurbench.scoring.statistics.compare import compare
from deblurbench.scoring.statistics.table import Track

HOSTILE = (
    "".join(map(chr, range(33, 80))),
    "".join(map(chr, range(80, 127))),
    "[x] \\input{/etc/passwd} % $a_b^c$ {",
    "-- ,, '' `` ?` !` << >> quotes",
    "=HYPERLINK(1)|calc",
    "+1 plus",
    "@SUM(1)",
    "中文 é ß € 😀 Ł abc",
    "https://evil.example www.evil.example [a](javascript:1) <b>",
    "![i](http://x/y.png)",
    "1. list",
    "# heading",
    "a\\|b \\",
)


def scenes_of(sizes):
    return np.repeat(np.arange(len(sizes)), sizes)


def table(seed=0, sizes=(3, 1, 4, 2, 6, 2, 3), methods=7, spread=0.5):
    """Pictures x methods with an effect of the scene that all methods share, the blurred pictures, and the scenes."""
    rng = np.random.default_rng(seed)
    scene = scenes_of(sizes)
    blurred = 25 + rng.normal(0, 2, len(sizes))[scene] + rng.normal(0, 1, len(scene))
    own = rng.normal(0, spread, (len(sizes), methods))[scene] + rng.normal(0, spread, (len(scene), methods))
    return blurred[:, None] + np.linspace(0, 3, methods) + own, blurred, scene


# Intervals


def slow_interval(numbers, scene):
    """Draw scenes one by one, put their pictures together, take the mean; then the expanded percentiles."""
    count = scene.max() + 1
    drawn = (Draws(0, "compare", "bootstrap").stream(RESAMPLES * count).astype(np.uint64) * np.uint64(count)) >> 32
    pictures = [numbers[scene == k] for k in range(count)]
    means = sorted(np.concatenate([pictures[k] for k in row]).mean() for row in drawn.reshape(RESAMPLES, count))
    outside = int((RESAMPLES + 1) * tail(count))
    return means[outside - 1], means[RESAMPLES - outside]


def test_intervals_are_those_of_a_straightforward_bootstrap_of_scenes():
    psnr, blurred, scene = table(methods=2)
    found = intervals(psnr, blurred, scene)
    for method, interval in enumerate(found):
        assert interval.mean == pytest.approx(slow_interval(psnr[:, method], scene), abs=1e-7)
        assert interval.gain == pytest.approx(slow_interval(psnr[:, method] - blurred, scene), abs=1e-7)
        low, high = interval.gain
        assert high - low < interval.mean[1] - interval.mean[0]  # the effect of scenes is not in it


def test_intervals_are_those_of_compare():
    psnr, blurred, scene = table()
    names = [f"p{k:02}" for k in range(len(scene))]
    labels = tuple(f"m{k}" for k in range(psnr.shape[1]))
    aligned = Aligned(Track("gnr638-eval@1", "test"), "psnr_db", labels, tuple(names), psnr.T, 0, 0)
    theirs = compare(aligned, [f"s{k:02}" for k in scene])
    by_label = {method.label: method.interval for method in theirs.methods}
    assert [one.mean for one in intervals(psnr, blurred, scene)] == [by_label[label] for label in labels]


def test_intervals_do_not_depend_on_other_methods(monkeypatch):
    psnr, blurred, scene = table()
    whole = intervals(psnr, blurred, scene)
    assert intervals(psnr[:, 3:4], blurred, scene) == whole[3:4]
    monkeypatch.setattr("deblurbench.leaderboard.tables.intervals._AT_ONCE", 3)
    assert intervals(psnr, blurred, scene) == whole


def test_no_interval_where_a_number_is_infinite_or_all_is_one_scene():
    psnr, blurred, scene = table()
    psnr[4, 2] = np.inf
    found = intervals(psnr, blurred, scene)
    assert found[2] == Intervals()
    assert None not in [one.mean for k, one in enumerate(found) if k != 2]
    blurred[0] = np.inf
    assert [one.gain for one in intervals(psnr, blurred, scene)] == [None] * psnr.shape[1]
    assert intervals(psnr, blurred, 0 * scene) == [Intervals()] * psnr.shape[1]


# Ranks


def slow_better(psnr, scene):
    """Every two methods by themselves: leave out one scene after another, and look up Student's t."""
    from scipy import stats

    methods, of = psnr.shape[1], np.unique(scene)
    better = np.zeros((methods, methods), bool)
    for i in range(methods):
        for j in range(methods):
            difference = psnr[:, i] - psnr[:, j]
            left = np.array([difference[scene != k].mean() for k in of])
            error = np.sqrt((len(of) - 1) / len(of) * ((left - difference.mean()) ** 2).sum())
            t = difference.mean() / error if error else 0
            sizes = np.bincount(scene)
            p = 2 * stats.t.sf(abs(t), sizes.sum() ** 2 / (sizes**2).sum() - 1)
            better[i, j] = p * (methods - 1) < 0.05 and difference.mean() > 0
    return better


@pytest.mark.parametrize("seed", range(4))
def test_who_is_better_is_what_single_comparisons_say(seed, monkeypatch):
    psnr, blurred, scene = table(seed, sizes=(5, 1, 3, 2, 6, 2, 3, 9, 4, 4), methods=12, spread=0.4)
    expected = slow_better(psnr, scene)
    assert 20 < expected.sum() < 66  # some are told apart, some are not
    assert (shown_better(psnr, blurred, scene) == expected).all()
    monkeypatch.setattr(ranks_module, "_AT_ONCE", 5)
    assert (shown_better(psnr, blurred, scene) == expected).all()


def test_of_scenes_of_one_size_it_is_the_paired_t_test_of_their_means():
    from scipy import stats

    psnr, blurred, scene = table(sizes=(4,) * 11, methods=2, spread=1.5)
    means = psnr.reshape(11, 4, 2).mean(axis=1)
    for shift in np.linspace(-4, 4, 81):
        p = stats.ttest_rel(means[:, 0] + shift, means[:, 1]).pvalue
        better = shown_better(psnr + np.array([shift, 0]), blurred, scene)
        assert better.any() == (p < 0.05)


def test_ranges_of_a_chain():
    """a and b, b and c are not told apart, a and c are."""
    wave = np.tile([1.0, -1.0], 6)
    psnr = 30 + np.stack([0.4 + 0 * wave, 0.2 + 0.4 * wave, 0 * wave, 0 * wave - 9], axis=1)
    assert ranges(psnr, 0 * wave + 25, np.arange(12)) == [(1, 2), (1, 3), (2, 3), (4, 4)]


@pytest.mark.parametrize(("scenes", "apart"), [(FEWEST_SCENES - 1, False), (FEWEST_SCENES, True)])
def test_too_few_scenes_tell_nobody_apart(scenes, apart):
    noise = np.random.default_rng(0).normal(0, 0.1, (60, 2))
    found = ranges(30 + noise + [5, 0], np.full(60, 25.0), np.arange(60) % scenes)
    assert found == ([(1, 1), (2, 2)] if apart else [(1, 2), (1, 2)])


def test_differences_that_no_table_shows_are_none():
    level = np.linspace(20, 40, 30)
    psnr = np.stack([level, level + 0.00009, level + 0.0003], axis=1)
    assert ranges(psnr, level, np.arange(30)) == [(2, 3), (2, 3), (1, 1)]


def test_pictures_that_one_method_restores_to_the_last_digit():
    """An infinite difference has no size: such a picture is left out of the pair, and of no other."""
    psnr, blurred, scene = table(sizes=(2,) * 10, methods=4, spread=0.2)
    expected = shown_better(psnr, blurred, scene)
    spoilt = psnr.copy()
    spoilt[3, 1:3] = np.inf
    found = shown_better(spoilt, blurred, scene)
    kept = np.arange(20) != 3
    assert found[0, 3] == expected[0, 3]
    assert found[3, 0] == expected[3, 0]
    without = shown_better(psnr[kept], blurred[kept], scene[kept])
    assert (found[1:3][:, [0, 3]] == without[1:3][:, [0, 3]]).all()
    assert (found[[0, 3]][:, 1:3] == without[[0, 3]][:, 1:3]).all()
    both = np.where(np.arange(20)[:, None] == 3, 0.0, psnr)
    assert (found[1:3, 1:3] == shown_better(both, blurred, scene)[1:3, 1:3]).all()
    half = np.stack([np.full(12, 31.0), np.full(12, 30.0)], axis=1) + 0.1 * (np.arange(24).reshape(12, 2) % 5)
    half[:6] = np.inf  # equal there: six differences of 0 beside six of 1
    assert ranges(half, np.full(12, 25.0), np.arange(12)) == [(1, 1), (2, 2)]
    assert ranges(half[6:], np.full(6, 25.0), np.arange(6)) == [(1, 2), (1, 2)]
    endless = np.full((20, 2), np.inf)
    assert ranges(endless, blurred, scene) == [(1, 2), (1, 2)]


def test_a_monstrous_number_changes_no_other_pair():
    psnr, blurred, scene = table(sizes=(2,) * 10, methods=5, spread=0.2)
    expected = shown_better(psnr, blurred, scene)
    psnr[:, 4] = np.linspace(-1e12, 1e12, 20)
    assert (shown_better(psnr, blurred, scene)[:4, :4] == expected[:4, :4]).all()


def test_more_methods_ask_for_more():
    assert critical_t(11, 2) == pytest.approx(2.228, abs=1e-3)  # Student's t, 10 degrees of freedom, 5 %
    assert critical_t(11, 3) < critical_t(11, 10) < critical_t(11, 2000) < 9
    assert ranges(np.ones((9, 1)), np.ones(9), np.arange(9)) == [(1, 1)]
    assert ranges(np.ones((9, 0)), np.ones(9), np.arange(9)) == []


@pytest.mark.parametrize(
    ("scenes", "methods", "begins"),
    [
        (1, 3, "Only 99 pictures of 1 scene: too few to tell any two methods apart"),
        (9, 1, "Only 99 pictures of 9 scenes: too few"),
        (10, 7, ""),  # 21 pairs, each with 2^-9 at best
        (10, 8, "Only 99 pictures of 10 scenes: ranks lean on differences being about normal."),
        (11, 60, "Only 99 pictures of 11 scenes: ranks"),
        (17, 2000, ""),
    ],
)
def test_few_scenes_are_said_to_be_few(scenes, methods, begins):
    text = caution(99, scenes, methods)
    assert text.startswith(begins)
    assert bool(text) == bool(begins)


# Rows


def test_rows_have_intervals_ranks_and_what_training_took():
    track = make_track(n=24, scenes=12)
    budget = Budget(epochs=3, crops=1200, seconds=246.0)
    entries = [
        make_entry(
            track, "b", np.linspace(1, 3, 24), budget=budget, about={"training_data": "GoPro", "licence": "MIT"}
        ),
        make_entry(track, "a", np.linspace(1, 3, 24)),
        make_entry(track, "told", 9, told=True),
        make_entry(track, "bad", -1),
    ]
    found = standing(Contest(track, entries))
    assert [(r.rank, r.first_rank, r.last_rank, r.method) for r in found.rows] == [
        (None, None, None, "told"), (1, 1, 2, "a"), (1, 1, 2, "b"), (None, None, None, BLURRED), (3, 3, 3, "bad"),
    ]  # fmt: skip
    b = found.rows[2]
    assert (b.epochs, b.crops, b.training_seconds, b.shipped) == (3, 1200, 246.0, False)
    assert training_cell(b) == "3 epochs, 1,200 crops, 4.1 min"
    assert training_cell(replace(b, epochs=1, training_seconds=7200.0, shipped=True)) == (
        "1 epoch, 1,200 crops, 2.0 h (came with the package)"
    )
    assert (b.training_data, b.licence, b.scenes, b.n) == ("GoPro", "MIT", 12, 24)
    assert b.psnr_low_db < b.psnr_db < b.psnr_high_db
    assert b.gain_low_db < b.gain_db < b.gain_high_db
    blurred = found.rows[3]
    assert blurred.psnr_low_db < blurred.psnr_db < blurred.psnr_high_db
    assert (blurred.gain_db, blurred.gain_low_db) == (0, None)
    assert found.caution == ""


def test_reference_rows_are_those_that_ran_here_under_their_own_name():
    track = make_track()
    ran = {"status": "rerun", "version": 1, "config_hash": "0" * 64}
    entries = [
        make_entry(track, "wiener", 1, baseline="wiener", **ran),
        make_entry(track, "wiener-oracle", 2, baseline="wiener-oracle", told=True, **ran),
        make_entry(track, "wiener (other)", 3, baseline="wiener", **ran),
        make_entry(track, "mine", 4, baseline="wiener"),
        make_entry(track, "identity", 0, baseline="identity", **ran),
    ]
    rows = standing(Contest(track, entries)).rows
    assert {row.method: row.reference for row in rows} == {
        "wiener": "wiener", "wiener-oracle": "oracle", "wiener (other)": "", "mine": "", BLURRED: "blurred",
    }  # fmt: skip
    assert "| *wiener* |" in markdown("toy", [standing(Contest(track, entries))])


@pytest.mark.parametrize("other", ["mine", "mi:ne", BLURRED])
def test_two_rows_of_one_name_are_refused(other):
    track = make_track()
    entries = [make_entry(track, "mine"), make_entry(track, "mi ne"), make_entry(track, other)]
    with pytest.raises(DeblurbenchError, match=r"track toy\.test: .* stands there twice"):
        standing(Contest(track, entries))


def test_the_order_of_submissions_changes_nothing():
    contest = make_contest(make_track(n=12), a=1.0, b=2.0, c=2.0, d=-1)
    turned = Contest(contest.track, contest.entries[::-1])
    assert standing(turned).rows == standing(contest).rows


# Files


def hostile_standing():
    track = make_track(n=24)
    about = {"training_data": "=1+1", "licence": "<b>|"}
    entries = [make_entry(track, name, k + 1, about=about) for k, name in enumerate(HOSTILE)]
    rows = [
        Reported(track=track.name, method=name, mean={"psnr_db": 30.5}, tier="secondary", source=name, year=2024)
        for name in HOSTILE
    ]
    return standing(Contest(track, entries, rows))


def test_no_cell_of_csv_is_a_formula():
    found = hostile_standing()
    for text, columns in (
        (measured_csv([found]), ("method", "licence")),
        (reported_csv([found]), ("source", "method")),
    ):
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
        assert {row["method"].removeprefix("'") for row in rows} >= set(HOSTILE)
        cells = [cell for row in rows for key, cell in row.items() if not key.endswith(("_db", "ssim"))]
        assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]
        assert all(None not in row and columns[0] in row and columns[1] in row for row in rows)
    assert next(csv.DictReader(io.StringIO(measured_csv([found]))))["training_data"] == "'=1+1"
    assert [safe_cell(value) for value in ("\tx", "\rx", "=", "\uff1d1", "a=b", "a; =b;-c", -1.5, None)] == [
        "'\tx", "'\rx", "'=", "'\uff1d1", "a=b", "a; '=b;'-c", -1.5, None,
    ]  # fmt: skip


def test_csv_has_full_digits_and_all_that_a_row_holds():
    found = standing(make_contest(make_track(n=12), a=np.linspace(0, 1, 12), b=-2))
    rows = list(csv.DictReader(io.StringIO(measured_csv([found]))))
    assert list(rows[0]) == [field.name for field in fields(Row)]
    for row, cells in zip(found.rows, rows, strict=True):
        assert float(cells["psnr_db"]) == row.psnr_db
        assert float(cells["psnr_low_db"]) == row.psnr_low_db
        assert cells["rank"] == ("" if row.rank is None else str(row.rank))
        assert cells["below_blurred"] == str(row.below_blurred)


def unescaped(cell):
    """What Markdown shows of a cell without markup."""
    return html.unescape(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell))


def test_names_stand_in_markdown_as_they_are():
    text = markdown("toy", [hostile_standing()])
    lines = [line for line in text.splitlines() if re.match(r"\| \d+ \| ", line)]
    cells = [re.split(r"(?<!\\)(?:\\\\)*\|", line) for line in lines]
    assert {len(row) for row in cells} == {11}
    assert [unescaped(line.split(" | ")[1]) for line in lines if "a\\\\" not in line] == [
        name for name in reversed(HOSTILE) if "a\\" not in name
    ]
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "://" not in text.replace("\\://", "")
    assert escape("a\nb\u202ec") == "a b c"
    assert escape("12. x") == "12\\. x"
    assert not re.search(r"(?m)^(#+ (heading|!)|\d+\. |=)", text)


def without_escapes(text):
    """LaTeX without what prints a special sign: none must be left but those of the table itself."""
    commands = r"\\(text(backslash|ascii(tilde|circum|grave)|less|greater|bar))\{\}|\\[{}$&#%_]|[-'!?,]\{\}|\{[][*]\}"
    return re.sub(commands, "", text)


def test_names_do_nothing_in_latex():
    for name in HOSTILE:
        left = without_escapes(latex_escape(name))
        assert not re.search(r"[\\{}$&#%_^~<>|\"`*\[\]]", re.sub(r"\{\[\}U\+[0-9A-F]+\{\]\}", "", left)), name
        assert not re.search(r"--|''|,,|[?!]`", latex_escape(name.replace('"', "")))
    assert latex_escape("50 % of {x}_1 & \\y") == r"50 \% of \{x\}\_1 \& \textbackslash{}y"
    assert latex_escape("é中") == "é{[}U+4E2D{]}"


def test_latex_is_balanced_and_each_row_has_its_cells():
    text = latex(
        [hostile_standing(), standing(make_contest(make_track("more.test", n=50), **{f"m{k}": k for k in range(45)}))]
    )
    plain = re.sub(r"\\[{}]", "", text)
    depth = np.cumsum([{"{": 1, "}": -1}.get(c, 0) for c in plain])
    assert depth.min() == 0
    assert depth[-1] == 0
    begun, ended = re.findall(r"\\begin\{(\w+)\}", text), re.findall(r"\\end\{(\w+)\}", text)
    assert sorted(begun) == sorted(ended)
    assert begun == ["table", "tabular", "table", "tabular", "longtable"]
    for rows, cells in zip(re.findall(r"\\midrule\n(.*?)\\bottomrule", text, re.DOTALL), (9, 7), strict=False):
        assert {len(re.findall(r"(?<!\\)&", line)) + 1 for line in rows.splitlines()} == {cells}
    assert r"\textbf{" in text
    assert text == latex(
        [
            hostile_standing(),
            *[standing(make_contest(make_track("more.test", n=50), **{f"m{k}": k for k in range(45)}))],
        ]
    )


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex here; the checks of braces and escapes stand in")
def test_latex_compiles(tmp_path):
    document = r"\documentclass{article}\usepackage{array,booktabs,longtable}\begin{document}\input{t}\end{document}"
    (tmp_path / "main.tex").write_text(document)
    (tmp_path / "t.tex").write_text(latex([hostile_standing()]))
    command = ["pdflatex", "-draftmode", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    if "not found" in done.stdout and "! LaTeX Error: File" in done.stdout:
        pytest.skip("pdflatex lacks one of the packages array, booktabs and longtable")
    assert done.returncode == 0, done.stdout[-2000:]


def test_json_has_everything():
    track = make_track(n=12)
    endless = replace(track, pictures=[replace(picture, blurred_psnr_db=np.inf) for picture in track.pictures])
    entry = make_entry(track, "mine", 2, about={"authors": ("A. B.",), "links": {"code": "https://example.org"}})
    found = standing(Contest(endless, [entry]))
    value = json.loads(tables_json("toy", [found]))
    (one,) = value["tracks"]
    assert (value["schema"], value["dataset"], one["track"], one["added"]) == (1, "toy", "toy.test", ["ssim"])
    assert [row["psnr_db"] for row in one["rows"]] == ["inf", entry.submission.mean.psnr_db]
    mine = one["rows"][1]
    assert mine["gain_db"] == "-inf"
    assert mine["about"]["authors"] == ["A. B."]
    assert mine["facts_sha256"] == entry.submission.facts_sha256
    assert {field.name for field in fields(Row)} <= mine.keys()


def test_long_tables_are_shortened_for_the_terminal_alone(cli, tmp_path):
    track = make_track(n=8)
    board = write_board(tmp_path, make_contest(track, **{f"m{k:02}": k / 10 + 0.1 for k in range(30)}))
    printed = cli("leaderboard", "build", "--no-site", "--board", board).out
    assert "... and 10 more rows." in printed
    assert "| m09 |" not in printed
    assert "*blurred (identity)*" in printed
    whole = (board / "tables" / "toy.md").read_text()
    assert "more rows" not in whole
    assert "| m09 |" in whole
    assert [line for line in printed.splitlines() if line.startswith(str(board / "tables"))] == [
        str(board / "tables" / f"toy.{kind}") for kind in ("csv", "json", "md", "tex")
    ]


# The build


def files_of(board):
    return {file.name: file.read_bytes() for file in (board / "tables").iterdir()}


def test_building_again_changes_nothing(tmp_path):
    board = write_board(tmp_path, make_contest(make_track(n=12), a=1, b=2), make_contest(make_track("other.test"), c=1))
    build_tables(board)
    before = files_of(board)
    assert sorted(before) == sorted(
        [LIST, *(f"{d}.{kind}" for d in ("toy", "other") for kind in ("csv", "json", "md", "tex"))]
    )
    build_tables(board)
    assert files_of(board) == before
    shutil.rmtree(board / "tables")
    build_tables(board)
    assert files_of(board) == before


def test_tables_of_what_is_gone_go_too_and_other_files_stay(tmp_path):
    board = write_board(tmp_path, make_contest(make_track(), a=1), make_contest(make_track("other.test"), c=1))
    build_tables(board)
    (board / "tables" / "notes.md").write_text("mine")
    shutil.rmtree(board / "submissions" / "other.test")
    build_tables(board)
    assert sorted(files_of(board)) == [LIST, "notes.md", *(f"toy.{kind}" for kind in ("csv", "json", "md", "tex"))]


def test_a_list_of_files_that_somebody_wrote_removes_nothing_else(tmp_path):
    board = write_board(tmp_path / "board", make_contest(make_track(), a=1))
    build_tables(board)
    (tmp_path / "precious.csv").write_text("1")
    (board / "tables" / "README.txt").write_text("2")
    (board / "tables" / LIST).write_text("../../precious.csv\nREADME.txt\n/etc/passwd\n\x00\n")
    build_tables(board)
    assert (tmp_path / "precious.csv").is_file()
    assert (board / "tables" / "README.txt").is_file()


def test_a_build_that_fails_leaves_the_old_tables(tmp_path):
    board = write_board(tmp_path, make_contest(make_track(), a=1))
    build_tables(board)
    before = files_of(board)
    file = board / "submissions" / "toy.test" / "b.json"
    file.write_text("{}")
    with pytest.raises(DeblurbenchError, match=r"b\.json"):
        build_tables(board)
    file.unlink()
    write_board(board, make_contest(make_track(), z=4))
    (board / "tables" / "toy.tex").unlink()
    (board / "tables" / "toy.tex").mkdir()  # what is written last cannot be
    with pytest.raises(UsageError, match=r"toy\.tex: it is a folder"):
        build_tables(board)
    (board / "tables" / "toy.tex").rmdir()
    assert files_of(board) == {name: text for name, text in before.items() if name != "toy.tex"}


def test_an_empty_board_says_what_to_do(cli, tmp_path):
    result = cli("leaderboard", "build", "--board", tmp_path)
    assert result.code == 2
    assert "deblurbench leaderboard add RUN" in result.err
    write_board(tmp_path, make_contest(make_track()))
    result = cli("leaderboard", "build", "--board", tmp_path)
    assert result.code == 2
    assert "no submissions on the board" in result.err
    assert "deblurbench leaderboard add RUN" in result.err
    assert not (tmp_path / "tables").exists()
    assert [contest.track.name for contest in read_board(tmp_path)] == ["toy.test"]
