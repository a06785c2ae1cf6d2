"""Opt-outs: whether and how often sites are asked for theirs; headers and pages."""

import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPHeaderDict

from deblurbench.errors import FetchError
from deblurbench.fetch.web.optouts import OptOuts
from deblurbench.fetch.web.robots import refusal

HOME = "https://photos.example"
NEVER = FetchError("photos.example does not answer", kind="connection", passing=True)


class Web:
    """Answers of sites: URL -> bytes, status or error; counts what is asked."""

    def __init__(self, answers=None):
        self.answers = {f"{HOME}{path}": answer for path, answer in (answers or {}).items()}
        self.asked = []

    def __call__(self, url):
        self.asked.append(url)
        answer = self.answers.get(url, 404)
        if isinstance(answer, Exception):
            raise answer
        return (200, answer) if isinstance(answer, bytes) else (answer, b"User-agent: *\nDisallow: /")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def opt_outs(robots=404, reservations=404):
    return OptOuts(Web({"/robots.txt": robots, "/.well-known/tdmrep.json": reservations}))


def kind_of(check, *values):
    """The kind of the FetchError that a check raises; empty where it raises none."""
    try:
        check(*values)
    except FetchError as error:
        return error.kind if error.message and error.hint else "unexplained"
    return ""


@pytest.mark.parametrize(
    ("text", "delay"),
    [("2.5", 2.5), ("0", 0), ("-1", 0), ("nan", 0), ("inf", 0), ("soon", 0), ("", 0), ("1e400", 0), ("7 # s", 7)],
)
def test_a_crawl_delay(text, delay):
    checks = opt_outs(f"User-agent: a\nCrawl-delay: 99\n\nUser-agent: deblurbench\nCrawl-delay: {text}".encode())
    assert checks.delay(f"{HOME}/a") == delay


LINES = ["User-agent: *", "User-agent: deblurbench", "Disallow: /", "Allow: /a*$", "Crawl-delay: 1", "Disallow: %", "#"]
BODIES = st.binary(max_size=200) | st.lists(st.sampled_from(LINES) | st.text(max_size=20), max_size=8).map(
    lambda lines: "\n".join(lines).encode(errors="surrogatepass")
)
URLS = st.text(max_size=20).map(lambda text: f"http://h/{text}") | st.text(max_size=30)


@given(BODIES, BODIES, URLS)
@settings(max_examples=300)
def test_no_file_and_no_url_crashes(robots, reservations, url):
    checks = OptOuts(lambda asked: (200, robots if asked.endswith("robots.txt") else reservations))
    assert kind_of(checks.check_url, url) in ("", "robots", "reserved", "no-url")
    assert checks.delay(url) >= 0


# Whether, and how often, the files are asked for


def test_what_forbids_is_said():
    with pytest.raises(FetchError) as error:
        opt_outs(b"User-agent: *\nDisallow: /p\nDisallow: /private/\x1b[31m*").check_url(f"{HOME}/private/\x1b[31m?k=1")
    assert error.value.kind == "robots"
    assert not error.value.passing
    text = str(error.value)
    assert "robots.txt of photos.example forbids https://photos.example/private/" in text
    assert "User-agent: *, Disallow: /private/" in text
    assert "deblurbench keeps to it" in text
    assert text.isprintable()


def test_what_reserves_is_said():
    with pytest.raises(FetchError) as error:
        opt_outs(404, b'[{"location": "/a*", "tdm-reservation": 1}]').check_url(f"{HOME}/a.jpg")
    assert error.value.kind == "reserved"
    assert "/.well-known/tdmrep.json of photos.example reserves https://photos.example/a.jpg" in error.value.message
    assert "location /a*" in error.value.message


@pytest.mark.parametrize(
    ("status", "robots", "reserved"),
    [
        (200, "robots", ""),
        (204, "robots", ""),
        *[(status, "", "") for status in (400, 401, 403, 404, 410, 418, 451)],
        *[(status, "robots", "reserved") for status in (408, 425, 429, 500, 502, 503, 599, 302, 304, 101, 0, 999)],
    ],
)
def test_statuses(status, robots, reserved):
    page = f"{HOME}/a"
    assert kind_of(opt_outs(status).check_url, page) == robots
    assert kind_of(opt_outs(404, status).check_url, page) == reserved
    if reserved:
        for checks in opt_outs(status), opt_outs(404, status):
            with pytest.raises(FetchError, match=f"answers {status}") as error:
                checks.check_url(page)
            assert error.value.passing


def test_robots_txt_itself_may_always_be_asked_for():
    checks = opt_outs(b"User-agent: *\nDisallow: /")
    checks.check_url(f"{HOME}/robots.txt")
    checks.check_url(f"{HOME}/robots.txt?again")
    assert kind_of(checks.check_url, f"{HOME}/robots.txt/more") == "robots"


def test_tdmrep_json_is_not_asked_for_where_robots_txt_forbids_it():
    web = Web({"/robots.txt": b"User-agent: *\nDisallow: /.well-known/", "/.well-known/tdmrep.json": b'[{"x": 1}]'})
    OptOuts(web).check_url(f"{HOME}/a.jpg")
    assert web.asked == [f"{HOME}/robots.txt"]
    web = Web({"/robots.txt": b"User-agent: *\nDisallow: /a"})
    assert kind_of(OptOuts(web).check_url, f"{HOME}/a.jpg") == "robots"
    assert web.asked == [f"{HOME}/robots.txt"]


def test_each_site_has_its_own():
    web = Web({"/robots.txt": b"User-agent: *\nDisallow: /"})
    checks = OptOuts(web)
    for url in (HOME, "HTTPS://Photos.Example:443/a", "https://photos.example./b#c"):
        assert kind_of(checks.check_url, url) == "robots"
    for url in (
        "http://photos.example/",
        "https://photos.example:8443/",
        "https://[::1]:80/",
        "https://x.photos.example",
    ):
        checks.check_url(url)
    assert [url for url in web.asked if url.endswith("/robots.txt")] == [
        "https://photos.example/robots.txt",
        "http://photos.example/robots.txt",
        "https://photos.example:8443/robots.txt",
        "https://[::1]:80/robots.txt",
        "https://x.photos.example/robots.txt",
    ]


@pytest.mark.parametrize(
    "way",
    [
        "/open/../private/a",
        "/open/%2e%2E/private/a",
        "/./%70rivate/a",
        "/open/./.././private/",
        "//private/a",
        "/private//a",
        "/private%2Fa",
        "/%2f/private%2fa",
        "/open%2F../private/a",
    ],
)
def test_no_detour_leads_to_what_is_forbidden(way):
    """Also for servers that take `//` and `%2F` for `/`."""
    assert kind_of(opt_outs(b"User-agent: *\nDisallow: /private/").check_url, HOME + way) == "robots"
    reserved = b'[{"location": "/private/", "tdm-reservation": 1}]'
    assert kind_of(opt_outs(404, reserved).check_url, HOME + way) == "reserved"


def test_a_rule_for_an_odd_spelling_holds_for_it():
    for way in ("//private", "/a%2Fb", "/a//"):
        checks = opt_outs(f"User-agent: *\nDisallow: {way}".encode())
        assert kind_of(checks.check_url, f"{HOME}{way}/c") == "robots"
        assert not kind_of(checks.check_url, f"{HOME}/private/a/b/c")


@pytest.mark.parametrize("url", ["", "x", "http://", "http://[::1", "http://h:port/", "http://h:99999/", "//h/a"])
def test_what_is_no_url_is_refused(url):
    web = Web()
    assert kind_of(OptOuts(web).check_url, url) in ("no-url", "")
    assert all(asked.startswith("http") or url == "//h/a" for asked in web.asked)


@pytest.mark.parametrize("answer", [b"User-agent: *\nDisallow: /a", NEVER])
def test_one_request_per_site_however_many_ask(answer):
    started, go, asked, kinds = threading.Event(), threading.Event(), [], []

    def load(url):
        asked.append(url)
        started.set()
        assert go.wait(10)
        return Web({"/robots.txt": answer})(url)

    checks = OptOuts(load)
    threads = [threading.Thread(target=lambda: kinds.append(kind_of(checks.check_url, f"{HOME}/a"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert started.wait(10)
    go.set()
    for thread in threads:
        thread.join(10)
    assert asked == [f"{HOME}/robots.txt"]
    assert kinds == ["robots"] * 8


def test_a_slow_site_does_not_hold_up_another():
    go = threading.Event()

    def load(url):
        assert "slow" not in url or go.wait(10)
        return 404, b""

    checks = OptOuts(load)
    thread = threading.Thread(target=checks.check_url, args=("https://slow.example/",))
    thread.start()
    checks.check_url(HOME)
    assert thread.is_alive()
    go.set()
    thread.join(10)


@pytest.mark.parametrize("path", ["/robots.txt", "/.well-known/tdmrep.json"])
def test_what_cannot_be_had_is_asked_for_three_times_a_minute_apart(path):
    web, clock = Web({path: NEVER}), Clock()
    checks = OptOuts(web, clock)
    for minute in range(6):
        clock.now = 60.0 * minute
        for _ in range(3):
            with pytest.raises(FetchError, match="does not answer") as error:
                checks.check_url(f"{HOME}/a")
            assert error.value.passing
    assert web.asked.count(HOME + path) == 3
    assert checks.delay(f"{HOME}/a") == 0


def test_what_comes_back_counts_from_then_on():
    web, clock = Web({"/robots.txt": NEVER}), Clock()
    checks = OptOuts(web, clock)
    assert kind_of(checks.check_url, f"{HOME}/a") == "robots"
    web.answers[f"{HOME}/robots.txt"] = b"User-agent: *\nDisallow: /b"
    assert kind_of(checks.check_url, f"{HOME}/a") == "robots"
    clock.now = 61.0
    checks.check_url(f"{HOME}/a")
    assert kind_of(checks.check_url, f"{HOME}/b") == "robots"


def test_what_fails_for_good_is_not_asked_for_again():
    web, clock = Web({"/robots.txt": FetchError("private", kind="address")}), Clock()
    checks = OptOuts(web, clock)
    for minute in range(3):
        clock.now = 60.0 * minute
        with pytest.raises(FetchError) as error:
            checks.check_url(f"{HOME}/a")
        assert not error.value.passing
    assert len(web.asked) == 1


def test_who_is_stopped_leaves_the_way_free():
    def load(url):
        raise KeyboardInterrupt

    checks = OptOuts(load)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            checks.check_url(HOME)


# Headers and pages

DIRECTIVES = [
    ("noai", True),
    ("NoAI, NoImageAI", True),
    ("noimageai", True),
    ("nofollow,noindex", True),
    ("noimageindex", True),
    ("none", True),
    ("index noai", True),
    ("nofollow; noindex", True),
    ("", False),
    ("all", False),
    ("nofollow, noarchive, nosnippet", False),
    ("noaim, xnoai, no-ai", False),
    ("deblurbench: noai", True),
    ("DeblurBench/1.0 : noai", True),
    ("*: noindex", True),
    ("otherbot: noai", False),
    ("otherbot: nofollow, deblurbench: noai", True),
    ("max-image-preview: none", False),
    ("max-snippet: -1, max-image-preview: none, max-video-preview: 0", False),
    ("unavailable_after: 25 Jun 2010 15:00:00 PST", False),
    ("unavailable_after: Friday, 25-Jun-10 15:00:00 PST, noai", True),
    ("unavailable_after: 2010-06-25T15:00:00Z, noindex", True),
    ("otherbot: unavailable_after: 25 Jun 2010 15:00:00 PST", False),
    ("deblurbench: unavailable_after: Friday, 25-Jun-10 15:00:00 PST", False),
    (":::, , ::noai", True),
]


@pytest.mark.parametrize(("text", "refused"), DIRECTIVES)
def test_x_robots_tag(text, refused):
    kind = "opted-out" if refused else ""
    checks = opt_outs()
    for headers in ({"x-ROBOTS-tag": text}, CaseInsensitiveDict({"X-Robots-Tag": text})):
        assert kind_of(checks.check_headers, headers, HOME) == kind
    assert kind_of(checks.check_headers, HTTPHeaderDict({"X-Robots-Tag": text}), HOME) == kind
    assert kind_of(checks.check_html, f'<meta content="{text}" name="ROBOTS">', HOME) == kind


def test_repeated_headers():
    """A name holds for its header line; in joined lines for its neighbour alone, as the rest may be of another."""
    checks, lines = opt_outs(), HTTPHeaderDict()
    lines.add("X-Robots-Tag", "otherbot: noai, noindex")
    checks.check_headers(lines, HOME)
    checks.check_headers({"X-Robots-Tag": "otherbot: noai, nofollow"}, HOME)
    assert kind_of(checks.check_headers, {"X-Robots-Tag": "otherbot: noai, noindex"}, HOME) == "opted-out"
    lines.add("X-Robots-Tag", "noindex")
    assert kind_of(checks.check_headers, lines, HOME) == "opted-out"


@pytest.mark.parametrize(
    ("value", "kind"),
    [("1", "reserved"), (" 1 ", "reserved"), ("0, 1", "reserved"), ("0", ""), ("", ""), ("true", ""), ("11", "")],
)
def test_tdm_headers_and_metas(value, kind):
    checks = opt_outs()
    assert kind_of(checks.check_headers, {"TDM-Reservation": value, "tdm-policy": "1"}, HOME) == kind
    if "," not in value:
        assert kind_of(checks.check_html, f"<meta name=tdm-reservation content='{value}'>", HOME) == kind


def test_what_opts_out_is_said():
    checks = opt_outs()
    with pytest.raises(FetchError, match=r"photos.example/a.jpg\?... is marked noai \(X-Robots-Tag\)"):
        checks.check_headers({"X-Robots-Tag": "noai"}, f"{HOME}/a.jpg?key=secret")
    with pytest.raises(FetchError, match=r"is marked noindex \(<meta name=deblurbench>\)"):
        checks.check_html("<meta name=deblurbench content=noindex>", HOME)
    with pytest.raises(FetchError, match=r"is reserved \(header tdm-reservation: 1\)"):
        checks.check_headers({"tdm-reservation": "1"}, HOME)


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        ("", ""),
        ("<p>noai, name=robots</p>", ""),
        ('<meta name="robots" content="noai, noimageai">', "opted-out"),
        ("<META\n  CONTENT='NOINDEX'\n  NAME=Robots\n/>", "opted-out"),
        ("<meta name=robots content=noai/>", "opted-out"),
        ("<meta/name=robots/content=noai>", ""),  # a browser reads the name "robots/content=noai"
        (
            '<meta charset=utf-8><meta data-x="a>b" name=robots content=index><meta name=robots content=none>',
            "opted-out",
        ),
        ('<meta name="robots" content="no&#97;i">', "opted-out"),
        ('<meta name = "robots" content = "noai">', "opted-out"),
        ('<meta name="deblurbench" content="noimageindex">', "opted-out"),
        ('<meta name="otherbot" content="noai">', ""),
        ('<meta name="googlebot" content="noindex">', ""),
        ('<meta name="robots" content="index, follow, max-image-preview:large">', ""),
        ('<meta name="robots" content="max-image-preview:none">', ""),
        ('<meta name="description" content="noai">', ""),
        ('<meta name="robots">', ""),
        ('<meta name="robots" content="all" content="noai">', ""),
        ("<metal name=robots content=noai>", ""),
        ("<!-- <meta name=robots content=noai> -->", ""),
        ("<!-- a --><meta name=robots content=noai><!-- b -->", "opted-out"),
        ("<!-- <!-- <meta name=robots content=all> --> <meta name=robots content=noai>", "opted-out"),
        ("<!-- never closed <meta name=robots content=noai>", ""),
        (
            '<meta name="tdm-reservation" content="1"><meta name="tdm-policy" content="https://provider.com/p">',
            "reserved",
        ),
        ('<body><meta name="TDM-Reservation" content="1">', "reserved"),
    ],
)
def test_pages(html, kind):
    assert kind_of(opt_outs().check_html, html, HOME) == kind


PIECES = [
    "noai",
    "none",
    "otherbot",
    "deblurbench",
    "*",
    ":",
    ",",
    ";",
    " ",
    "unavailable_after",
    "max-snippet",
    "/",
    "İ",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join))
@settings(max_examples=300)
def test_no_directive_crashes_and_joined_lines_refuse_no_less(text):
    exact, careful = refusal(text), refusal(text, one_line=False)
    assert careful or not exact
    assert kind_of(opt_outs().check_headers, {"X-Robots-Tag": text, "tdm-reservation": text}, HOME) in ("", "opted-out")


@given(
    st.lists(
        st.sampled_from([*PIECES, "<meta ", "name=robots", 'content="', '"', ">", "<!--", "-->"]), max_size=15
    ).map("".join)
)
def test_no_page_crashes(html):
    assert kind_of(opt_outs().check_html, html, HOME) in ("", "opted-out")


@pytest.mark.parametrize(
    "piece", ["<!--", "<a ", "<meta ", '<meta x="', "<meta x='\" y=\"' ", "<![", "<meta name='robots' a="]
)
def test_no_page_takes_long(piece):
    """Some of these, of 100 KB, keep the standard library's parser busy for a minute."""
    start = time.process_time()
    opt_outs().check_html((piece * 200_000)[:1_000_000], HOME)
    opt_outs().check_html("<meta " + (piece.replace("<", "") * 200_000)[:1_000_000], HOME)
    assert time.process_time() - start < 3.0
