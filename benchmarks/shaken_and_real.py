"""What a restorer brings on `shake-mix`, and whether it does harm to pictures that a camera has really blurred.

    python benchmarks/shaken_and_real.py [MODEL ...] [--shared DIR] [--folder DIR] [--limit N] [--json FILE]

MODEL is what `deblurbench predict` takes; default: swift-general. DIR holds photos/test and real_blur_pairs; without
it, the folder that DEBLURBENCH_SHARED names, else shared/ beside the checkout. The test set is the recipe `shake-mix`
with all of the photographs in its three test splits; it stays in --folder. Real pairs are files NAME_blur.png beside
their NAME_sharp.png (im1_k3_blur.png beside im1_sharp.png).

Printed is the mean PSNR in dB over the pictures of each split or folder, and the blurred pictures' own; then JSON.
"""

import argparse
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from statistics import fmean

from kit import report, shared_folder

from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.reader import Dataset, open_dataset
from deblurbench.dataset.recipe import read_recipe
from deblurbench.images.codec import Picture, read_rgb
from deblurbench.paths import recipe_file
from deblurbench.progress import progress
from deblurbench.runs.model import open_model
from deblurbench.scoring.metrics.compared import Compared

Case = tuple[str, Picture, Picture]
"""Its group, the blurred and the sharp picture."""


def shake_mix(photos: Path, folder: Path) -> Dataset:
    """The test splits of `shake-mix` from all the photographs; built where it does not lie in the folder yet."""
    done = folder / "set"
    if done.is_dir():
        return open_dataset(done)
    text = recipe_file("shake-mix").read_text()
    text = re.sub(r"scenes = .*", "scenes = { test = 1 }", text)
    head, *splits = text.split("[[splits]]")
    recipe = folder / "shaken.toml"
    recipe.write_text("[[splits]]".join([head, *(split for split in splits if 'name = "test' in split)]))
    return build(make_plan(read_recipe(recipe), photos), done)


def made_cases(dataset: Dataset, limit: int | None) -> Iterator[Case]:
    """The pairs of the test set."""
    for split in dataset.test_splits:
        for record in list(dataset.records(split))[:limit]:
            yield split, dataset.read(record, "blur"), dataset.read(record, "sharp")


def real_cases(folder: Path, limit: int | None) -> Iterator[Case]:
    """The pairs of each folder below `folder`."""
    for group in sorted(path for path in folder.iterdir() if path.is_dir()):
        for blurred in sorted(group.glob("*_blur.png"))[:limit]:
            name = blurred.name.removesuffix("_blur.png")
            sharp = group / f"{re.sub(r'_k[0-9]+$', '', name)}_sharp.png"
            yield f"real/{group.name}", read_rgb(blurred), read_rgb(sharp)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", default=["swift-general"])
    parser.add_argument("--shared", type=Path, default=shared_folder())
    parser.add_argument("--folder", type=Path, help="where the test set is made, or lies from an earlier call")
    parser.add_argument("--limit", type=int, help="the first N pictures of each group only")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    chosen = parser.parse_args()
    restorers = {name: open_model(name).restorer() for name in chosen.models}
    figures: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with nullcontext(chosen.folder) if chosen.folder else tempfile.TemporaryDirectory() as place:
        dataset = shake_mix(chosen.shared / "photos" / "test", Path(place))
        cases = [*made_cases(dataset, chosen.limit), *real_cases(chosen.shared / "real_blur_pairs", chosen.limit)]
        with progress("restore", len(cases), "pictures") as bar:
            for group, blurred, sharp in cases:
                for title, restore in {"blurred": lambda picture: picture, **restorers}.items():
                    psnr = Compared(restore(blurred), sharp).psnr()
                    for of in (group, "real" if group.startswith("real/") else "shake-mix"):
                        figures[title][of].append(psnr)
                bar.step()
    rows = {title: {group: round(fmean(of), 3) for group, of in groups.items()} for title, groups in figures.items()}
    groups = list(rows["blurred"])
    print("| model | " + " | ".join(groups) + " |\n|---|" + "---:|" * len(groups))
    for title, row in rows.items():
        print(f"| {title} | " + " | ".join(f"{row[group]:.2f}" for group in groups) + " |")
    report({"dataset_id": dataset.id, "rows": rows}, ("numpy", "torch", "pillow"), chosen.json)


if __name__ == "__main__":
    main()
