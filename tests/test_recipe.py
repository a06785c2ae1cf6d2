"""Recipes: every wrong key is named, and what is resolved reads back as itself."""

import pytest
import tomli_w

from deblurbench.dataset.recipe import read_recipe
from deblurbench.errors import RecipeError, UsageError
from deblurbench.paths import recipe_file


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("sed=3", "tiny.toml:sed: unknown key, did you mean 'seed'"),
        ("seed=-1", "tiny.toml:seed: "),
        ("schema=2", "tiny.toml:schema: "),
        ("sources.0.cuont=3", "tiny.toml:sources.0.cuont: unknown key, did you mean 'count'"),
        ("sources.0.scenes.tets=3", "tiny.toml:sources.0.scenes.tets"),
        ("sources.0.prepare.crop=7/4", "tiny.toml:sources.0.prepare.crop: a ratio is WIDTH:HEIGHT"),
        ("sources.0.prepare.filter=nearest", "tiny.toml:sources.0.prepare.filter: "),
        ("splits.0.name=training", "tiny.toml:splits.0.name: a split is train, val, test or test-LABEL"),
        ("splits.0.name=val", "two splits have the same name"),
        ("splits.0.blurs=[]", "tiny.toml:splits.0.blurs: "),
        ("splits.0.blurs.0.sigm=3", "tiny.toml:splits.0.blurs.0.sigm: unknown key, did you mean 'sigma'"),
        ("splits.0.blurs.0.sigma=0", "tiny.toml:splits.0.blurs.0.sigma: "),
        ("splits.0.blurs.0.size=4", "tiny.toml:splits.0.blurs.0.size: a Gaussian kernel has an odd size"),
        ("splits.0.blurs.0.family=gausian", "unknown blur 'gausian': did you mean 'gaussian'"),
        ("sources.0.source=deadleafs", "unknown source 'deadleafs': did you mean 'deadleaves'"),
    ],
)
def test_wrong_keys_are_named(tiny_recipe, setting, message):
    with pytest.raises(UsageError) as error:
        read_recipe(tiny_recipe, [setting])
    assert message in str(error.value)


def test_a_resolved_recipe_reads_back_as_itself(tmp_path):
    recipe = read_recipe(recipe_file("starter"), ["seed=5"])
    (tmp_path / "again.toml").write_text(tomli_w.dumps(recipe.tables()))
    assert read_recipe(tmp_path / "again.toml") == recipe


def test_a_missing_key_is_named(tmp_path):
    (tmp_path / "r.toml").write_text('schema = 1\nname = "x"\n')
    with pytest.raises(RecipeError, match=r"r\.toml:version: this key is missing \(and 4 more wrong keys\)"):
        read_recipe(tmp_path / "r.toml")


def test_the_published_id_is_compared(cli, tiny_recipe, tiny, tmp_path):
    checksums = tmp_path / "checksums.toml"
    checksums.write_text(f'dataset_id = "{tiny.id}"\n')
    assert "(as published)" in cli("build-dataset", tiny_recipe, "--out", tiny.path).out
    checksums.write_text('dataset_id = "0"\n')
    result = cli("build-dataset", tiny_recipe, "--out", tiny.path)
    assert "(as published)" not in result.out
    assert "Warning: its publisher got another dataset id" in result.err
