"""What each restorer brings at each strength of blur, on photographs that nothing was trained on.

    python benchmarks/restorers.py [NAME ...] [--photos DIR] [--folder DIR] [--limit N] [--device D] [--json FILE]

NAME is a baseline, a baseline and its preset (tv:oracle), a run folder or a file of weights. The test set is made with
the dataset builder from DIR or, without it, from photos/test in the folder that DEBLURBENCH_SHARED names (else shared/
beside the checkout): photographs are cropped in the middle to 7:4, or 4:7 where they are upright, shrunk to 448x256 or
256x448 by Lanczos' filter, and blurred by OpenCV's 8-bit Gaussian of each sigma, with OpenCV's own kernel sizes; PNG.
It stays in --folder, and is made anew in a temporary one.

Printed is a Markdown table of PSNR in dB / SSIM, method x sigma, by the metrics of `gnr638-eval`; an oracle is told the
kernel, and no rival of the others. Then, as JSON, the same with the seconds per picture on this machine and how many
pictures came back changed. A blurred picture that is equal to the sharp one has no finite PSNR: such pictures are left
out of their column's PSNR in every row, and a restored one that is equal to the sharp one counts as 100 dB.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from kit import report, shared_folder
from PIL import Image

from deblurbench import plugins
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import Dataset, open_dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.images.codec import Picture, list_pictures
from deblurbench.progress import progress
from deblurbench.runs.baseline import Baseline
from deblurbench.runs.known_blur import KnownBlur, known_blurs
from deblurbench.runs.model import Model, open_model
from deblurbench.scoring.metrics.compared import Compared

SIGMAS = (0.3, 0.8, 1.0, 1.2, 1.4, 1.6)
NAMES = ("unsharp", "richardson-lucy", "tv", "wiener", "wiener-oracle")
EQUAL_DB = 100.0

SOURCE = """
[[sources]]
source = "folder"
path = {path}
scenes = {{ test = 1 }}
prepare = {{ crop = "{ratio}", resize = "{size}", filter = "lanczos" }}
"""
SPLIT = """
[[splits]]
name = "test-g{sigma}"
blurs = [{{ family = "gaussian-opencv", sigma = {sigma} }}]
"""
HEAD = """schema = 1
name = "restorers"
version = 1
summary = "Photographs of 448x256 and 256x448 under Gaussian blur of six strengths."
seed = 1
"""

Told = Callable[[Picture, KnownBlur], Picture]


def make_set(photos: Path, folder: Path, limit: int | None) -> Dataset:
    """Build the test set; lying and upright photographs are two sources, each with its own crop."""
    sources = []
    files = list_pictures(photos)[:limit]
    upright = {file: _is_upright(photos / file) for file in files}
    for way, ratio, size in ((False, "7:4", "448x256"), (True, "4:7", "256x448")):
        links = folder / ("upright" if way else "lying")
        links.mkdir(parents=True)
        for file in (file for file in files if upright[file] is way):
            (links / file.name).symlink_to((photos / file).resolve())
        if way in upright.values():
            sources.append(SOURCE.format(path=f"'{links.resolve()}'", ratio=ratio, size=size))
    recipe = folder / "restorers.toml"
    recipe.write_text(HEAD + "".join(sources) + "".join(SPLIT.format(sigma=sigma) for sigma in SIGMAS))
    return build(make_plan(read_recipe(recipe)), folder / "set")


def _is_upright(file: Path) -> bool:
    with Image.open(file) as picture:
        return picture.height > picture.width


@contextmanager
def test_set(photos: Path, folder: Path | None, limit: int | None) -> Iterator[Dataset]:
    """The set in a folder, made where it is not there; without a folder, in a temporary one."""
    with nullcontext(folder) if folder else tempfile.TemporaryDirectory() as place:
        done = Path(place) / "set"
        yield open_dataset(done) if done.is_dir() else make_set(photos, Path(place), limit)


def model_of(name: str, device: str) -> Model:
    """The model of a command-line NAME."""
    base, colon, preset = name.partition(":")
    if not colon or base not in plugins.find("baselines"):
        return open_model(name, device)
    baseline: Baseline = plugins.load("baselines", base)
    config = baseline.configure(preset)
    return Model(baseline, config, baseline.shipped(config), open_model(base, device).device)


def restorer_of(model: Model) -> Told:
    """The model as a function that may look at the kernel."""
    if model.baseline.is_told(model.config):
        told = model.baseline.told_restorer(model.config)
        return lambda picture, blur: told(picture, blur.kernel, blur.light, camera=blur.camera)
    restore = model.restorer()
    return lambda picture, _: restore(picture)


def measure(dataset: Dataset, title: str, restore: Told) -> dict[str, dict[str, float]]:
    """The row of a method: by sigma the means over its pictures."""
    row = {}
    with progress(title, sum(dataset.splits.values()), "pictures") as bar:
        for sigma in SIGMAS:
            figures, seconds = [], 0.0
            split = f"test-g{sigma}"
            for record, blur in zip(dataset.records(split), known_blurs(dataset, [split]), strict=True):
                sharp, blurred = dataset.read(record, "sharp"), dataset.read(record, "blur")
                start = time.perf_counter()
                restored = restore(blurred, blur)
                seconds += time.perf_counter() - start
                compared = Compared(restored, sharp)
                psnr = np.nan if np.array_equal(blurred, sharp) else min(compared.psnr(), EQUAL_DB)
                figures.append((psnr, compared.gaussian_ssim(), not np.array_equal(restored, blurred)))
                bar.step()
            values = np.array(figures, dtype=np.float64)
            row[str(sigma)] = {
                "psnr_db": round(float(np.nanmean(values[:, 0])), 4),
                "ssim": round(float(values[:, 1].mean()), 5),
                "changed": int(values[:, 2].sum()),
                "seconds": round(seconds / len(values), 4),
            }
    return row


def table(rows: dict[str, dict[str, dict[str, float]]]) -> str:
    """The rows as Markdown."""
    lines = ["| method | " + " | ".join(f"sigma {sigma}" for sigma in SIGMAS) + " |", "|---|" + "---:|" * len(SIGMAS)]
    for title, row in rows.items():
        cells = [f"{row[str(sigma)]['psnr_db']:.2f} / {row[str(sigma)]['ssim']:.4f}" for sigma in SIGMAS]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def run(names: Sequence[str], dataset: Dataset, device: str) -> dict[str, object]:
    """All rows, the blurred pictures first."""
    models = {name: model_of(name, device) for name in names}  # a wrong name is said before anything is measured
    rows = {"blurred": measure(dataset, "blurred", lambda picture, _: picture)}
    for name, model in models.items():
        rows[name] = measure(dataset, name, restorer_of(model))
    print(table(rows), flush=True)
    left_out = {
        str(sigma): sum(record.blur_sha256 == record.sharp_sha256 for record in dataset.records(f"test-g{sigma}"))
        for sigma in SIGMAS
    }
    return {"dataset_id": dataset.id, "splits": dict(dataset.splits), "equal and left out": left_out, "rows": rows}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: {' '.join(NAMES)}")
    parser.add_argument("--photos", type=Path, help="sharp photographs")
    parser.add_argument("--folder", type=Path, help="where the test set is made, or lies from an earlier call")
    parser.add_argument("--limit", type=int, help="the first N photographs only")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    chosen = parser.parse_args()
    with test_set(chosen.photos or shared_folder() / "photos" / "test", chosen.folder, chosen.limit) as dataset:
        found = run(chosen.names or NAMES, dataset, chosen.device)
    report(found, ("numpy", "scipy", "torch", "pillow"), chosen.json)


if __name__ == "__main__":
    main()
