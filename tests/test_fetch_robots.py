"""robots.txt as RFC 9309 writes it and as nobody should, and the patterns that it has in common with tdmrep.json."""

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deblurbench.fetch.web.reservation import Reservations
from deblurbench.fetch.web.robots import MOST_BYTES, Pattern, Robots, target_of

HOME = "https://photos.example"

SIMPLE = b"""User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""
PATHS = ["/", "/example/page.html", "/example/allowed.gif", "/example/other", "/publications/", "/a.gif", "/a.gif?b"]


@pytest.mark.parametrize(
    ("agent", "allowed"),
    [
        ("somebot", "/ /publications/ /a.gif?b"),
        ("foobot", "/example/page.html /example/allowed.gif"),
        ("barbot", "/ /example/allowed.gif /example/other /publications/ /a.gif /a.gif?b"),
        ("bazbot", "/ /example/allowed.gif /example/other /publications/ /a.gif /a.gif?b"),
        ("quxbot", " ".join(PATHS)),
    ],
)
def test_the_example_of_rfc_9309(agent, allowed):
    """Section 5.1, with our name for that of each robot."""
    robots = Robots(SIMPLE.replace(agent.encode(), b"DeBlurBench"))
    assert [path for path in PATHS if robots.allows(path)] == allowed.split()


def test_the_longest_match_wins():
    """Section 5.2, and section 2.2.2 for equal lengths."""
    robots = Robots(b"User-agent: *\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n")
    assert robots.allows("/example/page/")
    assert robots.allows("/example/page/allowed.gif")
    assert not robots.allows("/example/page/disallowed.gif")
    assert Robots(b"User-agent: *\nDisallow: /a\nAllow: /a\n").allows("/a")


MATCHES = [
    # RFC 9309, sections 2.2.2 and 2.2.3
    ("/this/path/exactly$", "/this/path/exactly", "/this/path/exactly/not /this/path"),
    ("/this/*/exactly", "/this/path/exactly /this/a/b/exactly/too", "/this/exactly /this/path"),
    ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html", "/path/file-with-a-b.html"),
    ("/path/foo-%24", "/path/foo-$ /path/foo-$a", "/path/foo-"),
    ("/foo/bar?baz=quz", "/foo/bar?baz=quz", "/foo/bar"),
    ("/foo/bar?baz=https%3A%2F%2Ffoo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar", "/foo/bar?baz=https"),
    ("/foo/bar/ツ", "/foo/bar/ツ /foo/bar/%E3%83%84 /foo/bar/%e3%83%84", "/foo/bar/"),
    ("/foo/bar/%E3%83%84", "/foo/bar/ツ", "/foo/bar/%E3%83%85"),
    ("/foo/bar/%62%61%7A", "/foo/bar/baz", "/foo/bar/ba"),
    # "How Google interprets the robots.txt specification", which the TDM report points to
    ("/", "/ /anything", ""),
    ("/*", "/ /anything", ""),
    ("/$", "/", "/anything"),
    ("/fish", "/fish /fish.html /fish/salmon.html /fishheads /fish.php?id=anything", "/Fish.asp /catfish /?id=fish"),
    ("/fish*", "/fish /fish.html /fish.php?id=anything", "/Fish.asp /catfish /desert/fish"),
    ("/fish/", "/fish/ /fish/?id=anything /fish/salmon.htm", "/fish /fish.html /animals/fish/ /Fish/Salmon.asp"),
    ("/*.php", "/index.php /filename.php?parameters /folder/any.php.file.html /filename.php/", "/ /windows.PHP"),
    ("/*.php$", "/filename.php /folder/filename.php", "/filename.php?parameters /filename.php/ /filename.php5"),
    ("/fish*.php", "/fish.php /fishheads/catfish.php?parameters", "/Fish.PHP"),
    ("/a*a$", "/aa /aba", "/a /ab"),
]


@pytest.mark.parametrize(("pattern", "inside", "outside"), MATCHES, ids=[match[0] for match in MATCHES])
def test_patterns_as_documented(pattern, inside, outside):
    robots = Robots(f"User-agent: *\nDisallow: {pattern}".encode())
    reservations = Reservations(json.dumps([{"location": pattern, "tdm-reservation": 1}]).encode())
    for path, match in [(path, True) for path in inside.split()] + [(path, False) for path in outside.split()]:
        target = target_of(HOME + path)
        assert robots.allows(target) is not match, path
        assert reservations.rule(target) == (pattern if match else ""), path
        assert robots.rule(target) == (pattern if match else ""), path


SHORT = st.text("/ab*", min_size=1, max_size=7).map(lambda text: f"/{text}") | st.text("/ab*", min_size=1, max_size=3)
PATTERNS = st.tuples(SHORT, st.sampled_from(["", "", "$"])).map("".join)
TARGETS = st.text("/ab", max_size=8).map(lambda text: f"/{text}")


def expected(pattern, target):
    text = re.escape(pattern.removesuffix("$")).replace(r"\*", ".*")
    return re.match(text + ("$" if pattern.endswith("$") else ""), target) is not None


@given(PATTERNS, TARGETS)
def test_patterns_match_as_regular_expressions_would(pattern, target):
    assert Pattern(pattern).matches(target) == expected(pattern, target)


@given(st.lists(st.tuples(st.sampled_from(["Allow", "Disallow"]), PATTERNS), max_size=6), TARGETS)
def test_the_longest_rule_decides(rules, target):
    robots = Robots("\n".join(["User-agent: deblurbench", *(f"{name}: {value}" for name, value in rules)]).encode())
    fitting = [(len(value), name == "Allow") for name, value in rules if expected(value, target)]
    assert robots.allows(target) == max(fitting, default=(0, True))[1]


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("", True),
        ("Disallow: /", True),  # to nobody
        ("User-agent: *\nDisallow:", True),
        ("\ufeffUser-agent: *\nDisallow: /", False),
        ("USER-AGENT:*\rDISALLOW:/", False),
        ("User-agent: * # all\nDisallow: / # everything", False),
        ("User-agent: otherbot\nDisallow: /", True),
        ("User-agent: deblur\nDisallow: /", True),
        ("User-agent: deblurbench-news\nDisallow: /", True),
        ("User-agent: deblurbench/1.0\nDisallow: /", False),
        ("User-agent: DEBLURBENCH\nDisallow: /\n\nUser-agent: *\nAllow: /", False),
        ("User-agent: deblurbench\nAllow: /\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: deblurbench\n\nUser-agent: *\nDisallow: /", False),  # one group of two names
        ("User-agent: *\nDisallow: /\nUser-agent: deblurbench\nDisallow: /other", True),
        ("User-agent: a\nUser-agent: deblurbench\nSitemap: /s.xml\nUser-agent: b\nDisallow: /", False),
        ("User-agent: deblurbench\nDisallow: /x\nUser-agent: a\nDisallow: /", True),
        ("User-agent: deblurbench\nAllow: /\nUser-agent: a\nDisallow: /\nUser-agent: deblurbench\nDisallow: /a", False),
        ("User-agent: *\nCrawl-delay: 5\nUser-agent: badbot\nDisallow: /", True),
        ("<!DOCTYPE html><p>User-agent: *</p>\n<p>Disallow: /</p>", True),
    ],
)
def test_which_group_is_ours(text, allowed):
    assert Robots(text.encode()).allows("/a/b.jpg") == allowed


def test_only_the_first_500_kib_count():
    start, end = b"User-agent: *\nDisallow: /\nAllow: /early\n", b"\nAllow: /x\nAllow: /late\n"
    body = start + b"#" * (MOST_BYTES - len(start) - len(b"\nAllow: /")) + end
    assert body[:MOST_BYTES].endswith(b"\nAllow: /")  # which is not what the site says
    robots = Robots(body)
    assert [path for path in ("/early", "/late", "/x", "/") if robots.allows(path)] == ["/early"]


HOSTILE = {
    "stars": b"User-agent: *\nDisallow: /" + b"*" * 5000 + b"b",
    "letters and stars": b"User-agent: *\nDisallow: /" + b"*a" * 250_000 + b"b",
    "patterns": b"User-agent: *\n" + b"".join(b"Disallow: /*a*a*a*%db\n" % i for i in range(20_000)),
    "agents times rules": b"".join(b"User-agent: %x\n" % i for i in range(15_000)) + b"Disallow: /a\n" * 15_000,
    "our name": b"User-agent: deblurbench\nDisallow: /b\n" * 12_000,
    "spaces": b"user-agent" + b" " * 500_000,
    "escapes": b"User-agent: *\nDisallow: /" + b"%" * 400_000,
    "zeros": bytes(500_000),
    "one line": b"user-agent:*disallow:/" * 20_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_no_robots_txt_takes_long(body):
    start = time.process_time()
    robots = Robots(body)
    assert robots.allows("/" + "a" * 8000)
    robots.rule("/" + "a" * 8000)
    assert time.process_time() - start < 2.0
