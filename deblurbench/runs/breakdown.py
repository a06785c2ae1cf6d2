"""What scores are made of: the means by split, and within each split by what the dataset says of its pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deblurbench.dataset.manifest import Record
from deblurbench.dataset.sheets import describe
from deblurbench.grid import grid
from deblurbench.runs.dataset_pairs import DatasetPairs, pair_name
from deblurbench.runs.severity import RULE, kernel_radii, severity
from deblurbench.scoring.reports.gain import gains
from deblurbench.scoring.score import ImageScore, ProtocolScores, plain

FACTS = ("light", "family", "severity", "kernel", "scene")
"""By what a split is divided, in this order."""

_MOST, _ENDS = 12, 5  # groups of one fact in a table: all, or else so many of the lowest and of the highest
_NAME = 42  # characters
_SHOWN = {"psnr_db": ("PSNR", 3), "ssim": ("SSIM", 4)}

Key = tuple[Any, str]
"""By which groups are sorted, and a group's name."""


@dataclass(frozen=True)
class Group:
    """The numbers of some pictures of a split under one protocol.

    Attributes:
        split: theirs.
        by: one of `FACTS`, or `split` for all of it.
        name: what they have in common.
        n: how many they are.
        mean, blurred_mean: their numbers; `blurred_mean` is None where the blurred pictures were not scored.
        gain: of one over the other, positive where it is better.
    """

    split: str
    by: str
    name: str
    n: int
    mean: Mapping[str, float]
    blurred_mean: Mapping[str, float] | None
    gain: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: infinities as the string "inf"."""
        result: dict[str, Any] = {"split": self.split, "by": self.by, "group": self.name, "n": self.n}
        result["mean"] = plain(self.mean)
        if self.blurred_mean is not None:
            result |= {"blurred_mean": plain(self.blurred_mean), "gain": plain(self.gain)}
        return result


def break_down_dataset(scores: ProtocolScores, pairs: DatasetPairs) -> list[Group]:
    """The groups of the scores of a dataset's splits. Raises DatasetError where a kernel is missing or damaged."""
    return break_down(scores, pairs.records(), kernel_radii(pairs.dataset, pairs.records()))


def break_down(scores: ProtocolScores, records: Iterable[Record], radii: Mapping[str, float]) -> list[Group]:
    """The groups of scores: each split, followed by its parts by each of `FACTS`.

    Different splits are different tasks, so nothing is averaged over them.

    Args:
        scores: names are `SPLIT/NAME.png`.
        records: those of the scored pairs, and perhaps others.
        radii: of their kernels, by id.
    """
    images = {image.name: image for image in scores.images}
    blurred = {image.name: image for image in scores.blurred or ()}
    parts: dict[tuple[str, str], dict[Key, list[str]]] = {}
    for record in records:
        name = pair_name(record)
        if name in images:
            keys = _keys(record, radii, blurred.get(name))
            for by in ("split", *FACTS):
                parts.setdefault((record.split, by), {}).setdefault(keys[by], []).append(name)
    return [
        _group(scores, split, by, key, names, images, blurred)
        for split, by in sorted(parts, key=lambda part: (part[0], ("split", *FACTS).index(part[1])))
        for key, names in sorted(parts[split, by].items())
    ]


def _keys(record: Record, radii: Mapping[str, float], blurred: ImageScore | None) -> dict[str, Key]:
    """For each fact the group that a record belongs to."""
    light, family = str(record.blur.get("light", "stored")), str(record.blur.get("family", "unknown"))
    return {
        "split": ("", record.split),
        "light": ("", light),
        "family": ("", family),
        "severity": severity(record, radii, blurred.values.get("psnr_db") if blurred else None),
        "kernel": (record.kernels, _kernel_name(record)),
        "scene": ("", record.scene),
    }


def _kernel_name(record: Record) -> str:
    """`ff59ff55 sigma 1.2, size 9`: the first of its kernels, how many more there are, and how they were drawn."""
    if not record.kernels:
        return "none"
    more = f"+{len(record.kernels) - 1}" if len(record.kernels) > 1 else ""
    drawn = record.model_copy(update={"blur": record.blur | {"light": "stored"}, "camera": None})
    family, _, parameters = describe(drawn).partition(", ")
    return f"{record.kernels[0][:8]}{more} {parameters or family}"


def _group(
    scores: ProtocolScores,
    split: str,
    by: str,
    key: Key,
    names: Sequence[str],
    images: Mapping[str, ImageScore],
    blurred: Mapping[str, ImageScore],
) -> Group:
    mean = scores.means_of([images[name] for name in names])
    before = scores.means_of([blurred[name] for name in names]) if blurred else None
    return Group(split, by, key[1], len(names), mean, before, gains(scores.protocol, mean, before or {}))


def breakdown_text(scores: ProtocolScores, groups: Sequence[Group]) -> str:
    """The groups as a table of PSNR and SSIM, where the protocol has them, for a terminal.

    What all pictures of a split share is said in words; of many groups the lowest and the highest are shown.
    """
    metrics = [metric.name for metric in scores.protocol.metrics if metric.name in _SHOWN]
    metrics = metrics or [scores.protocol.metrics[0].name]
    with_blur = scores.blurred is not None
    header = [scores.protocol.id, "n"]
    for name in metrics:
        header += [_SHOWN.get(name, (name, 0))[0], *(("blurred", "gain") if with_blur else ())]
    lines: list[list[str] | str] = [header]
    for split in dict.fromkeys(group.split for group in groups):
        for by in ("split", *FACTS):
            of = [group for group in groups if (group.split, group.by) == (split, by)]
            lines += _lines(by, of, metrics, with_blur)
    table = iter(grid([line for line in lines if isinstance(line, list)]).split("\n"))
    text = [line if isinstance(line, str) else next(table) for line in lines]
    return "\n".join([*text, "", *([RULE] if any(group.by == "severity" for group in groups) else [])]).rstrip()


def _lines(by: str, groups: Sequence[Group], metrics: Sequence[str], with_blur: bool) -> list[list[str] | str]:
    if by == "split":
        return [_row(group.name, group, metrics, with_blur) for group in groups]
    if len(groups) == 1:
        return [f"  {by}: {_short(groups[0].name)}"]
    if all(group.n == 1 for group in groups):
        return [f"  {by}: each picture has its own"]
    title = f"  by {by}"
    if len(groups) <= _MOST:
        return [title, *(_row(f"    {_short(group.name)}", group, metrics, with_blur) for group in groups)]
    ranked = sorted(groups, key=lambda group: group.mean.get(metrics[0], 0.0))
    low, high = (
        [_row(f"    {_short(g.name)}", g, metrics, with_blur) for g in of] for of in (ranked[:_ENDS], ranked[-_ENDS:])
    )
    return [f"{title}: the {_ENDS} lowest and the {_ENDS} highest of {len(groups)}", *low, "    ...", *high]


def _row(title: str, group: Group, metrics: Sequence[str], with_blur: bool) -> list[str]:
    row = [_cut(title), str(group.n)]
    for name in metrics:
        decimals = _SHOWN.get(name, (name, 4))[1]
        row.append(_number(group.mean, name, f".{decimals}f"))
        if with_blur:
            row += [
                _number(group.blurred_mean or {}, name, f".{decimals}f"),
                _number(group.gain, name, f"+.{decimals}f"),
            ]
    return row


def _number(values: Mapping[str, float], name: str, how: str) -> str:
    return format(values[name], how) if name in values else "-"


def _short(name: str) -> str:
    """The name; of a hash, which is what scenes of photos are called, as many digits as the pictures' names have."""
    return name[:8] if re.fullmatch("[0-9a-f]{64}", name) else name


def _cut(text: str) -> str:
    """The text, or its beginning and its end."""
    return text if len(text) <= _NAME else f"{text[: _NAME - 13]}...{text[-10:]}"
