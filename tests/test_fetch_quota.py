"""Quotas: never more than the limit in any window, across runs, threads and processes, whatever the ledger holds."""

import json
import subprocess
import sys
import tempfile
import threading
from bisect import bisect_right
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurbench.errors import FetchError
from deblurbench.fetch.web.quota import QuotaTracker
from deblurbench.sources.online import Quota

HOUR, MONTH = 3600, 30 * 24 * 3600
PEXELS = (Quota(200, HOUR), Quota(20_000, MONTH))
NOW = 1_800_000_000.25


class Clock:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tracker(tmp_path, clock):
    return QuotaTracker(tmp_path / "state" / "quota.json", PEXELS, clock)


def rate(remaining, reset, limit=20_000):
    return {"X-Ratelimit-Limit": str(limit), "X-Ratelimit-Remaining": str(remaining), "X-Ratelimit-Reset": str(reset)}


def used_up(tracker: QuotaTracker) -> int:
    count = 0
    while not tracker.take():
        count += 1
    return count


def busiest(times: list[float], seconds: float) -> int:
    """The most of some sorted times that lie in one window, which holds one of its two ends."""
    return max((bisect_right(times, time + seconds - 1e-6) - i for i, time in enumerate(times)), default=0)


def test_an_hour_has_its_limit_and_the_next_one_too(tracker, clock):
    assert used_up(tracker) == 200
    assert tracker.left() == "0/200 this hour"
    wait = tracker.take()
    assert HOUR <= wait <= HOUR * (1 + 1 / 720) + 0.01
    clock.now += wait - 0.01
    assert 0 < tracker.take() < 0.02
    clock.now += 0.01
    assert tracker.left() == "200/200 this hour"
    assert used_up(tracker) == 200


def test_the_month_ends_after_enough_full_hours(tmp_path, clock):
    tracker = QuotaTracker(tmp_path / "quota.json", (Quota(10, HOUR), Quota(300, MONTH)), clock)
    start, total = clock.now, 0
    while (wait := tracker.take()) < 2 * HOUR:
        total += not wait
        clock.now += wait
    assert total == 300
    assert tracker.left() == "0/300 this month"
    assert MONTH < clock.now + wait - start < MONTH + 2 * HOUR
    assert (tmp_path / "quota.json").stat().st_size < 20_000
    clock.now += wait
    assert tracker.take() == 0


@given(
    st.lists(st.tuples(st.floats(0, 40), st.integers(1, 8), st.booleans()), max_size=60),
    st.lists(st.builds(Quota, st.integers(1, 9), st.integers(1, 60)), min_size=1, max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_no_window_ever_holds_more(steps, quotas):
    """Whatever the pauses, and whether the next request is a new run's or not."""
    with tempfile.TemporaryDirectory() as folder:
        clock, sent = Clock(), []
        tracker = QuotaTracker(Path(folder) / "quota.json", quotas, clock)
        for pause, tries, restart in steps:
            clock.now += pause
            if restart:
                tracker = QuotaTracker(Path(folder) / "quota.json", quotas, clock)
            for _ in range(tries):
                wait = tracker.take()
                if not wait:
                    sent.append(clock.now)
                elif wait < 20:
                    clock.now += wait
    for limit, seconds in quotas:
        assert busiest(sent, seconds) <= limit


def test_a_steady_run_reaches_the_limit(tmp_path, clock):
    tracker = QuotaTracker(tmp_path / "quota.json", [Quota(10, 60)], clock)
    start, sent = clock.now, 0
    while clock.now < start + 600:
        wait = tracker.take()
        sent += not wait
        clock.now += wait or 1.0
    assert 98 <= sent <= 100


def test_two_processes_share_one_quota(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from deblurbench.fetch.web.quota import QuotaTracker\nfrom deblurbench.sources.online import Quota\n"
        "tracker = QuotaTracker(Path(sys.argv[1]), [Quota(200, 3600)], lambda: 1.8e9)\n"
        "print(sum(not tracker.take() for _ in range(150)))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "quota.json")]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    counts = [int(run.communicate()[0]) for run in runs]
    assert sum(counts) == 200
    assert [run.returncode for run in runs] == [0, 0]


def test_threads_share_one_quota(tracker):
    counts = []
    threads = [threading.Thread(target=lambda: counts.append(used_up(tracker))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 200


def test_without_quotas_all_goes_out_and_nothing_is_written(tmp_path):
    tracker = QuotaTracker(tmp_path / "none" / "quota.json", ())
    assert tracker.take() == 0
    tracker.heard(429, {})
    assert tracker.take() == 0
    assert tracker.left() == ""
    assert not list(tmp_path.iterdir())


def test_a_quota_of_nothing_lets_nothing_out(tmp_path, clock):
    assert QuotaTracker(tmp_path / "quota.json", [Quota(0, 60)], clock).take() >= 60


def test_what_is_left_in_words(tracker, tmp_path, clock):
    assert tracker.left() == "200/200 this hour"
    for _ in range(16):
        tracker.take()
    assert tracker.left() == "184/200 this hour"
    tracker.heard(200, rate(12, int(clock.now) + HOUR))
    assert tracker.left() == "12/20,000 this month"
    assert QuotaTracker(tmp_path / "other.json", [Quota(5, 60)], clock).left() == "5/5 in 60 s"


def test_a_server_that_says_fewer_wins(tracker, clock):
    reset = int(clock.now) + 5 * HOUR
    tracker.heard(200, rate(3, reset))
    assert used_up(tracker) == 3
    assert tracker.take() == pytest.approx(reset - clock.now, abs=0.01)
    tracker.heard(200, rate(2, reset))  # an answer that was overtaken
    assert tracker.take() > HOUR
    clock.now = reset + 0.01
    assert used_up(tracker) == 200


def test_a_server_that_says_more_does_not(tracker, clock):
    used_up(tracker)
    tracker.heard(200, rate(19_999, int(clock.now) + MONTH))
    assert tracker.take() >= HOUR


def test_nothing_remaining_is_remembered_across_runs(tmp_path, clock):
    QuotaTracker(tmp_path / "quota.json", PEXELS, clock).heard(206, rate(0, int(clock.now) + 7 * HOUR))
    again = QuotaTracker(tmp_path / "quota.json", PEXELS, clock)
    assert again.take() == pytest.approx(7 * HOUR, abs=1)
    again.heard(429, {})  # says nothing new
    clock.now += 7 * HOUR
    assert again.take() == 0


def test_a_new_month_and_a_larger_plan_are_believed(tracker, clock):
    reset = int(clock.now) + HOUR
    tracker.heard(200, rate(1, reset))
    tracker.heard(200, rate(19_000, reset + MONTH))
    assert tracker.left() == "200/200 this hour"
    tracker.heard(200, rate(1, reset + MONTH))
    tracker.heard(200, rate(90_000, reset + MONTH, limit=100_000))
    assert tracker.left() == "200/200 this hour"


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        (None, HOUR),
        ("", HOUR),
        ("90", 90),
        ("99999999999", MONTH),
        ("9" * 400, HOUR),
        ("-5", HOUR),
        ("soon", HOUR),
        ("nan", HOUR),
        (format_datetime(datetime.fromtimestamp(NOW + 600, UTC), usegmt=True), 600),
        (format_datetime(datetime.fromtimestamp(NOW - 600, UTC), usegmt=True), 0),
        ("Mon, 99 Foo 20222 99:99:99 GMT", HOUR),
    ],
)
def test_after_a_429_nothing_goes_out_for_a_while(tracker, clock, retry_after, wait):
    tracker.heard(429, {} if retry_after is None else {"retry-after": retry_after})
    assert tracker.take() == pytest.approx(wait, abs=1)
    assert wait == 0 or tracker.left() == "0/200 this hour"
    clock.now += wait + 1
    assert tracker.take() == 0


@pytest.mark.parametrize("status", [100, 301, 304, 400, 401, 403, 404, 500, 503])
def test_other_answers_say_nothing(tracker, clock, status):
    tracker.heard(status, rate(0, int(clock.now) + HOUR))
    assert tracker.take() == 0


ABSURD = ["-1", "nan", "inf", "1e3", "٣", "0x10", "9" * 5000, "", " ", "0, 0", "\x00", "None", "1.5"]


@pytest.mark.parametrize("text", ABSURD)
def test_absurd_headers_are_passed_over(tracker, clock, text):
    sensible = rate(0, int(clock.now) + HOUR)
    for name in sensible:
        if text.strip() or name != "X-Ratelimit-Limit":  # which is all that may be missing
            tracker.heard(200, sensible | {name: text})
            assert tracker.take() == 0


@pytest.mark.parametrize("reset", [0, 1, NOW - 1, NOW + 40 * 24 * 3600, 999_999_999_999])
def test_a_reset_long_ago_or_far_ahead_is_passed_over(tracker, reset):
    tracker.heard(200, rate(0, int(reset)))
    assert tracker.take() == 0


def test_more_remaining_than_the_limit_is_passed_over(tracker, clock):
    tracker.heard(200, rate(5, int(clock.now) + HOUR, limit=3))
    assert tracker.left() == "200/200 this hour"


def test_a_clock_that_was_set_back_neither_frees_nor_locks(tmp_path, clock):
    file = tmp_path / "quota.json"
    used_up(QuotaTracker(file, PEXELS, clock))
    clock.now -= 365 * 24 * HOUR
    again = QuotaTracker(file, PEXELS, clock)
    wait = again.take()
    assert HOUR <= wait <= HOUR + 6
    clock.now += 1000
    assert again.take() == pytest.approx(wait - 1000, abs=0.01)  # it comes nearer, however often is asked
    clock.now += wait - 1000
    assert used_up(again) == 200


@pytest.mark.parametrize("heard", [(429, {}), (200, rate(0, int(NOW) + MONTH))])
def test_no_word_of_a_server_outlives_a_clock_that_was_set_back(tmp_path, clock, heard):
    tracker = QuotaTracker(tmp_path / "quota.json", PEXELS, clock)
    tracker.heard(*heard)
    clock.now -= 365 * 24 * HOUR
    assert tracker.take() <= MONTH + 1
    clock.now += MONTH + 1
    assert tracker.take() == 0


DAMAGED = [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"counts": {"3600": {"1": -1}}}', b'{"counts": {"3600": 3}}']
DAMAGED += [b'{"closed": NaN}', b'{"closed": 1e999}', b'{"other": 1}', b"[" * 100_000, b'{"closed":' + b"9" * 10_000]
DAMAGED += [b" " * (1 << 20) + b"{}"]


@pytest.mark.parametrize("data", DAMAGED, ids=lambda data: repr(data[:20]))
def test_a_damaged_ledger_counts_as_a_full_hour_once(tmp_path, clock, data):
    file = tmp_path / "quota.json"
    file.write_bytes(data)
    tracker = QuotaTracker(file, PEXELS, clock)
    assert HOUR <= tracker.take() <= HOUR + 6
    clock.now += HOUR + 6
    assert used_up(tracker) == 200


NUMBERS = st.integers(-2, 3) | st.integers(-(1 << 70), 1 << 70) | st.sampled_from([200, HOUR, MONTH, 360_000_000])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SLOTS = st.dictionaries(NUMBERS.map(str), NUMBERS, max_size=4)
LEDGERS = st.fixed_dictionaries(
    {},
    optional={
        "counts": st.dictionaries(st.sampled_from(["3600", str(MONTH), "7"]), SLOTS) | JSON,
        "said": st.fixed_dictionaries({"limit": NUMBERS, "remaining": NUMBERS, "reset": NUMBERS}) | JSON,
        "closed": NUMBERS | JSON,
    },
)


@given(LEDGERS.map(lambda value: json.dumps(value).encode()) | JSON.map(lambda v: json.dumps(v).encode()) | st.binary())
@settings(max_examples=150, deadline=None)
def test_no_ledger_crashes_or_locks_for_longer_than_a_window(data):
    with tempfile.TemporaryDirectory() as folder:
        file, clock = Path(folder) / "quota.json", Clock()
        file.write_bytes(data)
        tracker = QuotaTracker(file, PEXELS, clock)
        assert 0 <= tracker.take() <= MONTH * (1 + 1 / 720) + 3 * 24 * HOUR
        tracker.heard(200, rate(100, int(clock.now) + HOUR))
        assert tracker.left()
        clock.now += MONTH + 3 * 24 * HOUR
        assert tracker.take() == 0


@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from([*rate(0, 0), "Retry-After", "Date"]), st.text() | NUMBERS.map(str)),
)
@settings(max_examples=100, deadline=None)
def test_no_header_crashes_or_locks_for_longer_than_a_window(status, headers):
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        tracker = QuotaTracker(Path(folder) / "quota.json", PEXELS, clock)
        tracker.heard(status, headers)
        clock.now += MONTH + 3 * 24 * HOUR
        assert tracker.take() == 0


def test_a_ledger_that_cannot_be_used_lets_nothing_out(tmp_path):
    (tmp_path / "quota.json").mkdir()
    tracker = QuotaTracker(tmp_path / "quota.json", PEXELS)
    with pytest.raises(FetchError, match="none goes out uncounted") as error:
        tracker.take()
    assert (error.value.kind, error.value.passing) == ("quota", False)
    with pytest.raises(FetchError):
        QuotaTracker(Path(__file__) / "quota.json", PEXELS).take()


def test_a_refusal_leaves_no_rubbish(tracker, tmp_path):
    used_up(tracker)
    assert {path.name for path in (tmp_path / "state").iterdir()} <= {"quota.json", "quota.json.lock"}
