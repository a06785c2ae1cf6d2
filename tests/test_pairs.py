"""The source `pairs` and the blur `recorded`: official pairs as material of a recipe."""

import numpy as np
import pytest
from layout_kit import dpdd, gopro, levin

from deblurbench.blur.family import Recorded, blur_from
from deblurbench.draws import Draws
from deblurbench.errors import PictureError, RecipeError, UsageError
from deblurbench.files import sha256_file
from deblurbench.images.codec import read_rgb
from deblurbench.sources.pairs import Pairs
from deblurbench.sources.photo import source_from


def pairs(root, **settings):
    return Pairs(path=str(root), **{"layout": "gopro", **settings})


def test_photos_carry_the_official_split(tmp_path):
    root = gopro(tmp_path)
    source = pairs(root, author="Nah", licence="unknown")
    photos = source.photos(7)
    assert photos == source.photos(8)
    assert sorted((p.share, p.scene, p.stem) for p in photos) == [
        ("test", "GOPR0384_11_00", "GOPR0384_11_00-000047"),
        ("test", "GOPR0384_11_00", "GOPR0384_11_00-000048"),
        ("train", "GOPR0372_07_00", "GOPR0372_07_00-000047"),
        ("train", "GOPR0372_07_00", "GOPR0372_07_00-000048"),
    ]
    photo = photos[0]
    sharp = root / "test" / "GOPR0384_11_00" / "sharp" / "000047.png"
    assert photo.raw_sha256 == sha256_file(sharp)
    assert (photo.author, photo.licence) == ("Nah", "unknown")
    assert np.array_equal(source.read(photo), read_rgb(sharp))
    blur = read_rgb(sharp.parent.parent / "blur" / "000047.png")
    assert np.array_equal(source.recorded(photo, "blur"), blur)
    assert np.array_equal(source.recorded(photo, ""), blur)


def test_variants_are_never_taken_for_one_another(tmp_path):
    root = gopro(tmp_path)
    source = pairs(root, variant="blur_gamma")
    photo = source.photos(0)[0]
    gamma = read_rgb(root / "test" / "GOPR0384_11_00" / "blur_gamma" / "000047.png")
    assert np.array_equal(source.recorded(photo, ""), gamma)
    with pytest.raises(PictureError, match="set to `blur_gamma`, the blur to `blur`") as error:
        source.recorded(photo, "blur")
    assert 'variant = "blur"' in error.value.hint


def test_levin_and_16_bits(tmp_path):
    source = pairs(levin(tmp_path / "levin"), layout="levin")
    photos = source.photos(0)
    assert len({p.name for p in photos}) == 4  # though two of them have one sharp picture
    source = pairs(dpdd(tmp_path / "dpdd"), layout="dpdd")
    photo = source.photos(0)[0]
    assert source.read(photo).dtype == np.uint8
    assert source.recorded(photo, "c").shape == (6, 8, 3)


def test_mistakes(tmp_path):
    with pytest.raises(UsageError, match="takes the pairs of GOPRO_Large"):
        Pairs(layout="gopro").photos(0)
    with pytest.raises(UsageError, match="did you mean"):
        pairs(tmp_path, layout="gopr").photos(0)
    with pytest.raises(UsageError, match="does not look like"):
        pairs(tmp_path).photos(0)
    root = gopro(tmp_path)
    (root / "test" / "GOPR0384_11_00" / "sharp" / "000047.png").unlink()
    with pytest.raises(UsageError, match="has no sharp counterpart"):
        pairs(root).photos(0)


def test_recipe_tables(tmp_path):
    source = source_from({"source": "pairs", "layout": "gopro", "path": str(tmp_path)}, "r.toml", "sources.0")
    assert isinstance(source, Pairs)
    with pytest.raises(RecipeError, match="layout"):
        source_from({"source": "pairs"}, "r.toml", "sources.0")
    blur = blur_from({"family": "recorded", "variant": "blur_gamma"}, "r.toml", "splits.0.blurs.0")
    drawn = blur.draw(Draws(1, "train/a", "blur"))
    assert drawn.operator == Recorded("blur_gamma")
    assert drawn.parameters == {"variant": "blur_gamma"}
    assert blur_from({"family": "recorded"}, "r.toml", "b").draw(Draws(1, "a", "b")).operator == Recorded("")
    with pytest.raises(RecipeError, match="variant"):
        blur_from({"family": "recorded", "variant": "a/b"}, "r.toml", "b")
    with pytest.raises(RecipeError, match="sigma"):
        blur_from({"family": "recorded", "sigma": 1.0}, "r.toml", "b")
