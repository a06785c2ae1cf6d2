"""tdmrep.json as the TDM Reservation Protocol writes it, and as nobody should."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.fetch.web.reservation import Reservations, reserves

REPORT = [
    {"location": "/directory-a/", "tdm-reservation": 1},
    {
        "location": "/directory-b/html/",
        "tdm-reservation": 1,
        "tdm-policy": "https://provider.com/policies/policy.json",
    },
    {"location": "/directory-b/images/*.jpg", "tdm-reservation": 0},
]


def reserved(content, path="/a/b.jpg"):
    return bool(Reservations(content if isinstance(content, bytes) else json.dumps(content).encode()).rule(path))


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("/directory-a/file.pdf", True),
        ("/directory-a", False),
        ("/directory-b/html/", True),
        ("/directory-b/images/a.jpg", False),
        ("/directory-b/images/a.png", False),
        ("/Directory-A/file.pdf", False),
    ],
)
def test_the_examples_of_the_tdm_report(path, result):
    assert reserved(REPORT, path) == result
    assert reserved([*REPORT, {"location": "/", "tdm-reservation": 1}], path) == (result or not path.endswith("a.jpg"))
    assert reserved([{"location": "/", "tdm-reservation": 1}], path)


def test_the_first_match_is_the_most_specific():
    one, other = {"location": "/a/", "tdm-reservation": 0}, {"location": "/a/b", "tdm-reservation": 1}
    assert not reserved([one, other])
    assert reserved([other, one])


@pytest.mark.parametrize(("value", "result"), [(1, True), ("1", True), (True, True), (0, False), ("0", False)])
def test_values(value, result):
    assert reserves(value) is result
    assert reserved([{"location": "/", "tdm-reservation": value}]) is result


@pytest.mark.parametrize("value", [2, -1, "yes", "true", "", None, [1], {"1": 1}, 1.5, "\uff11"])
def test_other_values_are_unset(value):
    assert reserves(value) is None
    assert not reserved([{"location": "/", "tdm-reservation": value}])
    assert reserved([{"location": "/a", "tdm-reservation": value}, {"location": "/", "tdm-reservation": 1}])


@pytest.mark.parametrize(
    ("content", "result"),
    [
        (b"", False),
        (b"Not found", False),
        (b'<!DOCTYPE html><meta name="tdm-reservation" content="0">', False),
        ([], False),
        ([[], 1, None, "tdm-reservation", {}], False),
        ({"error": "no such file"}, False),
        ({"location": "/a", "tdm-reservation": 1}, True),  # without the brackets that must be there
        ([{"tdm-reservation": 1}], True),  # of the whole site, then
        ([{"location": 3, "tdm-reservation": 1}], True),
        ([{"location": "a/", "tdm-reservation": 1}], True),
        ([{"location": "*.jpg", "tdm-reservation": 1}], True),
        (b'[{"location": "/z", "tdm-reservation": 1},]', True),  # damaged: who knows what else it says
        (b'\xef\xbb\xbf[{"location": "/", "tdm-reservation": 1}]', True),
        (b'[{"location": "/z", "tdm-reservation": NaN}]', True),
        (b"[" * 100_000, False),
        (b'[{"location": "/z", "tdm-reservation": 1}' + b" " * (500 << 10) + b"]", True),
    ],
)
def test_what_is_damaged_or_wrong(content, result):
    assert reserved(content) == result


@pytest.mark.parametrize(
    "rules",
    [["*" * 400_000 + "b"], ["*a" * 200_000 + "b"], [f"/*a{i}" for i in range(10_000)], ["%" * 400_000]],
    ids=["stars", "letters and stars", "patterns", "escapes"],
)
def test_no_tdmrep_json_takes_long(rules):
    body = json.dumps([{"location": rule, "tdm-reservation": 1} for rule in rules]).encode()
    start = time.process_time()
    assert not reserved(body, "/" + "a" * 8000)
    assert time.process_time() - start < 2.0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2) | st.floats() | st.text("/a*$%01", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["location", "tdm-reservation", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON, st.text("/ab", max_size=8).map(lambda text: f"/{text}"))
def test_no_json_crashes(value, target):
    assert isinstance(Reservations(json.dumps(value).encode()).rule(target), str)
