"""The hostile modes of the replicas' APIs, their passing failures and their limits."""

import json

from replica_apis import HOSTILE
from replica_files import ROBOTS
from replica_kit import unplugged


def test_hostile_modes_say_what_they_do():
    starts = {
        "openverse": "/v1/images/?q=everything&page_size=20",
        "pexels": "/v1/search?query=everything&per_page=20",
        "commons": "/w/api.php?action=query&format=json&formatversion=2&generator=search&gsrsearch=everything"
        "&gsrnamespace=6&gsrlimit=20&prop=imageinfo&iiprop=url",
    }
    lists = {"openverse": "results", "pexels": "photos", "commons": "pages"}
    whole = {}
    for mode in HOSTILE:
        _, ask = unplugged(photos=60, hostile=mode)
        for site, start in starts.items():
            answer = ask[site](start)
            try:
                body = json.loads(answer.body)
            except (ValueError, RecursionError):
                body = None
            if mode in ("html", "empty", "half", "deep", "flood"):
                assert (answer.status, body) == (200, None)
            elif mode in ("bad-key", "broken", "limit", "elsewhere"):
                assert answer.status == {"bad-key": 401, "broken": 503, "limit": 429, "elsewhere": 302}[mode]
            elif mode in ("list", "wrong-shape"):
                assert not isinstance(body, dict) or (lists[site] not in body and body["query"] == [])
            else:
                inner = body["query"] if site == "commons" else body
                whole[mode, site] = body, inner[lists[site]], ask[site](start.replace("=20", "=20&page=2&gsroffset=20"))
    for site in starts:
        usual, items, second = whole["", site]
        assert len(items) == 20
        assert whole["null-results", site][1] is None
        assert {type(item) for item in whole["odd-items", site][1]} >= {dict, list, str, int, type(None)}
        assert len(whole["short-pages", site][1]) == 19
        assert len(json.loads(whole["duplicates", site][2].body).get("query", {}).get("pages", range(23))) == 23
        assert not {"page_count", "next_page", "continue"} & whole["no-next", site][0].keys()
        assert {"page_count", "next_page", "continue"} & usual.keys()
        assert json.loads(second.body) != usual
    assert whole["foreign-next", "pexels"][0]["next_page"].startswith("http://127.0.0.1:40005/")
    bare = [page for page in whole["split", "commons"][1] if "imageinfo" not in page]
    assert (len(bare), whole["split", "commons"][0]["continue"]["continue"]) == (10, "||")


def test_split_pages_come_whole_in_the_end():
    _, ask = unplugged(photos=30, hostile="split")
    start = "/w/api.php?action=query&format=json&formatversion=2&generator=search&gsrsearch=everything"
    start += "&gsrnamespace=6&gsrlimit=20&prop=imageinfo&iiprop=url"
    seen, further, count = set(), {}, 0
    while further is not None:
        body = json.loads(ask["commons"](start + "".join(f"&{key}={value}" for key, value in further.items())).body)
        seen |= {page["pageid"] for page in body["query"]["pages"] if "imageinfo" in page}
        further, count = body.get("continue"), count + 1
    assert (count, len(seen)) == (4, 30)


def test_endless_searches_repeat_themselves():
    _, ask = unplugged(photos=30, hostile="endless")
    pages = [json.loads(ask["openverse"](f"/v1/images/?page={page}").body) for page in (1, 2, 3, 40)]
    assert [page["page_count"] > page["page"] for page in pages] == [True] * 4
    assert pages[0]["results"] == pages[2]["results"] != pages[1]["results"]


def test_api_pages_fail_in_passing_and_limits_hold():
    _, ask = unplugged(photos=30, faults=0.2, api_faults=1.0)
    for url in (f"/v1/images/?page={page}" for page in (1, 2)):
        tries = [ask["openverse"](url) for _ in range(3)]
        assert [answer.status == 200 and not answer.lost for answer in tries][::2] == [False, True]
    _, ask = unplugged(photos=5, hourly=2, lag=7, burst=3)
    answers = [ask["pexels"]("/v1/curated") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 429, 429]
    assert [any("Rate" in name for name in answer.headers) for answer in answers] == [True, True, False, False]
    answers = [ask["openverse"]("/v1/images/") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert int(answers[3].headers["Retry-After"]) > 55
    lagged = [ask["commons"]("/w/api.php?action=query&format=json&maxlag=5&gsrsearch=x") for _ in range(3)]
    assert [b"maxlag" in answer.body for answer in lagged] == [True, True, False]
    assert lagged[0].headers["Retry-After"] == "1"


def test_robots_may_be_anything():
    assert {name: answer.status for name, answer in ROBOTS.items() if answer.status != 200} == {
        "none": 404, "forbidden": 403, "broken": 503, "moved": 301,
    }  # fmt: skip
    _, ask = unplugged(photos=1, robots="own-group", crawl_delay=0.5)
    assert b"Crawl-delay: 0.5" in ask["files"]("/robots.txt").body
