"""croissant.json, read by the reference implementation, offline."""

import json
import warnings

import numpy as np
import pytest
from description_kit import HOSTILE, make_small

from deblurbench.dataset.card import write_cards

mlcroissant = pytest.importorskip("mlcroissant", reason="it comes with the extra [dev]")


@pytest.fixture(params=["png", "parquet", "webdataset"])
def small(request, tmp_path):
    made = make_small(tmp_path / "small", request.param)
    write_cards(made.place, made.facts, made.records)
    return made


def opened(small):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pandas and rdflib, inside the reference implementation
        return mlcroissant.Dataset(jsonld=str(small.place.folder / "croissant.json"))


def read(dataset, name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(dataset.records(name))


def test_the_reference_validator_accepts_it(small, caplog):
    dataset = opened(small)
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    # Nobody has published it yet; that is the one thing that a build cannot know and the validator asks for.
    assert len(issues.warnings) == 1
    assert "datePublished" in next(iter(issues.warnings))
    assert "not standard" not in caplog.text
    metadata = dataset.metadata
    assert metadata.name == "small"
    assert metadata.version == "2.0.0"
    assert set(metadata.license) == {
        "https://creativecommons.org/licenses/by/4.0/",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    }


def test_the_pairs_are_the_manifest(small):
    rows = read(opened(small), "pairs")
    assert [row["pairs/pair"].decode() for row in rows] == [r.pair for r in small.records()]
    for row, of in zip(rows, small.records(), strict=True):
        assert row["pairs/split"].decode() == of.split
        assert row["pairs/licence"].decode() == of.photo.licence
        assert row["pairs/author"].decode() == of.photo.author
        assert row["pairs/blur_family"].decode() == "gaussian"
        assert row["pairs/sharp_sha256"].decode() == of.sharp_sha256
    assert any(row["pairs/author"].decode() == HOSTILE.author for row in rows)


def test_a_changed_manifest_is_noticed(small):
    file = small.place.folder / "manifest.jsonl"
    file.write_text(file.read_text().replace("CC0-1.0", "CC BY 4.0"))
    with pytest.raises(Exception, match=r"Download.manifest\.jsonl"):
        read(opened(small), "pairs")


def test_pictures_come_out_of_files(tmp_path):
    small = make_small(tmp_path / "small")
    write_cards(small.place, small.facts, small.records)
    dataset = opened(small)
    for records, side in (("blurred", "blur"), ("sharp", "sharp")):
        rows = read(dataset, records)
        found = {f"{r[f'{records}/split'].decode()}/{r[f'{records}/name'].decode()}": r for r in rows}
        assert found.keys() == {r.pair for r in small.records()}
        for of in small.records():
            assert np.array_equal(np.array(found[of.pair][f"{records}/picture"]), small.read(of, side))


def test_pictures_come_out_of_parquet(tmp_path):
    small = make_small(tmp_path / "small", "parquet")
    write_cards(small.place, small.facts, small.records)
    rows = read(opened(small), "pictures")
    by_pair = {json.loads(row["pictures/record"])["pair"]: row for row in rows}
    assert by_pair.keys() == {r.pair for r in small.records()}
    for of in small.records():
        for side in ("sharp", "blur"):
            assert np.array_equal(np.array(by_pair[of.pair][f"pictures/{side}"]), small.read(of, side))


@pytest.mark.parametrize("fmt", ["qoi", "npy", "gopro", "lmdb"])
def test_other_formats_are_accepted_too(tmp_path, fmt):
    small = make_small(tmp_path / "small", fmt)
    write_cards(small.place, small.facts, small.records)
    dataset = opened(small)
    assert not dataset.metadata.ctx.issues.errors
    assert len(read(dataset, "pairs")) == len(small.made)
