"""Sources `samples` and `folder`."""

from pathlib import Path

import numpy as np
import pytest
from conftest import noise
from PIL import Image

from deblurbench.errors import PictureError, UsageError
from deblurbench.files import sha256_file
from deblurbench.images.codec import write_png
from deblurbench.sources import samples
from deblurbench.sources.folder import Folder
from deblurbench.sources.photo import source_from
from deblurbench.sources.samples import Samples


def test_samples_are_colour_photographs_with_author_and_licence():
    source = Samples()
    photos = source.photos(0)
    assert {p.stem for p in photos} == {"astronaut", "chelsea", "coffee", "hubble_deep_field", "retina", "rocket"}
    for photo in photos:
        assert photo.author
        assert photo.licence in ("CC0-1.0", "public domain")
        assert photo.url.startswith("http")
        picture = source.read(photo)
        assert picture.ndim == 3
        assert np.ptp(picture, axis=2).max() > 30, f"{photo.stem} has no colour"


def test_a_changed_sample_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "_data_folder", lambda: tmp_path)
    write_png(tmp_path / "coffee.png", noise(4, 4))
    photo = next(p for p in Samples().photos(0) if p.stem == "coffee")
    with pytest.raises(PictureError, match="not the one that is known"):
        Samples().read(photo)


def test_folder_takes_every_file_of_a_tree(tmp_path):
    write_png(tmp_path / "a b.png", noise(4, 4))
    (tmp_path / "sub").mkdir()
    write_png(tmp_path / "sub" / "copy.png", noise(4, 4))
    Image.fromarray(noise(5, 5)).save(tmp_path / "sub" / "x.JPG")
    photos = Folder(path=str(tmp_path)).photos(0)
    assert sorted(Path(p.key).name for p in photos) == ["a b.png", "copy.png", "x.JPG"]
    assert Folder.same_bytes_once  # the plan takes the first of equal files, and reports the others
    first = next(p for p in photos if p.stem == "a b")
    assert first.raw_sha256 == sha256_file(tmp_path / "a b.png")
    assert first.name == f"a_b-{first.raw_sha256[:8]}"
    assert np.array_equal(Folder(path=str(tmp_path)).read(first), noise(4, 4))


def test_a_photo_that_changes_after_it_was_listed_is_not_used(tmp_path):
    write_png(tmp_path / "a.png", noise(4, 4))
    source = Folder(path=str(tmp_path))
    photo = source.photos(0)[0]
    write_png(tmp_path / "a.png", noise(4, 4, seed=1))
    with pytest.raises(PictureError, match=r"a\.png has changed since it was listed"):
        source.read(photo)


def test_folder_scenes(tmp_path):
    for i, name in enumerate(["v1/a.png", "v1/b.png", "v2/a.png"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_png(tmp_path / name, noise(4, 4, seed=i))
    by_folder = Folder(path=str(tmp_path), scene="folder").photos(0)
    assert sorted(p.scene for p in by_folder) == ["v1", "v1", "v2"]
    assert len({p.scene for p in Folder(path=str(tmp_path)).photos(0)}) == 3


def test_folder_says_what_is_wrong(tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        Folder(path=str(tmp_path / "none")).photos(0)
    with pytest.raises(UsageError, match="no pictures in"):
        Folder(path=str(tmp_path)).photos(0)
    with pytest.raises(UsageError, match="--photos"):
        Folder().photos(0)


def test_folder_names_a_file_it_may_not_read(tmp_path, monkeypatch):
    write_png(tmp_path / "a.png", noise(4, 4))

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("deblurbench.sources.folder.sha256_file", refuse)  # root may read everything
    with pytest.raises(UsageError, match=r"cannot read .*a\.png: Permission denied; make it readable"):
        Folder(path=str(tmp_path)).photos(0)


def test_an_unknown_source_or_setting_is_named():
    with pytest.raises(UsageError, match="did you mean 'folder'"):
        source_from({"source": "foldr"}, "r.toml", "sources.0")
    with pytest.raises(UsageError, match=r"r.toml:sources.0.pth: unknown key, did you mean 'path'"):
        source_from({"source": "folder", "pth": "x"}, "r.toml", "sources.0")
    known = "deadleaves, folder, frames, pairs, samples"
    with pytest.raises(UsageError, match=rf"r.toml:sources.0.source: name one here: {known}"):
        source_from({}, "r.toml", "sources.0")
