"""The colour photographs that scikit-image carries: nothing to download, licence and author known.

Left out: its drawings and charts, its grey pictures, the motorcycle pair (no licence is stated) and the
stained tissue (a micrograph under "no known restrictions", which is no licence). Facts: scikit-image's docstrings.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, NamedTuple

from deblurbench.errors import PictureError
from deblurbench.files import sha256_file
from deblurbench.images.codec import Picture, read_rgb
from deblurbench.sources.photo import Photo, Source


class _Sample(NamedTuple):
    file: str
    sha256: str
    author: str
    licence: str
    url: str


_SAMPLES = (
    _Sample(
        "astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "NASA",
        "public domain",
        "https://flic.kr/p/r9qvLn",
    ),
    _Sample(
        "chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "Stefan van der Walt",
        "CC0-1.0",
        "https://scikit-image.org/docs/stable/api/skimage.data.html#skimage.data.chelsea",
    ),
    _Sample(
        "coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "Rachel Michetti (courtesy of Pikolo Espresso Bar)",
        "CC0-1.0",
        "https://scikit-image.org/docs/stable/api/skimage.data.html#skimage.data.coffee",
    ),
    _Sample(
        "hubble_deep_field.jpg",
        "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
        "NASA",
        "public domain",
        "http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
    ),
    _Sample(
        "retina.jpg",
        "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
        "Mikael Häggström",
        "CC0-1.0",
        "https://commons.wikimedia.org/wiki/File:Fundus_photograph_of_normal_left_eye.jpg",
    ),
    _Sample(
        "rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "SpaceX",
        "public domain",
        "https://www.flickr.com/photos/spacexphotos/16511594820/in/photostream/",
    ),
)


class Samples(Source):
    """scikit-image's colour photographs; each is a scene of its own."""

    source: ClassVar[str] = "samples"

    def photos(self, seed: int) -> list[Photo]:
        """The photographs, whatever the seed."""
        return [
            Photo(
                source=self.source,
                key=sample.file,
                stem=Path(sample.file).stem,
                scene=Path(sample.file).stem,
                raw_sha256=sample.sha256,
                author=sample.author,
                licence=sample.licence,
                url=sample.url,
            )
            for sample in _SAMPLES
        ]

    def read(self, photo: Photo) -> Picture:
        """Decode the file that scikit-image installed. Raises PictureError where it is another file."""
        path = _data_folder() / photo.key
        if not path.is_file() or sha256_file(path) != photo.raw_sha256:
            raise PictureError(
                f"scikit-image's {photo.key} is missing or not the one that is known",
                "install the scikit-image version that constraints.txt names",
            )
        return read_rgb(path)


def _data_folder() -> Path:
    spec = find_spec("skimage")  # finds the folder without importing the package
    locations = list(spec.submodule_search_locations or ()) if spec else []
    if not locations:
        raise PictureError("scikit-image is not installed", "pip install scikit-image")
    return Path(locations[0]) / "data"
