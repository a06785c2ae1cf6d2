"""What the documents show works as shown."""

import json
import re
import sys
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, noise
from fetch_kit import FakeClient, fake_check, manifest

from deblurbench import BatchScorer, plugins
from deblurbench.blur.family import Blur
from deblurbench.blur.kernel import UNIT
from deblurbench.dataset.build import build
from deblurbench.dataset.plan import make_plan
from deblurbench.dataset.recipe import read_recipe
from deblurbench.draws import Draws
from deblurbench.errors import FetchError
from deblurbench.fetch.photo_file import Checks
from deblurbench.fetch.request import Request
from deblurbench.fetch.run import fetch
from deblurbench.fetch.web.manners import Manners
from deblurbench.images.codec import write_png
from deblurbench.sources.api import ApiSource

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


def test_the_online_source_of_the_docs_works(tmp_path, monkeypatch):
    """The block as it stands, fetched by the real thing; the museum answers as foreign servers do."""
    scope: dict[str, type[ApiSource]] = {"__name__": "docs"}  # type: ignore[dict-item]
    exec(blocks("docs/plugins.md", "python")[1], scope)
    painted = [{"id": i, "image": f"https://museum.example/{i}.jpg", "maker": f"Maker {i}"} for i in range(3)]
    odd = [None, {"id": 8, "image": None, "maker": None}, painted[0]]
    web = FakeClient()
    answers = iter([{"items": painted}, {"items": odd}, {"items": []}])
    web.json = lambda url: web.asked.append(url) or next(answers)  # type: ignore[method-assign, func-returns-value]
    monkeypatch.setattr("deblurbench.fetch.run.Client", lambda *_: web)
    monkeypatch.setattr("deblurbench.fetch.loaders.check_photo", fake_check)
    asked = Request(scope["Museum"](), ("sea & sky",), "cc0", Checks(), count=9)
    summary = fetch(asked, Manners(), tmp_path / "out", tmp_path / "state", quiet=True)
    assert [url for url in web.asked if "/api" in url] == [
        f"https://museum.example/api?q=sea%20%26%20sky&page={page}" for page in (1, 2, 3)
    ]
    assert {(line["author"], line["licence"]) for line in manifest(tmp_path / "out")} == {
        (f"Maker {i}", "CC0 1.0") for i in range(3)
    }
    assert summary.as_dict()["outcomes"] == {"kept": 3, "listing": 2}
    with pytest.raises(FetchError, match="a list where a listing is due"):
        asked.source.check_answer([], web.asked[0])


def test_the_protocol_of_the_docs_works(cli, tmp_path, monkeypatch):
    """The block as it stands, in a package that is installed with the line of the docs."""
    info, package, folders = tmp_path / "mine-3.dist-info", tmp_path / "my_package", tmp_path / "pictures"
    for folder in (info, package, folders / "preds", folders / "sharp"):
        folder.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 3\n")
    line = re.search(r'^my-eval = "(.*?)"', blocks("docs/plugins.md", "toml")[0], re.MULTILINE)
    assert line
    (info / "entry_points.txt").write_text(f"[deblurbench.protocols]\nmy-eval = {line[1]}\n")
    (package / "protocol.py").write_text(blocks("docs/plugins.md", "python")[2])
    monkeypatch.syspath_prepend(tmp_path)
    plugins.find.cache_clear()
    write_png(folders / "sharp" / "a.png", np.full((20, 20, 3), 51, np.uint8))
    np.save(folders / "preds" / "a.npy", np.full((20, 20, 3), 0.2157))  # 55.0035 of 255, truncated to 55
    try:
        result = cli("score", folders / "preds", folders / "sharp", "--protocol", "my-eval", "--json", "-")
        mean = json.loads(result.out)["protocols"][0]["mean"]
        assert mean == {"psnr_db": pytest.approx(10 * np.log10(255**2 / 16)), "within_one": 0.0}
        assert "our lab" in cli("list", "protocols", "--explain", "my-eval").out
        assert BatchScorer("my-eval").metrics == ("psnr_db",)
    finally:
        plugins.find.cache_clear()
        for name in ("my_package", "my_package.protocol"):
            sys.modules.pop(name, None)


def test_the_baseline_of_the_docs_works():
    scope: dict[str, Any] = {"__name__": "docs"}
    exec(blocks("docs/plugins.md", "python")[3], scope)
    mine = scope["MINE"]
    picture = np.full((5, 6, 3), 100, np.uint8)
    picture[2, 3] = 140
    config = mine.configure(settings=["amount=0.5"])
    restored = mine.restorer(mine.config_from(config.as_dict()), None, "cpu")(picture)
    assert restored.dtype == np.uint8
    assert (restored[2, 3] == 160).all()  # 140 + (140 - 100) / 2
    assert (restored[1, 3] == 95).all()  # one of its four neighbours has 40 more
    assert (restored[0, 0] == 100).all()


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
    from deblurbench.scoring.metrics.ssim import gaussian_ssim as ssim

    assert ssim(np.zeros((10, 50), np.uint8), np.zeros((10, 50), np.uint8)) is None
    assert ssim(np.zeros((11, 50), np.uint8), np.zeros((11, 50), np.uint8)) is not None
