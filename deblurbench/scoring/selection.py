"""Which protocols are meant by names, of which one may be `all`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from deblurbench import plugins
from deblurbench.scoring.protocol import Protocol, find_protocol
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
    named = {name.partition("@")[0]: find_protocol(name) for name in names if name != ALL}
    every = sorted(plugins.find("protocols"))
    wanted = dict.fromkeys(one for name in names for one in (every if name == ALL else [name.partition("@")[0]]))
    chosen = {name: protocol for name in wanted if (protocol := named.get(name) or _of_all(name, slow))}
    optional = {protocol.name for name, protocol in chosen.items() if name not in named}
    ready = give_weights(list(chosen.values()), weights, optional=optional)
    lacking = {protocol.name for protocol in chosen.values()} - {protocol.name for protocol in ready}
    notes = [f"{', '.join(sorted(lacking))} left out: no --weights are given"] if lacking else []
    others = {protocol.name: ", ".join(foreign(protocol)) for protocol in ready}
    notes += [f"{name}: published numbers were not computed with {files}" for name, files in others.items() if files]
    return Selection(ready, ALL in names, notes)


def _of_all(name: str, slow: bool) -> Protocol | None:
    """A protocol as `all` has it: without its slow metrics unless they are wanted; None where nothing is left."""
    protocol = find_protocol(name)
    metrics = tuple(metric for metric in protocol.metrics if slow or not metric.slow)
    return replace(protocol, metrics=metrics) if metrics else None
