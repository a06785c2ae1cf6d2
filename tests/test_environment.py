"""The tested environment is the one that constraints.txt names, and the lower bounds are what was tested."""

import re
from importlib.metadata import PackageNotFoundError, requires, version

from conftest import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

# What torch brings along on Linux from its default index, versions of torch's choosing; its CPU build has none of it.
_CUDA = ("nvidia-", "cuda-", "triton")


def pins() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(name): pin for name, _, pin in (line.partition("==") for line in lines)}


def closure(names: list[str]) -> set[str]:
    """These distributions and all that they need here, by canonical name."""
    seen: set[str] = set()
    todo = [Requirement(name) for name in names]
    while todo:
        wanted = todo.pop()
        name = canonicalize_name(wanted.name)
        if name in seen and not wanted.extras:
            continue
        seen.add(name)
        try:
            needs = [Requirement(text) for text in requires(name) or ()]
        except PackageNotFoundError:
            continue  # found missing by the test
        extras = {"", *wanted.extras}
        todo += [r for r in needs if r.marker is None or any(r.marker.evaluate({"extra": e}) for e in extras)]
    return {name for name in seen if not name.startswith(_CUDA)} - {"deblurbench"}


def test_every_dependency_is_pinned_to_what_is_installed():
    known = pins()
    for name in closure(["deblurbench[dev]"]):
        assert name in known, f"{name} is not in constraints.txt"
        assert Version(version(name)).public == known[name], name


def test_lower_bounds_are_the_tested_versions_and_nothing_is_capped():
    known = pins()
    direct = [Requirement(text) for text in requires("deblurbench") or ()]
    assert len(direct) > 15
    for requirement in direct:
        (bound,) = requirement.specifier
        assert bound.operator == ">=", requirement
        assert bound.version == known[canonicalize_name(requirement.name)], requirement


def test_torch_is_the_promised_one():
    assert pins()["torch"] == "2.13.0"
    assert re.search(r'requires-python = ">=3\.11"', (ROOT / "pyproject.toml").read_text())
