"""`deblurbench compare`: files in, tables, CSV, JSON and a plot out; a clear line for everything that is wrong."""

import csv
import json
from pathlib import Path

import pytest
from conftest import noise
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from deblurbench.errors import DeblurbenchError
from deblurbench.runs.record import RUN, ScoreRow, write_scores
from deblurbench.runs.run import run_baseline
from deblurbench.runs.scenes import dataset_scenes
from deblurbench.scoring.statistics.scenes import guess_scenes
from deblurbench.scoring.statistics.table import read_scores, shown

HEADER = "protocol,name,psnr_db,ssim"


def write(path: Path, values: dict[str, str], protocol: str = "gnr638-eval@1", header: str = HEADER) -> Path:
    """A file of scores; each value is the rest of a row."""
    rows = [f"{protocol},{name},{value}" for name, value in values.items()]
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def many(gain: float, count: int = 24) -> dict[str, str]:
    """Pictures of 8 scenes; the gain differs a little between pictures."""
    numbers = ((i, 30 + i * 7 % 11 + gain * (1 + (i * 5 % 7) / 20)) for i in range(count))
    return {f"scene{i % 8}/{i:03d}.png": f"{value},{value / 50}" for i, value in numbers}


@pytest.fixture
def two(tmp_path):
    return write(tmp_path / "good.csv", many(0.5)), write(tmp_path / "bad.csv", many(0))


def test_tables_for_people(cli, two):
    result = cli("compare", *two)
    assert result.code == 0, result.err
    assert "gnr638-eval@1: psnr_db, higher is better" in result.out
    assert "24 pictures of 8 scenes, by the folders in the names" in result.out
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert any(line.startswith("1 a good ") for line in lines)
    assert any(line.startswith("2 b bad ") for line in lines)
    assert any(line.startswith("good - bad +0.5") and "0.0078 * 24/0/0 100.0 %" in line for line in lines)


def test_a_run_folder_without_scores_says_what_to_do(cli, two, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / RUN).write_text("{}")
    result = cli("compare", tmp_path / "run", two[0])
    assert result.code == 2
    assert "is not scored yet: finish it with `deblurbench run-baseline`" in result.err
    (tmp_path / "several" / "seed-1").mkdir(parents=True)
    (tmp_path / "several" / "summary.json").write_text("{}")
    (tmp_path / "several" / "seed-1" / RUN).write_text("{}")
    assert "several/seed-1" in cli("compare", tmp_path / "several", two[0]).err


def test_csv_and_json(cli, two, tmp_path):
    result = cli("compare", *reversed(two), "--metric", "psnr_db", "--csv", tmp_path / "pairs.csv", "--json", "-")
    value = json.loads(result.out)
    assert value["schema"] == 1
    [comparison] = value["comparisons"]
    assert [method["label"] for method in comparison["methods"]] == ["good", "bad"]
    assert (comparison["better"], comparison["scenes"], comparison["exact"]) == ("higher", 8, True)
    [row] = csv.DictReader((tmp_path / "pairs.csv").read_text().splitlines())
    [pair] = comparison["pairs"]
    assert (row["a"], row["b"], row["told_apart"]) == ("good", "bad", "true")
    assert float(row["difference"]) == pair["difference"]
    assert [float(row["low"]), float(row["high"])] == pair["interval"]
    assert float(row["p"]) == pair["p"] == 2**-7


def test_order_of_files_changes_nothing(cli, two, tmp_path):
    third = write(tmp_path / "third.csv", dict(reversed(many(0.1).items())))
    assert cli("compare", *two, third).out == cli("compare", third, *reversed(two)).out


def test_what_score_writes_can_be_compared(cli, tmp_path):
    for folder, seeds in (("sharp", (0, 1, 2)), ("a", (3, 4, 5)), ("b", (0, 1, 8))):
        (tmp_path / folder).mkdir()
        for i, seed in enumerate(seeds):
            Image.fromarray(noise(24, 24, seed=seed)).save(tmp_path / folder / f"{i}.png")
    for name in "ab":
        assert cli("score", tmp_path / name, tmp_path / "sharp", "--csv", tmp_path / f"{name}.csv", "--quiet").code == 0
    result = cli("compare", tmp_path / "a.csv", tmp_path / "b.csv", "--metric", "psnr_db")
    assert result.code == 0, result.err
    assert "EACH PICTURE COUNTS AS ONE" in result.out
    assert "infinite (equal to the sharp picture): b 2; the means are over the other 1" in result.out
    assert "ONLY 3 SCENES" in result.out


def run_folder(folder: Path, gain: float, split: str, names: list[str], blurred: float = 20.0) -> Path:
    folder.mkdir()
    (folder / RUN).write_text("{}")
    values = [30 + gain + i % 3 for i in range(len(names))]
    rows = [
        ScoreRow(split, f"{name}.png", "gnr638-eval@1", value, None, blurred, None)
        for name, value in zip(names, values, strict=True)
    ]
    write_scores(folder, rows)
    return folder


def test_run_folders_and_a_dataset(cli, tiny, tmp_path):
    split = tiny.test_splits[0]
    names = [record.name for record in tiny.records(split)]
    runs = [run_folder(tmp_path / f"run{i}", i, split, names) for i in range(2)]
    result = cli("compare", *runs, "--dataset", tiny.path)
    assert result.code == 0, result.err
    scenes = {record.scene for record in tiny.records(split)}
    assert f"gnr638-eval@1, {split}: psnr_db" in result.out
    assert f"{len(names)} pictures of {len(scenes)} scenes, by " in result.out
    assert "run1 - run0" in result.out
    assert "ssim" not in result.out  # no number of it anywhere
    table = dataset_scenes(tiny.path)
    assert table.find("", [f"{name}.png" for name in names]) == [r.scene for r in tiny.records(split)]
    with pytest.raises(DeblurbenchError, match=r"no scene for 'else\.png'"):
        table.find(split, ["else.png"])


def test_a_run_on_other_pictures_is_refused(cli, tmp_path):
    runs = [run_folder(tmp_path / "a", 0, "test", ["x"]), run_folder(tmp_path / "b", 0, "test", ["x"], blurred=21.0)]
    result = cli("compare", *runs)
    assert result.code == 1
    assert "scored on different pictures: the blurred x.png has 20.0000 and 21.0000 dB" in result.err


def test_scene_file(cli, two, tmp_path):
    names = many(0)
    rows = "".join(f"{name.removesuffix('.png')},{'left' if i < 12 else 'right'}\n" for i, name in enumerate(names))
    (tmp_path / "scenes.csv").write_text(f"name,scene\n{rows}", encoding="utf-8-sig")
    result = cli("compare", *two, "--scenes", tmp_path / "scenes.csv", "--metric", "ssim")
    assert "24 pictures of 2 scenes" in result.out
    assert "NO PAIR CAN BE TOLD APART: the smallest possible p is 0.5; 2 scenes are too few" in result.out
    for text, message in (
        ("name,scene\n1.png,a\n", "no scene for 'scene0/000.png'"),
        ("name\n1.png\n", "no name or no scene"),
        ("name,scene\n1.png,a\n1.png,b\n", "in two scenes"),
        ('name,scene\n"1.png', "no CSV file"),
    ):
        (tmp_path / "scenes.csv").write_text(text)
        result = cli("compare", *two, "--scenes", tmp_path / "scenes.csv")
        assert result.code == 1
        assert message in result.err
    assert cli("compare", *two, "--scenes", tmp_path / "none.csv").code == 2
    assert cli("compare", *two, "--scenes", tmp_path / "scenes.csv", "--dataset", tmp_path).code == 2


def test_scenes_by_name():
    frames = ["GOPR0384_11_00-000001.png", "a/GOPR0384_11_00-000002.png", "GOPR0854_11_00-000001.png"]
    assert guess_scenes(frames)[0] == ["GOPR0384_11_00", "GOPR0384_11_00", "GOPR0854_11_00"]
    assert guess_scenes(["a/b/1.png", "a/c/1.png"])[0] == ["a/b", "a/c"]
    assert guess_scenes(["a/1.png", "2.png"])[0] == ["a/1.png", "2.png"]
    assert "EACH PICTURE" in guess_scenes([*frames, "other.png"])[1]


def test_missing_pictures(cli, two, tmp_path):
    names = list(many(0))
    part = write(tmp_path / "part.csv", {name: value for name, value in many(1).items() if name not in names[:5]})
    result = cli("compare", *two, part)
    assert result.code == 1
    assert "part lacks scene0/000.png, scene1/001.png, scene2/002.png and 2 more" in result.err
    result = cli("compare", *two, part, "--allow-missing")
    assert result.code == 0
    assert "19 pictures of 8 scenes" in result.out
    assert "5 pictures left out: not all methods have psnr_db of them" in result.out


def test_undefined_values_are_left_out(cli, tmp_path):
    files = [write(tmp_path / f"{m}.csv", many(m) | {"scene0/tiny.png": "30,"}) for m in range(2)]
    result = cli("compare", *files, "--metric", "ssim")
    assert "24 pictures" in result.out
    assert "1 picture left out: ssim is not defined for them" in result.out


def test_protocols_must_be_the_same(cli, two, tmp_path):
    result = cli("compare", two[0], write(tmp_path / "new.csv", many(0), protocol="gnr638-eval@2"))
    assert result.code == 1
    assert "gnr638-eval@1 and gnr638-eval@2 are different protocols" in result.err
    result = cli("compare", two[0], write(tmp_path / "else.csv", many(0), protocol="basicsr-y@1"))
    assert result.code == 1
    assert "share no protocol" in result.err
    both = write(tmp_path / "both.csv", many(0.2))
    both.write_text(both.read_text() + "basicsr-y@1,1.png,20,0.5\n")
    result = cli("compare", two[0], both)
    assert result.code == 0
    assert "basicsr-y@1 is not compared" in result.err
    assert "basicsr" not in result.out
    assert "did you mean" in cli("compare", *two, "--protocol", "gnr638-evil").err
    assert "did you mean 'psnr_db'?" in cli("compare", *two, "--metric", "psnr").err


def test_lower_is_better_for_errors(cli, tmp_path):
    files = [
        write(tmp_path / f"{m}.csv", {f"{i}.png": f"{m + i}" for i in range(9)}, header="protocol,name,mse")
        for m in range(2)
    ]
    result = cli("compare", *files)
    assert "mse, lower is better" in result.out
    assert "0 - 1" in result.out
    assert "-1.0000" in result.out
    assert "9/0/0" in result.out


def test_a_run_that_was_told_the_kernels_says_so(cli, tiny, tmp_path):
    """The default folder of `--set kernel=told` is that of the blind method: its name alone would not say it."""
    for name, keys in (("tv-tiny", ["kernel=told"]), ("wiener-tiny", [])):
        run_baseline(name.partition("-")[0], tiny, tmp_path / name, settings=keys, quiet=True)
    result = cli("compare", tmp_path / "tv-tiny", tmp_path / "wiener-tiny", "--dataset", tiny.path)
    assert result.code == 0, result.err
    assert "tv-tiny (told)" in result.out
    assert "wiener-tiny (told)" not in result.out
    assert "Note: tv-tiny (told) was told each picture's kernel: a ceiling, no rival of the others" in result.err
    named = ["--label", "A", "--label", "B", "--json", "-"]
    result = cli("compare", tmp_path / "tv-tiny", tmp_path / "wiener-tiny", "--dataset", tiny.path, *named)
    assert any(note.startswith("A was told") for note in json.loads(result.out)["notes"])


def test_labels(cli, tmp_path):
    files = [tmp_path / name / "scores.csv" for name in "ab"]
    for file in files:
        file.parent.mkdir()
        write(file, many(0))
    assert "a/scores - b/scores" in cli("compare", *files).out
    assert "x - y" in cli("compare", *files, "--label", "x", "--label", "y").out
    assert cli("compare", *files, "--label", "x").code == 2
    assert cli("compare", *files, "--label", "x", "--label", "x").code == 2
    assert cli("compare", files[0], files[0]).code == 2
    result = cli("compare", *files, "--label", "=1+1", "--label", "evil\x1b[31m\u202e", "--csv", tmp_path / "out.csv")
    assert "\x1b" not in result.out
    assert "\u202e" not in result.out
    [row, *_] = csv.DictReader((tmp_path / "out.csv").read_text("utf-8").splitlines())
    assert row["a"] == "'=1+1"


def test_one_file_gives_its_mean(cli, two):
    result = cli("compare", two[0], "--metric", "psnr_db")
    assert result.code == 0
    assert "1  a     good" in result.out
    assert "won/tied/lost" not in result.out


def test_no_result_takes_the_place_of_an_input(cli, two):
    before = two[0].read_bytes()
    for option in ("--csv", "--json", "--plot"):
        result = cli("compare", *two, option, two[0])
        assert result.code == 2
        assert ("does not end in .png" if option == "--plot" else "is one of the inputs") in result.err
    assert two[0].read_bytes() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'protocol'"),
        ("protocol,name,psnr_db\n", "no scores below the header"),
        ("protocol;name;psnr_db\np@1;a;3\n", "no column 'protocol'"),
        ("protocol,name,psnr_db\np@1,a,3\np@1,a,3\n", ":3: 'a' stands there twice"),
        ("protocol,name,psnr_db\np@1,a,3\np@1,b,nan\n", ":3: psnr_db is 'nan'"),
        ('protocol,name,psnr_db\np@1,a,3\np@1,b,"3,5"\n', ":3: psnr_db is '3,5'"),
        ("protocol,name,psnr_db\np@1,a,3\np@1,b,1e999\n", ":3: psnr_db is '1e999'"),
        ("protocol,name,psnr_db\np@1,a,3\np@1,b,-inf\n", ":3: psnr_db is '-inf'"),
        ("protocol,name,psnr_db\np@1,a,3,4\n", ":2: 4 cells under 3 columns"),
        ("protocol,name,psnr_db,psnr_db\np@1,a,3,4\n", "two columns 'psnr_db'"),
        ("protocol,name,psnr_db\np@1,,3\n", "a picture without a name"),
        ("protocol,name,psnr_db\n=cmd(),a,3\n", "is no name of a protocol"),
        ("protocol,name,blurred_psnr_db,kind\np@1,a,3,x\n", "no column holds numbers"),
        ('protocol,name,psnr_db\np@1,"a,3\n', "scores.csv:"),
    ],
)
def test_damaged_files(cli, tmp_path, text, message):
    (tmp_path / "scores.csv").write_text(text)
    result = cli("compare", tmp_path / "scores.csv")
    assert result.code == 1
    assert message in result.err


def test_files_that_are_not_there_or_no_text(cli, tmp_path):
    assert cli("compare", tmp_path / "none.csv").code == 2
    assert cli("compare", tmp_path).code == 2
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\0")
    assert "it is not UTF-8" in cli("compare", tmp_path / "x.csv").err


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=60),
        st.lists(
            st.lists(
                st.sampled_from(["p@1", "a", "1", "-1e9", "inf", "nan", "", '"', "\0", "é", "1e400", "=x"]), max_size=4
            )
        ).map(lambda rows: "\n".join(["protocol,name,split,m", *map(",".join, rows)]).encode()),
    )
)
@example(b'protocol,name,m\np@1,"a\nb",3\n')
@example(b"protocol,name,m\np@1,a," + b"9" * 200_000)
def test_any_bytes_are_scores_or_an_error(tmp_path, data):
    (tmp_path / "x.csv").write_bytes(data)
    try:
        scores = read_scores(tmp_path / "x.csv", "x")
    except DeblurbenchError as error:
        message = str(error)
    else:
        message = ""
        assert scores.metrics
        assert all(scores.tracks.values())
    assert message.isprintable()


def test_long_and_strange_text_is_shown_short():
    assert shown("a" * 50, 20) == "a" * 10 + "..." + "a" * 7
    assert shown("a\n\x1b\u202e") == "a" + 3 * "\ufffd"


def test_plot(cli, two, tmp_path):
    strange = write(tmp_path / "a $\\frac{1}{0$ 図 very long name that goes on and on and on.csv", many(0.2))
    target = tmp_path / "plot.png"
    assert cli("compare", *two, strange, "--plot", target).code == 0
    with Image.open(target) as picture:
        assert picture.format == "PNG"
        first = picture.size
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 20
    assert cli("compare", *two, strange, "--plot", target, "--metric", "ssim").code == 0
    with Image.open(target) as picture:
        assert picture.size[0] == first[0]
        assert picture.size[1] < 0.6 * first[1]
    infinite = [write(tmp_path / f"i{k}.csv", {"1.png": "inf,1", "2.png": "inf,1"}) for k in range(2)]
    assert cli("compare", *infinite, "--plot", target).code == 0


def test_pooled_protocols_are_compared_by_picture(cli, tmp_path):
    """The column `samples` is no metric."""
    header, values = "protocol,name,psnr_db,samples", {f"{i}.png": f"{30 + i},768" for i in range(6)}
    files = [write(tmp_path / f"{m}.csv", values, "torchmetrics-pooled@1", header) for m in "ab"]
    result = cli("compare", *files)
    assert result.code == 0, result.err
    assert "samples, " not in result.out
    assert "the protocol pools the error" in result.out


def test_what_is_too_much_is_refused_at_once(cli, two, tmp_path, monkeypatch):
    wide = tmp_path / "wide.csv"
    names = ",".join(f"m{i}" for i in range(100_000))  # each was looked for among all others
    wide.write_text(f"protocol,name,{names}\na@1,x{',1' * 100_000}\n")
    assert "100002 columns" in cli("compare", wide, wide, "--label", "a", "--label", "b").err
    assert "5050 pairs" in cli("compare", *[two[0]] * 101).err
    monkeypatch.setattr("deblurbench.scoring.statistics.table._MOST_BYTES", 1 << 20)
    assert "more than 1 MiB" in cli("compare", "/dev/zero", two[0]).err
    assert "more than 1 MiB" in cli("compare", *two, "--scenes", "/dev/zero").err
