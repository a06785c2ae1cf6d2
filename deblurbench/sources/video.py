"""Frames of a video file as 8-bit RGB, through PyAV (FFmpeg), which the extra `[video]` brings.

Rules: the frames are those that the decoder gives, in its order, none repeated or dropped; turned upright by 0, 90,
180 or 270 degrees where the file says so; of the stored pixel shape. YUV becomes RGB by FFmpeg's scaler in its
bit-exact mode with full chroma (its default is a grey level too dark), with the matrix that the file names, or else
BT.601. More than 8 bits, alpha, palettes and mirrored display are refused. Damage is refused where the decoder reports
it, and so is a file that ends half a second or more before its own stated end. (200 bytes flipped 40 times: refused 40
times in FFV1, MPEG-4 and PNG, 25 to 36 in H.264, 34 in Motion JPEG, but 7 in HEVC, which then shows rubbish.)

Decoded pixels are hashed when a photo is planned and again when it is read. They may differ between versions of
FFmpeg; with lossless codecs in RGB (FFV1, x264rgb with qp 0) they do not.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from deblurbench.errors import DeblurbenchError, PictureError
from deblurbench.files import sha256_text
from deblurbench.images.codec import Picture
from deblurbench.images.hashing import pixel_hash

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

SUFFIXES = frozenset(
    {".avi", ".flv", ".ivf", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut"}
    | {".ogv", ".webm", ".wmv", ".y4m"}
)

# Only containers that hold their own frames: no playlist, which could name other files or the network.
_CONTAINERS = "matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,mpeg,mpegts,asf,flv,ogg,yuv4mpegpipe,mxf,nut,ivf"
_OPEN = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS, "err_detect": "crccheck+explode"}
_DECODE = {"err_detect": "crccheck+bitstream+buffer+explode"}
_NEAR = 64  # frames that are rather decoded than jumped over
_LATE = 0.5  # seconds that may lack at the end
_ONE = 1 << 16
_TURNS = {(_ONE, 0, 0, _ONE): 0, (0, -_ONE, _ONE, 0): 1, (-_ONE, 0, 0, -_ONE): 2, (0, _ONE, -_ONE, 0): 3}


class Scanned(NamedTuple):
    """A frame of a video: its time stamp in the stream's units (None where it has none), and its raw hash."""

    pts: int | None
    sha256: str


def frame_hash(index: int, picture: Picture) -> str:
    """What stands for the raw file of a video's frame: hex SHA-256 of the text `INDEX PIXELHASH`, from index 0."""
    return sha256_text(f"{index} {pixel_hash(picture)}")


def scan(path: Path) -> Iterator[Scanned]:
    """Every frame of a video, hashed, one at a time in memory.

    Raises: PictureError where it is no video or damaged, holds no frame or ends early, or is of a kind that is
    refused; DeblurbenchError where PyAV is not installed.
    """
    with _said_for(path), _open(path) as container:
        stream = _prepare(path, container, threads=0)
        count, end = 0, 0.0
        for frame in _checked(path, container, stream):
            yield Scanned(frame.pts, frame_hash(count, _picture(path, count, frame)))
            count += 1
            end = max(end, float(((frame.pts or 0) + (frame.duration or 0)) * (stream.time_base or 0)))
        if not count:
            raise PictureError(f"{path} has no frame", "replace or remove it")
        if _stated_end(stream) - end >= _LATE:
            hint = f"its frames end after {end:.1f} s of {_stated_end(stream):.1f} s: get it whole, or cut it anew"
            raise PictureError(f"{path} is cut short", hint)


@dataclass(frozen=True)
class Window:
    """Successive frames of a video.

    Attributes:
        path: of the video.
        first: index of the first frame, from 0.
        pts: its time stamp, as `scan` gave it.
        hashes: the raw hash of each frame, as `scan` gave them.
    """

    path: Path
    first: int
    pts: int | None
    hashes: tuple[str, ...]

    def pictures(self) -> Iterator[Picture]:
        """All frames, in order. Raises PictureError."""
        return (self.picture(position) for position in range(len(self.hashes)))

    def picture(self, position: int) -> Picture:
        """The frame at a position of the window, uint8 H x W x 3 RGB.

        Raises: PictureError where the file cannot be decoded, or to other pixels than when it was scanned.
        """
        try:
            picture = self._read(position, fresh=False)
        except PictureError:  # a jump may land in a group of pictures that leans on the one before
            picture = None
        if picture is None:
            picture = self._read(position, fresh=True)
        if picture is not None:
            return picture
        hint = "the file or FFmpeg changed since: build the dataset anew"
        raise PictureError(f"frame {self.first + position} of {self.path} is not what it was when it was planned", hint)

    def _read(self, position: int, *, fresh: bool) -> Picture | None:
        """The frame, without jumps from the start of the file where `fresh`; None where it is not the one scanned."""
        index = self.first + position
        with _said_for(self.path):
            frame = _reader(self.path, fresh=fresh).frame(self, position, jump=not fresh)
            picture = None if frame is None else _picture(self.path, index, frame)
        known = picture is not None and frame_hash(index, picture) == self.hashes[position]
        return picture if known else None


class _Reader:
    """An open video that remembers where it is, and the last window that was asked for, as decoded."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._container = _open(path)
        self._stream = _prepare(path, self._container, threads=1)  # pairs are made in parallel, not frames
        self._decoded: Iterator[VideoFrame] = self._container.decode(self._stream)
        self._next = 0
        self._held: dict[int, VideoFrame] = {}

    def frame(self, window: Window, position: int, *, jump: bool) -> VideoFrame | None:
        """A frame of a window; `jump`: by way of a key frame where that saves decoding. None where it is not there."""
        wanted = range(window.first, window.first + len(window.hashes))
        self._held = {index: frame for index, frame in self._held.items() if index in wanted}
        index = window.first + position
        if index in self._held:
            return self._held[index]
        behind = window.first < self._next - len(self._held)
        if behind or window.first > self._next + _NEAR:
            if jump and window.pts is not None:
                self._jump(window.first, window.pts)
            elif behind:
                return None
        for frame in self._decoded:
            if self._next in wanted:
                self._held[self._next] = frame
            self._next += 1
            if self._next > index:
                break
        return self._held.get(index)

    def _jump(self, first: int, pts: int) -> None:
        """Go to the frame `first`, which is known by its time stamp."""
        self._held = {}
        self._container.seek(pts, stream=self._stream, backward=True)
        self._decoded = self._container.decode(self._stream)
        self._next = first
        for frame in self._decoded:
            if frame.pts is None or frame.pts > pts:
                break
            if frame.pts == pts:
                self._held[first] = frame
                self._next = first + 1
                break

    def close(self) -> None:
        self._container.close()


_ours = threading.local()


def _reader(path: Path, *, fresh: bool) -> _Reader:
    """The reader of this thread; a new one where it reads another file or came from the process that forked us."""
    held: tuple[int, _Reader] | None = getattr(_ours, "reader", None)
    if held and held[0] == os.getpid():
        if held[1].path == path and not fresh:
            return held[1]
        held[1].close()
    _ours.reader = None
    reader = _Reader(path)
    _ours.reader = (os.getpid(), reader)
    return reader


@contextmanager
def _said_for(path: Path) -> Iterator[None]:
    """What FFmpeg says, as an error of ours that names the file."""
    try:
        import av
    except ImportError as error:
        raise DeblurbenchError("reading videos needs PyAV", "pip install 'deblurbench[video]'") from error
    try:
        yield
    except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
        said = getattr(error, "strerror", None) or error
        raise PictureError(f"{path} cannot be decoded as a video ({said})", "replace or remove it") from error


def _open(path: Path) -> InputContainer:
    import av

    return av.open(f"file:{path}", options=_OPEN)


def _prepare(path: Path, container: InputContainer, threads: int) -> VideoStream:
    """The first video stream, ready to decode. A cover picture of a sound file is none."""
    from av.stream import Disposition

    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams:
        raise PictureError(f"{path} has no video in it", "replace or remove it")
    stream = streams[0]
    stream.codec_context.options = _DECODE | {"max_pixels": str(Image.MAX_IMAGE_PIXELS or 2**31 - 1)}
    stream.codec_context.thread_count = threads
    stream.codec_context.thread_type = "AUTO"
    return stream


def _checked(path: Path, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """All frames; PictureError where a checksum of FFV1 is wrong: its decoder only logs that, and shows old pixels."""
    import av

    frames = container.decode(stream)
    if stream.codec_context.name != "ffv1":
        yield from frames
        return
    stream.codec_context.thread_count = 1  # what other threads log is not captured
    level = av.logging.get_level()
    while True:
        av.logging.set_level(av.logging.ERROR)
        try:
            with av.logging.Capture() as logged:
                frame = next(frames, None)
        finally:
            av.logging.set_level(level)
        if logged:
            raise PictureError(f"{path} is damaged ({logged[0][2].strip()})", "replace the file or cut it anew")
        if frame is None:
            return
        yield frame


def _stated_end(stream: VideoStream) -> float:
    """When the container says that the stream ends, in seconds; 0 where it does not say."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    try:
        hours, minutes, seconds = stream.metadata.get("DURATION", "").split(":")  # Matroska's
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    except ValueError:
        return 0.0


def _picture(path: Path, index: int, frame: VideoFrame) -> Picture:
    """A decoded frame, upright, as uint8 H x W x 3 RGB. Raises PictureError where it is of a kind that is refused."""
    from av.video.reformatter import Interpolation as Flag

    if frame.is_corrupt:
        raise PictureError(f"frame {index} of {path} is damaged", "replace the file or cut it anew")
    parts = frame.format.components
    if frame.format.has_palette or frame.format.is_bayer or any(part.is_alpha or part.bits > 8 for part in parts):
        hint = "convert it to 8 bits without alpha or palette first"
        raise PictureError(f"{path} has pixels of the kind {frame.format.name}", hint)
    flags = Flag.BICUBIC | Flag.FULL_CHR_H_INT | Flag.FULL_CHR_H_INP | Flag.ACCURATE_RND | Flag.BITEXACT
    picture: Any = frame.to_ndarray(format="rgb24", interpolation=flags, threads=1)
    turns = _turns(frame)
    if turns is None:
        raise PictureError(f"{path} is to be shown mirrored, or turned by no right angle", "convert it upright first")
    return np.ascontiguousarray(np.rot90(picture, turns))


def _turns(frame: VideoFrame) -> int | None:
    """How many quarters anti-clockwise make the frame upright; None where that does not do it."""
    side_data: Any = frame.side_data
    for item in side_data:
        if item.type.name == "DISPLAYMATRIX":
            matrix = struct.unpack("=9i", bytes(item))  # 16.16 fixed point, row by row; x runs right, y down
            return _TURNS.get((matrix[0], matrix[1], matrix[3], matrix[4]))
    return 0
