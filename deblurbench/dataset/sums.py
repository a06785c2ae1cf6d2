"""`SHA256SUMS`: the hash of every other file of a dataset, in the form that `sha256sum -c` reads.

The commit mark is left out, since it is written after the sums, and so is the journal, which goes then. File bytes
may differ between machines where pixels do not: the sums say whether this copy is whole, the dataset id says
whether its pixels are right.
"""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from deblurbench.dataset.journal import JOURNAL
from deblurbench.dataset.manifest import COMMIT_MARK
from deblurbench.errors import DatasetError
from deblurbench.files import LOCK
from deblurbench.places import Place

SUMS = "SHA256SUMS"

_LEFT_OUT = frozenset({SUMS, COMMIT_MARK, LOCK})
_LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")
_THREADS = 4  # hashing lets other threads run, and so does a network
_AHEAD = 8


def write_sums(place: Place, names: Iterable[str] | None = None) -> None:
    """Write `SHA256SUMS`, sorted by name.

    Args:
        place: where the dataset lies.
        names: of the files to hash; all that are there where not given.
    """
    chosen = sorted(set(filter(_is_summed, place.names() if names is None else names)))
    with place.writing(SUMS) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for name, digest in _each(lambda name: sha256_of(place, name), chosen):
            file.write(_line(name, digest))


def renew_sums(place: Place, names: Collection[str]) -> None:
    """Hash some picture files anew, and put that in `SHA256SUMS` in place of what it says of them."""
    fresh = dict(_each(lambda name: sha256_of(place, name), names))
    lines = place.read_text(SUMS).splitlines(keepends=True)
    kept = [line for line in lines if line.rstrip("\n").partition("  ")[2] not in fresh]
    lines = [*kept, *(_line(name, digest) for name, digest in fresh.items())]
    place.write_text(SUMS, "".join(sorted(lines, key=lambda line: line.partition("  ")[2])))


def check_sums(place: Place, wanted: Callable[[str], bool] = lambda _: True) -> Iterator[str]:
    """What is wrong with the files that `SHA256SUMS` names and that are `wanted`, one line each."""
    try:
        lines = place.read_text(SUMS).splitlines()
    except FileNotFoundError:
        yield f"{SUMS}: missing"
        return
    except (OSError, UnicodeDecodeError) as error:
        yield f"{SUMS}: cannot be read ({error})"
        return
    expected: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        found = _LINE.fullmatch(line)
        if found is None:
            yield f"{SUMS}:{number}: is no line of `sha256sum`"
        else:
            expected[_unescaped(found[3]) if found[1] else found[3]] = found[2]
    for name, problem in _each(lambda name: _problem(place, name, expected[name]), filter(wanted, expected)):
        if problem:
            yield f"{name}: {problem}"


def sha256_of(place: Place, name: str) -> str:
    """Hex SHA-256 of a file's bytes, read in pieces. Raises FileNotFoundError."""
    digest = hashlib.sha256()
    with place.reading(name) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _is_summed(name: str) -> bool:
    # No file of a dataset has a backslash in its name: to some systems it is a slash.
    return "\\" not in name and name not in _LEFT_OUT and name.partition("/")[0] != JOURNAL


def _each(function: Callable[[str], str], names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(name, function(name)) in order, a few at a time in threads."""
    left = iter(names)
    waiting: deque[tuple[str, Future[str]]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        while True:
            waiting.extend((name, pool.submit(function, name)) for name in islice(left, _AHEAD - len(waiting)))
            if not waiting:
                return
            name, future = waiting.popleft()
            yield name, future.result()


def _problem(place: Place, name: str, digest: str) -> str:
    try:
        return "" if sha256_of(place, name) == digest else f"its bytes are not those of {SUMS}"
    except FileNotFoundError:
        return "missing"
    except DatasetError as error:  # a name that leads elsewhere
        return str(error)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"


def _line(name: str, digest: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == name else chr(92)}{digest}  {escaped}\n"


def _unescaped(name: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), name)
