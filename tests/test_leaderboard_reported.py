"""Reported numbers: no fact of the source is lost, each stands on one track, and never among what was measured."""

import csv
import json
from collections import Counter

import pytest
from board_kit import make_contest, make_track, write_board
from conftest import ROOT

from deblurbench.errors import DeblurbenchError
from deblurbench.files import write_json
from deblurbench.leaderboard.board import read_board
from deblurbench.leaderboard.reported import COLUMNS, REPORTED, read_reported
from deblurbench.leaderboard.submission import Reported
from deblurbench.leaderboard.tables.build import build_tables
from deblurbench.leaderboard.tables.markdown import markdown
from deblurbench.leaderboard.tables.standing import standing
from deblurbench.leaderboard.track import Track, TrackFile, read_tracks, write_track
from deblurbench.scoring.protocol import find_protocol

RESULTS = ROOT / "leaderboard" / "reported" / "results.csv"
ROW = {
    "method": "Net", "year": "2021", "benchmark": "GoPro", "train_set": "GoPro, REDS", "psnr_db": "32.1",
    "ssim": "0.95", "params_m": "0.084", "macs_g": "12.5", "tier": "primary", "source": "somebody/net README",
    "protocol": "nafnet@1",
}  # fmt: skip


def rows_of(file):
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text, strict=True))


def number(cell):
    return float(cell) if cell else None


@pytest.fixture
def board(tmp_path):
    """A board with a track for GoPro, which nobody has submitted anything to."""
    write_track(tmp_path, Track("gopro.test", TrackFile(title="GoPro", dataset="gopro", reported=("GoPro",))))
    return tmp_path


def write_rows(board, *rows, header=COLUMNS, name="a.csv"):
    (board / REPORTED).mkdir(exist_ok=True)
    with (board / REPORTED / name).open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(header)
        writer.writerows([row[column] for column in COLUMNS] if isinstance(row, dict) else row for row in rows)


def test_all_facts_of_the_source_are_kept_as_they_are(shared):
    ours = [{key: cell for key, cell in row.items() if key != "protocol"} for row in rows_of(RESULTS)]
    assert ours == rows_of(shared / "reported_results.csv")


def test_every_row_is_on_one_track_with_all_that_it_says():
    rows = rows_of(RESULTS)
    assert len(rows) == 121
    tracks = read_tracks(ROOT / "leaderboard")
    benchmarks = [benchmark for track in tracks.values() for benchmark in track.file.reported]
    assert Counter(benchmarks) == dict.fromkeys({row["benchmark"] for row in rows}, 1)
    track_of = {benchmark: name for name, track in tracks.items() for benchmark in track.file.reported}
    found = read_reported(ROOT / "leaderboard", tracks)
    listed = [
        (
            one.method, str(one.year or ""), one.track, one.about.training_data, one.mean.psnr_db, one.mean.ssim,
            one.parameters, one.gmacs, one.tier, one.source, one.protocol or "",
        )
        for of in found.values()
        for one in of
    ]  # fmt: skip
    expected = [
        (
            row["method"], row["year"], track_of[row["benchmark"]], row["train_set"], number(row["psnr_db"]),
            number(row["ssim"]), number(row["params_m"]) and round(float(row["params_m"]) * 1e6),
            number(row["macs_g"]), row["tier"], row["source"], row["protocol"],
        )
        for row in rows
    ]  # fmt: skip
    assert Counter(listed) == Counter(expected)


def test_protocols_of_reported_rows_are_ours_and_no_secondary_row_has_one():
    rows = rows_of(RESULTS)
    for protocol in {row["protocol"] for row in rows} - {""}:
        assert find_protocol(protocol).id == protocol
    assert not [row for row in rows if row["tier"] == "secondary" and row["protocol"]]
    explained = (RESULTS.parent / "README.md").read_text(encoding="utf-8")
    assert [row["protocol"] for row in rows if f"`{row['protocol']}`" not in explained and row["protocol"]] == []
    assert f"empty in {sum(not row['protocol'] for row in rows)} rows" in explained


def test_a_row_becomes_a_submission_in_plain_units(board):
    write_rows(board, ROW)
    (contest,) = read_board(board)
    (one,) = contest.reported
    assert (one.parameters, one.gmacs, one.year, one.about.training_data) == (84_000, 12.5, 2021, "GoPro, REDS")
    assert (one.track, one.status, one.dataset_id, one.protocol) == ("gopro.test", "reported", None, "nafnet@1")
    file = board / REPORTED / "a.csv"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())  # as some spreadsheets save it
    assert [list(contest.reported) for contest in read_board(board)] == [[one]]
    write_rows(board, ROW | dict.fromkeys(("year", "train_set", "ssim", "params_m", "macs_g", "protocol"), ""))
    ((bare,),) = [contest.reported for contest in read_board(board)]
    assert (bare.year, bare.mean.ssim, bare.parameters, bare.gmacs, bare.protocol) == (None,) * 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"psnr_db": "high"}, "psnr_db: 'high' is no number"),
        ({"psnr_db": "", "ssim": ""}, "psnr_db: there is neither a PSNR nor an SSIM"),
        ({"psnr_db": "nan"}, "mean.psnr_db"),
        ({"year": "2021.5"}, "year: '2021.5' is no count"),
        ({"year": "12"}, "year: "),
        ({"params_m": "inf"}, "params_m: 'inf' is no count"),
        ({"params_m": "-1"}, "params_m: "),
        ({"macs_g": "-1"}, "macs_g: "),
        ({"tier": "tertiary"}, "tier: "),
        ({"source": ""}, "source: "),
        ({"method": "a\nb"}, "method: "),
        ({"protocol": "NAFNet"}, "protocol: "),
        ({"benchmark": "GoPo"}, "benchmark: no track has 'GoPo'"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_row(board, change, message):
    write_rows(board, ROW, ROW | {"method": "Other"} | change)
    line = 4 if change.get("method") else 3  # where a name breaks the line, the row ends one lower
    with pytest.raises(DeblurbenchError) as caught:
        read_board(board)
    assert f"a.csv:{line}: {message}" in str(caught.value)


def test_what_is_wrong_with_a_file_is_named(board):
    write_rows(board, ROW, ["only", "three", "cells"])
    with pytest.raises(DeblurbenchError, match=r"a\.csv:3: 3 cells under 11 columns"):
        read_board(board)
    write_rows(board, ROW, header=COLUMNS[::-1])
    with pytest.raises(DeblurbenchError, match=r"a\.csv:1: the columns are not those"):
        read_board(board)
    write_rows(board, ROW)
    write_rows(board, ROW, name="b.csv")
    with pytest.raises(DeblurbenchError, match=r"b\.csv:2: it is the row of .*a\.csv:2 again"):
        read_board(board)
    (board / REPORTED / "b.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(DeblurbenchError, match=r"b\.csv is not UTF-8"):
        read_board(board)


def test_a_benchmark_belongs_to_one_track(board):
    write_track(board, Track("other.test", TrackFile(title="Other", dataset="other", reported=("GoPro",))))
    with pytest.raises(DeblurbenchError, match=r"the tracks gopro\.test and other\.test both name 'GoPro'"):
        read_board(board)


def test_a_track_of_reported_numbers_alone_has_tables(cli, board):
    write_rows(board, ROW, ROW | {"method": "=2+2", "psnr_db": "33"}, ROW | {"method": "No PSNR", "psnr_db": ""})
    result = cli("leaderboard", "build", "--no-site", "--board", board)
    assert result.code == 0
    assert "Reported alone" in result.out
    assert {file.name for file in (board / "tables").iterdir()} == {
        "files.txt", "gopro.json", "gopro.md", "gopro.tex", "gopro_reported.csv",
    }  # fmt: skip
    assert [row["method"] for row in rows_of(board / "tables" / "gopro_reported.csv")] == ["'=2+2", "Net", "No PSNR"]
    (track,) = json.loads((board / "tables" / "gopro.json").read_text())["tracks"]
    assert track["rows"] == []
    assert [one["parameters"] for one in track["reported"]] == [84_000] * 3


def test_reported_rows_stand_below_without_a_rank_however_good(tmp_path):
    track = make_track(n=12, reported=("Toy",))
    board = write_board(tmp_path, make_contest(track, mine=3))
    write_rows(board, ROW | {"benchmark": "Toy", "psnr_db": "99"})
    one = Reported(
        track=track.name, method="By JSON", mean={"ssim": 0.5}, tier="secondary", source="a page", protocol="nafnet@1"
    )
    write_json(board / "submissions" / track.name / "by-json.json", one.as_dict())
    (contest,) = read_board(board)
    assert [r.method for r in contest.reported] == ["Net", "By JSON"]
    found = standing(contest)
    assert [(row.rank, row.method) for row in found.rows] == [(1, "mine"), (None, "blurred (identity)")]
    text = markdown("toy", [found])
    assert text.index("| 1 | mine |") < text.index("### Reported") < text.index("| Net | 2021 | 99 |")
    assert "| By JSON |  |  | 0.5 |  |  |  | `nafnet@1` | secondary | a page |" in text
    assert "secondary: copied from somebody's notes" in text
    build_tables(board)
    assert "Net" not in (board / "tables" / "toy.csv").read_text()
    assert len(rows_of(board / "tables" / "toy_reported.csv")) == 2
