"""What somebody meets who works through the documents with pictures of their own: the whole chain, at its seams."""

import json
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from conftest import noise
from layout_kit import TREES, save

from deblurbench.dataset.adopt import adopt
from deblurbench.dataset.reader import open_dataset
from deblurbench.errors import UsageError
from deblurbench.fetch.finder import Found
from deblurbench.fetch.photo_file import Checks
from deblurbench.fetch.request import Request
from deblurbench.fetch.selection import Fate
from deblurbench.fetch.summary import Summary
from deblurbench.runs.record import read_scores
from deblurbench.runs.run import run_baseline
from deblurbench.sources.layouts.find import LAYOUTS
from deblurbench.sources.online import Offer
from deblurbench.sources.page import Page


def adopted(name, folder):
    root, out = TREES[name](folder / "tree"), folder / name
    adopt(LAYOUTS[name], root, out, variant=LAYOUTS[name].default, workers=1, allow_incomplete=True, quiet=True)
    return open_dataset(out)


@pytest.mark.parametrize("name", ["levin", "dpdd", "gopro", "custom-test"])
def test_baselines_run_on_adopted_datasets(name, tmp_path):
    """Grey and 16-bit pictures, too: what is restored and scored are the pixels that the manifest hashes."""
    dataset = adopted(name, tmp_path)
    rows = run_baseline("identity", dataset, tmp_path / "run", quiet=True)
    assert [row.name for row in rows] == [f"{record.name}.png" for record in dataset.records("test")]
    with closing(dataset.reader("test")) as pictures:
        for row, record in zip(read_scores(tmp_path / "run"), dataset.records("test"), strict=True):
            blur, sharp = (pictures.read(record, side).astype(float) for side in ("blur", "sharp"))
            expected = 10 * np.log10(255**2 / ((blur - sharp) ** 2).mean())
            assert row.psnr_db == row.blurred_psnr_db == pytest.approx(expected, rel=1e-12)


def test_a_dataset_published_without_test_says_what_to_do(tmp_path):
    with pytest.raises(UsageError, match="published without one: restore its val"):
        run_baseline("identity", adopted("reds", tmp_path), tmp_path / "run", quiet=True)


def listed(cli, kind):
    return {row["name"]: row for row in json.loads(cli("list", kind, "--json", "-").out)}


def test_lists_say_what_things_are(cli):
    photos = {name: row["photos"] for name, row in listed(cli, "datasets").items()}
    assert photos == {
        "gir-256": "folder",
        "gnr638": "folder",
        "gopro": "gopro",
        "gopro-256-npy": "gopro",
        "gopro-style": "frames",
        "pexels-128": "folder",
        "shake-mix": "folder",
        "starter": None,
        "swift": "folder",
        "swift-general": "folder",
    }
    for kind in ("datasets", "blurs", "sources"):
        assert all(len(row["summary"]) > 30 for row in listed(cli, kind).values())
        assert max(map(len, cli("list", kind).out.splitlines())) < 170


@pytest.mark.parametrize("text", ["summary = 1", "x =", "summary = 'a'\nsources = [{ source = 'foldr' }]", "\xff"])
def test_a_broken_recipe_hides_no_other(cli, tmp_path, monkeypatch, text):
    (tmp_path / "datasets" / "mine").mkdir(parents=True)
    (tmp_path / "datasets" / "mine" / "recipe.toml").write_bytes(text.encode("latin-1"))
    monkeypatch.chdir(tmp_path)
    rows = listed(cli, "datasets")
    assert rows["mine"]["summary"].startswith("broken: ")
    assert rows["starter"]["summary"].startswith("A first dataset")


def test_two_lights_in_one_split_have_a_mean_each(cli, tmp_path):
    """`blur` and `blur_gamma` of one window are different tasks."""
    for scene in ("a", "b", "c"):
        for i in range(3):
            save(tmp_path / "frames" / scene / f"{i}.png", noise(24, 32, seed=ord(scene) + 10 * i))
    window = ["--set", "sources.0.window=3", "--set", "seed=4", "--quiet"]
    built = cli("build-dataset", "gopro-style", "--photos", tmp_path / "frames", "--out", tmp_path / "set", *window)
    assert built.code == 0, built.err
    result = cli("run-baseline", "identity", "--data", tmp_path / "set", "--out", tmp_path / "run", "--quiet")
    assert result.code == 0, result.err
    means = {line[:17].strip(): line[17:].split() for line in result.out.splitlines()[2:]}
    assert list(means) == ["test", "test (gamma-2.2)", "test (stored)"]
    assert int(means["test"][0]) == 2 * int(means["test (stored)"][0]) == 2 * int(means["test (gamma-2.2)"][0])
    both = (float(means["test (stored)"][1]) + float(means["test (gamma-2.2)"][1])) / 2
    assert float(means["test"][1]) == pytest.approx(both, abs=1e-4)


def test_the_help_of_adopt_names_every_dataset_and_variant(cli):
    listed = {line.split()[0]: line.split()[1:] for line in cli("adopt", "--help").out.splitlines() if line.split()}
    for name, layout in LAYOUTS.items():
        variants = [word.strip(",") for word in listed[name]]
        if len(layout.variants) > 1:
            assert variants == list(layout.variants)
        else:
            assert not set(variants) & set(layout.variants)


@pytest.mark.parametrize(("option", "value"), [("--page", "a.html"), ("--select", "img"), ("--page-base", "x")])
def test_an_option_of_another_source_is_named_as_it_was_typed(cli, option, value):
    result = cli("fetch", "openverse", "--query", "sea", option, value)
    assert result.code == 2
    assert f"openverse takes no {option}: it is for other sources" in result.err


def fetched(found, count=3, reason="states no licence"):
    """The summary of a fetch of two pages of one site, of which so many offers were left out."""
    pages = ("https://gallery.example/a/", "https://gallery.example/b/")
    asked = Request(Page(pages=pages), (), "cc0", Checks(), count=count)
    search = asked.searches()[0]
    fates = [Fate(Found(search, Offer(id=f"{i}", url="")), "listing", reason) for i in range(found)]
    return Summary(asked, Path("photos"), tuple(fates))


def test_a_fetch_that_found_nothing_says_what_to_do():
    assert fetched(0).shortfall() == "the source lists nothing for this: try other words or pages"
    assert fetched(2).shortfall().endswith("; of 2 none is kept, the first as follows: states no licence")


def test_pages_of_one_site_are_counted_in_one_row():
    rows = [line for line in fetched(5).lines() if line.startswith("gallery.example")]
    assert [row.split() for row in rows] == [["gallery.example", "5", "0", "5", "0"]]
