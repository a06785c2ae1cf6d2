"""The client: what asks sites for listings, pages and files, politely and safely.

Of the layers below it, each does one thing: `tries` asks again, `answers` remembers, `wire` sends in turn and on time,
`connections` look whom they connect to; `optouts`, `hosts`, `quota` and `addresses` decide what may be asked, and when.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path
from typing import Any

from requests import PreparedRequest, Request, Response

from deblurbench import __version__
from deblurbench.errors import FetchError, UsageError
from deblurbench.fetch.web.addresses import Addresses
from deblurbench.fetch.web.answers import AnswerFile, Answers
from deblurbench.fetch.web.body import Download, content_type, read_start, save
from deblurbench.fetch.web.failures import refused
from deblurbench.fetch.web.hosts import Hosts
from deblurbench.fetch.web.manners import Manners
from deblurbench.fetch.web.optouts import ROBOTS, OptOuts
from deblurbench.fetch.web.quota import QuotaTracker
from deblurbench.fetch.web.tries import Moved, Tries, follow, moved
from deblurbench.fetch.web.urls import Site, normal, printable, shown, site_of
from deblurbench.fetch.web.watch import Watch
from deblurbench.fetch.web.wire import Credential, Rules, Wire
from deblurbench.files import parse_json, safe_name
from deblurbench.sources.html.charset import html_text
from deblurbench.sources.online import Document, OnlineSource, Web

_WELL_KNOWN_BYTES = 500 << 10  # of a robots.txt: what RFC 9309 asks to read
_HTML = ("text/html", "application/xhtml+xml")


class Client:
    """Asks. Thread-safe.

    Args:
        manners: how.
        state: a folder for what is remembered between runs: answers, and the use of quotas.
        stop: whoever sets it ends all that waits or is under way within a second, with `Stopped`.

    Raises: UsageError where the contact cannot be sent.
    """

    def __init__(self, manners: Manners, state: Path, stop: threading.Event) -> None:
        self._manners, self._state = manners, state
        self._hosts, self._addresses = Hosts(manners, stop), Addresses(manners.allow_hosts)
        self._watch = Watch(manners.timeout, stop)
        self._rules = Rules(user_agent(manners.contact), manners, stop, self._hosts, self._watch, self._addresses)
        self._wire = Wire(self._rules)
        self._wires = [self._wire]
        self._tries = Tries(manners, stop)
        self._optouts = OptOuts(self._well_known)
        self._file = AnswerFile(state / "answers.sqlite")
        self._pages = Answers(self._wire, self._file, ",".join(_HTML), _check_html)
        self._quota: QuotaTracker | None = None

    def web(self, source: OnlineSource, key: str = "") -> Web:
        """What a source asks through.

        Args:
            source: its `api`, if it has one, is all that `json` asks; `document` asks any site.
            key: goes to that API alone, in the source's `key_header`.

        Raises: UsageError where the key cannot be sent.
        """
        if not (key.isascii() and key.isprintable()):  # the error of whoever sends it would show it
            raise UsageError(f"the key of {source.source} holds what no key holds", "it is one line of ASCII")
        address = getattr(source, "api", "")
        site = site_of(normal(address)) if address else None
        credential = Credential(site, source.key_header, key) if site and key else None
        quotas = source.limits()
        if quotas:
            place = f"-{site.host}-{site.port}" if site else ""
            name = safe_name(f"quota-{source.source}{place}", limit=200)
            self._quota = QuotaTracker(self._state / f"{name}.json", quotas)
        wire = Wire(self._rules, credential, self._quota if quotas else None)
        self._wires.append(wire)
        check = partial(_check_json, source)
        return _SourceWeb(self, site, Answers(wire, self._file, "application/json", check))

    def download(self, url: str, target: Path) -> Download:
        """Load a picture file as it is; where that fails, there is no `target`.

        Raises: FetchError, Stopped; OSError where the file cannot be written.
        """

        def read(response: Response) -> Download | Moved:
            if (elsewhere := moved(response)) is not None:
                return elsewhere
            if response.status_code != 200:
                raise refused(response.status_code, response.url)
            self._optouts.check_headers(response.raw.headers, response.url)
            return save(response, target, self._manners.max_bytes)

        def ask(url: str) -> Download | Moved:
            self._check(url)
            request = _request(url, "image/*,*/*;q=0.5", encoding="identity")
            return self._tries(lambda: self._wire.exchange(request, read))

        try:
            return follow(normal(url), ask)
        except BaseException:
            target.unlink(missing_ok=True)
            raise

    def document(self, url: str) -> Document:
        """An HTML page, where its site lets robots read it and does not reserve it. Raises FetchError, Stopped."""

        def ask(url: str) -> Response | Moved:
            self._check(url)
            response = self._tries(lambda: self._pages.ask(url))
            return moved(response) or response

        response = follow(normal(url), ask)
        self._optouts.check_headers(response.headers, response.url)
        html = html_text(response.content, response.headers.get("Content-Type", ""))
        self._optouts.check_html(html, response.url)
        return Document(response.url, html)

    def answer(self, answers: Answers, site: Site, url: str) -> Any:
        """The JSON value that an API answers with. Raises FetchError, Stopped."""

        def ask(url: str) -> Response | Moved:
            if site_of(url) != site:
                hint = "the key is for that API alone; if it moved, set its new address"
                raise FetchError(f"the API at {site.host} redirects to {shown(url)}", hint, kind="redirects")
            self._addresses.check_url(url)
            response = self._tries(lambda: answers.ask(url))
            return moved(response) or response

        return parse_json(follow(url, ask).content.decode("utf-8-sig"))

    def quota_left(self) -> str:
        """For people, such as `184/200 this hour`; empty where there is no quota."""
        return self._quota.left() if self._quota else ""

    def close(self) -> None:
        """Close all connections and files."""
        self._watch.close()
        for wire in self._wires:
            wire.close()
        self._file.close()

    def _check(self, url: str) -> None:
        """Raise FetchError where a URL may not be asked, and learn how often its host may be."""
        self._addresses.check_url(url)
        self._optouts.check_url(url)
        self._hosts.space(url, self._optouts.delay(url))

    def _well_known(self, url: str) -> tuple[int, bytes]:
        """The status and the body of a robots.txt or the like. Raises FetchError where there is no answer."""

        def read(response: Response) -> bytes | Moved:
            return moved(response) or read_start(response, _WELL_KNOWN_BYTES)

        def ask(target: str) -> bytes | Moved:
            self._addresses.check_url(target)
            if not url.endswith(ROBOTS):  # the robots.txt is known; where that one leads, it may always be read
                self._optouts.check_robots(target)
                self._hosts.space(target, self._optouts.delay(target))
            return self._tries(lambda: self._wire.exchange(_request(target, "text/plain,*/*;q=0.5"), read))

        try:
            return 200, follow(normal(url), ask)
        except FetchError as error:
            if error.kind.startswith("http-"):
                return int(error.kind.removeprefix("http-")), b""
            away = error.kind == "robots" and not error.passing
            if away or error.kind in ("redirects", "scheme", "no-url"):  # RFC 9309: the same as not there
                return 404, b""
            raise


class _SourceWeb:
    """The `Web` of a source."""

    def __init__(self, client: Client, site: Site | None, answers: Answers) -> None:
        self._client, self._site, self._answers = client, site, answers

    def json(self, url: str) -> Any:
        url = normal(url)
        if self._site is None or site_of(url) != self._site:
            known = self._site.host if self._site else "none"
            hint = f"its API is at {known}" if self._site else "it has no API"
            raise FetchError(f"{shown(url)} is not of the source's API", hint, kind="not-the-api")
        return self._client.answer(self._answers, self._site, url)

    def document(self, url: str) -> Document:
        return self._client.document(url)


def user_agent(contact: str = "") -> str:
    """Who asks, and how to reach them. Raises UsageError where the contact is no line of ASCII."""
    if not (contact.isascii() and contact.isprintable()) or len(contact) > 200:
        raise UsageError("the contact cannot be sent", "give an e-mail address or a URL, in one line of ASCII")
    return f"deblurbench/{__version__} ({f'+{contact}' if contact else 'no contact given'})"


def _request(url: str, accept: str, encoding: str = "gzip, deflate") -> PreparedRequest:
    return Request("GET", url, headers={"Accept": accept, "Accept-Encoding": encoding}).prepare()


def _check_json(source: OnlineSource, response: Response) -> None:
    """Raise FetchError where an answer is no JSON, or none that the source can use."""
    try:
        answer = parse_json(response.content.decode("utf-8-sig"))
    except ValueError as error:  # and UnicodeDecodeError
        what = f"{shown(response.url)} answers with something that is no JSON"
        hint = "the site may be down, or the address may not be that of the API"
        raise FetchError(what, hint, kind="not-the-api", passing=True) from error
    source.check_answer(answer, response.url)


def _check_html(response: Response) -> None:
    """Raise FetchError where an answer is no HTML page."""
    kind = content_type(response)
    if kind not in _HTML:
        what = f"{shown(response.url)} is {printable(kind[:60]) or 'of no stated type'}, no web page"
        raise FetchError(what, "give the address of an HTML page", kind="content-type")
