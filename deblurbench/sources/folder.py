"""A folder of photos, the user's own or fetched: any tree of JPEG, PNG, WebP, TIFF or BMP files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from deblurbench.errors import UsageError
from deblurbench.files import sha256_file
from deblurbench.images.codec import SUFFIXES, Picture, list_pictures, read_rgb
from deblurbench.sources.photo import Photo, Source, check_unchanged
from deblurbench.sources.provenance import Provenance, read_provenance


class Folder(Source):
    """All pictures below `path` (`build-dataset --photos DIR` sets it).

    What a `photos.jsonl` there says of a photo (`deblurbench fetch` writes one) goes along with it.

    Attributes:
        path: the folder; relative to the working directory.
        scene: what belongs together and never spans train, val and test: each `file` is a scene of its
            own, but fetched photos of one author are one; or all files of one sub-`folder` are (the frames of a
            video, say), and files in `path` itself are scenes of their own.
        author, licence: of all photos that no `photos.jsonl` knows, where they are known.
    """

    source: ClassVar[str] = "folder"
    same_bytes_once: ClassVar[bool] = True
    path: str = ""
    scene: Literal["file", "folder"] = "file"
    author: str = ""
    licence: str = ""

    def photos(self, seed: int) -> list[Photo]:
        """Every picture file in it and below. Links to files are followed, links to folders are not.

        Raises: UsageError where there is no such folder or no picture in it, or a file may not be read.
        """
        if not self.path:
            raise UsageError("this recipe takes photos from a folder of yours", "name it with --photos DIR")
        root = Path(self.path)
        if not root.is_dir():
            raise UsageError(f"no folder {root}", "check --photos, or the source's `path`")
        known = read_provenance(root)
        photos = [self._photo(root, file, known) for file in list_pictures(root)]
        if not photos:
            raise UsageError(f"no pictures in {root}", f"looked for {', '.join(sorted(SUFFIXES))} in it and below")
        return photos

    def _photo(self, root: Path, file: Path, known: Mapping[str, Provenance]) -> Photo:
        try:
            raw = sha256_file(root / file)
        except OSError as error:
            hint = f"{error.strerror or error}; make it readable, or move it away"
            raise UsageError(f"cannot read {root / file}", hint) from error
        inside = self.scene == "folder" and len(file.parts) > 1
        found = known.get(raw)
        return Photo(
            source=found.source if found else self.source,
            key=file.as_posix(),
            stem=file.stem,
            scene=file.parent.as_posix() if inside else (found and self.scene == "file" and found.scene) or raw,
            raw_sha256=raw,
            author=found.author if found else self.author,
            licence=found.licence if found else self.licence,
            url=(found.landing_page or found.url) if found else "",
            title=found.title if found else "",
        )

    def read(self, photo: Photo) -> Picture:
        """Decode the file. Raises PictureError naming it, also where it is no longer the one that was listed."""
        file = Path(self.path) / photo.key
        picture = read_rgb(file)
        check_unchanged(file, photo.raw_sha256)
        return picture
