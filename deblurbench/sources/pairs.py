"""Pairs of a published dataset where they lie: the sharp picture of each, and the blurred one beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

from deblurbench.errors import PictureError, UsageError
from deblurbench.files import sha256_file
from deblurbench.images.codec import Picture
from deblurbench.sources.layouts.find import find_pairs, layout_named, variant_named
from deblurbench.sources.layouts.layout import FoundPair
from deblurbench.sources.layouts.read import read_picture
from deblurbench.sources.photo import Photo, Source, check_unchanged


class Pairs(Source):
    """The pairs of the dataset below `path` (`build-dataset --photos DIR` sets it), each with its official split.

    Attributes:
        path: the root of the dataset, as `layout` wants it; relative to the working directory.
        layout: a published dataset's name, such as `gopro`: see `sources.layouts.find.LAYOUTS`.
        variant: which blurred pictures; empty for the layout's first.
        author, licence: of all the photos, where they are known.
    """

    source: ClassVar[str] = "pairs"
    path: str = ""
    layout: str
    variant: str = ""
    author: str = ""
    licence: str = ""

    def photos(self, seed: int) -> list[Photo]:
        """One photo per pair.

        Raises: UsageError where the folder is not of this layout, or a picture has no counterpart.
        """
        layout = layout_named(self.layout)
        if not self.path:
            raise UsageError(f"this recipe takes the pairs of {layout.title}", "name its folder with --photos DIR")
        found = find_pairs(layout, Path(self.path), self.variant)
        if found.problems:
            more = f" (and {len(found.problems) - 1} more)" if len(found.problems) > 1 else ""
            raise UsageError(f"{self.path}: {found.problems[0]}{more}", "complete or remove them")
        return [self._photo(pair) for pair in found.pairs]

    def _photo(self, pair: FoundPair) -> Photo:
        key = {"name": pair.name, "sharp": pair.sharp, "split": pair.split, "variants": {self._variant(): pair.blur}}
        return Photo(
            source=self.source,
            key=json.dumps(key, sort_keys=True),
            stem=pair.name,
            scene=pair.scene,
            raw_sha256=sha256_file(Path(self.path) / pair.sharp),
            author=self.author,
            licence=self.licence,
            share=pair.split,
        )

    def read(self, photo: Photo) -> Picture:
        """The sharp picture. Raises PictureError."""
        name = json.loads(photo.key)["sharp"]
        picture = self._read(name)
        check_unchanged(Path(self.path) / name, photo.raw_sha256)
        return picture

    def recorded(self, photo: Photo, variant: str) -> Picture:
        """The blurred picture of the variant that the source is set to; `variant` is that one's name, or empty.

        Raises: PictureError for another variant, so that `blur` and `blur_gamma` are never taken for one another.
        """
        files = json.loads(photo.key)["variants"]
        name = variant or self._variant()
        if name not in files:
            hint = f'give the source variant = "{name}", or the blur the same variant as the source'
            raise PictureError(f"the source is set to `{self._variant()}`, the blur to `{name}`", hint)
        return self._read(files[name])

    def _variant(self) -> str:
        return variant_named(layout_named(self.layout), self.variant)

    def _read(self, name: str) -> Picture:
        return read_picture(Path(self.path) / name, sixteen_bit=layout_named(self.layout).sixteen_bit)
