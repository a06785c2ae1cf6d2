"""A protocol in words, for `deblurbench list protocols`."""

from __future__ import annotations

import dataclasses
import textwrap
from typing import TYPE_CHECKING, Any

import click

from deblurbench.cli import options

if TYPE_CHECKING:
    from deblurbench.scoring.protocol import Metric, Protocol

_WIDTH = 110
_MARKS = {
    "added": "added by deblurbench, not in the published script",
    "slow": "slow: computed where the protocol is named, or with --slow",
    "pooled": "of a set: from the error over all samples of all its pictures",
    "lower_is_better": "lower is better",
}


def explain_protocol(name: str, json_out: str | None) -> None:
    """Print the whole recipe of the protocol of this name or id. Raises UsageError where there is none."""
    from deblurbench.scoring.protocol import find_protocol

    protocol = find_protocol(name)
    if json_out:
        options.put_json(json_out, as_dict(protocol))
    if json_out != "-":
        click.echo(as_text(protocol))


def as_dict(protocol: Protocol) -> dict[str, Any]:
    """All that a protocol says of itself, for JSON."""
    return {
        "id": protocol.id,
        "summary": protocol.summary,
        "unpublished": protocol.unpublished,
        "metrics": [{"name": metric.name} | {m: getattr(metric, m) for m in _MARKS} for metric in protocol.metrics],
        "recipe": dataclasses.asdict(protocol.recipe),
    }


def as_text(protocol: Protocol) -> str:
    """The same for people: one point of the recipe per line, wrapped."""
    title = f"{protocol.id}: {protocol.summary}"
    if protocol.unpublished:
        title += "\nunpublished: nobody has published this recipe; it is deblurbench's reading"
    named = [("" if i else "metrics", _metric(metric)) for i, metric in enumerate(protocol.metrics)]
    points = [*named, *dataclasses.asdict(protocol.recipe).items()]
    return "\n".join([title, *(_line(name.replace("_", " "), text) for name, text in points)])


def notes(protocol: Protocol) -> list[str]:
    """What somebody who chooses among protocols should know of one: `ssim added`, `lpips slow`, `unpublished`."""
    marks = ("added", "slow", "pooled")
    found = [f"{metric.name} {mark}" for metric in protocol.metrics for mark in marks if getattr(metric, mark)]
    return found + ["unpublished"] * protocol.unpublished


def _metric(metric: Metric) -> str:
    marks = [text for mark, text in _MARKS.items() if getattr(metric, mark)]
    return metric.name + (f" ({'; '.join(marks)})" if marks else "")


def _line(name: str, text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=f"  {name:<13}", subsequent_indent=" " * 15)
