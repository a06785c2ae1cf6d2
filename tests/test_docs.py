"""What the documents show works as shown."""

import re

import numpy as np
import pytest
from conftest import ROOT, noise

from deblurbench.blur.family import Blur
from deblurbench.blur.kernel import UNIT
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.draws import Draws
from deblurbench.images.codec import write_png

DOCS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "baselines" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / name).read_text(), re.DOTALL)


def test_the_recipe_of_the_docs_builds(tmp_path):
    (tmp_path / "mine.toml").write_text(blocks("docs/recipes.md", "toml")[0])
    (tmp_path / "photos").mkdir()
    for i in range(12):
        write_png(tmp_path / "photos" / f"{i}.png", noise(30, 40, seed=i))
    recipe = read_recipe(tmp_path / "mine.toml", ["sources.0.prepare.resize=28x16"])
    built = build(make_plan(recipe, tmp_path / "photos"), tmp_path / "out", quiet=True)
    assert sum(built.splits.values()) == 12


def test_the_blur_of_the_docs_works():
    scope: dict[str, type[Blur]] = {"__name__": "docs"}  # type: ignore[dict-item]
    exec(blocks("docs/plugins.md", "python")[0], scope)
    drawn = [scope["Line"]().draw(Draws(0, f"train/{i}", "blur")) for i in range(20)]
    assert all(int(kernel.taps.sum()) == UNIT for kernel, _ in drawn)
    assert all(kernel.taps.shape == (1, parameters["length"]) for kernel, parameters in drawn)
    assert len({kernel.id for kernel, _ in drawn}) > 5


def test_every_command_of_the_docs_exists(cli):
    listed = cli("--help").out
    for file in DOCS:
        text = file.read_text()
        for command in re.findall(r"(?:^|`|\$ )deblurbench ([a-z][a-z-]*)", text, re.MULTILINE):
            assert f"  {command} " in listed, f"{file.name}: {command}"
        if file.name == "commands.md":
            table = re.findall(r"^\| `([a-z-]+)[^`]*` \|", text, re.MULTILINE)
            assert set(re.findall(r"^  ([a-z-]+) ", listed.partition("Commands:")[2], re.MULTILINE)) <= set(table)


@pytest.mark.parametrize("file", DOCS, ids=lambda f: f.name)
def test_links_lead_somewhere(file):
    for target in re.findall(r"\]\(([^)#:]+)\)", file.read_text()):
        assert (file.parent / target).exists(), target


def test_the_ssim_threshold_of_the_docs_is_true():
    from deblurbench.scoring.metrics import ssim

    assert ssim(np.zeros((10, 50), np.uint8), np.zeros((10, 50), np.uint8)) is None
    assert ssim(np.zeros((11, 50), np.uint8), np.zeros((11, 50), np.uint8)) is not None
