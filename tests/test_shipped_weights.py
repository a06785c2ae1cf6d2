"""Weights that come with a package: used without training, until training is asked for."""

import pytest
from acme_kit import STATE, acme, files, installed_fixture, once_fixture, run_fixture  # noqa: F401

from deblurbench.files import sha256_file
from deblurbench.runs.baseline import WEIGHTS
from deblurbench.runs.model import open_model
from deblurbench.runs.record import read_predictions, read_scores


@pytest.fixture(autouse=True)
def ships(monkeypatch, tmp_path):
    """acme comes with weights for its default recipe."""
    file = tmp_path / "acme.safetensors"
    file.write_text("5")
    monkeypatch.setattr(acme, "shipped", lambda config: file if config == acme.configure() else None, raising=False)
    return file


def test_they_are_used_without_training_and_kept_in_the_run(cli, once, run, ships, tmp_path):
    result = cli("run-baseline", "acme", "--data", once.path, "--out", tmp_path / "run")
    assert result.code == 0
    assert "acme comes with weights; --retrain trains it anew" in result.err
    assert not acme.calls
    assert (tmp_path / "run" / WEIGHTS).read_bytes() == ships.read_bytes()
    assert read_predictions(tmp_path / "run").weights_sha256 == sha256_file(ships)
    assert read_scores(tmp_path / "run")
    assert run().code == 0  # again: nothing to do
    assert not acme.calls
    assert open_model(str(tmp_path / "run"), "cpu").weights_sha256() == sha256_file(ships)


def test_newer_ones_take_the_place_of_older_ones(run, ships, tmp_path):
    run()
    ships.write_text("7")
    run()
    assert read_predictions(tmp_path / "run").weights_sha256 == sha256_file(ships)


@pytest.mark.parametrize("option", ["--retrain", "--train-only"])
def test_training_is_done_where_it_is_asked_for_and_stays(run, ships, tmp_path, option):
    assert run(option).code == 0
    assert len(acme.calls) == 1
    assert run().code == 0
    assert (tmp_path / "run" / WEIGHTS).read_text() == "1"
    assert read_predictions(tmp_path / "run").weights_sha256 != sha256_file(ships)


def test_training_that_was_cut_short_goes_on(run, tmp_path):
    assert run("--retrain", "--max-minutes", 1).code == 0
    assert files(tmp_path / "run") >= {STATE}
    assert run().code == 0
    assert len(acme.calls) == 2
    assert (tmp_path / "run" / WEIGHTS).read_text() == "1"


def test_another_recipe_is_trained(run, tmp_path):
    assert run("--set", "training.seed=3").code == 0
    assert len(acme.calls) == 1
    assert (tmp_path / "run" / WEIGHTS).read_text() == "3"


def test_a_name_is_a_model(ships):
    assert open_model("acme", "cpu").weights == ships
