"""Gallery pages as a source: what is found on them, whose it is, and what happens on hostile ones."""

import json
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurbench.errors import FetchError, UsageError
from deblurbench.sources.online import Document
from deblurbench.sources.page import Page

HOME = "https://gallery.example/"
CC = "https://creativecommons.org/licenses/"
ANY = frozenset(("by",))


class Pages:
    """A web of a few pages, by their addresses; a tuple is a redirect's target and its page."""

    def __init__(self, **pages):
        self.pages = {HOME + path: html for path, html in pages.items()}
        self.asked = []

    def document(self, url):
        self.asked.append(url)
        page = self.pages[url]
        return Document(*page) if isinstance(page, tuple) else Document(url, page)

    def json(self, url):
        raise AssertionError("a page is no API")


def listing(html, url=HOME, **fields):
    """What a page at the root of the site holds."""
    return Page(pages=(url,), **fields).listing(Pages(**{"": html}), url)


def offers(html, **fields):
    return listing(html, **fields).offers


def urls(html, **fields):
    return [offer.url.removeprefix(HOME) for offer in offers(html, **fields)]


def rel(licence, text=""):
    return f'<a rel="license" href="{CC}{licence}/">{text}</a>'


def ld(value):
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


def test_a_plain_gallery():
    html = f"""<!DOCTYPE html><html><head><title>Sea</title><meta name="author" content="Ida Sund"></head><body>
    <div id=grid><a href="p/1.html"><img src="small/1.jpg" alt="A pier" width="200" height="150"></a>
    <a href="full/2.JPG"><img src="small/2.jpg" alt="Surf" width="40" height="40"></a>
    <a href="wiki/File:3.jpg"><img src="small/3.jpg" title="Gulls"></a>
    <img src="//cdn.example/4.png?v=2#x"><img src="small/1.jpg"></div>
    <footer><img src="logo.png">
    <p>All pictures: <a rel="license" href="{CC}by/4.0/"><img src="{CC}88x31.png"></a></p></footer>
    </body></html>"""
    found = offers(html)
    assert [(o.id, o.landing_page, o.title) for o in found] == [
        (f"{HOME}small/1.jpg", f"{HOME}p/1.html", "A pier"),
        (f"{HOME}full/2.JPG", HOME, "Surf"),
        (f"{HOME}small/3.jpg", f"{HOME}wiki/File:3.jpg", "Gulls"),
        ("https://cdn.example/4.png?v=2", HOME, ""),
        (f"{HOME}logo.png", HOME, ""),
    ]
    assert {(o.licence, o.licence_url, o.author, o.problem) for o in found} == {
        ("CC BY 4.0", f"{CC}by/4.0/", "Ida Sund", "")
    }
    assert all(o.id == o.url for o in found)


def test_the_largest_file_of_a_picture():
    assert urls('<img src=a.jpg srcset="b.jpg 400w, c,d.jpg 1200w, e.jpg 800w">') == ["c,d.jpg"]
    assert urls('<img src=a.jpg srcset="a.jpg, b.jpg 2x">') == ["b.jpg"]
    assert urls('<img src=a.jpg srcset="wrong 0w, b.jpg -1x">') == ["a.jpg"]
    assert urls('<img src="data:image/gif;base64,AA" data-srcset="a.jpg 1x, b.jpg 3x" width=300>') == ["b.jpg"]
    assert urls("<img src=grey.gif data-src=a.jpg>") == ["a.jpg"]
    assert urls("<img src=a.jpg data-original=b.jpg>") == ["b.jpg"]
    assert urls('<img src=a.jpg srcset="b.jpg 2x" data-big-src=c.jpg>') == ["c.jpg"]
    assert urls('<img srcset="b-300.jpg 300w" data-orig-file=b.jpg>') == ["b.jpg"]
    assert urls('<a href=big.png><img src=a.jpg srcset="b.jpg 2x"></a>') == ["big.png"]
    assert urls('<picture><source srcset="b.webp 1600w"><source srcset="c.jpg 1200w"><img src=a.jpg></picture>') == [
        "b.webp"
    ]
    source = '<source type="image/avif" srcset="b.avif 2000w">'
    assert urls(f'<picture>{source}<source srcset="c.jpg 1200w"><img src=a.jpg></picture>') == ["c.jpg"]
    assert offers('<img srcset="a.jpg 400w, b.jpg 1200w">')[0].width == 1200
    assert [o.width for o in offers("<img src=a.jpg width=300 height=200>")] == [0]  # as shown, not as it is


def test_what_is_no_photo():
    html = """<img src="data:image/png;base64,AAAA"><img src=logo.svg><img src=anim.GIF?1>
    <img src=dot.png width=1 height=1><img src=icon.png width=63px height=63.0><img src=""><img><img src="#">
    <img src=banner.png width=50% height=20><img src=wide.png width=900 height=60>
    <script><img src=no.jpg></script><!-- <img src=no.jpg> --><video src=no.mp4>"""
    assert urls(html) == ["banner.png", "wide.png"]


PEXELS = "https://images.pexels.com/photos/{0}/pexels-photo-{0}.jpeg?auto=compress&amp;cs=tinysrgb"


def test_srcset_as_pexels_has_it():
    html = "".join(
        f"""<article><a href="/photo/{n}/"><img src="{PEXELS.format(n)}&amp;dpr=1&amp;w=500"
        srcset="{PEXELS.format(n)}&amp;dpr=1&amp;w=500 1x, {PEXELS.format(n)}&amp;dpr=2&amp;w=500 2x"></a></article>"""
        for n in (11, 12)
    )
    found = offers(html, licence=f"{CC}by/4.0/", author="Given")
    assert [o.url for o in found] == [PEXELS.format(n).replace("&amp;", "&") + "&dpr=2&w=500" for n in (11, 12)]
    assert [o.landing_page for o in found] == [f"{HOME}photo/11/", f"{HOME}photo/12/"]
    assert {(o.licence, o.licence_url, o.author) for o in found} == {("CC BY 4.0", f"{CC}by/4.0/", "Given")}


def test_figures_that_say_whose_they_are():
    html = f"""<main>
    <figure><img src=1.jpg>
    <figcaption>By <a rel="author external" href="/u/ann">Ann&nbsp;Ø</a>, {rel("by/2.0")}</figcaption></figure>
    <figure><img src=2.jpg>
    <figcaption><span property="cc:attributionName">Bo</span> {rel("by-nc/4.0", "CC BY 4.0")}</figcaption></figure>
    <figure><img src=3.jpg><figcaption>Who knows</figcaption></figure>
    <figure><img src=4.jpg><a rel=license href=/terms>Our terms</a>
    <a rel=author href=mailto:c@d.example>Cy</a><a rel=author>Not</a></figure>
    </main>"""
    assert [(o.licence, o.licence_url, o.author, o.author_url) for o in offers(html)] == [
        ("CC BY 2.0", f"{CC}by/2.0/", "Ann Ø", f"{HOME}u/ann"),
        ("CC BY-NC 4.0", f"{CC}by-nc/4.0/", "Bo", ""),
        ("", "", "", ""),
        ("Our terms", f"{HOME}terms", "Cy", ""),
    ]
    assert [o.problem for o in offers(html)] == ["", "", "states no licence; say it with --page-licence", ""]
    filled = offers(html, licence="CC0 1.0", author="Me")
    assert [o.licence for o in filled] == ["CC BY 2.0", "CC BY-NC 4.0", "CC0 1.0", "Our terms"]
    assert [o.author for o in filled] == ["Ann Ø", "Bo", "Me", "Cy"]
    assert not any(o.problem for o in filled)


def test_no_statement_about_one_picture_is_taken_for_another():
    cards = f"<div><img src=1.jpg><p>{rel('by/4.0')}</p></div><div><img src=2.jpg></div>"
    assert [o.licence for o in offers(cards)] == ["CC BY 4.0", ""]
    items = f"<ul><li><img src=1.jpg>{rel('by/4.0')}<li><img src=2.jpg><li><img src=3.jpg>{rel('by-sa/4.0')}</ul>"
    assert [o.licence for o in offers(items)] == ["CC BY 4.0", "", "CC BY-SA 4.0"]
    rows = f"<table><tr><td><img src=1.jpg><td>{rel('by/4.0')}<tr><td><img src=2.jpg></table>"
    assert [o.licence for o in offers(rows)] == ["CC BY 4.0", ""]
    drawing = (
        f"<div><img src=1.jpg></div><div><img src=2.svg>{rel('by/4.0')}</div><div><video></video>{rel('by/4.0')}</div>"
    )
    assert [o.licence for o in offers(drawing)] == [""]
    thumbnails = "".join(
        f"<div><a href={n}.jpg><img src=s{n}.jpg width=60 height=60></a>{licence}</div>"
        for n, licence in ((1, rel("by/4.0")), (2, ""))
    )
    assert [(o.url, o.licence) for o in offers(thumbnails)] == [(f"{HOME}1.jpg", "CC BY 4.0"), (f"{HOME}2.jpg", "")]


def test_nearer_statements_win_and_outer_ones_fill():
    html = f"""<link rel=license href={CC}by/4.0/><article><div><img src=1.jpg>{rel("by-nc/4.0")}</div>
    <div><img src=2.jpg></div><footer><b>{rel("by-sa/4.0")}</b></footer></article><img src=3.jpg>"""
    assert [o.licence for o in offers(html)] == ["CC BY-NC 4.0", "CC BY-SA 4.0", "CC BY 4.0"]


def test_several_licences_are_a_problem_unless_they_are_the_same():
    html = f"<img src=1.jpg>{rel('by/4.0')}<img src=2.jpg>{rel('by-nc/4.0')}"
    for offer in offers(html, licence="CC0 1.0"):
        assert offer.licence == ""
        assert offer.problem == "its page states several licences: CC BY 4.0; CC BY-NC 4.0"
    same = f"<img src=1.jpg>{rel('by/4.0')}{rel('by/4.0', 'again')}<a rel=license href=/x>CC BY</a>"
    assert [(o.licence, o.problem) for o in offers(same)] == [("CC BY 4.0", "")]
    twice = f"<p><img src=1.jpg>{rel('by/4.0')}</p><p><img src=1.jpg>{rel('by-nc/4.0')}</p><p><img src=1.jpg></p>"
    assert [o.problem for o in offers(twice)] == ["its page states several licences: CC BY 4.0; CC BY-NC 4.0"]


def test_what_the_head_says_counts_last():
    rights = "<meta name=DC.rights content='(c) A, all rights reserved'>"
    assert [o.licence for o in offers(f"{rights}<img src=1.jpg>", licence="by")] == ["(c) A, all rights reserved"]
    terms = f"{rights}<meta name=dcterms.license content={CC}by/4.0/>"
    assert [o.licence for o in offers(f"{terms}<img src=1.jpg>")] == ["CC BY 4.0"]
    assert [o.licence for o in offers(f"{terms}<img src=1.jpg>{rel('by-sa/3.0')}")] == ["CC BY-SA 3.0"]
    assert [o.licence for o in offers("<meta name=dc.rights content=unknown><img src=1.jpg>", licence="by")] == ["by"]


def test_microdata():
    html = f"""<html itemscope itemtype=https://schema.org/WebPage><body><div itemscope itemtype=https://schema.org/ImageObject>
    <img itemprop=contentUrl src=1.jpg><link itemprop=license href={CC}by/3.0/><span itemprop=creator itemscope
    itemtype=https://schema.org/Person><a itemprop=url href=/u/7><b>See:</b><i itemprop=name>Di</i></a></span></div>
    <div itemscope itemtype=https://schema.org/ImageObject><img src=2.jpg><meta itemprop=license content="CC0 1.0">
    <meta itemprop=author content=Ed></div>
    <div itemscope itemtype=https://schema.org/Comment><span itemprop=author>Bob</span>
    <span itemprop=license>CC BY 4.0</span></div><img src=3.jpg></body></html>"""
    assert [(o.licence, o.author, o.author_url) for o in offers(html)] == [
        ("CC BY 3.0", "Di", f"{HOME}u/7"),
        ("CC0 1.0", "Ed", ""),
        ("", "", ""),
    ]


def test_several_authors_are_all_named():
    html = f"<figure><img src=1.jpg>{rel('by/4.0')}<a rel=author href=/a>Al</a>, <a rel=author href=/b>Bea</a></figure>"
    assert [(o.author, o.author_url) for o in offers(html)] == [("Al, Bea", "")]


def test_json_ld_as_flickr_and_others_have_it():
    photo = {
        "@context": "https://schema.org",
        "@type": "ImageObject",
        "contentUrl": "https://live.example/1_o.jpg",
        "thumbnailUrl": ["https://live.example/1_s.jpg"],
        "url": "/photos/ann/1",
        "name": "Rain\n at  night",
        "license": f"{CC}by/2.0/",
        "acquireLicensePage": "/photos/ann/1/terms",
        "creditText": "Not used",
        "creator": {"@type": "Person", "name": "Ann", "url": "/people/ann"},
        "width": "4000 px",
        "height": {"@type": "QuantitativeValue", "value": 3000},
    }
    graph = {
        "@graph": [
            {
                "@type": "WebSite",
                "publisher": {"@type": "Organization", "logo": {"@type": "ImageObject", "url": "/logo.png"}},
            },
            {"@type": "WebSite", "logo": {"@type": "ImageObject", "url": "/sign.png"}},
            {"@type": "Person", "@id": "#bo", "name": "Bo", "image": {"@type": "ImageObject", "url": "/bo.jpg"}},
            {"@type": "CreativeWork", "@id": "#terms", "url": f"{CC}by-sa/4.0/", "name": "Share it"},
            {
                "@type": ["schema:Photograph"],
                "image": {"@type": "ImageObject", "url": "2.jpg", "width": 800, "height": 600},
                "creator": [{"@id": "#bo"}, "Cy"],
                "license": {"@id": "#terms"},
                "mainEntityOfPage": {"@id": "/two"},
            },
            {
                "@type": "https://schema.org/ImageObject",
                "contentUrl": "3.jpg",
                "license": "CC0 1.0",
                "creditText": "Di",
            },
            {"@type": "ImageObject", "contentUrl": "4.jpg", "license": "CC0 1.0", "acquireLicensePage": "/four"},
            {"@type": "ImageObject", "contentUrl": "icon.png", "width": 32, "height": 32},
            {"@type": "ImageObject", "contentUrl": "drawing.svg"},
        ]
    }
    html = f"""{ld(photo)}{ld(graph)}<img src="https://live.example/1_s.jpg" alt="x">
    <a href=/p><img srcset="3-s.jpg 1x, 3.jpg 2x"></a>"""
    found = {o.id.rpartition("/")[2]: o for o in offers(html)}
    assert list(found) == ["1_o.jpg", "3.jpg", "2.jpg", "4.jpg"]
    assert found["4.jpg"].landing_page == f"{HOME}four"
    assert found["1_o.jpg"].as_dict() == {
        "id": "https://live.example/1_o.jpg",
        "url": "https://live.example/1_o.jpg",
        "landing_page": f"{HOME}photos/ann/1",
        "title": "Rain at night",
        "author": "Ann",
        "author_url": f"{HOME}people/ann",
        "licence": "CC BY 2.0",
        "licence_url": f"{CC}by/2.0/",
        "width": 4000,
        "height": 3000,
        "sha1": "",
        "problem": "",
    }
    two, three = found["2.jpg"], found["3.jpg"]
    assert (two.licence, two.author, two.landing_page, two.width) == ("CC BY-SA 4.0", "Bo, Cy", f"{HOME}two", 800)
    assert (three.licence, three.author, three.landing_page) == ("CC0 1.0", "Di", f"{HOME}p")


def test_a_described_picture_is_the_one_that_is_shown():
    described = ld({"@type": "ImageObject", "contentUrl": "1.jpg", "license": "CC BY 4.0", "width": 300, "height": 200})
    (offer,) = offers(f'{described}<img srcset="1.jpg 1x, 1-large.jpg 2x">')
    assert (offer.url, offer.licence, offer.width) == (f"{HOME}1-large.jpg", "CC BY 4.0", 0)
    unnamed = ld({"@type": "ImageObject", "thumbnailUrl": "s.jpg", "name": "One", "license": "CC BY 4.0"})
    assert [(o.url, o.title, o.licence) for o in offers(f"{unnamed}<img src=s.jpg>")] == [
        (f"{HOME}s.jpg", "One", "CC BY 4.0")
    ]
    page = f"<body><img src=1.jpg>{rel('by/4.0')}{ld({'@type': 'ImageObject', 'url': '2.jpg'})}</body>"
    assert [o.licence for o in offers(page)] == ["CC BY 4.0"] * 2


def test_json_ld_of_galleries():
    gallery = {
        "@type": "ImageGallery",
        "license": f"{CC}by/4.0/",
        "associatedMedia": [
            {"@type": "ImageObject", "url": "1.jpg", "license": f"{CC}by-nc/4.0/"},
            "2.jpg",
            "3.svg",
            4,
            None,
        ],
    }
    html = f"{ld(gallery)}<img src=5.jpg>"
    expected = [("5.jpg", "CC BY 4.0"), ("2.jpg", "CC BY 4.0"), ("1.jpg", "CC BY-NC 4.0")]
    assert [(o.url.removeprefix(HOME), o.licence) for o in offers(html)] == expected
    assert urls(html, select="img") == ["5.jpg"]


def test_what_is_said_of_a_picture_by_name_wins():
    described = ld({"@type": "ImageObject", "contentUrl": "1.jpg", "license": f"{CC}by/4.0/", "creator": "Ann"})
    html = f"{described}<figure><img src=1.jpg>{rel('by-nc/4.0')}<a rel=author href=/b>Bo</a></figure>"
    assert [(o.licence, o.author) for o in offers(html)] == [("CC BY 4.0", "Ann")]


def test_open_graph_only_where_there_is_nothing_else():
    head = f"""<meta property="og:image" content="a.jpg">
    <meta property="og:image:secure_url" content="https://s.example/a.jpg">
    <meta property="og:image:width" content="1200"><meta property="og:image:height" content="800">
    <meta property="og:image" content="b.jpg"><meta name="twitter:image" content="c.jpg">
    <link rel=license href="{CC}by/4.0/">"""
    found = offers(f"<head>{head}</head><body><img src=logo.svg></body>")
    assert [(o.url, o.width, o.height) for o in found] == [
        ("https://s.example/a.jpg", 1200, 800),
        (f"{HOME}b.jpg", 0, 0),
    ]
    assert {o.licence for o in found} == {"CC BY 4.0"}
    assert urls(f"{head}<img src=d.jpg>") == ["d.jpg"]
    assert urls(head, select="meta") == []
    assert urls("<meta name=twitter:image content=c.jpg><meta name=twitter:image content=d.jpg>") == ["c.jpg"]


def test_bases_and_odd_addresses():
    assert urls("<base href=/deep/er/><base href=/no/><img src=../a.jpg>") == ["deep/a.jpg"]
    html = """<img src="javascript:alert(1)"><img src="ftp://x.example/a.jpg"><img src="http://[::1/a.jpg">
    <img src="http://x.example:port/a.jpg"><img src="http://u:p@x.example/a.jpg" srcset="ok.jpg 1x">
    <img src="../../../../etc/a.jpg">"""
    found = offers(html, licence="CC BY 4.0")
    assert [(o.url, o.problem) for o in found] == [
        *[("", "not an http or https address")] * 4,
        (f"{HOME}ok.jpg", ""),
        (f"{HOME}etc/a.jpg", ""),
    ]
    assert found[1].id == "ftp://x.example/a.jpg"


def test_a_selector_limits_what_counts():
    html = f"<nav><img src=ad.jpg></nav><div class=g><p><img src=1.jpg></p></div><img class=g src=2.jpg>{rel('by/4.0')}"
    assert urls(html, select=".g") == ["1.jpg", "2.jpg"]
    assert urls(html, select="div.g > p") == ["1.jpg"]
    with pytest.raises(FetchError, match=r"matches '\.nothing'") as error:
        offers(html, select=".nothing")
    assert (error.value.kind, error.value.passing) == ("not-the-api", False)


@pytest.mark.parametrize(
    ("link", "following"),
    [
        ("<a rel=next href='?page=2#x'>", "?page=2"),
        ("<head><link rel='prefetch Next' href=/b></head>", "b"),
        ("<a rel=next><a rel=next href=/c>", "c"),
        ("<a rel='next nofollow' href=/d>", ""),
        ("<a rel=next href=https://elsewhere.example/>", ""),
        ("<a rel=next href=https://gallery.example:8080/>", ""),
        ("<a rel=next href=https://www.gallery.example/e>", "https://www.gallery.example/e"),
        ("<a rel=next href=file:///etc/passwd>", ""),
        ("<a rel=next href=javascript:next()>", ""),
        ("<a rel=next href=#>", ""),
        ("<a rel=prev href=/f><meta http-equiv=refresh content='0; url=/g'>", ""),
    ],
)
def test_the_next_page(link, following):
    expected = following and (following if "://" in following else HOME + following) + "#page=2"
    assert listing(f"{link}<img src=1.jpg>").next == expected


def test_the_next_page_by_a_selector():
    html = "<a rel=next href=/no>no</a><div class=more><b>More</b> <a href='/more?p=2'>here</a></div>"
    assert listing(html, next=".more").next == listing(html, next=".more > a").next == f"{HOME}more?p=2#page=2"
    assert listing(html, next=".less").next == ""
    assert listing(html, next="b").next == ""


def test_a_search_ends():
    web = Pages(**{path: f"<img src={path}.jpg><a rel=next href=/{'ab'[path == 'a']}>" for path in "ab"})
    page = Page(pages=(f"{HOME}a",), max_pages=4)
    cursor, seen = page.searches([], ANY)[0].cursor, []
    while cursor:
        seen.append(cursor)
        cursor = page.listing(web, cursor).next
    assert seen == [f"{HOME}a", f"{HOME}b#page=2", f"{HOME}a#page=3", f"{HOME}b#page=4"]
    assert web.asked == [f"{HOME}a", f"{HOME}b"] * 2


def test_redirects():
    moved = Pages(a=(f"{HOME}new/b", "<img src=1.jpg><a rel=next href=c>"))
    found = Page(pages=(f"{HOME}a",), licence="by").listing(moved, f"{HOME}a")
    assert (found.offers[0].url, found.offers[0].landing_page, found.next) == (
        f"{HOME}new/1.jpg",
        f"{HOME}new/b",
        f"{HOME}new/c#page=2",
    )
    away = Pages(c=("https://elsewhere.example/", "<img src=1.jpg>"))
    with pytest.raises(FetchError, match="another site") as error:
        Page(pages=(f"{HOME}a",), licence="by").listing(away, f"{HOME}c#page=2")
    assert (error.value.kind, error.value.passing) == ("redirects", False)


def test_searches():
    page = Page(pages=(f"{HOME}s?q={{query}}&a=b#x", "https://www.two.example/", f"{HOME}s?q={{query}}&a=b"))
    assert page.searches(["sea & sky/é", "wood"], ANY) == [
        ("sea & sky/é", f"{HOME}s?q=sea%20%26%20sky%2F%C3%A9&a=b"),
        ("wood", f"{HOME}s?q=wood&a=b"),
        ("two.example", "https://www.two.example/"),
    ]


@pytest.mark.parametrize(
    ("fields", "queries", "message"),
    [
        ({}, [], "--page URL"),
        ({"pages": (HOME,)}, ["sea"], r"\{query\}"),
        ({"pages": (HOME + "{query}",)}, [], "--query"),
        ({"pages": ("missing.html",)}, [], "no file missing.html"),
        ({"pages": ("gallery.example/a",)}, [], "https://"),
        ({"pages": ("",)}, [], "no file"),
        ({"pages": ("file:///etc/passwd",)}, [], "http or https"),
        ({"pages": ("https://user:secret@a.example/",)}, [], "^a.example/ cannot"),
        ({"pages": (HOME,), "select": "a["}, [], "--select 'a\\[' is no CSS selector"),
        ({"pages": (HOME,), "next": ":nope"}, [], "--next ':nope' is no CSS selector"),
        ({"pages": (HOME,), "select": ":not(" * 5000}, [], "no CSS selector"),
        ({"pages": (HOME,), "base": "example.org"}, [], "--page-base 'example.org'"),
    ],
)
def test_what_makes_no_sense_is_explained(fields, queries, message):
    with pytest.raises(UsageError, match=message):
        Page(**fields).searches(queries, ANY)


def saved(folder, html, **fields):
    """The offers and the next cursor of a saved file."""
    file = folder / "My sea.html"
    file.write_bytes(html if isinstance(html, bytes) else html.encode())
    page = Page(pages=(str(file),), **fields)
    (search,) = page.searches([], ANY)
    assert search == ("My sea", f"file:{file}")
    return page.listing(Pages(), search.cursor)


def test_saved_files(tmp_path):
    html = f'<meta charset=iso-8859-1><img src=a.jpg alt="Grün">{rel("by/4.0")}<a rel=next href="?p=2">'.encode(
        "latin-1"
    )
    found = saved(tmp_path, html, base=f"{HOME}sea/")
    (offer,) = found.offers
    assert (offer.url, offer.title, offer.landing_page) == (f"{HOME}sea/a.jpg", "Grün", f"{HOME}sea/")
    assert found.next == f"{HOME}sea/?p=2#page=2"
    for head in (
        f"<base href={HOME}sea/>",
        f"<link rel=canonical href={HOME}sea/>",
        f"<meta property=og:url content={HOME}sea/>",
    ):
        assert saved(tmp_path, head.encode() + html).offers[0].url == f"{HOME}sea/a.jpg"


def test_a_saved_file_of_no_known_address(tmp_path):
    html = f"<img src=a.jpg><img src=https://b.example/b.jpg><a rel=next href={HOME}2>{rel('by/4.0')}"
    found = saved(tmp_path, html)
    assert [(o.id, o.url, o.landing_page) for o in found.offers] == [
        ("a.jpg", "", ""),
        (*["https://b.example/b.jpg"] * 2, ""),
    ]
    assert "--page-base" in found.offers[0].problem
    assert found.next == ""


def test_only_files_that_the_user_gave_are_read(tmp_path):
    (tmp_path / "other.html").write_text("<img src=https://a.example/a.jpg>")
    found = saved(tmp_path, f"<base href=file://{tmp_path}/><a rel=next href=other.html><img src=other.jpg>")
    assert found.next == ""
    assert [o.url for o in found.offers] == [""]
    page = Page(pages=(str(tmp_path / "My sea.html"),))
    for name in ("other.html", "x/../My sea.html"):
        with pytest.raises(UsageError, match="not one of the pages"):
            page.listing(Pages(), f"file:{tmp_path / name}")


def test_saved_files_that_cannot_be_read(tmp_path, monkeypatch):
    file = tmp_path / "a#page=2.html"
    file.write_text("<b>" * 50)
    page = Page(pages=(str(file), str(tmp_path)))
    with pytest.raises(UsageError, match="no file"):
        page.searches([], ANY)
    assert page.listing(Pages(), f"file:{file}") == ((), "", None)
    monkeypatch.setattr("deblurbench.sources.html.tree.LONGEST", 100)
    with pytest.raises(UsageError, match="larger than"):
        page.listing(Pages(), f"file:{file}")
    file.unlink()
    with pytest.raises(UsageError, match="cannot read"):
        page.listing(Pages(), f"file:{file}")


HOSTILE = [
    "",
    "\x00\ufffe\ud800<img src='\ud800\x00.jpg' alt='\ud800\x1b[31m'>",
    "<img src=a.jpg alt=\u202e" + "x" * 10_000,
    "<img" + " a" * 10_000 + "><img src=a.jpg",
    f"<img srcset='{', '.join(f'{n}.jpg {n}w' for n in range(1, 20_000))}'>",
    f"<img src={'a' * 100_000}.jpg>",
    "<a href=a.jpg>" * 900 + "<img src=b.jpg>" * 900,
    "<p><img src=a.jpg><a rel=license href=/l>l</a>" * 900,
    "<span itemscope itemprop=author>" * 900 + "<b>x</b>" * 900,
    "<form><input name=attrs><img src=a.jpg></form>",
    f"{ld({'@type': 'ImageObject', 'contentUrl': ['a.jpg'] * 9000, 'license': [{'@id': '#a'}] * 9000, '@id': '#a'})}",
    f"{ld([{'@id': '#a', '@type': 'Photograph', 'image': [{'@id': '#a'}] * 99}] * 99)}",
    '<script type="application/ld+json">' + "[" * 100_000 + "</script><img src=a.jpg>",
    '<script type="application/ld+json">' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "</script><img src=a.jpg>",
    '<script type="application/ld+json">[1e999, NaN, ' + "9" * 9000 + "]</script><img src=a.jpg>",
    ld({"@type": "ImageObject", "contentUrl": "\ud800", "name": "\udfff\x00"}),
    ld({"@type": [{"@type": 1}], "@id": 5, "@graph": {"@type": "ImageObject", "url": {"@id": []}, "width": True}}),
    ld(
        {
            "@type": "ImageObject",
            "contentUrl": {"url": "a.jpg"},
            "creator": [None, 1, [], {"name": {}}],
            "license": [[]],
        }
    ),
]


@pytest.mark.parametrize("html", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_pages(html):
    for offer in offers(html):
        check_offer(offer)


def check_offer(offer):
    """Every offer is http(s) or has a problem, and can be written down."""
    assert offer.url.startswith(("http://", "https://")) or (offer.problem and not offer.url)
    assert offer.licence or offer.problem
    assert "\x1b" not in json.dumps(offer.as_dict(), ensure_ascii=False).encode().decode()
    assert all(part == "" or part.isprintable() for part in (offer.url, offer.landing_page, offer.author_url))


def test_large_pages_take_seconds():
    figure = '<figure><a href=/p/{0}><img src=/{0}.jpg srcset="/{0}-1.jpg 1x, /{0}-2.jpg 2x"></a>{1}</figure>\n'
    times = []
    for count in (1000, 4000):
        html = "".join(figure.format(n, rel("by/4.0")) for n in range(count))
        began = time.process_time()
        assert len(offers(html, select="figure > a img")) == count
        times.append(time.process_time() - began)
    assert times[1] < 10 * times[0] + 0.5  # the square would be 16


TAGS = st.sampled_from(
    [
        "img",
        "a",
        "div",
        "figure",
        "picture",
        "source",
        "meta",
        "link",
        "base",
        "li",
        "footer",
        "script",
        "/a",
        "/div",
        "/script",
    ]
)
NAMES = st.sampled_from(
    [
        "src",
        "srcset",
        "href",
        "rel",
        "itemprop",
        "itemscope",
        "property",
        "name",
        "content",
        "width",
        "height",
        "alt",
        "type",
    ]
)
WRITTEN = f"""
    a.jpg b.png_2x,_c.jpg_3x license author next og:image og:url canonical {CC}by/4.0/ //x/y.jpg http://[ http://x:y
    data:, dc.rights application/ld+json 10 // \\ ../.. file:///a
"""
VALUES = st.text(max_size=20) | st.sampled_from([word.replace("_", " ") for word in WRITTEN.split()])
ATTRIBUTES = st.lists(st.tuples(NAMES, VALUES).map(lambda pair: f' {pair[0]}="{pair[1]}"'), max_size=4).map("".join)
HTML = st.lists(st.text(max_size=5) | st.builds("<{}{}>".format, TAGS, ATTRIBUTES), max_size=20).map("".join)
NODES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["@id", "@type", "@graph", "url", "contentUrl", "image", "license", "creator", "name", "width"]
            ),
            inner | st.sampled_from(["ImageObject", "Photograph", "ImageGallery", "#a", "a.jpg"]),
        )
    ),
)


@settings(max_examples=200)
@given(HTML | st.text(), st.sampled_from([HOME, ""]))
def test_any_page(html, address):
    """It offers nothing but what can be asked for, each once, and goes nowhere else."""
    found = Page(pages=(HOME,)).listing(Pages(**{"": (address, html)}), HOME)
    for offer in found.offers:
        check_offer(offer)
    assert len({offer.id for offer in found.offers}) == len(found.offers)
    assert found.next == "" or (address and found.next.startswith(HOME))


@settings(max_examples=200)
@given(NODES)
def test_any_json_ld(value):
    for offer in offers(ld(value).replace("NaN", "null")):
        check_offer(offer)


def test_importing_the_source_loads_no_parser():
    code = "import sys, deblurbench.sources.page; assert not {'bs4', 'soupsieve', 'requests'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
