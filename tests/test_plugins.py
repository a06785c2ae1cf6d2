"""Plug-ins: found by name without importing, broken ones named, ours through the same door."""

import sys
from importlib.metadata import PathDistribution

import pytest

from deblurbench import plugins
from deblurbench.errors import UsageError
from deblurbench.paths import find_recipes, recipe_file, shipped_datasets


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """An installed package `acme` with a good blur, a broken one, and a name that we have too."""
    info = tmp_path / "acme-2.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 2.5\n")
    (info / "entry_points.txt").write_text(
        "[deblurbench.blurs]\nacme-blur = acme_blurs:Good\nbroken-blur = acme_blurs:Missing\n"
        "lost-blur = acme_no_such_module:X\ngaussian = acme_blurs:Good\n"
    )
    (tmp_path / "acme_blurs.py").write_text("class Good:\n    family = 'acme-blur'\n")
    monkeypatch.syspath_prepend(tmp_path)
    plugins.find.cache_clear()
    yield PathDistribution(info)
    plugins.find.cache_clear()
    sys.modules.pop("acme_blurs", None)


def test_what_ships_is_found():
    assert {"gaussian", "gaussian-opencv"} <= plugins.find("blurs").keys()
    assert {"identity", "wiener", "cnn", "unet"} <= plugins.find("baselines").keys()
    assert {p.origin for p in plugins.find("sources").values()} == {"deblurbench"}


def test_a_third_party_blur_is_loaded_and_its_origin_known(third_party):
    with pytest.warns(plugins.PluginWarning, match="acme also offers blurs 'gaussian'"):
        found = plugins.find("blurs")
    assert (found["acme-blur"].origin, found["acme-blur"].version) == ("acme", "2.5")
    assert plugins.load("blurs", "acme-blur").family == "acme-blur"
    assert found["gaussian"].origin == "deblurbench"


def test_a_broken_one_is_a_warning_that_names_its_package(third_party):
    with pytest.warns(plugins.PluginWarning) as caught:
        loaded = plugins.load_all("blurs", lambda of: of.family)
    assert "broken-blur" not in loaded
    assert "lost-blur" not in loaded
    text = "\n".join(str(w.message) for w in caught)
    assert "'broken-blur' is left out: the package acme 2.5 is broken" in text
    assert "acme_no_such_module" in text
    assert loaded["acme-blur"][1] == "acme-blur"


@pytest.mark.filterwarnings("ignore::deblurbench.plugins.PluginWarning")
def test_asking_for_a_broken_one_is_an_error(third_party):
    with pytest.raises(UsageError, match=r"the package acme 2\.5 is broken"):
        plugins.load("blurs", "broken-blur")


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UsageError, match=r"unknown baseline 'unnet': did you mean 'unet'\?"):
        plugins.load("baselines", "unnet")


def test_recipes_are_found_in_the_project_then_the_path_then_the_package(tmp_path, monkeypatch):
    for place in ("datasets", "more"):
        (tmp_path / place / "mine").mkdir(parents=True)
        (tmp_path / place / "mine" / "recipe.toml").write_text(place)
    (tmp_path / "more" / "other").mkdir()
    (tmp_path / "more" / "other" / "recipe.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEBLURBENCH_PATH", str(tmp_path / "more"))
    assert recipe_file("mine").read_text() == "datasets"
    assert recipe_file("other").parent.parent.name == "more"
    assert recipe_file("starter") == shipped_datasets() / "starter" / "recipe.toml"
    assert find_recipes()["starter"].origin == "deblurbench"


def test_recipes_are_given_by_file_or_folder_too(tmp_path):
    file = tmp_path / "recipe.toml"
    file.touch()
    assert recipe_file(str(file)) == file
    assert recipe_file(str(tmp_path)) == file
    with pytest.raises(UsageError, match="no recipe file"):
        recipe_file(str(tmp_path / "none.toml"))
    with pytest.raises(UsageError, match="did you mean 'starter'"):
        recipe_file("startr")


@pytest.mark.filterwarnings("always::deblurbench.plugins.PluginWarning")
def test_one_that_is_of_another_kind_is_left_out_with_a_warning(third_party, cli, tmp_path):
    entries = tmp_path / "acme-2.5.dist-info" / "entry_points.txt"
    entries.write_text("[deblurbench.baselines]\nacme-net = acme_blurs:Good\n")
    plugins.find.cache_clear()
    result = cli("list", "baselines")
    assert result.code == 0
    assert "baseline 'acme-net' is left out: the package acme 2.5 is broken" in result.err
    assert "unet" in result.out
