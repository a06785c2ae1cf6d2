"""Which protocols are meant by names, of which one may be `all`."""

from __future__ import annotations

from collections.abc import Iterable

from deblurbench import plugins
from deblurbench.scoring.protocol import Protocol, find_protocol
from deblurbench.scoring.score import without_slow

ALL = "all"


def select_protocols(names: Iterable[str], *, slow: bool = False) -> list[Protocol]:
    """The protocols of names or ids, each once, in that order.

    `all` stands for every protocol that is installed, by name, without its slow metrics unless `slow` is true or the
    protocol is also named. Raises UsageError for an unknown name.
    """
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
