"""Frames in succession: folders of pictures or video files, cut into windows, for blur by frame averaging."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import AfterValidator, Field

from deblurbench.draws import Draws
from deblurbench.errors import UsageError
from deblurbench.files import canonical_json, safe_name, sha256_file
from deblurbench.images.codec import Picture, list_pictures, read_rgb
from deblurbench.sources import video
from deblurbench.sources.photo import Photo, Source, check_unchanged


def _check_window(window: int | tuple[int, int]) -> int | tuple[int, int]:
    ends = window if isinstance(window, tuple) else (window, window)
    if not 3 <= ends[0] <= ends[1] <= 999 or any(end % 2 == 0 for end in ends):
        raise ValueError("an odd number of frames from 3 to 999, or a range [low, high] between two of them")
    return window


class Frames(Source):
    """Windows of successive frames; the middle frame of a window is the sharp picture.

    Attributes:
        path: a folder of frames, a folder of such folders, a video file, or a folder of video files. Each folder
            that holds pictures, and each video, is a scene, called by its path below `path` (without a video's
            suffix), or as `path` itself is called where it is the only one. Frames come in the natural order of
            their names (`f2` before `f10`), and each is taken to follow the one before: a frame that is missing
            from a folder is not noticed.
        window: the number of frames of a window, odd, so that one of them is in the middle; or [low, high], one of
            whose odd numbers is drawn for each scene (GoPro averaged 7 to 13).
        step: frames from the start of a window to the start of the next; without it windows touch and do not
            overlap. What is left over at the end of a scene and too short for a window is left out.
        author, licence: of all the frames, where they are known.
    """

    source: ClassVar[str] = "frames"
    path: str = ""
    window: Annotated[int | tuple[int, int], AfterValidator(_check_window)] = (7, 13)
    step: Annotated[int, Field(ge=1)] | None = None
    author: str = ""
    licence: str = ""

    def photos(self, seed: int) -> list[Photo]:
        """Every window, named `SCENE-NNNNNN` by the position of its middle frame in the scene, from 0.

        The raw hash of a frame is that of its file; of a video's frame, see `video.frame_hash`: videos are decoded
        once from end to end.

        Raises: UsageError where there are no frames, or not enough for a window; PictureError naming a video that
        cannot be decoded.
        """
        photos = [photo for sequence in _sequences(self.path) for photo in self._windows(sequence, seed)]
        if not photos:
            raise UsageError(f"no scene in {self.path} is as long as a window", "give a smaller `window`")
        return photos

    def _windows(self, sequence: _Sequence, seed: int) -> Iterator[Photo]:
        low, high = self.window if isinstance(self.window, tuple) else (self.window, self.window)
        count = low + 2 * Draws(seed, sequence.scene, "window").integer(0, (high - low) // 2)
        frames = list(sequence.frames())
        for first in range(0, len(frames) - count + 1, self.step or count):
            window = frames[first : first + count]
            middle = count // 2
            yield Photo(
                source=self.source,
                key=canonical_json(sequence.key(first, window)),
                stem=f"{safe_name(sequence.scene, 50)}-{first + middle:06d}",
                scene=sequence.scene,
                raw_sha256=window[middle].sha256,
                author=self.author,
                licence=self.licence,
                frames=tuple(frame.sha256 for frame in window),
            )

    def read(self, photo: Photo) -> Picture:
        """The middle frame. Raises PictureError naming its file."""
        key, middle = json.loads(photo.key), len(photo.frames) // 2
        if "video" in key:
            return _video_window(key, photo).picture(middle)
        return _read(Path(key["folder"]) / key["files"][middle], photo.raw_sha256)

    def frames(self, photo: Photo) -> Iterable[Picture]:
        """All frames of the window in order, one at a time. Raises PictureError naming the file."""
        key = json.loads(photo.key)
        if "video" in key:
            return _video_window(key, photo).pictures()
        return (_read(Path(key["folder"]) / n, raw) for n, raw in zip(key["files"], photo.frames, strict=True))


def _read(file: Path, raw_sha256: str) -> Picture:
    picture = read_rgb(file)
    check_unchanged(file, raw_sha256)
    return picture


def _video_window(key: dict[str, Any], photo: Photo) -> video.Window:
    return video.Window(Path(key["video"]), key["first"], key["pts"], photo.frames)


class _Frame(NamedTuple):
    """A frame of a sequence: its file's name or its time stamp in the video, and its raw hash."""

    where: str | int | None
    sha256: str


class _Sequence(NamedTuple):
    """The frames of one scene: the names of a folder's pictures in order, or a video (no names)."""

    scene: str
    path: Path
    names: tuple[str, ...] = ()

    def frames(self) -> Iterator[_Frame]:
        if self.names:
            return (_Frame(name, sha256_file(self.path / name)) for name in self.names)
        return (_Frame(*scanned) for scanned in video.scan(self.path))

    def key(self, first: int, window: list[_Frame]) -> dict[str, Any]:
        """What is needed to read a window again."""
        if self.names:
            return {"folder": str(self.path), "files": [frame.where for frame in window]}
        return {"video": str(self.path), "first": first, "pts": window[0].where}


def natural_order(name: str) -> tuple[list[str | int], str]:
    """A sort key by which runs of digits count as numbers: `f2` before `f10`; ties by code point."""
    parts = re.split(r"([0-9]+)", name)  # text, digits, text, ...: equal positions compare alike
    return [int(part) if i % 2 else part for i, part in enumerate(parts)], name


def _sequences(path: str) -> list[_Sequence]:
    """The scenes at and below a path, in natural order."""
    if not path:
        hint = "name it with --photos, or as the source's `path`"
        raise UsageError("this recipe takes frames from a folder or video of yours", hint)
    root = Path(path)
    if root.is_file():
        return [_Sequence(root.stem, root)]
    if not root.is_dir():
        raise UsageError(f"no folder or video {root}", "check the source's `path`")
    folders: dict[Path, list[str]] = {}
    for file in list_pictures(root):
        folders.setdefault(file.parent, []).append(file.name)
    found = [
        _Sequence(_scene(root, folder), root / folder, _in_order(root / folder, n)) for folder, n in folders.items()
    ]
    found += [_Sequence(file.with_suffix("").as_posix(), root / file) for file in list_pictures(root, video.SUFFIXES)]
    scenes: dict[str, _Sequence] = {}
    for sequence in found:
        twin = scenes.setdefault(sequence.scene, sequence)
        if twin is not sequence:
            raise UsageError(f"{twin.path} and {sequence.path} make one scene of two", "rename or move one of them")
    if not scenes:
        raise UsageError(f"no frames in {root}", "it needs pictures, or videos, or folders of pictures")
    return [scenes[scene] for scene in sorted(scenes, key=natural_order)]


def _scene(root: Path, folder: Path) -> str:
    return folder.as_posix() if folder.parts else root.resolve().name or "frames"


def _in_order(folder: Path, names: list[str]) -> tuple[str, ...]:
    """The names in natural order. Raises UsageError where two files of other formats are the same frame."""
    stems: dict[str, str] = {}
    for name in names:
        twin = stems.setdefault(Path(name).stem, name)
        if twin != name:
            raise UsageError(f"{folder} has {twin} and {name}", "keep one file of each frame")
    return tuple(sorted(names, key=natural_order))
