"""The difference hash, near-duplicates, and what lies in more than one of train, val and test."""

import csv
import io
import json
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from conftest import noise
from description_kit import blocks, photo, raw, record
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deblurbench.dataset.duplicates import photo_hashes
from deblurbench.dataset.leaks import (
    WITHIN,
    clusters,
    join_scenes,
    leak_lines,
    leak_report,
    near_duplicates,
    write_leaks,
)
from deblurbench.dataset.recipe import Prepare
from deblurbench.dataset.shot import PreparedPhoto
from deblurbench.files import sha256_file
from deblurbench.images.codec import read_rgb, write_png
from deblurbench.images.dhash import FLAT, dhash, distance, groups, is_plain
from deblurbench.places import Place
from deblurbench.sources.folder import Folder

# --- the hash


def plain_dhash(picture):
    """The definition again, in fractions and loops."""
    height, width = picture.shape[:2]
    grey = picture.astype(int) @ np.array([299, 587, 114])
    bits = ""
    for row in range(8):
        lines = [grey[(2 * j + 1) * height // 1024] for j in range(64 * row, 64 * row + 64)]
        means = []
        for cell in range(9):
            left, right = Fraction(cell * width, 9), Fraction((cell + 1) * width, 9)
            share = [max(Fraction(0), min(right, x + 1) - max(left, x)) for x in range(width)]
            total = sum((s * int(sum(line[x] for line in lines)) for x, s in enumerate(share) if s), Fraction(0))
            means.append(total / (right - left) / 64 / 1000)
        bits += "".join("1" if b - a > 1 else "0" for a, b in pairwise(means))
    return f"{int(bits, 2):016x}"


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (8, 9), (7, 5), (40, 53), (600, 3)])
def test_the_hash_is_its_definition(shape):
    picture = noise(*shape, seed=sum(shape))
    assert dhash(picture) == plain_dhash(picture)


def test_the_hash_of_simple_pictures():
    assert dhash(np.full((720, 1280, 3), 200, dtype=np.uint8)) == FLAT
    ramp = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, :, None], (64, 256, 3))
    assert dhash(ramp) == "f" * 16
    assert dhash(ramp[:, ::-1]) == FLAT
    upper = np.vstack([ramp[:32], ramp[32:, ::-1]])
    assert dhash(upper) == "f" * 8 + "0" * 8
    assert dhash(noise(1, 3000)) == plain_dhash(noise(1, 3000))


def test_flat_and_shaded_pictures_are_plain():
    assert is_plain(FLAT)
    assert is_plain("f" * 16)
    assert is_plain("0f" * 8)
    assert not is_plain(dhash(blocks(1, 256, 288, 32)))


# --- groups of hashes

bits64 = st.integers(0, 2**64 - 1)


@st.composite
def near_bits(draw):
    """Hashes, many of which differ little from another one."""
    some = draw(st.lists(bits64, min_size=1, max_size=4))
    for _ in range(draw(st.integers(0, 30))):
        flips = draw(st.lists(st.integers(0, 63), max_size=7))
        some.append(draw(st.sampled_from(some)) ^ sum(1 << bit for bit in set(flips)))
    return some


@given(near_bits(), st.integers(0, 15))
@settings(max_examples=150)
def test_groups_are_complete(hashes, within):
    known = sorted(set(hashes))
    least = {value: value for value in known}
    for _ in known:  # the slow way: spread the least over every near pair until nothing changes
        for a in known:
            for b in known:
                if (a ^ b).bit_count() <= within:
                    least[a] = least[b] = min(least[a], least[b])
    assert groups(hashes, within) == least


def test_a_hundred_thousand_hashes():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**63, 90_000, dtype=np.uint64)
    twins = hashes[:10_000] ^ (np.uint64(1) << rng.integers(0, 63, 10_000, dtype=np.uint64))
    found = groups([*hashes.tolist(), *twins.tolist()], WITHIN)
    assert all(found[a] == found[b] for a, b in zip(hashes[:10_000].tolist(), twins.tolist(), strict=True))
    assert len(set(found.values())) == 90_000


def test_plain_hashes_link_nothing():
    assert near_duplicates([("a", FLAT), ("b", FLAT), ("c", "f" * 16), ("d", "f" * 16)]) == []


def test_clusters_name_the_least_photo():
    some = dhash(blocks(1, 256, 288, 32))
    near = f"{int(some, 16) ^ 0b1011:016x}"
    far = f"{int(some, 16) ^ 0xFFFF:016x}"
    assert distance(some, far) == 16
    assert clusters([("b", some), ("a", near), ("c", far)]) == {"a": "a", "b": "a", "c": "c"}
    assert near_duplicates([("b", some), ("a", near), ("c", far)], within=2) == []


def test_whole_scenes_are_joined():
    """One near-duplicate is enough, and it takes all of both scenes along."""
    rng = np.random.default_rng(0)
    some = [f"{value:016x}" for value in rng.integers(0, 2**63, 6).tolist()]
    photos = [
        ("s1", "5", some[0]),
        ("s1", "4", some[1]),
        ("s2", "3", some[1]),
        ("s2", "9", some[2]),
        ("s3", "1", some[3]),
    ]
    assert join_scenes(photos) == {"s1": "s2", "s2": "s2", "s3": "s3"}
    same_file = [*photos, ("s3", "9", FLAT)]
    assert join_scenes(same_file) == {"s1": "s3", "s2": "s3", "s3": "s3"}
    assert join_scenes(same_file[::-1]) == join_scenes(same_file)


def test_planning_decodes_the_photos(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    write_png(tmp_path / "a" / "one.png", blocks(1, 256, 288, 32))
    write_png(tmp_path / "a" / "two.png", blocks(2, 256, 288, 32))
    write_png(tmp_path / "b" / "small.png", np.ascontiguousarray(blocks(1, 256, 288, 32)[::2, ::2]))
    write_png(tmp_path / "b" / "other.png", blocks(3, 256, 288, 32))
    source = Folder(path=str(tmp_path))
    photos = [replace(p, scene=p.key.split("/")[-2] if "/" in p.key else p.scene) for p in source.photos(0)]
    photos.append(replace(photos[0], key="nowhere.png", scene="c", raw_sha256="f" * 64))
    prepared = (PreparedPhoto(photo, source, Prepare()) for photo in photos)
    hashes = photo_hashes(prepared, len(photos), quiet=True)
    assert hashes.keys() == {photo.raw_sha256 for photo in photos[:4]}  # what cannot be read has none
    scenes = join_scenes(((p.scene, p.raw_sha256, hashes.get(p.raw_sha256, FLAT)) for p in photos), WITHIN)
    assert len({scenes[photo.scene] for photo in photos[:4]}) == 1
    assert scenes["c"] == "c"


# --- leaks


def kinds(leaks):
    return [(leak.kind, leak.pairs) for leak in leaks]


def report(*records):
    return leak_report(lambda: iter(records))


def test_each_kind_of_leak():
    sharp = blocks(5, 256, 288, 32)
    near = f"{int(dhash(sharp), 16) ^ 0b10011:016x}"
    a = record("train/a", photo("a", author="Ann"), sharp, scene="s1")
    assert report(a, record("test/z", photo("z", author="Bob"))) == []
    assert kinds(report(a, record("test-x/b", photo("a"), scene="s2"))) == [
        ("photo", {"train": "train/a", "test": "test-x/b"})
    ]
    assert kinds(report(a, record("val/b", photo("b"), scene="s1"))) == [
        ("scene", {"train": "train/a", "val": "val/b"})
    ]
    assert kinds(report(a, record("test/b", photo("b"), sharp_dhash=near))) == [
        ("near-duplicate", {"train": "train/a", "test": "test/b"})
    ]
    author = report(a, record("test/b", photo("b", author="Ann")))
    assert kinds(author) == [("author", {"train": "train/a", "test": "test/b"})]
    assert not author[0].serious
    same = report(a, record("test/b", photo("b"), sharp))
    assert [leak.kind for leak in same] == ["picture", "near-duplicate"]
    assert all(leak.serious for leak in same)


def test_one_frame_of_a_window_is_enough():
    window = photo("w", frames=(raw("f1"), raw("f2")))
    (leak,) = report(record("train/w", window), record("test/f", photo("f2")))
    assert (leak.kind, leak.key) == ("photo", raw("f2"))


def test_inside_one_share_nothing_leaks():
    assert report(record("test-a/p", photo("p")), record("test-b/p", photo("p")), record("test/p", photo("p"))) == []


def test_the_first_pair_of_each_share_is_named():
    records = [record(f"{split}/{name}", photo("p")) for split in ("train", "test") for name in ("c", "b", "d")]
    for leak in report(*records):
        assert leak.pairs == {"train": "train/b", "test": "test/b"}


def test_leaks_are_written_and_said(tmp_path):
    leaks = report(*(record(f"{s}/p{i}", photo(f"p{i}", author="Ann")) for s in ("train", "test") for i in range(7)))
    write_leaks(Place(tmp_path), leaks)
    written = json.loads((tmp_path / "leaks.json").read_text())
    assert written["within"] == WITHIN
    assert len(written["leaks"]) == len(leaks) == 4 * 7 + 1
    lines = list(leak_lines(leaks))
    assert "leak: 7 times the same photo in more than one of train, val, test" in lines
    assert "note: 1 times the same author in more than one of train, val, test" in lines
    assert sum(line == "  and 2 more: see leaks.json" for line in lines) == 4
    assert list(leak_lines([])) == []


# --- on real pictures


@pytest.fixture(scope="module")
def photographs(shared):
    files = sorted((shared / "photos").rglob("*.png")) + sorted((shared / "photos").rglob("*.jpg"))
    return [read_rgb(file) for file in files]


def test_no_two_photographs_are_taken_for_one(photographs):
    assert len(photographs) == 255
    hashes = [int(dhash(picture), 16) for picture in photographs]
    closest = min((a ^ b).bit_count() for i, a in enumerate(hashes) for b in hashes[:i])
    assert closest == 11
    assert sum(is_plain(f"{bits:016x}") for bits in hashes) <= 3


def jpeg(picture):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=75)
    return np.array(Image.open(buffer))


def half(picture):
    height, width = picture.shape[:2]
    return np.array(Image.fromarray(picture).resize((width // 2, height // 2), Image.Resampling.LANCZOS))


def lighter(picture, levels):
    return np.clip(picture.astype(int) + levels, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("change", "missed"),
    [(jpeg, 0), (half, 0), (lambda p: lighter(p, 5), 0), (lambda p: lighter(p, -5), 1)],
    ids=["jpeg", "half", "lighter", "darker"],
)
def test_changed_photographs_are_found(photographs, change, missed):
    distances = [distance(dhash(picture), dhash(change(picture))) for picture in photographs]
    assert sum(d > WITHIN for d in distances) == missed


def test_the_scene_that_two_folders_share_is_found(shared):
    """REDS 027 lies in the shared data twice: as frames, and as the sharp pictures of pairs."""
    frames = sorted((shared / "frames" / "reds027_x4_sharp").glob("*.png"))
    sharp = sorted((shared / "real_blur_pairs" / "reds027_x4").glob("*_sharp.png"))
    others = sorted((shared / "real_blur_pairs" / "reds_small").glob("*sharp*"))
    assert len(frames) == 60
    assert len(sharp) == 20

    def lines(split, scene, files):
        for file in files:
            of = photo(file.name, raw_sha256=sha256_file(file))
            yield record(f"{split}/{scene}-{file.stem}", of, read_rgb(file), scene=scene)

    both = [*lines("train", "frames", frames), *lines("test", "pairs", sharp)]
    found = [leak.kind for leak in report(*both)]
    assert found.count("photo") == found.count("picture") == 12  # the other 8 lie behind the 60 frames
    assert "near-duplicate" in found
    known = [(r.scene, r.photo.raw_sha256, r.sharp_dhash) for r in both]
    assert set(join_scenes(known).values()) == {join_scenes(known)["frames"]}
    assert report(*lines("train", "frames", frames), *lines("test", "others", others)) == []


def test_sources_of_the_shared_photographs_are_classed(shared):
    from deblurbench.sources.licences import licence_class

    with (shared / "photos" / "test" / "SOURCES.csv").open(newline="") as file:
        classes = {licence_class(row["licence"]) for row in csv.DictReader(file)}
    assert classes == {"by-sa", "other"}
