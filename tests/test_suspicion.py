"""Mistakes are noticed, and honest predictions are not suspected."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from conftest import ROOT, noise

from deblurbench.images.codec import list_pictures, read_rgb
from deblurbench.scoring.pictures.reading import Opened
from deblurbench.scoring.suspicion import order
from deblurbench.scoring.suspicion.suspicions import CLOSELY, SIGNS, Sample, Suspicions
from deblurbench.sources.deadleaves import draw

LATER = ("order", "min-max-stretch", "wrong-gamma", "gain-or-offset", "truncated", "shifted", "zoomed")
KINDS = {sign.kind for sign in SIGNS} | {*LATER, "sharp-resized", "predictions-resized", "jpeg"}


@pytest.fixture(scope="module")
def leaves():
    """Eight drawn pictures, 160 x 192."""
    return [draw(1, i, 160, 192) for i in range(8)]


def blur(picture, sigma=1.6):
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def floats(picture):
    """Sharpened from blur, with what rings beyond 0 .. 1."""
    soft = blur(picture).astype(np.float32) / 255
    return soft + np.float32(0.8) * (soft - blur(soft))


def saved(values):
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def stretched(values):
    return saved((values - values.min()) / np.ptp(values))


def shifted(picture, right, down):
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
    return cv2.warpAffine(picture, matrix, picture.shape[1::-1], borderMode=cv2.BORDER_REFLECT_101)


def there_and_back(picture, way=cv2.INTER_LINEAR):
    """Halved and enlarged."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=way)


def other_corners(picture):
    """Halved, and enlarged as by align_corners=True."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    x, y = (np.linspace(0, n // 2 - 1, n, dtype=np.float32) for n in (width, height))
    return cv2.remap(small, *np.meshgrid(x, y), cv2.INTER_LINEAR)


def jpeg(picture):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], cv2.IMREAD_COLOR)


def observe(predictions, sharp, blurred=None, names=None):
    suspicions = Suspicions()
    for i, (prediction, truth) in enumerate(zip(predictions, sharp, strict=True)):
        given = Opened(blurred[i]) if blurred else None
        name = names[i] if names else f"{i:03d}.png"
        suspicions(name, Opened(np.ascontiguousarray(prediction)), Opened(truth), given)
    return suspicions


def kinds(*arguments):
    return {suspicion.kind for suspicion in observe(*arguments).warnings()}


MISTAKES = {
    "almost-black": lambda p: np.clip(floats(p), 0, 1).astype(np.uint8),
    "floats-to-255": lambda p: floats(p) * 255,
    "min-max-stretch": lambda p: stretched(floats(p)),
    "channels-swapped": lambda p: saved(floats(p))[..., ::-1],
    "shifted": lambda p: shifted(saved(floats(p)), 0.5, 0.5),
    "zoomed": lambda p: other_corners(saved(floats(p))),
    "wrong-gamma": lambda p: saved(np.clip(floats(p), 0, 1) ** 2.2),
    "gain-or-offset": lambda p: saved((floats(p) + 1) / 2),
    "truncated": lambda p: (np.clip(floats(p), 0, 1) * 255).astype(np.uint8),
    "predictions-resized": lambda p: there_and_back(saved(floats(p))),
    "jpeg": lambda p: jpeg(saved(floats(p))),
    "equals-blur": blur,
    "equals-sharp": lambda p: p,
}


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_named(kind, leaves):
    allowed = {kind, "nearer-blur"} | ({"predictions-resized"} if kind == "zoomed" else set())
    found = kinds([MISTAKES[kind](p) for p in leaves], leaves, [blur(p) for p in leaves])
    assert kind in found
    assert found <= allowed


HONEST = {
    "blurred little": lambda p, i: blur(p, 0.6),
    "blurred much": lambda p, i: blur(p, 5),
    "moved": lambda p, i: cv2.blur(p, [(11, 1), (1, 11), (7, 3)][i % 3]),
    "in linear light": lambda p, i: saved(blur((p / 255) ** 2.2, 2.5) ** (1 / 2.2)),
    "noisy": lambda p, i: saved((blur(p) + np.random.default_rng(i).normal(0, 12, p.shape)) / 255),
    "sharpened": lambda p, i: saved(floats(p)),
    "floats": lambda p, i: floats(p),
    "off by a level": lambda p, i: saved((blur(p) + np.random.default_rng(i).normal(0, 1, 3)) / 255),
    "grey": lambda p, i: cv2.addWeighted(p, 0.5, blur(p), 0.5, 0)[..., 1],
}


@pytest.mark.parametrize("way", HONEST)
def test_what_is_honest_is_not_suspected(way, leaves):
    sharp = [p[..., 1] for p in leaves] if way == "grey" else leaves
    assert kinds([HONEST[way](p, i) for i, p in enumerate(leaves)], sharp) == set()


def test_photographs_are_not_suspected_and_mistakes_with_them_are(shared):
    folder = shared / "photos" / "test"
    photos = [read_rgb(folder / name) for name in list_pictures(folder)[::7]]
    assert kinds([saved(floats(p)) for p in photos], photos) == set()
    assert kinds([blur(p, 3) for p in photos], photos) == set()
    assert kinds([MISTAKES["shifted"](p) for p in photos], photos) == {"shifted"}
    assert kinds([MISTAKES["min-max-stretch"](p) for p in photos], photos) == {"min-max-stretch"}


def test_real_blur_as_a_prediction_is_not_suspected(shared):
    folder = shared / "real_blur_pairs" / "gopro"
    sharp = sorted(folder.glob("*_sharp.png"))
    blurred = [read_rgb(file.with_name(file.name.replace("sharp", "blur"))) for file in sharp]
    assert kinds(blurred, [read_rgb(file) for file in sharp]) == set()


def test_wrapped_samples_are_told_from_lights_at_night(leaves):
    bright = [np.clip(p.astype(np.int32) * 2, 0, 255).astype(np.uint8) for p in leaves]
    wrapped = [np.rint(floats(p) * 255).astype(np.int32).astype(np.uint8) for p in bright]
    assert kinds(wrapped, bright) == {"wrapped"}
    night = [np.where(noise(160, 192, 1, seed=i) > 250, 255, p // 8).astype(np.uint8) for i, p in enumerate(leaves)]
    assert kinds([blur(p) for p in night], night) == set()


def test_dark_pictures_may_have_dark_predictions(leaves):
    dark = [(p > 128).astype(np.uint8) for p in leaves]
    assert "almost-black" not in kinds([blur(p) for p in dark], dark)


def test_sharp_pictures_that_were_enlarged(leaves):
    good = [saved(floats(p)) for p in leaves]
    for way in (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4):
        assert kinds(good, [there_and_back(p, way) for p in leaves]) == {"sharp-resized"}


def test_whole_pixels_are_measured(leaves):
    found = observe([shifted(saved(floats(p)), -3, 5) for p in leaves], leaves).warnings()
    assert [suspicion.kind for suspicion in found] == ["shifted"]
    left, below = re.search(r"lie ([\d.]+) px left and ([\d.]+) px below", found[0].seen).groups()
    assert (float(left), float(below)) == pytest.approx((3, 5), abs=0.1)


def test_a_shift_of_each_pictures_own_is_no_suspicion(leaves):
    assert (
        kinds(
            [shifted(saved(floats(p)), (-1) ** i * 0.5, (-1) ** (i // 2) * 0.5) for i, p in enumerate(leaves)], leaves
        )
        == set()
    )


def test_names_in_another_order(leaves):
    good = [saved(floats(p)) for p in leaves]
    late = observe([good[-1], *good[:-1]], leaves).warnings()
    assert [suspicion.kind for suspicion in late] == ["order"]
    assert "each is 1 earlier in the list" in late[0].seen
    assert "001.png is like 000.png" in late[0].seen
    assert kinds([good[i] for i in (0, 1, 2, 3, 4, 6, 7, 5)], leaves) == {"order"}


def test_names_sorted_by_letter(leaves):
    sharp = [*leaves, *(p[::-1] for p in leaves)]
    names = [f"{i}.png" for i in range(1, 17)]
    by_letter = sorted(range(16), key=lambda i: names[i])
    predictions = [sharp[0]] * 16
    for given, made in enumerate(by_letter):
        predictions[given] = saved(floats(np.ascontiguousarray(sharp[made])))
    found = observe(predictions, [np.ascontiguousarray(p) for p in sharp], None, names).warnings()
    assert "1, 10, 2" in found[0].seen


def test_frames_of_a_video_look_alike(leaves):
    frames = [np.ascontiguousarray(leaves[0][i : i + 140, i : i + 170]) for i in range(16)]
    assert kinds([blur(p, 2.5) for p in frames], frames) == set()
    assert kinds([frames[5]] * 16, [frames[5]] * 16) == {"equals-sharp"}
    good = [saved(floats(p)) for p in frames]
    assert "order" in kinds(good[3:] + good[:3], frames)


def test_one_copy_among_many_is_no_suspicion(leaves):
    good = [saved(floats(p)) for p in leaves]
    assert kinds([leaves[0], *good[1:]], leaves) == set()
    black = [np.zeros_like(p) for p in leaves]
    assert kinds(black, black, black) == set()
    assert kinds(leaves, leaves, leaves) == set(), "nothing was blurred, so that a copy is right"


def test_predictions_near_the_blurred_pictures_are_counted(leaves):
    weak = [saved((0.9 * blur(p) + 0.1 * p) / 255) for p in leaves]
    found = observe(weak, leaves, [blur(p) for p in leaves]).warnings()
    assert [suspicion.kind for suspicion in found] == ["nearer-blur"]
    assert found[0].seen.startswith("8 of 8 ")
    assert kinds([saved((0.2 * blur(p) + 0.8 * p) / 255) for p in leaves], leaves, [blur(p) for p in leaves]) == set()


def test_few_or_tiny_or_odd_pictures_are_passed_over(leaves, tmp_path):
    assert Suspicions().warnings() == []
    assert kinds([MISTAKES["shifted"](leaves[0])], leaves[:1]) == set()
    assert kinds([np.zeros((20, 30, 3), np.uint8)], [noise(20, 30)]) == set()
    flat = [np.full((64, 64, 3), level, np.uint8) for level in (0, 100, 255)]
    assert kinds(flat, [noise(64, 64, seed=i) for i in range(3)]) == set()
    (tmp_path / "a.png").write_bytes(b"no picture")
    suspicions = Suspicions()
    suspicions("a.png", Opened(tmp_path / "a.png"), Opened(noise(64, 64)), None)
    assert suspicions.warnings() == []


def test_alpha_is_not_looked_at(leaves):
    with_alpha = [np.dstack([saved(floats(p)), np.full(p.shape[:2], 255, np.uint8)]) for p in leaves]
    assert kinds(with_alpha, leaves) == set()


def test_threads_find_the_same(leaves):
    sharp = [np.roll(p, 17 * i, axis=1) for i in range(4) for p in leaves]
    predictions = [shifted(saved(floats(p)), 0.5, 0) for p in sharp]
    expected = observe(predictions, sharp).warnings()
    suspicions = Suspicions()

    def look(i):
        suspicions(f"{i:03d}.png", Opened(predictions[i]), Opened(sharp[i]), None)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look, reversed(range(len(sharp)))))
    assert suspicions.warnings() == expected
    assert [suspicion.kind for suspicion in expected] == ["shifted"]


def test_a_sample_depends_on_no_order_and_stays_small():
    names = [f"{i}.png" for i in range(500)]
    samples = []
    for ordered in (names, names[::-1]):
        sample, wanted = Sample(CLOSELY), 0
        for name in ordered:
            if sample.wants(name):
                sample.add(name, name)
                wanted += 1
        samples.append(sample.records())
        assert wanted < 120, "16 (1 + ln(500 / 16)) = 71 are expected"
    assert samples[0] == samples[1]
    assert len(samples[0]) == CLOSELY


def test_what_is_kept_stays_small(leaves, monkeypatch):
    monkeypatch.setattr(order, "AT_MOST", 5)
    suspicions = observe([saved(floats(p)) for p in leaves], leaves)
    assert len(suspicions._order._thumbnails) == 5


def test_json_and_the_table_in_the_docs(leaves):
    suspicions = observe([saved(floats(p))[..., ::-1] for p in leaves], leaves)
    (found,) = (json.loads(json.dumps(suspicion.as_dict())) for suspicion in suspicions.warnings())
    assert found["kind"] == "channels-swapped"
    assert "7 of 7" in found["message"] or "8 of 8" in found["message"]
    assert found["names"][0] == "000.png"
    text = (ROOT / "docs" / "scoring.md").read_text()
    assert {kind for kind in KINDS if f"| `{kind}` |" not in text} == set()
