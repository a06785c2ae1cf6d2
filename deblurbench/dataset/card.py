"""What a dataset says about itself: README card, attribution, and Croissant metadata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli_w

from deblurbench.dataset.manifest import KERNELS, MANIFEST, Record
from deblurbench.dataset.recipe import Recipe
from deblurbench.files import sha256_file, write_json, write_text

CARDS = ("README.md", "ATTRIBUTION.md", "croissant.json")


def write_cards(out: Path, recipe: Recipe, dataset_id: str, records: Sequence[Record]) -> None:
    """Write README.md, ATTRIBUTION.md and croissant.json; the manifest and kernels must be there."""
    write_text(out / "README.md", card(recipe, dataset_id, records))
    write_text(out / "ATTRIBUTION.md", attribution(recipe, records))
    write_json(out / "croissant.json", croissant(out, recipe, dataset_id, records))


def card(recipe: Recipe, dataset_id: str, records: Sequence[Record]) -> str:
    """The dataset card: what it is, how many pairs, how to check it, the recipe itself."""
    counts = Counter(r.split for r in records)
    rows = "\n".join(
        f"| {split.name} | {counts[split.name]} | {_blurs(split.name, records)} |" for split in recipe.splits
    )
    return f"""# {recipe.name}, version {recipe.version}

{recipe.summary}

Dataset id: `{dataset_id}`

| split | pairs | blurs |
|---|---|---|
{rows}

Each pair is `<split>/blur/NAME.png` and `<split>/sharp/NAME.png`, 8-bit RGB. `{MANIFEST}` says where each pair
comes from and what its pixels hash to; `{KERNELS}` holds every kernel as integers that sum to 65536.
Check it with `deblurbench verify-dataset DIR --pixels`. Licences: see `ATTRIBUTION.md`.

## Recipe

```toml
{tomli_w.dumps(recipe.tables())}```
"""


def _blurs(split: str, records: Sequence[Record]) -> str:
    """The blurs of a split as text, such as `gaussian-opencv sigma=1.2 size=9`."""
    found = Counter(
        " ".join([r.blur["family"], *(f"{k}={v}" for k, v in sorted(r.blur.items()) if k != "family")])
        for r in records
        if r.split == split
    )
    return "; ".join(f"{text} ({count})" for text, count in sorted(found.items()))


def attribution(recipe: Recipe, records: Sequence[Record]) -> str:
    """Who made each photo, under what terms, where it was found: one table row per photo."""
    photos = {_photo_name(r): r.photo for r in records}
    rows = [
        f"| {name} | {photo.author or 'unknown'} | {photo.licence or 'not stated'} | {photo.url or photo.source} |"
        for name, photo in sorted(photos.items())
    ]
    head = [f"# Photos of {recipe.name}", "", "| photo | author | licence | source |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, ""])


def _photo_name(record: Record) -> str:
    """The photo's name: the pair's without the index of a blur."""
    mark = f"-{record.photo.raw_sha256[:8]}"
    return record.name[: record.name.rfind(mark) + len(mark)]


def croissant(out: Path, recipe: Recipe, dataset_id: str, records: Sequence[Record]) -> dict[str, Any]:
    """Croissant 1.1 metadata (https://docs.mlcommons.org/croissant/)."""
    licences = sorted({r.photo.licence or "not stated" for r in records})
    return {
        "@context": {
            "@language": "en",
            "@vocab": "https://schema.org/",
            "sc": "https://schema.org/",
            "cr": "http://mlcommons.org/croissant/",
            "dct": "http://purl.org/dc/terms/",
            "conformsTo": "dct:conformsTo",
            "sha256": "cr:sha256",
            "fileObject": "cr:fileObject",
            "fileSet": "cr:fileSet",
            "includes": "cr:includes",
            "containedIn": "cr:containedIn",
        },
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": recipe.name,
        "version": f"{recipe.version}.0.0",
        "description": recipe.summary,
        "identifier": dataset_id,
        "license": licences,
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "encodingFormat": kind,
                "sha256": sha256_file(out / name),
            }
            for name, kind in ((MANIFEST, "application/jsonlines"), (KERNELS, "application/x-npz"))
        ]
        + [
            {
                "@type": "cr:FileSet",
                "@id": f"{split.name}-{side}",
                "name": f"{split.name}-{side}",
                "encodingFormat": "image/png",
                "includes": f"{split.name}/{side}/*.png",
            }
            for split in recipe.splits
            for side in ("sharp", "blur")
        ],
    }
