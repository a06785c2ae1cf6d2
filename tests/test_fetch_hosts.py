"""Turns at a host: even spacing, places, rests."""

import threading
import time
from collections import Counter

import pytest

from deblurbench.errors import FetchError
from deblurbench.fetch.web.hosts import Hosts, Stopped
from deblurbench.fetch.web.manners import Manners

URL = "http://a.example/b"


class Clock(threading.Event):
    """A stop event that passes the time it is waited for, and the clock that shows it."""

    now = 1000.0

    def wait(self, timeout=None):
        self.now += timeout or 0
        return self.is_set()

    def __call__(self):
        return self.now


def hosts(clock, **manners):
    return Hosts(Manners(**manners), clock, clock)


def starts(hosts, clock, count, url=URL):
    moments = []
    for _ in range(count):
        with hosts.turn(url):
            moments.append(clock.now)
    return [round(moment - 1000, 3) for moment in moments]


def test_starts_are_evenly_spaced():
    clock = Clock()
    assert starts(hosts(clock, rate=4.0), clock, 5) == [0, 0.25, 0.5, 0.75, 1.0]


def test_idle_time_is_not_saved_up():
    clock = Clock()
    polite = hosts(clock, rate=4.0)
    starts(polite, clock, 1)
    clock.now += 10
    assert starts(polite, clock, 3) == [10, 10.25, 10.5]


def test_hosts_do_not_wait_for_each_other():
    clock = Clock()
    polite = hosts(clock, rate=1.0)
    for url in ("http://a.example/", "http://b.example/", "http://a.example:8081/", "https://c.example/"):
        assert starts(polite, clock, 1, url) == [0]
    assert starts(polite, clock, 1, "http://A.example:80/c") == [1]


@pytest.mark.parametrize(
    ("host", "spacing"),
    [
        ("api.openverse.org", 1),
        ("commons.wikimedia.org", 1),
        ("upload.wikimedia.org", 0.5),
        ("thumb.wikimedia.org", 0.5),
        ("api.pexels.com", 1),
    ],
)
def test_some_hosts_ask_for_less(host, spacing):
    clock = Clock()
    assert starts(hosts(clock, rate=10.0), clock, 3, f"https://{host}/") == [0, spacing, 2 * spacing]
    slow = Clock()
    assert starts(hosts(slow, rate=0.1), slow, 2, f"https://{host}/") == [0, 10]


def test_a_crawl_delay_is_kept():
    clock = Clock()
    polite = hosts(clock, rate=4.0)
    polite.space(URL, 3)
    polite.space(URL, 0)  # takes nothing back
    assert starts(polite, clock, 3) == [0, 3, 6]


def test_a_rest_is_kept_by_all():
    clock = Clock()
    polite = hosts(clock, rate=4.0)
    polite.rest(URL, 20)
    polite.rest(URL, 5)
    assert starts(polite, clock, 2) == [20, 20.25]
    assert starts(polite, clock, 1, "http://b.example/") == [20.25]


def test_a_rest_that_begins_while_others_wait():
    clock = Clock()
    polite = hosts(clock, rate=1.0)
    starts(polite, clock, 1)
    wait, clock.wait = clock.wait, lambda seconds: (polite.rest(URL, 50), setattr(clock, "wait", wait), wait(seconds))
    assert starts(polite, clock, 1) == [50]


@pytest.mark.parametrize("ask", [lambda h: h.rest(URL, 301), lambda h: (h.space(URL, 301), h.turn(URL).__enter__())])
def test_too_long_a_rest_ends_it(ask):
    clock = Clock()
    polite = hosts(clock, longest_wait=300.0)
    ask(polite)
    with pytest.raises(FetchError, match="not to be asked before 20") as error, polite.turn(URL):
        pass
    assert (error.value.kind, error.value.passing) == ("wait", True)
    assert clock.now == 1000


def test_the_ports_of_the_web_are_one_host():
    clock = Clock()
    polite = hosts(clock)
    assert starts(polite, clock, 1, "http://a.example/") == [0]
    assert starts(polite, clock, 1, "https://A.example./") == [0.25]
    assert starts(polite, clock, 1, "http://a.example:8080/") == [0.25]
    polite = hosts(clock, concurrency=1)
    with polite.turn("http://a.example/"):
        assert not polite._host("https://a.example/").places.acquire(blocking=False)


def test_a_crawl_delay_counts_from_the_last_start():
    """It is learnt from what was asked for last."""
    clock = Clock()
    polite = hosts(clock)
    assert starts(polite, clock, 1) == [0]
    polite.space(URL, 5)
    assert starts(polite, clock, 2) == [5, 10]


def test_a_host_that_wants_fewer_requests_is_asked_ever_more_rarely():
    clock = Clock()
    polite = hosts(clock, backoff=2.0)
    moments = []
    for _ in range(8):
        moments += starts(polite, clock, 1)
        for _ in range(3):  # of those that were under way, all hear the same
            polite.refused(URL)
    assert moments == [0, 2, 6, 14, 30, 62, 122, 182]
    polite.answered(URL)
    moments = starts(polite, clock, 1)
    polite.refused(URL)
    assert starts(polite, clock, 1)[0] - moments[0] == 2
    clock.now = 5000
    polite.refused(URL)
    assert starts(polite, clock, 1, "http://b.example/") == [4000]


def test_a_low_rate_of_the_users_own_is_no_reason_to_give_up():
    clock = Clock()
    assert starts(hosts(clock, rate=0.001, longest_wait=0.0), clock, 2) == [0, 1000]
    other = Clock()
    assert starts(hosts(other, longest_wait=0.0), other, 2, "https://api.openverse.org/") == [0, 1]


def test_places_are_given_back_whatever_happens():
    clock = Clock()
    polite = hosts(clock, concurrency=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), polite.turn(URL):
            raise ZeroDivisionError
    polite.rest(URL, 1e6)
    for _ in range(3):
        with pytest.raises(FetchError), polite.turn(URL):
            pass


def in_threads(count, work):
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_threads_share_places_and_starts():
    polite = Hosts(Manners(rate=200.0, concurrency=3), threading.Event())
    opened, most, moments = Counter(), [], []

    def work():
        for _ in range(5):
            with polite.turn(URL):
                moments.append(time.monotonic())
                opened["now"] += 1
                most.append(opened["now"])
                time.sleep(0.03)
                opened["now"] -= 1

    started = time.monotonic()
    for thread in in_threads(8, work):
        thread.join(20)
    assert len(moments) == 40
    assert max(most) == 3
    assert all(moment >= started + n / 200 for n, moment in enumerate(sorted(moments)))


@pytest.mark.parametrize("rest", [0, 200])
def test_a_stop_ends_all_waiting(rest):
    stop = threading.Event()
    polite = Hosts(Manners(rate=0.01, concurrency=2), stop)
    polite.rest(URL, rest)
    ended = []

    def work():
        try:
            with polite.turn(URL):
                stop.wait(20)
        except Stopped:
            ended.append(time.monotonic())

    threads = in_threads(8, work)
    time.sleep(0.1)
    stopped = time.monotonic()
    stop.set()
    for thread in threads:
        thread.join(5)
    assert len(ended) == (8 if rest else 7)
    assert max(ended) - stopped < 0.9
    with pytest.raises(Stopped), polite.turn(URL):
        pass
