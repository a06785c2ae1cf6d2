"""Which protocols are meant by names, of which one may be `all`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deblurbench import plugins
from deblurbench.scoring.protocol import Protocol, find_protocol
from deblurbench.scoring.score import without_slow
from deblurbench.scoring.weights import foreign, give_weights

ALL = "all"


@dataclass(frozen=True)
class Selection:
    """Protocols that are ready to score.

    Attributes:
        protocols: each once, in the order of their names.
        has_all: whether `all` was among the names.
        notes: what a user should know: which of `all` lack weights, and which weights are not the published ones.
    """

    protocols: Sequence[Protocol]
    has_all: bool
    notes: Sequence[str]


def select(names: Iterable[str], *, slow: bool = False, weights: Sequence[str] = ()) -> Selection:
    """The protocols of names or ids with their weights.

    Args:
        names: `all` stands for every protocol that is installed, by name, without its slow metrics unless `slow` is
            true or the protocol is also named, and without those whose weights are not given.
        weights: `FILE=SHA256`, for protocols that need some.

    Raises: UsageError for an unknown name, and where the weights of a named protocol are not given or damaged.
    """
    names = list(names)
    named = {protocol.name for protocol in map(find_protocol, (name for name in names if name != ALL))}
    chosen = select_protocols(names, slow=slow)
    ready = give_weights(chosen, weights, optional={protocol.name for protocol in chosen} - named)
    lacking = {protocol.name for protocol in chosen} - {protocol.name for protocol in ready}
    notes = [f"{', '.join(sorted(lacking))} left out: no --weights are given"] if lacking else []
    others = {protocol.name: ", ".join(foreign(protocol)) for protocol in ready}
    notes += [f"{name}: published numbers were not computed with {files}" for name, files in others.items() if files]
    return Selection(ready, ALL in names, notes)


def select_protocols(names: Iterable[str], *, slow: bool = False) -> list[Protocol]:
    """The protocols of names or ids, each once, in that order, without weights; see `select`."""
    names = list(names)
    named = {protocol.name: protocol for protocol in map(find_protocol, (n for n in names if n != ALL))}
    found: dict[str, Protocol | None] = {}
    for name in names:
        if name != ALL:
            bare = name.partition("@")[0]
            found[bare] = named[bare]
            continue
        for every in sorted(plugins.find("protocols")):
            protocol = named.get(every) or find_protocol(every)
            found.setdefault(every, protocol if slow or every in named else without_slow(protocol))
    return [protocol for protocol in found.values() if protocol]
