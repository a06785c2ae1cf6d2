"""Source `frames`: folders and videos, their windows, and whatever else lies there."""

import json
import multiprocessing
import os
import random
import struct
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import noise
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.errors import DeblurbenchError, PictureError, RecipeError, UsageError
from deblurbench.files import sha256_file, sha256_text
from deblurbench.images.codec import write_png
from deblurbench.images.hashing import pixel_hash
from deblurbench.sources import video
from deblurbench.sources.frames import Frames, natural_order
from deblurbench.sources.photo import source_from

IDENTITY = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def folder(path, count, start=0, name="{:04d}.png"):
    """A folder of small frames, each another one."""
    path.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        write_png(path / name.format(start + i), noise(4, 5, seed=start + i))
    return path


def scene(count, height=32, width=48):
    """Frames of something that moves, RGB."""
    picture = noise(height // 4, width // 4).repeat(4, axis=0).repeat(4, axis=1)
    return [np.roll(picture, (i, 2 * i), axis=(0, 1)) for i in range(count)]


def write_video(path, pictures, codec="ffv1", pixels="bgr0", **options):
    """A video file through PyAV."""
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=24, options=options)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pixels
        for picture in pictures:
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixels)):
                file.mux(packet)
        for packet in stream.encode(None):
            file.mux(packet)
    return path


def write_sound(path, cover=False):
    """A second of silence, perhaps with a cover picture, which containers keep as a video stream."""
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=44100, layout="mono")
        packets = []
        if cover:
            picture = file.add_stream("mjpeg", rate=1)
            picture.width, picture.height, picture.pix_fmt = 16, 16, "yuvj420p"
            picture.disposition = av.stream.Disposition.attached_pic
            black = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), dtype=np.uint8), format="rgb24")
            packets = [*picture.encode(black.reformat(format="yuvj420p")), *picture.encode(None)]
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 44100), dtype=np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44100
        for packet in [*packets, *stream.encode(sound), *stream.encode(None)]:
            file.mux(packet)
    return path


def windows(path, **settings):
    source = Frames(path=str(path), **settings)
    return source, source.photos(seed=3)


def same(pictures, others):
    pictures, others = list(pictures), list(others)
    return len(pictures) == len(others) and all(map(np.array_equal, pictures, others))


def test_windows_of_a_folder(tmp_path):
    root = folder(tmp_path / "clip", 11)
    source, photos = windows(root, window=3, author="A. Author", licence="CC0-1.0")
    assert [p.stem for p in photos] == ["clip-000001", "clip-000004", "clip-000007"]  # two frames are left over
    raw = [sha256_file(root / f"{i:04d}.png") for i in range(11)]
    for number, photo in enumerate(photos):
        assert photo.frames == tuple(raw[3 * number : 3 * number + 3])
        assert photo.raw_sha256 == photo.frames[1]
        assert (photo.scene, photo.author, photo.licence) == ("clip", "A. Author", "CC0-1.0")
        assert np.array_equal(source.read(photo), noise(4, 5, seed=3 * number + 1))
        assert same(source.frames(photo), [noise(4, 5, seed=3 * number + i) for i in range(3)])
    assert [p.stem for p in windows(root, window=3, step=4)[1]] == ["clip-000001", "clip-000005", "clip-000009"]
    assert len(windows(root, window=5, step=1)[1]) == 7
    assert len(windows(root, window=11)[1]) == 1
    with pytest.raises(UsageError, match=r"no scene in .* is as long as a window"):
        windows(root, window=13)


def test_frames_of_a_window_are_read_one_by_one(tmp_path, monkeypatch):
    read = []
    source, photos = windows(folder(tmp_path / "clip", 3), window=3)
    monkeypatch.setattr("deblurbench.sources.frames.read_rgb", lambda path: read.append(path.name) or noise(4, 5))
    for number, _ in enumerate(source.frames(photos[0]), 1):
        assert len(read) == number


def test_every_folder_and_video_is_a_scene(tmp_path):
    pytest.importorskip("av")
    folder(tmp_path / "b2", 3)
    folder(tmp_path / "b10" / "left", 3)
    folder(tmp_path / ".hidden", 3)
    folder(tmp_path / "short", 2)
    write_video(tmp_path / "a.mkv", scene(4))
    (tmp_path / "notes.txt").write_text("not a frame")
    photos = windows(tmp_path, window=3)[1]
    assert [p.scene for p in photos] == ["a", "b2", "b10/left"]
    assert [p.name[:-9] for p in photos] == ["a-000001", "b2-000001", "b10_left-000001"]
    assert windows(tmp_path / "a.mkv", window=3)[1][0].scene == "a"


def test_a_long_scene_name_keeps_its_frame_number(tmp_path):
    photos = windows(folder(tmp_path / ("s" * 90), 9), window=3)[1]
    assert [p.name[50:58] for p in photos] == ["-000001-", "-000004-", "-000007-"]
    assert len({p.name for p in photos}) == 3


def test_frames_come_in_the_order_of_their_numbers(tmp_path):
    root = folder(tmp_path / "clip", 12, name="f{}.png")
    names = [n for photo in windows(root, window=3)[1] for n in json.loads(photo.key)["files"]]
    assert names == [f"f{i}.png" for i in range(12)]


@given(st.lists(st.text("a1-0 9é²٣.", max_size=6), unique=True))
def test_natural_order_is_an_order(names):
    ordered, backwards = sorted(names, key=natural_order), names[::-1]
    assert ordered == sorted(backwards, key=natural_order)
    assert sorted(ordered) == sorted(names)


@given(st.text("ab._-", max_size=4), st.integers(0, 10**30), st.integers(0, 10**30), st.integers(0, 4))
def test_natural_order_counts(prefix, one, other, zeros):
    before = natural_order(f"{prefix}{'0' * zeros}{one}.png") < natural_order(f"{prefix}{other}.png")
    assert before == (one < other) or one == other


def test_the_window_of_a_scene_is_drawn_once_and_odd(tmp_path):
    for name in range(40):
        folder(tmp_path / f"s{name}", 26)
    photos = windows(tmp_path, window=(7, 13))[1]
    lengths = {}
    for photo in photos:
        assert lengths.setdefault(photo.scene, len(photo.frames)) == len(photo.frames)
    counts = Counter(lengths.values())
    assert set(counts) == {7, 9, 11, 13}
    assert min(counts.values()) >= 4
    assert {p.scene: len(p.frames) for p in windows(tmp_path)[1]} == lengths  # 7 to 13 without saying so
    other = {p.scene: len(p.frames) for p in Frames(path=str(tmp_path)).photos(seed=4)}
    assert other != lengths
    alone = windows(tmp_path / "s7")[1]  # a scene's draw does not depend on the others
    assert len(alone[0].frames) == lengths["s7"]


@pytest.mark.parametrize("window", [1, 2, 8, 1001, [7, 8], [6, 9], [9, 7], [7], "7", 7.0, True])
def test_a_window_without_a_middle_is_refused(window):
    with pytest.raises(RecipeError, match=r"r\.toml:sources\.0\.window"):
        source_from({"source": "frames", "path": "x", "window": window}, "r.toml", "sources.0")


def test_settings_come_from_a_recipe(tmp_path):
    folder(tmp_path / "clip", 9)
    table = {"source": "frames", "path": str(tmp_path), "window": [3, 3], "step": 3}
    assert len(source_from(table, "r.toml", "sources.0").photos(1)) == 3
    with pytest.raises(RecipeError, match=r"sources\.0\.step"):
        source_from(table | {"step": 0}, "r.toml", "sources.0")


def test_what_is_wrong_with_a_folder_is_said(tmp_path):
    with pytest.raises(UsageError, match="name it with --photos"):
        Frames().photos(1)
    with pytest.raises(UsageError, match=r"no folder or video .*none"):
        windows(tmp_path / "none")
    with pytest.raises(UsageError, match="no frames in"):
        windows(tmp_path)
    folder(tmp_path / "clip", 3)
    (tmp_path / "clip.mp4").write_bytes(b"")
    with pytest.raises(UsageError, match=r"clip and .*clip\.mp4 make one scene of two"):
        windows(tmp_path, window=3)
    write_png(tmp_path / "clip" / "0001.bmp", noise(4, 5))
    (tmp_path / "clip.mp4").unlink()
    with pytest.raises(UsageError, match=r"clip has 0001\.bmp and 0001\.png: keep one"):
        windows(tmp_path, window=3)


def test_a_damaged_frame_is_named_when_it_is_read(tmp_path):
    root = folder(tmp_path / "clip", 3)
    (root / "0002.png").write_bytes((root / "0002.png").read_bytes()[:60])
    source, photos = windows(root, window=3)
    assert np.array_equal(source.read(photos[0]), noise(4, 5, seed=1))
    with pytest.raises(PictureError, match=r"0002\.png"):
        list(source.frames(photos[0]))


class TestVideo:
    """Videos, written here through PyAV."""

    @pytest.fixture(autouse=True)
    def _av(self):
        pytest.importorskip("av")

    @pytest.mark.parametrize(
        ("name", "codec", "pixels", "options"),
        [("a.mkv", "ffv1", "bgr0", {}), ("a.mp4", "libx264rgb", "rgb24", {"qp": "0", "bf": "3"})],
    )
    def test_a_lossless_video_holds_the_frames_of_a_folder(self, name, codec, pixels, options, tmp_path, shared):
        root = shared / "frames" / "reds027_x4_sharp"
        still, photos = windows(root, window=5, step=4)
        pictures = [p for photo in windows(root, window=3)[1][:8] for p in still.frames(photo)]
        source, filmed = windows(write_video(tmp_path / name, pictures, codec, pixels, **options), window=5, step=4)
        assert [p.stem[-6:] for p in filmed] == [p.stem[-6:] for p in photos[: len(filmed)]]
        assert len(filmed) == 5
        for photo, film in zip(photos, filmed, strict=False):
            first = json.loads(film.key)["first"]
            assert film.frames == tuple(sha256_text(f"{i} {pixel_hash(pictures[i])}") for i in range(first, first + 5))
            assert film.raw_sha256 == film.frames[2]
            assert np.array_equal(source.read(film), still.read(photo))
            assert same(source.frames(film), still.frames(photo))

    @pytest.mark.parametrize(
        ("name", "codec", "pixels", "options"),
        [
            ("closed.mp4", "libx264", "yuv420p", {"x264-params": "keyint=12:bframes=3:log-level=none"}),
            ("open.mkv", "libx264", "yuv420p", {"x264-params": "open-gop=1:keyint=12:scenecut=0:bframes=3"}),
            ("open.ts", "mpeg2video", "yuv420p", {"g": "12", "bf": "2"}),
            ("no.y4m", "wrapped_avframe", "yuv420p", {}),
        ],
    )
    def test_windows_in_any_order_are_the_same_pixels(self, name, codec, pixels, options, tmp_path):
        """After a jump, too, and where a jump lands wrong: each frame is checked against the plan's hash."""
        source, photos = windows(write_video(tmp_path / name, scene(150), codec, pixels, **options), window=5, step=4)
        expected = {photo.stem: list(source.frames(photo)) for photo in photos}
        shuffled = random.Random(1).sample(photos, len(photos))
        for photo in shuffled[:20]:
            assert np.array_equal(source.read(photo), expected[photo.stem][2])
            assert same(source.frames(photo), expected[photo.stem])
        assert len({pixel_hash(frame) for frames in expected.values() for frame in frames}) > 90

    def test_windows_in_order_decode_the_file_once(self, tmp_path, monkeypatch):
        """Also with `read` before `frames`, as a build does: no jump, no second opening, 120 frames decoded."""
        source, photos = windows(write_video(tmp_path / "a.mkv", scene(120)), window=9, step=7)
        opened, jumped = [], []
        open_it = video._open
        monkeypatch.setattr(video, "_open", lambda path: opened.append(path) or open_it(path))
        monkeypatch.setattr(video._Reader, "_jump", lambda *_: jumped.append(1))
        for photo in photos:
            source.read(photo)
            assert len(list(source.frames(photo))) == 9
            assert len(video._ours.reader[1]._held) <= 9
        assert (len(opened), jumped) == (1, [])
        assert video._ours.reader[1]._next <= 120

    def test_colours_are_not_darkened(self, tmp_path):
        """FFmpeg's default conversion makes pictures one level darker on average; ours is right within rounding."""
        flat = [
            np.full((16, 16, 3), colour, dtype=np.uint8) for colour in [(128, 128, 128), (200, 60, 90), (9, 250, 99)]
        ]
        source, photos = windows(write_video(tmp_path / "a.mkv", flat, "ffv1", "yuv420p"), window=3)
        for got, expected in zip(source.frames(photos[0]), flat, strict=True):
            assert np.abs(got.astype(int) - expected).max() <= 2
        grey = next(iter(source.frames(photos[0])))
        assert (grey == 128).all()

    @pytest.mark.parametrize(
        ("matrix", "turns"), [((1, 0, 0, 1), 0), ((0, 1, -1, 0), 3), ((-1, 0, 0, -1), 2), ((0, -1, 1, 0), 1)]
    )
    def test_videos_are_turned_upright(self, matrix, turns, tmp_path):
        """(0, 1, -1, 0) sends x to y and y to -x: a telephone's portrait, a quarter clockwise."""
        plain = write_video(tmp_path / "a.mp4", scene(3), "libx264", "yuv420p")
        source, photos = windows(plain, window=3)
        upright = [np.rot90(picture, turns) for picture in source.frames(photos[0])]
        turned, found = windows(self.turn(plain, matrix), window=3)
        assert same(turned.frames(found[0]), upright)
        assert turned.read(found[0]).flags.c_contiguous

    def turn(self, path, matrix):
        """A copy of an MP4 file whose track has another display matrix."""
        a, b, c, d = (value * (1 << 16) for value in matrix)
        data = path.read_bytes()
        at = data.index(IDENTITY, data.index(b"tkhd"))
        copy = path.with_name("turned.mp4")
        copy.write_bytes(data[:at] + struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30) + data[at + 36 :])
        return copy

    def test_mirrored_videos_are_refused(self, tmp_path):
        plain = write_video(tmp_path / "a.mp4", scene(3), "libx264", "yuv420p")
        with pytest.raises(PictureError, match=r"turned\.mp4 is to be shown mirrored"):
            windows(self.turn(plain, (-1, 0, 0, 1)), window=3)

    @pytest.mark.parametrize(("codec", "pixels"), [("ffv1", "yuv420p10le"), ("ffv1", "bgra"), ("ffv1", "gray16le")])
    def test_other_kinds_of_pixels_are_refused(self, codec, pixels, tmp_path):
        path = write_video(tmp_path / "a.mkv", scene(3), codec, pixels)
        with pytest.raises(PictureError, match=rf"a\.mkv has pixels of the kind {pixels}: convert it to 8 bits"):
            windows(path, window=3)

    def test_grey_videos_become_rgb(self, tmp_path):
        source, photos = windows(write_video(tmp_path / "a.mkv", scene(3), "ffv1", "gray"), window=3)
        picture = source.read(photos[0])
        assert picture.shape == (32, 48, 3)
        assert (np.ptp(picture, axis=2) == 0).all()

    def test_what_is_no_video_is_refused_by_name(self, tmp_path):
        playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n"
        for name, data in [("a.mp4", b""), ("b.mp4", b"hello"), ("c.mp4", noise(40, 40).tobytes())]:
            (tmp_path / name).write_bytes(data)
            with pytest.raises(PictureError, match=rf"{name} cannot be decoded as a video"):
                windows(tmp_path / name, window=3)
        for name in ("d.mp4", "e.m3u8"):  # would name other files, or the network
            (tmp_path / name).write_text(playlist)
            with pytest.raises(PictureError, match=rf"{name} cannot be decoded as a video"):
                windows(tmp_path / name, window=3)
        write_png(tmp_path / "f.mp4", noise(8, 8))
        with pytest.raises(PictureError, match=r"f\.mp4"):
            windows(tmp_path / "f.mp4", window=3)

    @pytest.mark.parametrize("cover", [False, True])
    def test_sound_alone_is_no_video(self, cover, tmp_path):
        with pytest.raises(PictureError, match=r"a\.mp4 has no video in it"):
            windows(write_sound(tmp_path / "a.mp4", cover), window=3)

    def test_a_video_without_a_frame_is_refused(self, tmp_path):
        import av

        with av.open(str(tmp_path / "a.avi"), "w") as file:
            stream = file.add_stream("mjpeg", rate=24)
            stream.width, stream.height, stream.pix_fmt = 16, 16, "yuvj420p"
            file.start_encoding()
        with pytest.raises(PictureError, match=r"a\.avi"):
            windows(tmp_path / "a.avi", window=3)

    @pytest.mark.parametrize(
        ("name", "codec", "pixels"),
        [("a.mkv", "ffv1", "bgr0"), ("b.mkv", "libx264", "yuv420p"), ("c.mp4", "libx264", "yuv420p")],
    )
    def test_a_video_that_is_cut_short_is_refused(self, name, codec, pixels, tmp_path):
        path = write_video(tmp_path / name, scene(60), codec, pixels)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(PictureError, match=rf"{name} (is cut short|is damaged|cannot be decoded)"):
            windows(path, window=3)

    @pytest.mark.parametrize(("name", "codec", "pixels"), [("a.mkv", "ffv1", "bgr0"), ("a.mp4", "mpeg4", "yuv420p")])
    def test_a_damaged_video_is_refused(self, name, codec, pixels, tmp_path):
        path = write_video(tmp_path / name, [noise(64, 96, seed=i) for i in range(9)], codec, pixels)
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 200] = bytes(value ^ 0x5A for value in data[middle : middle + 200])
        path.write_bytes(data)
        with pytest.raises(
            PictureError, match=rf"{name} (is damaged|cannot be decoded)|frame . of .*{name} is damaged"
        ):
            windows(path, window=3)

    def test_a_video_that_changed_is_noticed(self, tmp_path):
        source, photos = windows(write_video(tmp_path / "a.mkv", scene(9)), window=3)
        write_video(tmp_path / "a.mkv", [255 - picture for picture in scene(9)])
        with pytest.raises(PictureError, match=r"frame 4 of .*a\.mkv is not what it was when it was planned"):
            source.read(photos[1])
        (tmp_path / "a.mkv").unlink()
        with pytest.raises(PictureError, match=r"a\.mkv cannot be decoded as a video \(No such file"):
            source.read(photos[0])

    def test_frames_of_two_sizes_keep_theirs(self, tmp_path):
        """Such a window can be read; averaging it names the frame (see `blur.exposure`)."""
        first, second = (write_video(tmp_path / f"{n}.ts", scene(3, n, n), "mpeg2video", "yuv420p") for n in (32, 64))
        both = tmp_path / "both.ts"
        both.write_bytes(first.read_bytes() + second.read_bytes())
        source, photos = windows(both, window=5)
        assert {picture.shape for picture in source.frames(photos[0])} == {(32, 32, 3), (64, 64, 3)}

    @pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
    def test_a_forked_worker_opens_the_file_itself(self, tmp_path):
        """Otherwise parent and child would move one file position."""
        source, photos = windows(write_video(tmp_path / "a.mkv", scene(30)), window=3)
        expected = [pixel_hash(source.read(photo)) for photo in photos]
        source.read(photos[0])
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(_Reads(source), photos) == expected
        assert [pixel_hash(source.read(photo)) for photo in photos] == expected

    def test_without_pyav_the_extra_is_named(self, tmp_path, monkeypatch):
        path = write_video(tmp_path / "a.mkv", scene(3))
        monkeypatch.setitem(sys.modules, "av", None)
        with pytest.raises(DeblurbenchError, match=r"PyAV: pip install 'deblurbench\[video\]'"):
            windows(path, window=3)


class _Reads:
    def __init__(self, source):
        self.source, self.parent = source, os.getpid()

    def __call__(self, photo):
        assert os.getpid() != self.parent
        return pixel_hash(self.source.read(photo))


def test_planning_and_reading_leave_no_trace(tmp_path):
    root = folder(tmp_path / "clip", 9)
    before = sorted(Path(tmp_path).rglob("*"))
    source, photos = windows(root, window=3)
    for photo in photos:
        list(source.frames(photo))
    assert sorted(Path(tmp_path).rglob("*")) == before
