"""What the replicas do wrong is wrong in the way that the truth says, and nothing else is."""

import hashlib
import socket
import time
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from replica_commons import Commons
from replica_faults import FAULTS, FINAL, PASSING, SLOW, named
from replica_kit import replica, unplugged
from replica_openverse import Openverse
from replica_pexels import Pexels
from replica_photos import APART, SMALLEST, pictures

from deblurbench.errors import PictureError
from deblurbench.images.codec import decode
from deblurbench.images.dhash import dhash, distance

AGENT = {"user-agent": "test/1 (+mailto:test@example.org)"}
LASTING = "final,quirks,stall,asks-for-a-day"


def sharpness(picture):
    """The mean square of the second difference along rows: edges make it large."""
    return float((np.diff(picture.mean(axis=2), 2, axis=1) ** 2).mean())


def test_pictures_are_sharp_and_all_different():
    drawn = pictures(120, 3)
    hashes = np.array([int(picture.dhash, 16) for picture in drawn], dtype=np.uint64)
    apart = np.bitwise_count(hashes[:, None] ^ hashes) + 64 * np.eye(len(hashes), dtype=np.uint8)
    assert apart.min() >= APART > 8
    for picture in drawn[::10]:
        pixels = decode(picture.data, "drawn")
        assert (dhash(pixels), pixels.shape[:2]) == (picture.dhash, (picture.height, picture.width))
        assert min(pixels.shape[:2]) >= SMALLEST
        assert sharpness(pixels) > 200


def test_pictures_depend_on_seed_and_number_alone(tmp_path):
    first = pictures(4, 5, tmp_path)
    assert pictures(2, 5, tmp_path) == first[:2]
    assert pictures(4, 5, tmp_path) == first
    assert pictures(2, 6, tmp_path)[0].sha256 != first[0].sha256
    assert len(list(tmp_path.iterdir())) == 3


def test_the_truth_is_the_same_for_the_same_settings():
    assert unplugged(photos=30, faults=0.5)[0].photos == unplugged(photos=30, faults=0.5)[0].photos
    several = {index: unplugged(photos=30, faults=0.5, seed=index)[0].photos for index in (1, 2)}
    assert [photo.fault for photo in several[1]] != [photo.fault for photo in several[2]]


def test_a_fifth_has_faults_and_half_of_them_pass():
    photos = unplugged(photos=200, faults=0.2)[0].photos
    faults = [photo.fault for photo in photos if photo.fault]
    assert len(faults) == 40
    assert sum(fault in PASSING for fault in faults) == 20
    assert not SLOW.keys() & set(faults)
    assert {photo.tries for photo in photos if photo.fault in PASSING} == {1, 2}
    with pytest.raises(KeyError):
        named("404,no-such-fault")


@pytest.fixture(scope="module")
def all_faults():
    """A photo with each lasting fault, and as many without."""
    return unplugged(photos=2 * len(FAULTS), faults=0.5, kinds=LASTING)


def faulty(made, *names):
    return [photo for photo in made.photos if photo.fault in names]


def test_every_fault_occurs_and_the_truth_has_a_reason_for_the_bad_ones(all_faults):
    made, _ = all_faults
    assert {photo.fault for photo in made.photos} >= {name for name, fault in FAULTS.items() if not fault.passing}
    for photo in made.photos:
        bad = photo.fault in FINAL or photo.fault in ("stall", "asks-for-a-day")
        assert photo.good("gallery") == (not bad or photo.fault == "wrong-sha1")
        assert photo.good("commons") == (not bad)


def test_good_photos_are_served_as_the_truth_says(all_faults):
    made, ask = all_faults
    elsewhere = ("chunked", "redirect", "redirect-relative")  # need HTTP: see below
    for photo in made.photos:
        if photo.good("commons") and photo.fault not in elsewhere:
            for site in ("openverse", "commons", "pexels", "gallery"):
                answer = ask["gallery" if site == "gallery" else "files"](made.url(site, photo))
                assert hashlib.sha256(answer.body).hexdigest() == photo.sha256, photo.fault
            assert dhash(decode(made.files[photo.number].data, photo.name)) == photo.dhash


def test_bad_files_are_refused_by_who_decodes_them(all_faults):
    made, _ = all_faults
    unreadable = (
        "bomb-png",
        "bomb-jpeg",
        "cut",
        "wrong-crc",
        "animated",
        "cmyk",
        "16-bit",
        "transparent",
        "zip",
        "noise",
    )
    for photo in faulty(made, *unreadable):
        with pytest.raises(PictureError):
            decode(made.files[photo.number].data, photo.fault)
    sizes = {
        photo.fault: decode(made.files[photo.number].data, "x").shape[:2] for photo in faulty(made, "1x1", "too-small")
    }
    assert sizes["1x1"] == (1, 1)
    assert min(sizes["too-small"]) == SMALLEST - 1
    for photo in faulty(made, "blurred"):
        assert sharpness(decode(made.files[photo.number].data, "x")) < 20
    for photo in faulty(made, "gif"):
        assert made.files[photo.number].data.startswith(b"GIF8")


def test_copies_are_copies_of_an_earlier_good_photo_of_the_same_query():
    made, _ = unplugged(photos=150, faults=0.3, kinds="copy,near-copy")
    copies = [photo for photo in made.photos if photo.of]
    assert len(copies) > 20
    for photo in copies:
        original = made.by_number[photo.of]
        assert (original.query, original.licence, original.fault) == (photo.query, photo.licence, "")
        assert original.number < photo.number
        assert (photo.sha256 == original.sha256) == (photo.fault == "copy")
        assert distance(photo.dhash, original.dhash) <= 2
    others = [photo for photo in made.photos if not photo.of]
    assert len({photo.sha256 for photo in others}) == len(others)


def test_listings_are_wrong_where_the_truth_says_so(all_faults):
    made, _ = all_faults
    openverse, commons, pexels = Openverse(made), Commons(made), Pexels(made)
    schemes = {
        "script-url": "javascript",
        "file-url": "file",
        "ftp-url": "ftp",
        "private-url": "http",
        "trap-url": "http",
    }
    for photo in faulty(made, "null-url", "number-url", *schemes):
        url = openverse.item(photo)["url"]
        assert url == pexels.item(photo)["src"]["original"] == commons.item(photo)["imageinfo"][0]["url"]
        assert {"null-url": url is None, "number-url": url == 7}.get(photo.fault, True)
        assert not isinstance(url, str) or url.partition(":")[0] == schemes[photo.fault]
    for photo in faulty(made, "null-licence", "odd-licence"):
        assert not isinstance(openverse.item(photo)["license"], str)
        short = commons.item(photo)["imageinfo"][0]["extmetadata"].get("LicenseShortName", {"value": None})["value"]
        assert not isinstance(short, str)
        assert (photo.good("openverse"), photo.good("pexels")) == (False, True)
    for photo in faulty(made, "null-author"):
        assert (openverse.item(photo)["creator"], photo.author, photo.licence) == (None, "", "cc0")
        assert "Artist" not in commons.item(photo)["imageinfo"][0]["extmetadata"]
    for photo in faulty(made, "wrong-types"):
        assert (openverse.item(photo)["width"], openverse.item(photo)["tags"]) == ("many", 7)


@pytest.fixture(scope="module")
def wrong():
    """A running site with every lasting fault."""
    with replica(photos=2 * len(FAULTS), faults=0.5, kinds=LASTING) as running:
        yield running


def get(url, *, stream=False, follow=False):
    return requests.get(url, headers=AGENT, timeout=5, allow_redirects=follow, stream=stream)


def url_of(site, fault):
    photo = next(photo for photo in site.photos if photo.fault == fault)
    return f"{site.files}photos/{photo.name}", photo


@pytest.mark.parametrize("fault", ["truncated", "claims-more", "reset"])
def test_some_answers_never_arrive(wrong, fault):
    with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        get(url_of(wrong, fault)[0])


def test_passing_faults_pass():
    with replica(photos=2 * len(PASSING), faults=1.0, kinds="passing", retry_after=7) as site:
        waits = set()
        for photo in site.photos:
            outcomes = []
            while len(outcomes) <= photo.tries:
                try:
                    answer = get(f"{site.files}photos/{photo.name}")
                except requests.exceptions.RequestException:
                    outcomes.append(0)
                else:
                    outcomes.append(answer.status_code)
                    waits.add(answer.headers.get("Retry-After", "")[-3:])
            assert outcomes[-1] == 200
            assert 200 not in outcomes[:-1]
        assert waits == {"", "7", "GMT"}


@pytest.mark.parametrize(
    ("fault", "header", "value"),
    [
        ("html", "Content-Type", "text/html; charset=utf-8"),
        ("html-as-jpeg", "Content-Type", "image/jpeg"),
        ("text-plain", "Content-Type", "text/plain"),
        ("claims-a-terabyte", "Content-Length", str(1 << 40)),
        ("empty", "Content-Length", "0"),
        ("gzip", "Content-Encoding", "gzip"),
        ("noimageai", "X-Robots-Tag", "nofollow, NoImageAI"),
        ("tdm", "TDM-Reservation", "1"),
        ("type-in-capitals", "Content-Type", "IMAGE/JPEG; charset=x"),
        ("to-file", "Location", "file:///etc/passwd"),
        ("to-metadata", "Location", "http://169.254.169.254/latest/"),
        ("404", "Content-Type", "text/html"),
    ],
)
def test_some_answers_are_strange(wrong, fault, header, value):
    with get(url_of(wrong, fault)[0], stream=True) as answer:
        assert answer.headers[header].startswith(value)
        assert answer.status_code in ((404,) if fault == "404" else (200, 302))


def test_redirects_lead_where_they_say(wrong):
    for fault in ("redirect", "redirect-relative"):
        url, photo = url_of(wrong, fault)
        for start in (url, f"{wrong.files}wikipedia/commons/a/ab/X_{photo.name}"):
            assert hashlib.sha256(get(start, follow=True).content).hexdigest() == photo.sha256
    for fault in ("loop", "endless-redirects"):
        with pytest.raises(requests.exceptions.TooManyRedirects):
            get(url_of(wrong, fault)[0], follow=True)
    for fault in ("to-trap", "to-trap-by-name"):
        assert get(url_of(wrong, fault)[0], follow=True).status_code == 404
    assert len(wrong.requests("trap")) == 2
    assert "Location" not in get(url_of(wrong, "to-nowhere")[0]).headers


def test_odd_transfers_bring_the_whole_file(wrong):
    for fault in ("chunked", "no-length", "slow", "dirty-name"):
        url, photo = url_of(wrong, fault)
        if fault == "dirty-name":
            url = url.replace("/photos/", f"{FAULTS[fault].folder}/photos/")
        start = time.monotonic()
        assert hashlib.sha256(get(url).content).hexdigest() == photo.sha256
        assert fault != "slow" or time.monotonic() - start > 0.3


def test_less_is_claimed_than_comes(wrong):
    url, photo = url_of(wrong, "claims-less")
    assert len(get(url).content) == photo.bytes // 2


def test_a_stall_never_times_out_between_bytes(wrong):
    url, _ = url_of(wrong, "stall")
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=1) as connection:
        connection.sendall(f"GET {urlsplit(url).path} HTTP/1.1\r\nHost: x\r\nUser-Agent: test/1\r\n\r\n".encode())
        end, got = time.monotonic() + 1.0, b""
        while time.monotonic() < end:
            got += connection.recv(65536)
    body = got.partition(b"\r\n\r\n")[2]
    assert 1 <= len(body) < 10
    for _ in range(100):  # whoever goes away is not open any more
        get(f"{wrong.files}robots.txt")
        if wrong.requests("files")[-1].open == 1:
            break
    else:
        pytest.fail("it counts as open for ever")
