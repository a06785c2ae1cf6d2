"""Which URLs and addresses may be asked: no spelling of a private one, and no name that leads to one."""

import ipaddress
import socket
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import Request

from deblurbench.errors import FetchError, UsageError
from deblurbench.fetch.web.addresses import Addresses, is_public
from deblurbench.fetch.web.urls import joined, normal, shown, site_of

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.1.2.3",
    "168.63.129.16",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.251",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::8.8.8.8",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "185.15.58.224", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]

four = st.integers(0, 0xFFFFFFFF).map(ipaddress.IPv4Address)
six = st.integers(0, (1 << 128) - 1).map(ipaddress.IPv6Address)
networks = st.sampled_from(["10.0.0.0/8", "127.0.0.0/8", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"])


@st.composite
def private_four(draw):
    network = ipaddress.ip_network(draw(networks))
    return network[draw(st.integers(0, network.num_addresses - 1))]


def spellings(address):
    """An IPv4 address as a URL may spell it."""
    number, parts = int(address), str(address).split(".")
    low = number & 0xFFFFFF
    return st.sampled_from(
        [
            str(address),
            f"{address}.",
            str(number),
            hex(number),
            hex(number).upper().replace("X", "x"),
            f"0{number:o}",
            f"{parts[0]}.{low}",
            f"0x{int(parts[0]):x}.{low}",
            f"{parts[0]}.{parts[1]}.{number & 0xFFFF}",
            ".".join(f"0{int(part):o}" for part in parts),
            ".".join(f"0x{int(part):x}" for part in parts),
            ".".join(f"{part:0>3}" for part in parts),
            ".".join("".join(chr(0xFF10 + int(digit)) for digit in part) for part in parts),  # full-width digits
            str(address).replace(".", "\u3002"),
            str(address).replace(".", "%2e"),
            f"[::ffff:{address}]",
            f"[::{address}]",
            f"[64:ff9b::{address}]",
            f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]",
        ]
    )


@pytest.fixture
def names(monkeypatch):
    """A resolver that knows a few names, and the numbers that the system's does."""
    known = {"good.example": ["93.184.215.14"], "bad.example": ["127.0.0.1"], "mixed.example": ["8.8.8.8", "10.0.0.1"]}
    real = socket.getaddrinfo

    def resolve(host, port, *args, **kwargs):
        if host.endswith(".example"):
            if host not in known:
                raise socket.gaierror(socket.EAI_NONAME, "unknown")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]
        return real(host, port, *args, **{**kwargs, "flags": socket.AI_NUMERICHOST})

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address):
    assert is_public(address)


@given(four | six)
def test_every_address_is_decided(address):
    assert is_public(str(address)) in (True, False)
    if isinstance(address, ipaddress.IPv4Address):
        assert is_public(f"::ffff:{address}") == is_public(f"64:ff9b::{address}") == is_public(str(address))
        assert not (is_public(str(address)) and (address.is_private or address.is_loopback or address.is_multicast))


@given(st.data(), private_four(), st.sampled_from(["http", "https", "HTTP"]), st.sampled_from(["", ":80", ":8080"]))
def test_no_spelling_of_a_private_address_passes(data, address, scheme, port):
    host = data.draw(spellings(address))
    addresses = Addresses(["somewhere.else"])
    with pytest.raises(FetchError) as refused:
        addresses.check_url(normal(f"{scheme}://{host}{port}/a"))
    assert refused.value.kind in ("address", "no-url")
    assert not refused.value.passing
    if refused.value.kind == "address":
        assert "--allow-host" in refused.value.hint
        host = site_of(normal(f"{scheme}://{host}{port}/a")).host
        with pytest.raises(FetchError):
            addresses.resolve(host, 80)


@given(st.text(max_size=30) | st.text("/.%2eEfF5c\\?#ab", max_size=30))
def test_any_text_is_an_address_of_the_web_or_is_refused(text):
    for url in (text, f"http://{text}", f"http://good.example/{text}", f"//{text}", f"https://a@{text}"):
        try:
            sent = normal(url)
        except FetchError as refused:
            error = refused
        else:
            assert normal(sent) == sent
            assert Request("GET", sent).prepare().url == sent
            assert urlsplit(sent).scheme in ("http", "https")
            assert site_of(sent).host
            assert "@" not in urlsplit(sent).netloc
            continue
        assert error.kind in ("scheme", "no-url")
        assert str(error).isprintable()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("file:///etc/passwd", "scheme"),
        ("ftp://example.org/a.jpg", "scheme"),
        ("data:image/png;base64,AAAA", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("httpx://example.org", "scheme"),
        ("example.org/a.jpg", "scheme"),
        ("", "scheme"),
        ("http://", "no-url"),
        ("http:///a.jpg", "no-url"),
        ("http://./a.jpg", "no-url"),
        ("http://[::1/a.jpg", "no-url"),
        ("http://example.org:70000/", "no-url"),
        ("http://example.org:x/", "no-url"),
        ("http://user@example.org/", "no-url"),
        ("http://:secret@example.org/", "no-url"),
        ("http://\ud800.example.org/", "no-url"),
        ("http://127.0.0.1%20/", "no-url"),
        ("http://127.0.0.1%00.example.org/", "no-url"),
        ("http://[fe80::1%25lo]/", "no-url"),
        ("http://example.org,127.0.0.1/", "no-url"),
    ],
)
def test_what_is_no_address_of_the_web(url, kind):
    with pytest.raises(FetchError) as refused:
        normal(url)
    assert refused.value.kind == kind
    assert "secret" not in str(refused.value)


def test_urls_are_compared_as_they_are_sent():
    assert normal(" HTTP://Example.ORG/ä b?q=ü#part ") == "http://example.org/%C3%A4%20b?q=%C3%BC"
    assert normal("http://a.example//b//c/%2e%2e/d") == "http://a.example/b//d"
    assert normal("http://a.example/./%2e%2E//b?/../c") == "http://a.example/b?/../c"
    assert site_of(normal("https://EXAMPLE.org./a")) == ("https", "example.org", 443)
    assert normal("http://good.example\\@127.0.0.1/").startswith("http://good.example/")
    assert joined("http://a.example/b/c?d", "../e f") == "http://a.example/e%20f"
    assert joined("https://a.example/b", "//c.example/d") == "https://c.example/d"


def test_messages_show_no_secrets():
    assert shown("https://user:pass@a.example/b.jpg?token=secret#x") == "https://a.example/b.jpg?..."
    assert shown("http://a.example/\x1b[31m\n") == "http://a.example/\ufffd[31m\ufffd"
    assert len(shown("http://a.example/" + "b" * 1000)) == 100


def test_names_are_resolved(names):
    addresses = Addresses()
    addresses.check_url("http://good.example/")
    addresses.check_url("http://unknown.example/")  # whoever connects says so
    assert [a.address for a in addresses.resolve("good.example", 443)] == [("93.184.215.14", 443)]
    for name, meant in (("bad.example", "127.0.0.1"), ("mixed.example", "10.0.0.1")):
        with pytest.raises(FetchError, match=meant) as refused:
            addresses.check_url(f"http://{name}/")
        assert refused.value.kind == "address"
        assert f"--allow-host {name}" in refused.value.hint
    names["good.example"] = ["127.0.0.1"]
    with pytest.raises(FetchError):  # it has changed since
        addresses.resolve("good.example", 443)


def test_allowed_hosts(names):
    addresses = Addresses(["bad.example:8000", "LOCALHOST", "[::1]:90", "10.0.0.1"])
    for url in (
        "http://bad.example:8000/",
        "http://localhost/",
        "http://localhost:99/",
        "http://[::1]:90/",
        "https://10.0.0.1/",
    ):
        addresses.check_url(normal(url))
    for url in ("http://bad.example/", "http://[::1]/", "http://10.0.0.2/", "http://167772161/", "http://127.0.0.1/"):
        with pytest.raises(FetchError):
            addresses.check_url(normal(url))


def test_a_public_address_in_an_odd_spelling_is_refused_too():
    for host in ("16843009", "0x01010101", "1.1", "01.1.1.1"):
        with pytest.raises(FetchError, match="odd spelling"):
            Addresses().check_url(f"http://{host}/")


@pytest.mark.parametrize("port", [1, 22, 25, 81, 143, 1023])
def test_ports_of_other_services_are_not_asked(port, names):
    for host in ("8.8.8.8", "good.example", "[2606:4700::1111]"):
        url = f"http://{host}:{port}/"
        with pytest.raises(FetchError, match="no port of the web") as refused:
            Addresses().check_url(url)
        assert refused.value.kind == "address"
        assert refused.value.hint.endswith(f" {host}:{port}")
        Addresses([f"{host}:{port}"]).check_url(url)
    for other in (80, 443, 1024, 8080):
        Addresses().check_url(f"http://8.8.8.8:{other}/")


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("127.0.0.1.:8000", "http://127.0.0.1:8000/"),
        (" LocalHost ", "http://localhost./"),
        ("::1", "http://[::1]/"),
        ("[0:0:0:0::1]:8000", "http://[::1]:8000/"),
        ("[::1]", "http://[0:0:0:0:0:0:0:1]:8000/"),
    ],
)
def test_an_allowed_host_in_another_spelling(allowed, url):
    Addresses([allowed]).check_url(normal(url))


@pytest.mark.parametrize(
    "text",
    ["", ".", "*", ":80", "http://localhost:8000", "localhost/", "a@localhost", "[::1", "a b", "a:x", "\u00fc.example"],
)
def test_an_allowed_host_that_is_none_is_said(text):
    with pytest.raises(UsageError, match="--allow-host"):
        Addresses([text])


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1.nip.example/"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
        ("good.example", "http://bad.example/"),
        ("bad.example:80", "http://bad.example:8000/"),
        ("d.example", "http://bad.example/"),
        ("example", "http://bad.example/"),
    ],
)
def test_an_allowed_host_is_no_way_to_another(allowed, url, names):
    names["127.0.0.1.nip.example"] = ["127.0.0.1"]
    with pytest.raises(FetchError) as refused:
        Addresses([allowed]).check_url(normal(url))
    assert refused.value.kind == "address"


@pytest.mark.parametrize(
    "host", ["printer", "router.local", "metadata.google.internal", "a.localhost", "nas.home.arpa"]
)
def test_names_of_local_networks_are_not_even_looked_up(host, monkeypatch):
    """A proxy may know them."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("looked up"))
    for spelling in (host, f"{host}.", host.upper()):
        with pytest.raises(FetchError, match="a local network") as refused:
            Addresses().check_url(normal(f"http://{spelling}/"))
        assert refused.value.kind == "address"
    Addresses([host]).check_url(f"http://{host}/")


def test_names_that_only_look_local_are_asked(names):
    for host in ("good.example", "mylocal.example", "local.good.example"):
        names.setdefault(host, ["93.184.215.14"])
        Addresses().check_url(f"http://{host}/")
