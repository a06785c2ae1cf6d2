"""The client against sites that behave well, badly and viciously: files, retries, redirects, turns, stops."""

import contextlib
import hashlib
import logging
import socket
import threading
import time
from email.utils import formatdate

import pytest
from web_kit import Site, in_turn, write_certificate

from deblurbench import __version__
from deblurbench.errors import FetchError, UsageError
from deblurbench.fetch.web.client import Client, user_agent
from deblurbench.fetch.web.hosts import Stopped
from deblurbench.fetch.web.manners import Manners

BODY = bytes(range(256)) * 1000
QUICK = Manners(rate=500.0, backoff=0.001, retries=2, timeout=5.0, allow_hosts=("127.0.0.1",))


def picture(asked):
    asked.answer(200, BODY, Content_Type="image/jpeg")


def status(number, **headers):
    return lambda asked: asked.answer(number, b"{}", **headers)


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def serve():
    """Make a site of some routes."""
    sites = []

    def make(routes=None, **more):
        sites.append(Site({"/a.jpg": picture, **(routes or {})}, **more))
        return sites[-1]

    yield make
    for site in sites:
        site.close()


@pytest.fixture
def stop():
    return threading.Event()


@pytest.fixture
def client(tmp_path, stop):
    """Make a client: the settings are those of QUICK, or those given."""
    clients = []

    def make(**manners):
        clients.append(Client(QUICK.model_copy(update=manners), tmp_path / "state", stop))
        return clients[-1]

    yield make
    for each in clients:
        each.close()


@pytest.fixture
def fails(client, tmp_path):
    """The FetchError of a download, which leaves no file."""

    def download(url, **manners):
        target = tmp_path / "photo"
        target.write_bytes(b"of before")
        with pytest.raises(FetchError) as error:
            client(**manners).download(url, target)
        assert not target.exists()
        assert str(error.value).isprintable()
        return error.value

    return download


def test_a_file_is_taken_as_it_is(serve, client, tmp_path):
    headers = {"Content_Type": "Image/JPEG; x=y", "ETag": '"e"', "Last_Modified": "Tue, 01 Jul 2025 08:00:00 GMT"}
    site = serve({"/b.jpg": lambda asked: asked.answer(200, BODY, **headers)})
    got = client().download(site.url("/b.jpg?size=2#x"), tmp_path / "photo")
    assert got == (
        site.url("/b.jpg?size=2"),
        "image/jpeg",
        len(BODY),
        hashlib.sha256(BODY).hexdigest(),
        hashlib.sha1(BODY).hexdigest(),
        '"e"',
        "Tue, 01 Jul 2025 08:00:00 GMT",
    )
    assert (tmp_path / "photo").read_bytes() == BODY
    assert site.paths() == ["/b.jpg?size=2"]
    assert site.seen[-1].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("kind", [None, "application/octet-stream", "binary/octet-stream", "image/x-unknown"])
def test_servers_that_do_not_know_what_they_have(kind, serve, client, tmp_path):
    site = serve({"/b": lambda asked: asked.answer(200, BODY, **({"Content_Type": kind} if kind else {}))})
    assert client().download(site.url("/b"), tmp_path / "photo").bytes == len(BODY)


def test_who_asks_is_said(serve, client, tmp_path):
    site = serve()
    client(contact="ann@example.org").download(site.url("/a.jpg"), tmp_path / "photo")
    agents = {seen.headers["user-agent"] for seen in site.seen}
    assert agents == {f"deblurbench/{__version__} (+ann@example.org)"}
    assert user_agent() == f"deblurbench/{__version__} (no contact given)"


@pytest.mark.parametrize("contact", ["a\nb", "a\r\nX: y", "\x00", "\u00e4@example.org", "x" * 201])
def test_a_contact_that_cannot_be_sent(contact, client):
    with pytest.raises(UsageError, match="contact"):
        client(contact=contact)


@pytest.mark.parametrize("number", [400, 401, 403, 404, 410, 418, 451, 204, 206, 304, 300])
def test_what_does_not_pass_is_asked_once(number, serve, fails):
    site = serve({"/b": status(number)})
    error = fails(site.url("/b"))
    assert (error.kind, error.passing) == (f"http-{number}", False)
    assert site.paths() == ["/b"]


@pytest.mark.parametrize("number", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_passes_is_asked_again(number, serve, fails):
    site = serve({"/b": status(number)})
    error = fails(site.url("/b"), retries=3)
    assert (error.kind, error.passing) == (f"http-{number}", True)
    assert site.paths() == ["/b"] * 4


def test_twice_unavailable_then_there(serve, client, tmp_path):
    site = serve({"/b": in_turn(status(503), status(500), picture)})
    assert client().download(site.url("/b"), tmp_path / "photo").bytes == len(BODY)
    assert site.paths() == ["/b"] * 3


@pytest.mark.parametrize("asked_for", [lambda: "1", lambda: formatdate(time.time() + 2.0, usegmt=True)])
def test_retry_after_is_kept_by_all(asked_for, serve, client, tmp_path):
    site = serve({"/b": in_turn(lambda a: a.answer(429, Retry_After=asked_for()), picture)})
    one = client()
    one.download(site.url("/a.jpg"), tmp_path / "first")  # and robots.txt
    thread = threading.Thread(target=one.download, args=(site.url("/b"), tmp_path / "photo"))
    thread.start()
    while "/b" not in site.paths():
        time.sleep(0.01)
    time.sleep(0.1)
    one.download(site.url("/a.jpg"), tmp_path / "other")
    thread.join(10)
    assert sorted(site.paths()) == ["/a.jpg", "/a.jpg", "/b", "/b"]
    first, *others = (seen.moment for seen in site.seen[-3:])
    assert all(moment - first > 0.9 for moment in others)


@pytest.mark.parametrize("number", [429, 503])
def test_a_longer_wait_than_we_have_time_for(number, serve, fails):
    site = serve({"/b": status(number, Retry_After="3600")})
    started = time.monotonic()
    error = fails(site.url("/b"), longest_wait=60.0)
    assert (error.kind, error.passing) == ("wait", True)
    assert "not to be asked before 20" in error.message
    assert time.monotonic() - started < 5
    assert site.paths() == ["/b"]


@pytest.mark.parametrize("text", ["soon", "", "-5", "1e9", "\u0663", "Mon, 99 Foo 2020", "9" * 40])
def test_a_retry_after_that_makes_no_sense(text, serve, client, tmp_path):
    site = serve({"/b": in_turn(lambda a: a.answer(503, Retry_After=text.encode().decode("latin-1")), picture)})
    client().download(site.url("/b"), tmp_path / "photo")


def drip_body(asked):
    asked.head(200, Content_Type="image/jpeg", Content_Length="1000")
    while True:
        asked.wfile.write(b"x")
        time.sleep(0.05)


def drip_endlessly(asked):
    asked.head(200, Content_Type="image/jpeg", Connection="close")
    while True:
        asked.wfile.write(b"x")
        time.sleep(0.05)


def drip_headers(asked):
    asked.wfile.write(b"HTTP/1.1 200 OK\r\nX-")
    while True:
        asked.wfile.write(b"x")
        time.sleep(0.05)


def never(asked):
    time.sleep(3)


@pytest.mark.parametrize("route", [drip_body, drip_endlessly, drip_headers, never])
def test_slow_answers_end(route, serve, fails):
    site = serve({"/b": route})
    started = time.monotonic()
    error = fails(site.url("/b"), timeout=0.3, retries=1)
    assert (error.kind, error.passing) == ("timeout", True)
    assert 0.6 < time.monotonic() - started < 2.8
    assert site.paths() == ["/b"] * 2


def too_short(asked):
    asked.answer(200, BODY[:-1], length=len(BODY), Content_Type="image/jpeg")


def cut_chunk(asked):
    asked.head(200, Content_Type="image/jpeg", Transfer_Encoding="chunked")
    asked.chunk(BODY)
    asked.wfile.write(b"100\r\nonly this")
    asked.close_connection = True


def no_last_chunk(asked):
    asked.head(200, Content_Type="image/jpeg", Transfer_Encoding="chunked")
    asked.chunk(BODY)
    asked.close_connection = True


def chunked(asked):
    asked.head(200, Content_Type="image/jpeg", Transfer_Encoding="chunked")
    for start in range(0, len(BODY), 10_000):
        asked.chunk(BODY[start : start + 10_000])
    asked.over()
    asked.wfile.write(b"0\r\n\r\n")


@pytest.mark.parametrize("route", [too_short, cut_chunk, no_last_chunk])
def test_half_a_file_is_none(route, serve, fails, client, tmp_path):
    site = serve({"/b": route, "/c": in_turn(route, route, chunked)})
    error = fails(site.url("/b"))
    assert (error.kind, error.passing) == ("truncated", True)
    assert site.paths() == ["/b"] * 3
    client().download(site.url("/c"), tmp_path / "photo")
    assert (tmp_path / "photo").read_bytes() == BODY


def test_more_than_was_said_confuses_nobody(serve, client, tmp_path):
    site = serve({"/b": lambda asked: asked.answer(200, BODY, length=1000, Content_Type="image/jpeg")})
    one = client()
    for _ in range(2):
        assert one.download(site.url("/b"), tmp_path / "photo").bytes == 1000
        assert one.download(site.url("/a.jpg"), tmp_path / "photo").bytes == len(BODY)


def hang_up(asked):
    asked.close_connection = True


def nonsense(asked):
    asked.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
    asked.close_connection = True


def two_lengths(asked):
    asked.head(200, Content_Type="image/jpeg", Content_Length="5, 6")
    asked.close_connection = True


@pytest.mark.parametrize("route", [hang_up, nonsense, two_lengths])
def test_connections_that_fail(route, serve, fails, client, tmp_path):
    site = serve({"/b": route, "/c": in_turn(route, picture)})
    error = fails(site.url("/b"))
    assert (error.kind, error.passing) == ("connection", True)
    assert "object at" not in str(error)
    client().download(site.url("/c"), tmp_path / "photo")


def test_nobody_listens(fails):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = fails(f"http://127.0.0.1:{port}/a.jpg")
    assert error.passing


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Content_Type": "text/html; charset=utf-8"}, "content-type"),
        ({"Content_Type": "application/json"}, "content-type"),
        ({"Content_Type": "image/jpeg", "Content_Encoding": "gzip"}, "encoded"),
        ({"Content_Type": "image/jpeg", "Content_Length": str(1 << 40)}, "too-many-bytes"),
        ({"Content_Type": "image/jpeg", "Content_Length": "9" * 400}, "too-many-bytes"),
    ],
)
def test_what_is_refused_before_it_is_read(headers, kind, serve, fails):
    def route(asked):
        asked.head(200, **{"Transfer_Encoding": "identity", **headers})
        time.sleep(3)

    site = serve({"/b": route})
    started = time.monotonic()
    error = fails(site.url("/b"))
    assert (error.kind, error.passing) == (kind, False)
    assert time.monotonic() - started < 2.5
    assert site.paths() == ["/b"]


def endless(asked):
    asked.head(200, Content_Type="image/jpeg", Transfer_Encoding="chunked")
    while True:
        asked.chunk(bytes(50_000))


def test_a_file_without_end(serve, fails):
    site = serve({"/b": endless})
    error = fails(site.url("/b"), max_bytes=1 << 20)
    assert (error.kind, error.passing) == ("too-many-bytes", False)


def test_a_disk_that_refuses_is_no_fault_of_the_site(serve, client, tmp_path):
    site = serve()
    with pytest.raises(OSError, match="no folder"):
        client().download(site.url("/a.jpg"), tmp_path / "no folder" / "photo")
    assert site.paths() == ["/a.jpg"]


def to(location, number=302):
    return status(number, Location=location)


@pytest.mark.parametrize("number", [301, 302, 303, 307, 308])
def test_redirects_are_followed(number, serve, client, tmp_path):
    other = serve({"/c": to("d/../e%20f?x#y", number), "/e%20f": to("//{}/\u00fc".format("x"), number)})
    other.routes["/e%20f"] = to(f"//127.0.0.1:{other.server_port}/ü".encode().decode("latin-1"), number)
    other.routes["/%C3%BC"] = picture
    site = serve({"/b": to(other.url("/c"), number)})
    got = client().download(site.url("/b"), tmp_path / "photo")
    assert got.url == other.url("/%C3%BC")
    assert got.bytes == len(BODY)
    assert site.paths() == ["/b"]
    assert other.paths() == ["/c", "/e%20f?x", "/%C3%BC"]
    assert "/robots.txt" in [seen.path for seen in other.seen]


def test_redirects_that_lead_nowhere(serve, fails):
    site = serve({f"/{n}": to(f"/{n + 1}") for n in range(6)} | {"/6": picture, "/loop": to("/pool"), "/self": to("")})
    site.routes["/pool"] = to("/loop")
    for path, asked, told in (("/0", 6, "more than 5"), ("/loop", 2, "circles"), ("/self", 1, "without saying")):
        del site.seen[:]
        error = fails(site.url(path))
        assert (error.kind, error.passing) == ("redirects", False)
        assert told in error.message
        assert len(site.paths()) == asked


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("file:///etc/passwd", "scheme"),
        ("ftp://127.0.0.1/a.jpg", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("http://user:secret@127.0.0.1/", "no-url"),
        ("http://[::1", "no-url"),
        ("http://", "redirects"),
        ("http://[::1]/", "address"),
        ("http://localhost/", "address"),
        ("http://2130706433/", "address"),
        ("http://0x7f.1/", "address"),
        ("http://169.254.169.254/latest/meta-data/", "address"),
        ("https://10.0.0.1/", "address"),
    ],
)
def test_redirects_to_where_we_do_not_go(location, kind, serve, fails):
    site = serve({"/b": to(location)})
    error = fails(site.url("/b"))
    assert (error.kind, error.passing) == (kind, False)
    assert "secret" not in str(error)
    assert site.paths() == ["/b"]


def test_only_the_allowed_port_is_asked(serve, fails):
    other = serve()
    site = serve({"/b": to(other.url("/a.jpg"))})
    error = fails(site.url("/b"), allow_hosts=(f"127.0.0.1:{site.server_port}",))
    assert error.kind == "address"
    assert f"(port {other.server_port})" in error.message
    assert not other.seen


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_changes_its_address(scheme, serve, fails, monkeypatch):
    """What was public when it was looked at is private when it is connected to."""
    site = serve()
    looked = []

    def resolve(host, port, *_, **__):
        looked.append(host)
        address = "93.184.215.14" if len(looked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    error = fails(f"{scheme}://rebound.example:{site.server_port}/a.jpg")
    assert (error.kind, error.passing) == ("robots", False)  # that is what is asked for first
    assert f"rebound.example (port {site.server_port}) leads to 127.0.0.1, a private" in str(error)
    assert set(looked) == {"rebound.example"}
    assert len(looked) == 2
    time.sleep(0.05)
    assert not site.connections


def test_nothing_is_kept_for_a_host(serve, client, tmp_path, monkeypatch):
    """Neither cookies nor the passwords of a .netrc go anywhere."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    site = serve({"/b": lambda asked: asked.answer(200, BODY, Content_Type="image/jpeg", Set_Cookie="a=b; Path=/")})
    one = client()
    one.download(site.url("/b"), tmp_path / "photo")
    one.download(site.url("/b"), tmp_path / "photo")
    for seen in site.seen:
        assert not {"cookie", "authorization", "referer"} & seen.headers.keys()


def test_proxies_of_the_environment(serve, client, tmp_path, monkeypatch, fails):
    proxy = serve({"http://a.example/a.jpg": picture})
    monkeypatch.setenv("http_proxy", f"http://ann:secret@127.0.0.1:{proxy.server_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    client(allow_hosts=()).download("http://a.example/a.jpg", tmp_path / "photo")
    assert "http://a.example/a.jpg" in proxy.paths()
    assert fails("http://10.0.0.1/a.jpg", allow_hosts=()).kind == "address"
    proxy.routes["http://a.example/b"] = status(407)
    proxy.routes["http://a.example/c"] = drip_headers
    assert "secret" not in str(fails("http://a.example/b", allow_hosts=()))
    assert fails("http://a.example/c", allow_hosts=(), timeout=0.3, retries=0).kind == "timeout"
    site = serve()
    client().download(site.url("/a.jpg"), tmp_path / "photo")
    assert site.paths() == ["/a.jpg"]


def test_https(serve, client, tmp_path, monkeypatch, fails):
    certificate = write_certificate(tmp_path / "certificate.pem")
    site = serve({"/b": drip_body, "/c": drip_headers}, certificate=certificate)
    error = fails(site.url("/a.jpg"))
    assert not error.passing
    assert "certificate" in str(error)
    assert not site.seen
    monkeypatch.setenv("CURL_CA_BUNDLE", str(certificate))
    one = client(timeout=0.5, retries=0)
    for _ in range(3):
        assert one.download(site.url("/a.jpg"), tmp_path / "photo").bytes == len(BODY)
    for path in ("/b", "/c"):
        with pytest.raises(FetchError) as late:
            one.download(site.url(path), tmp_path / "photo")
        assert late.value.kind == "timeout"
    plain = serve()
    assert "cannot talk to 127.0.0.1" in str(fails(plain.url("/a.jpg").replace("http", "https")))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "nowhere.pem")
    with pytest.raises(UsageError, match="REQUESTS_CA_BUNDLE"):
        client()


def pump(source, sink):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def tunnel():
    """A proxy for https: make one that leads to a site; its URL, and the first lines that it was sent."""
    with contextlib.ExitStack() as lines:
        server = lines.enter_context(socket.create_server(("127.0.0.1", 0)))

        def make(site):
            asked = []

            def run():
                with contextlib.suppress(OSError):
                    while True:
                        line = lines.enter_context(server.accept()[0])
                        asked.append(line.recv(1000).partition(b"\r\n")[0])
                        other = lines.enter_context(socket.create_connection(site.server_address))
                        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                        for ends in ((line, other), (other, line)):
                            threading.Thread(target=pump, args=ends, daemon=True).start()

            threading.Thread(target=run, daemon=True).start()
            return f"http://127.0.0.1:{server.getsockname()[1]}", asked

        yield make
        server.shutdown(socket.SHUT_RDWR)


def test_https_through_a_proxy(serve, client, tmp_path, monkeypatch, tunnel):
    certificate = write_certificate(tmp_path / "certificate.pem")
    site = serve({"/b": drip_headers}, certificate=certificate)
    proxy, asked = tunnel(site)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("https_proxy", proxy)
    one = client(timeout=1.0, retries=0)
    assert one.download(site.url("/a.jpg"), tmp_path / "photo").bytes == len(BODY)
    with pytest.raises(FetchError) as late:
        one.download(site.url("/b"), tmp_path / "photo")
    assert late.value.kind == "timeout"
    assert asked[0].startswith(f"CONNECT 127.0.0.1:{site.server_port} HTTP".encode())


def download_all(one, urls, folder, threads=8):
    """Download with some threads; the seconds it took."""
    left = list(enumerate(urls))

    def work():
        while left:
            number, url = left.pop()
            one.download(url, folder / str(number))

    started = time.monotonic()
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.monotonic() - started


def test_the_rate_is_kept_by_many_threads(serve, client, tmp_path):
    """Retries, redirects and robots.txt included, as measured at the server."""
    site = serve({"/b": to("/a.jpg"), "/c": in_turn(*[status(503), picture] * 5)})
    rate, window = 50.0, 0.5
    urls = [site.url(path) for path in ("/a.jpg", "/b", "/c") for _ in range(10)]
    started = time.monotonic()
    download_all(client(rate=rate), urls, tmp_path)
    moments = sorted(seen.moment for seen in site.seen)
    assert len(moments) >= 45
    assert all(moment >= started + n / rate for n, moment in enumerate(moments))
    for first in moments:
        inside = sum(first <= moment < first + window for moment in moments)
        assert inside <= rate * window + 6  # some arrive late on a busy machine, so that others seem to follow soon


def test_places_and_latency(serve, client, tmp_path):
    """Never more at once than agreed, until the last byte; and no slower than that must be."""

    def late(asked):
        time.sleep(0.1)
        asked.head(200, Content_Type="image/jpeg", Content_Length=str(len(BODY)))
        asked.wfile.write(BODY[:1000])
        time.sleep(0.1)
        asked.over()
        asked.wfile.write(BODY[1000:])

    site = serve({"/b": late})
    one = client(rate=500.0, concurrency=3)
    one.download(site.url("/b"), tmp_path / "0")
    seconds = download_all(one, [site.url("/b")] * 15, tmp_path)
    assert site.most_open == 3
    assert site.connections <= 3  # they are used again
    assert seconds < 2 * 15 * 0.2 / 3


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(
    "route", [never, drip_body, drip_endlessly, drip_headers, status(503), status(503, Retry_After="60")]
)
def test_a_stop_ends_what_is_under_way(secure, route, serve, client, stop, tmp_path, monkeypatch):
    certificate = write_certificate(tmp_path / "certificate.pem") if secure else None
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate or ""))
    site = serve({"/b": route}, certificate=certificate)
    one = client(timeout=60.0, backoff=60.0, retries=20)
    ended = []

    def work():
        try:
            one.download(site.url("/b"), tmp_path / "photo")
        except Stopped:
            ended.append(time.monotonic())

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while "/b" not in site.paths():
        time.sleep(0.01)
    time.sleep(0.1)
    stopped = time.monotonic()
    stop.set()
    thread.join(5)
    assert ended
    assert ended[0] - stopped < 0.9
    assert not (tmp_path / "photo").exists()
    with pytest.raises(Stopped):
        one.download(site.url("/a.jpg"), tmp_path / "photo")
    assert "/a.jpg" not in site.paths()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_stop_and_a_deadline_end_connecting(scheme, client, stop, tmp_path):
    """Nobody accepts: the first waits in the connection, and with TLS in the handshake."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}/a.jpg"
        full = [socket.socket() for _ in range(3 if scheme == "http" else 0)]
        for each in full:
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        started = time.monotonic()
        with pytest.raises(FetchError):
            client(timeout=0.3, retries=0).download(url, tmp_path / "photo")
        assert time.monotonic() - started < 5
        threading.Timer(0.3, stop.set).start()
        started = time.monotonic()
        with pytest.raises(Stopped):
            client(timeout=60.0).download(url, tmp_path / "photo")
        assert time.monotonic() - started < 5
        for each in full:
            each.close()


def test_nothing_is_printed_or_logged_about_a_failure(serve, fails, caplog, capsys):
    caplog.set_level(logging.INFO)
    site = serve({"/b": too_short, "/c": nonsense})
    fails(site.url("/b?token=secret"))
    fails(site.url("/c?token=secret"))
    assert not caplog.records
    assert capsys.readouterr() == ("", "")
