"""The parts of the page reader: srcset, addresses, the tree, saved bytes."""

import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurbench.errors import FetchError
from deblurbench.sources.html import tree
from deblurbench.sources.html.address import absolute, site, suffix
from deblurbench.sources.html.charset import html_text
from deblurbench.sources.html.srcset import Candidate, parse_srcset
from deblurbench.sources.html.tree import inner_text, parse_html

PEXELS = "https://images.pexels.com/photos/1/pexels-photo-1.jpeg?auto=compress&cs=tinysrgb&dpr="
SRCSETS = [
    ("", []),
    (" , ,", []),
    ("a.jpg", [("a.jpg", 0, 1.0)]),
    ("a.jpg, b.jpg 2x", [("a.jpg", 0, 1.0), ("b.jpg", 0, 2.0)]),
    ("a.jpg 320w,b.jpg 1.5x,c.jpg .5x", [("a.jpg", 320, 1.0), ("b.jpg", 0, 1.5), ("c.jpg", 0, 0.5)]),
    (f"{PEXELS}1&w=500 1x, {PEXELS}2&w=500 2x", [(f"{PEXELS}1&w=500", 0, 1.0), (f"{PEXELS}2&w=500", 0, 2.0)]),
    # Commas in addresses, but not at their end.
    (
        "/w_300,h_200/a.jpg 300w, /w_600,h_400/a.jpg 600w",
        [("/w_300,h_200/a.jpg", 300, 1), ("/w_600,h_400/a.jpg", 600, 1)],
    ),
    ("a.jpg,b.jpg", [("a.jpg,b.jpg", 0, 1.0)]),
    ("a.jpg, , b.jpg 2x", [("a.jpg", 0, 1.0), ("b.jpg", 0, 2.0)]),
    ("a.jpg,, b.jpg", [("a.jpg", 0, 1.0), ("b.jpg", 0, 1.0)]),
    ("data:image/gif;base64,R0lGODlh 1w, a.jpg 2w", [("data:image/gif;base64,R0lGODlh", 1, 1.0), ("a.jpg", 2, 1.0)]),
    ("\n\ta.jpg\f1x\r,b.jpg\n2x  ", [("a.jpg", 0, 1.0), ("b.jpg", 0, 2.0)]),
    ("a.jpg 800w 600h, b.jpg 1e1x", [("a.jpg", 800, 1.0), ("b.jpg", 0, 10.0)]),
    # What makes no sense goes, and takes nothing with it.
    ("a.jpg 0w, b.jpg -1x, c.jpg 1w 2x, d.jpg 1q, e.jpg 600h, f.jpg 1w 2w, g.jpg +1x, h.jpg 2x", [("h.jpg", 0, 2.0)]),
    ("a.jpg (1x, 2x) 3x, b.jpg 4w", [("b.jpg", 4, 1.0)]),
    ("a.jpg 1.w, b.jpg 1.x, c.jpg x, d.jpg infx, e.jpg nanx", []),
    ("a.jpg (1x, b.jpg 4w", []),
]


@pytest.mark.parametrize(("text", "candidates"), SRCSETS)
def test_srcset(text, candidates):
    assert parse_srcset(text) == candidates


names = st.text(string.ascii_letters + string.digits + "/,:?&=%.", min_size=1).filter(lambda s: s.strip(",") == s)
candidate = st.builds(Candidate, names, st.integers(1, 99999), st.just(1.0)) | st.builds(
    lambda url, density: Candidate(url, 0, density), names, st.sampled_from([0.5, 1.0, 1.25, 2.0, 3.0])
)


@given(st.lists(candidate))
def test_srcset_comes_back(candidates):
    text = ", ".join(f"{c.url} {c.width}w" if c.width else f"{c.url} {c.density:g}x" for c in candidates)
    assert parse_srcset(text) == candidates


@given(st.text() | st.text(" ,()wxh0123.-e\n\t"))
def test_any_srcset_is_taken(text):
    for found in parse_srcset(text):
        assert found.url
        assert found.url in text
        assert found.width >= 0
        assert 0 <= found.density < float("inf")


BASE = "https://example.org/gallery/index.html?page=2"
ADDRESSES = [
    ("a.jpg", "https://example.org/gallery/a.jpg"),
    ("../a.jpg", "https://example.org/a.jpg"),
    ("../../../../etc/passwd", "https://example.org/etc/passwd"),
    ("?page=3", "https://example.org/gallery/index.html?page=3"),
    ("", BASE),
    ("#top", BASE),
    ("//cdn.example/a.jpg#x", "https://cdn.example/a.jpg"),
    ("http://Example.ORG:80", "http://example.org/"),
    ("HTTPS://example.org:8443/a?b#c", "https://example.org:8443/a?b"),
    (" \n a\n b.jpg\t", "https://example.org/gallery/a%20b.jpg"),
    ("images\\a.jpg?x\\y", "https://example.org/gallery/images/a.jpg?x%5Cy"),
    ("a%20b.jpg?q=%C3%A9&x=1,2", "https://example.org/gallery/a%20b.jpg?q=%C3%A9&x=1,2"),
    ("/é \ud800\x00.jpg", "https://example.org/%C3%A9%20%EF%BF%BD%00.jpg"),
    ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    ("http://[::1]:8000/a", "http://[::1]:8000/a"),
    *(
        (text, "")
        for text in (
            "data:image/png;base64,AAAA",
            "javascript:alert(1)",
            "ftp://example.org/a.jpg",
            "file:///etc/passwd",
            "blob:https://example.org/1",
            "http:",
            "http://",
            "http:///a.jpg",
            "http://[::1/a",
            "http://[zz]/a",
            "http://example.org:port/a",
            "http://example.org:99999/a",
            "http://user:secret@example.org/a",
            "http://exa mple.org/",
            "http://exa<mple.org/",
            "http://\ud800.example/",
            "http://" + "ü" * 70 + ".example/",
            "a" * 9000,
        )
    ),
]


@pytest.mark.parametrize(("text", "address"), ADDRESSES)
def test_addresses(text, address):
    assert absolute(BASE, text) == address


def test_without_a_base_only_whole_addresses_stand():
    assert absolute("", "a.jpg") == absolute("", "//example.org/a.jpg") == absolute("", "") == ""
    assert absolute("", "http://example.org/a.jpg") == "http://example.org/a.jpg"


@given(
    st.text() | st.lists(st.sampled_from(["http", "s", ":", "/", "[", "]", "@", "a", "\\", "%", "?", "#"])).map("".join)
)
def test_any_address_is_none_or_sound(text):
    address = absolute(BASE, text)
    assert address == absolute(BASE, address or "x:")
    assert address == "" or address.startswith(("http://", "https://"))
    assert address.isascii()
    assert address.isprintable()
    assert not set(address) & set(' #\\<>"')
    assert "@" not in site(address)


def test_suffixes():
    endings = {"https://a.example/b.JPG?c.png": ".jpg", "https://a.example/": "", "https://a.example/x.tar.gz": ".gz"}
    endings |= {"https://a.example/wiki/File:Cat.jpg": "", "https://a.example/wiki/File%3ACat.jpg": ""}
    assert {address: suffix(address) for address in endings} == endings


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<ul><li>a<li>b<ul><li>c</ul><li>d</ul>", "<ul><li>a</li><li>b<ul><li>c</li></ul></li><li>d</li></ul>"),
        ("<p>a<p>b<div>c</div>", "<p>a</p><p>b</p><div>c</div>"),
        ("<dl><dt>a<dd><p>b<dt>c</dl>", "<dl><dt>a</dt><dd><p>b</p></dd><dt>c</dt></dl>"),
        (
            "<table><tr><td>a<td><table><tr><td>b</table><tr><td>c</table>",
            "<table><tr><td>a</td><td><table><tr><td>b</td></tr></table></td></tr><tr><td>c</td></tr></table>",
        ),
        ("<a>b<a>c", "<a>b</a><a>c</a>"),
        ("<a><div>b<i>c<a>d</a></i></div>", "<a><div>b<i>c<a>d</a></i></div></a>"),
        ("<b>a</i>b</b></b>c", "<b>ab</b>c"),
        ("<img><br/><img></img></br>x", "<img/><br/><img/>x"),
        ("<!--a--><b>c</b><!-- <i>d</i>", "<b>c</b>"),
        ("<![if IE]>a<![endif]><![CDATA[b]]>c<!DOCTYPE x>d", "acd"),
        ("<script>a<!--&copy=1 <b></script><b>c", "<script>a<!--&copy=1 <b></script><b>c</b>"),
        ("<a b=1 b=2>", '<a b="1"></a>'),
    ],
)
def test_the_tree(html, expected):
    parsed = parse_html(f"{html}<!---->")
    assert parsed.decode(formatter=None).replace("\n", "") == expected


def test_names_of_characters_spoil_no_address():
    parsed = parse_html("<a href='/?a=1&section=2&copy=3&amp;reg=4&#38;para&lt'>R&amp;D &copy; AT&T &notanything;</a>")
    assert parsed.a["href"] == "/?a=1&section=2&copy=3&reg=4&para<"
    assert inner_text(parsed.a) == "R&D © AT&T ¬anything;"
    assert parse_html(f"<i title='a&#{'1' * 9999};b&#{'1' * 9999}'>").i["title"] == "ab"


@pytest.mark.parametrize("html", ["<div>" * 100_000, ("<div>" * 100_000) + "</div>" * 100_000, "<b><i>" * 5000])
def test_what_is_nested_too_deeply_is_refused(html):
    with pytest.raises(FetchError, match="within each other") as error:
        parse_html(html)
    assert (error.value.kind, error.value.passing) == ("not-the-api", False)


def test_what_is_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(tree, "LONGEST", 100)
    assert parse_html("<b>" + "a" * 90).b
    with pytest.raises(FetchError, match="101 characters") as error:
        parse_html("a" * 101)
    assert error.value.kind == "too-many-bytes"


def test_what_has_too_many_elements_is_refused(monkeypatch):
    """Three bytes make an element of more than a kilobyte."""
    monkeypatch.setattr(tree, "MOST", 100)
    assert len(parse_html("<p>" * 100).find_all("p")) == 100
    for html in ("<p>" * 101, "<br/>" * 101, "<b></b>" * 101):
        with pytest.raises(FetchError, match="more than 100 elements") as error:
            parse_html(html)
        assert (error.value.kind, error.value.passing) == ("too-many-bytes", False)


def test_what_takes_too_long_is_refused(monkeypatch):
    monkeypatch.setattr(tree, "_SECONDS", -1.0)
    with pytest.raises(FetchError, match="in time"):
        parse_html("<b>")


BROKEN = [
    "<!--",
    "<a ",
    '<a href="',
    "<a =",
    "<!",
    "<![",
    "<?",
    "</",
    "</a ",
    "<script",
    "&#",
    "<p>",
    "<li><img>",
    "<!-->",
]


@pytest.mark.parametrize("piece", BROKEN)
@pytest.mark.parametrize("end", ["", ">", '">', "-->"])
def test_broken_pages_take_no_time(piece, end):
    began = time.process_time()
    parse_html(piece * 10_000 + end)
    assert time.process_time() - began < 5  # the square of the length would be minutes


def test_saved_bytes():
    text = "<meta charset={}><p>Grüße"
    assert html_text(text.format("iso-8859-1").encode("iso-8859-1")) == text.format("iso-8859-1")
    assert html_text(text.format("nonsense").encode()) == text.format("nonsense")
    assert html_text(text.format("utf-8").encode("windows-1252")) == text.format("utf-8")
    for encoding in ("utf-8-sig", "utf-16"):
        assert html_text(text.format("iso-8859-1").encode(encoding)) == text.format("iso-8859-1")
    assert html_text(b"<meta charset=shift_jis>\x8e\xca\x90^").endswith("写真")
    assert html_text(b"<meta charset=idna>" + b"a" * 100_000).endswith("a")


@given(st.binary() | st.binary().map(lambda raw: b"<meta charset='punycode'>" + raw))
def test_any_bytes_are_a_text(raw):
    assert isinstance(html_text(raw), str)


PIECES = [
    "<",
    ">",
    "</",
    "<!",
    "[",
    "--",
    "a",
    "li",
    "p",
    "td",
    "tr",
    "table",
    "div",
    "=",
    '"',
    " ",
    "&",
    "#",
    "copy",
    ";",
]


@settings(max_examples=200)
@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_text_is_a_tree(html):
    parsed = parse_html(html)
    assert all(tag.parent is not None for tag in parsed.find_all(True))
