"""How often `score` suspects honest results, and how often it finds mistakes, on folders of photographs.

    python benchmarks/suspicion.py SHARP ... [--pairs BLUR SHARP ...] [--json FILE]

The pictures of each folder are dealt into runs of ten. Each run is blurred and restored in honest ways, and a
sharpened one is spoilt by each mistake; `--pairs` adds folders of real blur, taken as the prediction and as the input.
A false alarm is any suspicion of an honest run but `nearer-blur`, which says what it sees. Cost: milliseconds per
pair of 1280x720, beside the reading of files.
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import kit
import numpy as np

from deblurbench.blur.convolve import convolve
from deblurbench.images.codec import list_pictures, read_rgb
from deblurbench.scoring.pictures.reading import Opened
from deblurbench.scoring.suspicion.suspicions import Suspicions
from deblurbench_baselines.classical.wiener import restore

RUN = 10
Pictures = list[np.ndarray]


def blur(picture, sigma=1.6):
    return cv2.GaussianBlur(picture, (0, 0), sigma)


def floats(picture):
    """Sharpened from blur, on 0 .. 1 and beyond: what a network gives before it is saved."""
    soft = blur(picture).astype(np.float32) / 255
    return soft + 0.8 * (soft - blur(soft))


def saved(values):
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def shifted(picture, right, down):
    matrix = np.float32([[1, 0, right], [0, 1, down]])
    size = picture.shape[1::-1]
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)


def moved(picture, rng):
    """Straight motion in a direction of the picture's own."""
    angle, length = rng.uniform(0, np.pi), rng.uniform(5, 21)
    kernel = np.zeros((31, 31), np.float32)
    end = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    cv2.line(kernel, *(tuple(np.rint(15 + s * end).astype(int).tolist()) for s in (-1, 1)), 1, 1, cv2.LINE_AA)
    return cv2.filter2D(picture, -1, kernel / kernel.sum())


def noisy(picture, rng, sigma=10):
    return np.clip(np.rint(picture + rng.normal(0, sigma, picture.shape)), 0, 255).astype(np.uint8)


def cast(picture, rng):
    """A network that is a level or so off in each channel, and half way to the sharp picture."""
    half = (picture.astype(np.float32) + blur(picture)) / 2 + rng.normal(0, 1, 3)
    return np.rint(np.clip(half, 0, 255)).astype(np.uint8)


def in_light(picture):
    """Blurred in linear light."""
    light = (picture.astype(np.float32) / 255) ** 2.2
    return saved(np.clip(blur(light, 3), 0, 1) ** (1 / 2.2))


def jpeg(picture, quality):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def resized(picture, width, height, way=cv2.INTER_LINEAR):
    """To this size and back."""
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, picture.shape[1::-1], interpolation=way)


def other_corners(picture):
    """Halved, and enlarged as by align_corners=True."""
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    x = np.linspace(0, width // 2 - 1, width, dtype=np.float32)
    y = np.linspace(0, height // 2 - 1, height, dtype=np.float32)
    return cv2.remap(small, *np.meshgrid(x, y), cv2.INTER_LINEAR)


HONEST: dict[str, Callable] = {
    "gaussian 0.5": lambda p, _: blur(p, 0.5),
    "gaussian 1": lambda p, _: blur(p, 1),
    "gaussian 1.7": lambda p, _: blur(p, 1.7),
    "gaussian 3": lambda p, _: blur(p, 3),
    "gaussian 6": lambda p, _: blur(p, 6),
    "defocus": lambda p, _: convolve(p, kit.disk(5)),
    "motion": moved,
    "linear light": lambda p, _: in_light(p),
    "blur and noise": lambda p, rng: noisy(blur(p), rng),
    "noise": noisy,
    "median of noise": lambda p, rng: cv2.medianBlur(noisy(blur(p), rng), 5),
    "bilateral of noise": lambda p, rng: cv2.bilateralFilter(noisy(p, rng), 7, 40, 3),
    "input of noise 30": lambda p, rng: noisy(moved(p, rng), rng, 30),
    "sharpened": lambda p, _: saved(floats(p)),
    "sharpened, floats": lambda p, _: floats(p),
    "sharpened motion": lambda p, rng: saved(floats(moved(p, rng))),
    "off by a level": cast,
    "wiener": lambda p, _: restore(blur(p)),
    "wiener of motion": lambda p, rng: restore(moved(p, rng)),
}

MISTAKES: dict[str, tuple[str, Callable]] = {
    "saved as 0 .. 1": ("almost-black", lambda p: np.clip(floats(p), 0, 1).astype(np.uint8)),
    "floats on 0 .. 255": ("floats-to-255", lambda p: floats(p) * 255),
    "min-max": ("min-max-stretch", lambda p: saved((f := floats(p)) / np.ptp(f) - f.min() / np.ptp(f))),
    "wrapped": ("wrapped", lambda p: (floats(p) * 255).astype(np.int32).astype(np.uint8)),
    "BGR": ("channels-swapped", lambda p: saved(floats(p))[..., ::-1]),
    "half a pixel": ("shifted", lambda p: shifted(saved(floats(p)), 0.5, 0.5)),
    "one pixel right": ("shifted", lambda p: shifted(saved(floats(p)), 1, 0)),
    "eight pixels": ("shifted", lambda p: shifted(saved(floats(p)), 8, 8)),
    "align_corners": ("zoomed", lambda p: other_corners(saved(floats(p)))),
    "gamma 2.2": ("wrong-gamma", lambda p: saved(np.clip(floats(p), 0, 1) ** 2.2)),
    "gamma 1/2.2": ("wrong-gamma", lambda p: saved(np.clip(floats(p), 0, 1) ** (1 / 2.2))),
    "as if tanh": ("gain-or-offset", lambda p: saved((floats(p) + 1) / 2)),
    "gain 0.95": ("gain-or-offset", lambda p: saved(floats(p) * 0.95)),
    "truncated": ("truncated", lambda p: (np.clip(floats(p), 0, 1) * 255).astype(np.uint8)),
    "half size": ("predictions-resized", lambda p: resized(saved(floats(p)), p.shape[1] // 2, p.shape[0] // 2)),
    "256x256": ("predictions-resized", lambda p: resized(saved(floats(p)), 256, 256, cv2.INTER_CUBIC)),
    "JPEG 75": ("jpeg", lambda p: jpeg(saved(floats(p)), 75)),
    "JPEG 90": ("jpeg", lambda p: jpeg(saved(floats(p)), 90)),
    "input saved": ("equals-blur", blur),
    "truth saved": ("equals-sharp", lambda p: p),
}


def suspect(predictions: Pictures, sharp: Pictures, blurred: Pictures | None) -> Suspicions:
    observer = Suspicions()
    for i, (prediction, truth) in enumerate(zip(predictions, sharp, strict=True)):
        given = Opened(blurred[i]) if blurred else None
        observer(f"{i + 1}.png", Opened(np.ascontiguousarray(prediction)), Opened(truth), given)
    return observer


def kinds(*arguments) -> set[str]:
    return {suspicion.kind for suspicion in suspect(*arguments).warnings()}


def honest_runs(runs: list[Pictures], rng) -> Iterator[tuple[str, set[str]]]:
    for sharp in runs:
        inputs = [blur(p) for p in sharp]
        for name, way in HONEST.items():
            yield name, kinds([way(p, rng) for p in sharp], sharp, inputs)


def mistaken_runs(runs: list[Pictures], rng) -> Iterator[tuple[str, str, set[str]]]:
    for sharp in runs:
        inputs, good = [blur(p) for p in sharp], [saved(floats(p)) for p in sharp]
        for name, (kind, way) in MISTAKES.items():
            yield name, kind, kinds([way(p) for p in sharp], sharp, inputs)
        small = [resized(p, 128, 128) for p in sharp]
        yield "truth resized to 128x128", "sharp-resized", kinds(good, small, inputs)
        small = [resized(p, p.shape[1] // 2, p.shape[0] // 2, cv2.INTER_CUBIC) for p in sharp]
        yield "truth halved", "sharp-resized", kinds(good, small, inputs)
        if len({p.shape for p in sharp}) == 1:
            yield "one late", "order", kinds(good[1:] + good[:1], sharp, inputs)
            yield "shuffled", "order", kinds([good[i] for i in rng.permutation(len(good))], sharp, inputs)


def deal(pictures: Pictures) -> list[Pictures]:
    """Runs of ten, of one size where possible."""
    pictures = sorted(pictures, key=lambda p: p.shape)
    return [run for i in range(0, len(pictures), RUN) if len(run := pictures[i : i + RUN]) >= RUN // 2]


def cost(rounds: int) -> dict[str, float]:
    """Milliseconds per pair of 720p: where none is looked at closely, in a run of 1000, and closely."""
    rng = np.random.default_rng(0)
    sharp = [rng.integers(0, 256, (kit.HEIGHT, kit.WIDTH, 3), dtype=np.uint8) for _ in range(8)]
    sharp = [blur(p, 1) for p in sharp]
    pairs = [(Opened(blur(p)), Opened(p)) for p in sharp]

    def time_of(count: int) -> float:
        observer, start = Suspicions(), time.perf_counter()
        for i in range(count):
            observer(f"{i:04d}.png", *pairs[i % 8], None)
        return (time.perf_counter() - start) * 1000 / count

    return {
        f"ms per pair in a run of {count}": round(min(time_of(count) for _ in range(rounds)), 3)
        for count in (10, 100, 1000)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="folders of sharp photographs")
    parser.add_argument("--pairs", nargs=2, action="append", default=[], type=Path, metavar=("BLUR", "SHARP"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    found = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(5)
    runs = [r for f in found.folders for r in deal([read_rgb(f / name) for name in list_pictures(f)])]
    alarms: dict[str, Counter] = {}
    hits: dict[str, Counter] = {}
    honest = 0
    for name, seen in honest_runs(runs, rng):
        honest += 1
        alarms.setdefault(name, Counter()).update(seen | {"runs"})
    for blurred, sharp in found.pairs:
        names = list_pictures(sharp)
        for run in deal_names(names):
            pair = [[read_rgb(folder / name) for name in run] for folder in (blurred, sharp)]
            for what, prediction in (("real blur", pair[0]), ("sharpened real blur", [sharpened(p) for p in pair[0]])):
                honest += 1
                seen = kinds(prediction, pair[1], pair[0] if what != "real blur" else None)
                alarms.setdefault(what, Counter()).update(seen | {"runs"})
    for name, kind, seen in mistaken_runs(runs, rng):
        wrong = {f"also {other}" for other in seen - {kind, "nearer-blur"}}
        hits.setdefault(name, Counter()).update(wrong | {"runs"} | ({"found"} if kind in seen else set()))
    false = sum(n for c in alarms.values() for kind, n in c.items() if kind not in {"runs", "nearer-blur"})
    results = {
        "honest runs": honest,
        "false alarms": false,
        "honest": {name: dict(counts) for name, counts in alarms.items()},
        "mistakes": {name: dict(counts) for name, counts in hits.items()},
        "cost": cost(found.rounds),
    }
    kit.report(results, ("numpy", "opencv-python-headless"), found.json)


def deal_names(names):
    return [run for i in range(0, len(names), RUN) if len(run := names[i : i + RUN]) >= 3]


def sharpened(picture):
    soft = picture.astype(np.float32) / 255
    return saved(soft + 0.8 * (soft - blur(soft)))


if __name__ == "__main__":
    main()
