"""What a dataset says about itself: the README card, and who calls the others."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import tomli_w

from deblurbench.dataset.attribution import dataset_attribution
from deblurbench.dataset.croissant import CROISSANT, croissant
from deblurbench.dataset.manifest import COMMIT_MARK, KERNELS, MANIFEST, Record
from deblurbench.dataset.recipe import Recipe, takes_photos
from deblurbench.dataset.report import REPORT, BuildReport
from deblurbench.dataset.summary import Summary, summarise
from deblurbench.errors import DeblurbenchError
from deblurbench.files import json_text
from deblurbench.places import Place
from deblurbench.sources.attribution import ATTRIBUTION, cell
from deblurbench.sources.licences import Licence

CARD = "README.md"
CARDS = (CARD, ATTRIBUTION, CROISSANT)

_ABOUT = "## About the recipe"

_MOST_LEFT_OUT = 50
_SIZES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M", "100M<n<1B")
_LAYOUTS = {
    "png": "`<split>/{blur,sharp}/NAME.png`, 8-bit RGB",
    "qoi": "`<split>/{blur,sharp}/NAME.qoi`, 8-bit RGB",
    "npy": "`<split>/{blur,sharp}/NAME.npy`, NumPy arrays, uint8 height x width x 3",
    "gopro": "`<split>/SCENE_FRAMES_00/{blur,blur_gamma,sharp}/NUMBER.png`, the folders of GOPRO\\_Large",
    "webdataset": "`<split>-NNNNN.tar`, of each pair `KEY.blur.png`, `KEY.sharp.png`, `KEY.json` (its manifest line)",
    "lmdb": "`<split>_{blur,sharp}.lmdb`, LMDB environments as BasicSR reads them",
    "parquet": "`<split>-NNNNN.parquet`, with the columns `name`, `sharp`, `blur` and `record`",
    "adopted": "elsewhere, as they were published; the manifest names each file",
}
_SUFFIXES = {"parquet": "parquet", "webdataset": "tar"}


@dataclass(frozen=True)
class DatasetFacts:
    """What is known of a finished dataset beside its records.

    Attributes:
        recipe: as resolved.
        dataset_id: hex SHA-256.
        counts: pairs by split, in the recipe's order.
        format, shards: how the pictures lie, and in how many shards each split, where it has any.
        report: what the build was asked for beside the recipe, and what it could not do.
        about: what the recipe's author says of it, Markdown.
    """

    recipe: Recipe
    dataset_id: str
    counts: dict[str, int]
    format: str
    shards: dict[str, int] = field(default_factory=dict)
    report: BuildReport = field(default_factory=BuildReport)
    about: str = ""


def write_cards(place: Place, facts: DatasetFacts, records: Callable[[], Iterable[Record]]) -> None:
    """Write README.md, ATTRIBUTION.md and croissant.json; the manifest and, if there are any, kernels must be there.

    Args:
        place: where the dataset lies.
        facts: about it.
        records: gives all records, sorted by pair id; it is called more than once.
    """
    summary = summarise(records())
    place.write_text(CARD, "\n".join(_card(facts, summary)) + "\n")
    with (
        place.writing(ATTRIBUTION) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
    ):
        file.writelines(f"{line}\n" for line in dataset_attribution(facts.recipe.name, records()))
    recipe = facts.recipe
    described = croissant(
        place,
        name=recipe.name,
        version=recipe.version,
        description=recipe.summary,
        dataset_id=facts.dataset_id,
        splits=[split for split, count in facts.counts.items() if count],
        layout=facts.format,
        licences=summary.licences,
    )
    place.write_text(CROISSANT, json_text(described))


def about_in(place: Place) -> str:
    """What the recipe's author says of a dataset, as its card has it; empty where there is none."""
    if not place.exists(CARD):
        return ""
    _, _, about = place.read_text(CARD).partition(f"\n{_ABOUT}\n")
    return about.rpartition("\n## Recipe\n")[0].strip()


def _card(facts: DatasetFacts, summary: Summary) -> Iterator[str]:
    recipe = facts.recipe
    yield from _header(facts, summary.licences)
    yield f"# {recipe.name}, version {recipe.version}"
    yield ""
    yield recipe.summary.strip()
    yield ""
    yield f"- Dataset id: `{facts.dataset_id}`"
    yield f"- {sum(facts.counts.values()):,} pairs of {summary.photos:,} photos in {summary.scenes:,} scenes"
    yield f"- Format: `{facts.format}`: {_LAYOUTS.get(facts.format, 'see the manifest')}"
    yield f"- Licences of the photos: {_licences(summary)} (each one's in [{ATTRIBUTION}]({ATTRIBUTION}))"
    yield ""
    yield "| split | pairs | blur | light | camera |"
    yield "|---|---:|---|---|---|"
    for split, count in facts.counts.items():
        of = summary.splits.get(split)
        cells = (of.blurs(), of.lights(), of.cameras()) if of else ("", "", "")
        yield f"| {split} | {count:,} | {' | '.join(cells)} |"
    yield ""
    yield from _LIGHT.splitlines()
    yield ""
    yield from _FILES.splitlines()
    yield ""
    yield from _checks(facts).splitlines()
    yield ""
    yield from _missing(facts.report)
    yield from _about(facts.about)
    yield "## Recipe"
    yield ""
    yield "```toml"
    yield tomli_w.dumps(recipe.tables()).rstrip()
    yield "```"


_LIGHT = """\
*Light* says which values were blurred: `stored` means the 8-bit values as they are; anything else is the response
curve whose linear light was blurred. *Camera* names what happened to the picture after the blur."""

_FILES = f"""\
## Files, checking, rebuilding

- `{MANIFEST}`: a line per pair says which photo it comes from, how that was prepared and blurred, and what its pixels
  hash to. `{KERNELS}` holds every kernel as integers that sum to 65536, by its id.
- `{COMMIT_MARK}` was written last and names the versions that took part. `leaks.json` says what lies in more than one
  of train, val and test; `build-report.json` what is missing.
- `contact-sheet.png` shows some pairs, `kernel-sheet.png`, where there are kernels, some of those."""

_CHECKS = """\
```sh
sha256sum -c SHA256SUMS                        # in this folder, DIR below: is this copy whole?
deblurbench verify-dataset DIR --pixels        # has every picture the pixels that the manifest says?
deblurbench verify-dataset DIR --rebuild 10{photos}    # do ten pairs, made again, come out the same?
deblurbench build-dataset DIR/recipe.toml{photos}{options}      # all of it again: the same dataset id, on any machine
```

{where}Pixels are the promise, not file bytes: encoders differ. The dataset id is the hash of all pairs' names and
pixels."""

_PHOTOS = """\
PHOTOS is the folder of the photos.
"""


def _checks(facts: DatasetFacts) -> str:
    """The commands that check this dataset, as they must be given for it."""
    try:
        needs_photos = any(takes_photos(source) for source in facts.recipe.open_sources())
    except DeblurbenchError:  # a source that is not installed here
        needs_photos = True
    photos, where = (" --photos PHOTOS", _PHOTOS) if needs_photos else ("", "")
    options = f" {facts.report.options}" if facts.report.options else ""
    return _CHECKS.format(photos=photos, options=options, where=where)


def _header(facts: DatasetFacts, licences: Iterable[Licence]) -> Iterator[str]:
    """The YAML that the Hugging Face Hub reads. Every value comes from a checked name, so none needs quoting."""
    ids = sorted({licence.hugging_face for licence in licences}) or ["unknown"]
    total = sum(facts.counts.values())
    yield "---"
    yield f"pretty_name: {facts.recipe.name}"
    yield from _yaml_list("license", ids)
    yield from _yaml_list("task_categories", ["image-to-image"])
    yield from _yaml_list("size_categories", [_SIZES[min(max(len(str(total)) - 3, 0), len(_SIZES) - 1)]])
    yield from _yaml_list("tags", ["deblurring", "image-restoration", "image", "deblurbench", "croissant"])
    splits = {split: count for split, count in facts.counts.items() if count}
    if facts.format in _SUFFIXES:
        yield "configs:"
        yield "- config_name: default"
        yield "  data_files:"
        for split in splits:
            yield f"  - split: {hub_split(split)}"
            yield f'    path: "{split}-[0-9][0-9][0-9][0-9][0-9].{_SUFFIXES[facts.format]}"'
    else:
        yield "viewer: false"  # the Hub would show single pictures, not pairs
    if facts.format == "parquet":
        yield "dataset_info:"
        yield "  features:"
        for name, kind in (("name", "string"), ("sharp", "image"), ("blur", "image"), ("record", "string")):
            yield f"  - name: {name}"
            yield f"    dtype: {kind}"
    yield "---"
    yield ""


def _yaml_list(key: str, values: Iterable[str]) -> Iterator[str]:
    yield f"{key}:"
    yield from (f"- {value}" for value in values)


def hub_split(split: str) -> str:
    """A split's name as the Hugging Face Hub allows it: words, joined by single dots."""
    words = (re.sub(r"\W", "_", word) for word in split.split("."))
    return ".".join(word or "_" for word in words)


def _licences(summary: Summary) -> str:
    by_name: Counter[str] = Counter()
    for licence, count in summary.licences.items():
        by_name[licence.name] += count
    counts = sorted(by_name.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} ({count:,} {'pair' if count == 1 else 'pairs'})" for name, count in counts)


def _missing(report: BuildReport) -> Iterator[str]:
    if report.shortfalls or report.left_out:
        yield "## What is missing"
        yield ""
        for split, short in report.shortfalls.items():
            yield f"- {split}: {short.made:,} pairs of the {short.wanted:,} that the recipe wants."
        for photo in report.left_out[:_MOST_LEFT_OUT]:
            yield f"- {cell(photo.name)} was left out: {cell(photo.reason)}."
        if len(report.left_out) > _MOST_LEFT_OUT:
            yield f"- {len(report.left_out) - _MOST_LEFT_OUT:,} more photos were left out: see `{REPORT}`."
        yield ""


def _about(about: str) -> Iterator[str]:
    text = re.sub(r"\A\s*# .*\n?", "", about).strip()
    if text:
        yield _ABOUT
        yield ""
        yield text
        yield ""
