"""Settings: strict values, unknown keys named with the nearest known one, overrides."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.config import Config, Size, height_width, override, parse, read_toml
from deblurbench.errors import RecipeError, UsageError


class Inner(Config):
    radius: float
    size: Size = "4x3"


class Outer(Config):
    count: int
    inner: Inner
    many: tuple[Inner, ...] = ()


GOOD = {"count": 3, "inner": {"radius": 1}}


def test_good_values_are_read_and_frozen():
    outer = parse(Outer, GOOD | {"many": [{"radius": 0.5, "size": "10x20"}]}, "f.toml")
    assert outer.as_dict()["many"] == [{"radius": 0.5, "size": "10x20"}]
    assert height_width(outer.many[0].size) == (20, 10)
    with pytest.raises(Exception, match="frozen"):
        outer.count = 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 3}, "f.toml:inner: this key is missing"),
        (GOOD | {"cuont": 1}, "f.toml:cuont: unknown key, did you mean 'count'?"),
        (GOOD | {"inner": {"radius": 1, "raduis": 2}}, "f.toml:inner.raduis: unknown key, did you mean 'radius'?"),
        (
            GOOD | {"many": [{"radius": 1}, {"radius": 1, "siz": 2}]},
            "f.toml:many.1.siz: unknown key, did you mean 'size'?",
        ),
        (GOOD | {"zzz": 1}, "f.toml:zzz: unknown key, known: count, inner, many"),
        (GOOD | {"count": "3"}, "f.toml:count: input should be a valid integer (got '3')"),
        (GOOD | {"count": True}, "f.toml:count: input should be a valid integer (got 'True')"),
        (GOOD | {"count": 2.5}, "f.toml:count: input should be a valid integer"),
        (GOOD | {"inner": {"radius": float("nan")}}, "f.toml:inner.radius: "),
        (GOOD | {"inner": {"radius": 1, "size": "4*3"}}, "f.toml:inner.size: a size is WIDTHxHEIGHT"),
        (GOOD | {"inner": {"radius": 1, "size": "0x3"}}, "f.toml:inner.size: a size is WIDTHxHEIGHT"),
    ],
)
def test_wrong_keys_are_named(values, message):
    with pytest.raises(RecipeError) as error:
        parse(Outer, values, "f.toml")
    assert str(error.value).startswith(message)


def test_the_number_of_further_wrong_keys_is_told():
    with pytest.raises(
        RecipeError, match=r"f.toml:innr: unknown key, did you mean 'inner'\? \(and 3 more wrong keys\)"
    ):
        parse(Outer, {"innr": 1, "a": 1}, "f.toml")


def test_a_file_that_is_no_toml_is_named_with_its_line(tmp_path):
    file = tmp_path / "r.toml"
    file.write_text("seed = 1\nname = \n")
    with pytest.raises(RecipeError, match=r"r\.toml is not valid TOML.*line 2"):
        read_toml(file)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeError, match="not valid TOML"):
        read_toml(file)
    with pytest.raises(RecipeError, match="cannot read"):
        read_toml(tmp_path / "none.toml")


def test_overrides_reach_into_tables_and_arrays():
    data = {"seed": 1, "sources": [{"count": 2}]}
    changed = override(data, ["seed=7", "sources.0.count=9", "a.b=[1, 2]", "name=cat"])
    assert changed == {"seed": 7, "sources": [{"count": 9}], "a": {"b": [1, 2]}, "name": "cat"}
    assert data == {"seed": 1, "sources": [{"count": 2}]}


@pytest.mark.parametrize("setting", ["seed", "=3", "seed.x=1", "sources.5.count=1", "sources.x=1"])
def test_impossible_overrides_are_refused(setting):
    with pytest.raises(UsageError, match="--set"):
        override({"seed": 1, "sources": [{"count": 2}]}, [setting])


@given(st.text(), st.text())
def test_any_override_is_taken_or_refused(key, value):
    with contextlib.suppress(UsageError):
        override({"seed": 1, "list": [1]}, [f"{key}={value}"])
