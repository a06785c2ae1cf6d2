"""Licences: as people write them, and a filter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.errors import UsageError
from deblurbench.sources.licences import CLASSES, licence_class, parse_filter, read_licence

URL = "https://creativecommons.org/licenses/"
KNOWN = [
    # text, class, Hugging Face id, address
    ("CC0-1.0", "cc0", "cc0-1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "cc0", "cc0-1.0", None),
    ("http://creativecommons.org/publicdomain/zero/1.0/", "cc0", "cc0-1.0", None),
    ("CC0 (Unsplash before 2017-06-08)", "cc0", "cc0-1.0", None),
    ("public domain", "pdm", "other", ""),
    ("Public Domain Mark 1.0", "pdm", "other", "https://creativecommons.org/publicdomain/mark/1.0/"),
    ("pdm", "pdm", "other", None),
    ("CC BY 4.0", "by", "cc-by-4.0", "https://creativecommons.org/licenses/by/4.0/"),
    ("by", "by", "other", ""),
    ("https://creativecommons.org/licenses/by/2.0/", "by", "cc-by-2.0", "https://creativecommons.org/licenses/by/2.0/"),
    ("Attribution 4.0 International (CC BY 4.0)", "by", "cc-by-4.0", None),
    ("CC-BY-SA-4.0", "by-sa", "cc-by-sa-4.0", None),
    ("CC BY-SA 4.0 (CID22/LICENSE)", "by-sa", "cc-by-sa-4.0", None),
    (
        "Creative Commons Attribution-Share Alike 2.0 Generic",
        "by-sa",
        "other",  # the Hub has no 2.0 of it
        "https://creativecommons.org/licenses/by-sa/2.0/",
    ),
    ("CC_BY_ND_4.0", "by-nd", "cc-by-nd-4.0", None),
    ("by-nc 2.0", "by-nc", "cc-by-nc-2.0", None),
    ("Attribution-NonCommercial-ShareAlike 3.0 Unported", "by-nc-sa", "cc-by-nc-sa-3.0", None),
    ("https://creativecommons.org/licenses/by-nd-nc/1.0/", "by-nc-nd", "other", None),
    ("MIT; photos CC BY 4.0", "by", "cc-by-4.0", None),
    ("Unsplash licence", "other", "other", ""),
    ("unrestricted usage, Eastman Kodak", "other", "other", ""),
    ("attribution required", "other", "other", ""),
    ("No known copyright restrictions", "other", "other", ""),
    ("GPL-3.0", "other", "other", ""),
    ("not CC0", "other", "other", ""),
    ("CC BY 4.0 or CC BY-NC 4.0", "other", "other", ""),
    ("", "unknown", "unknown", ""),
    ("not stated", "unknown", "unknown", ""),
    ("unstated in repo for photos", "unknown", "unknown", ""),
]


@pytest.mark.parametrize(("text", "kind", "hugging_face", "url"), KNOWN)
def test_licences_as_they_occur(text, kind, hugging_face, url):
    licence = read_licence(text)
    assert (licence.kind, licence.hugging_face) == (kind, hugging_face)
    assert url is None or licence.url == url


PIECES = [
    "cc",
    "by",
    "nc",
    "sa",
    "nd",
    "0",
    "zero",
    "4.0",
    "-",
    "_",
    "public",
    "domain",
    "not",
    "/",
    " ",
    "attribution",
]


@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_has_a_class(text):
    licence = read_licence(text)
    assert licence.kind in CLASSES
    assert licence_class(text) == licence.kind
    assert licence.url == "" or licence_class(licence.url) == licence.kind


@given(
    st.sampled_from([kind for kind in CLASSES if kind.startswith("by")]),
    st.sampled_from(["1.0", "2.0", "2.5", "3.0", "4.0", ""]),
    st.sampled_from([("CC ", "-"), ("cc-", "-"), ("CC ", " "), (URL, "-"), ("", "-")]),
)
def test_versions_do_not_matter(kind, version, style):
    start, between = style
    end = "/" if "org" in start else " "
    licence = read_licence(start + kind.replace("-", between) + end + version)
    assert licence == (kind, version)


def test_a_filter_says_exactly_what_it_lets_in():
    assert parse_filter("cc0,by") == {"cc0", "by"}
    assert parse_filter(" CC-BY , PDM ") == {"by", "pdm"}
    assert licence_class("public domain") not in parse_filter("cc0")


@pytest.mark.parametrize(
    ("text", "hint"),
    [("cc0,by-as", "did you mean 'by-sa'?"), ("", "cc0, pdm"), (" , ", "cc0"), ("free", "known: ")],
)
def test_a_wrong_filter_is_explained(text, hint):
    with pytest.raises(UsageError) as error:
        parse_filter(text)
    assert hint in error.value.hint
