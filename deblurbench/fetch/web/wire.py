"""The one way out: every real request passes here, be it for a listing, a file or a robots.txt, a retry or a redirect.

It waits for its turn, counts against the quota, carries the key where that belongs, is cut when it takes too long, and
its place at the host is free again when its answer is read.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from deblurbench.errors import FetchError, UsageError
from deblurbench.fetch.web.addresses import Addresses
from deblurbench.fetch.web.body import drain
from deblurbench.fetch.web.connections import guarded_pools
from deblurbench.fetch.web.failures import explained, is_passing, patience, refused, timed_out
from deblurbench.fetch.web.hosts import Hosts, Stopped, too_long
from deblurbench.fetch.web.manners import Manners
from deblurbench.fetch.web.quota import QuotaTracker
from deblurbench.fetch.web.urls import Site, site_of
from deblurbench.fetch.web.watch import Exchange, Watch

T = TypeVar("T")
REDIRECTS = frozenset((301, 302, 303, 307, 308))
_READABLE = REDIRECTS | {200, 304}
_POOLS = 32  # hosts whose connections are kept open
_CONNECT_SECONDS = 15.0


@dataclass(frozen=True)
class Credential:
    """A key, the header that carries it, and the only site that it is for."""

    site: Site
    header: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class Rules:
    """What all wires of a client share; `agent`: the User-Agent."""

    agent: str
    manners: Manners
    stop: threading.Event
    hosts: Hosts
    watch: Watch
    addresses: Addresses


class Wire(HTTPAdapter):
    """Sends requests. Thread-safe.

    Args:
        rules: of the client.
        credential: goes along with requests to its site.
        quota: counts them.
    """

    def __init__(self, rules: Rules, credential: Credential | None = None, quota: QuotaTracker | None = None) -> None:
        super().__init__(pool_connections=_POOLS, pool_maxsize=rules.manners.concurrency)
        self._rules, self._credential, self._quota = rules, credential, quota
        self._pools = guarded_pools(rules.addresses, rules.watch)
        self.poolmanager.pool_classes_by_scheme = self._pools
        self._verify = _certificates()

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """As requests has it, with connections that can be cut."""
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager

    def exchange(self, request: PreparedRequest, read: Callable[[Response], T]) -> T:
        """Send a request and read its answer, in one turn.

        Args:
            request: its URL must be `normal`.
            read: is given an answer of status 200, 304 or a redirect, whose `raw` is not read yet.

        Returns: what `read` does.

        Raises: FetchError, also for all other statuses; Stopped; whatever `read` raises.
        """
        while True:
            with self._rules.hosts.turn(request.url or ""):
                seconds = self._quota.take() if self._quota else 0.0
                if not seconds:
                    return self._ask(request, read)
            self._wait_for_quota(request.url or "", seconds)

    def _wait_for_quota(self, url: str, seconds: float) -> None:
        if seconds > self._rules.manners.longest_wait:
            what = f"the quota of {site_of(url).host} is used up for {_minutes(seconds)}"
            hint = "give the same command again then"
            raise FetchError(what, hint, kind="quota", passing=True)
        if self._rules.stop.wait(seconds):
            raise Stopped

    def _ask(self, request: PreparedRequest, read: Callable[[Response], T]) -> T:
        url = request.url or ""
        with self._rules.watch.exchange() as exchange:
            try:
                response = self._send(request)
                try:
                    self._check(response, url)
                    result = read(response)
                finally:
                    response.close()
            except (RequestException, HTTPError) as error:
                self._check_cut(exchange, url)
                raise explained(error, url, self._rules.manners.timeout) from error
            self._check_cut(exchange, url)  # the end of a body that tells no length looks like any other
            return result

    def _send(self, request: PreparedRequest) -> Response:
        seconds = self._rules.manners.timeout
        sent = request.copy()  # so that nobody who keeps the request keeps the key
        sent.headers["User-Agent"] = self._rules.agent
        credential = self._credential
        if credential and site_of(request.url or "") == credential.site:
            sent.headers[credential.header] = credential.key
        proxies = get_environ_proxies(request.url or "")
        timeout = (min(seconds, _CONNECT_SECONDS), seconds)
        response = super().send(sent, stream=True, timeout=timeout, verify=self._verify, proxies=proxies)
        response.request = request
        return response

    def _check(self, response: Response, url: str) -> None:
        """Hear what an answer says about itself. Raises FetchError where its status is none to read on at."""
        status, asked = response.status_code, patience(response.headers)
        if self._quota:
            self._quota.heard(status, response.headers)
        if asked is not None:  # whatever the status
            longest = self._rules.manners.longest_wait
            self._rules.hosts.rest(url, asked if is_passing(status) else min(asked, longest))
        if status != 429:
            self._rules.hosts.answered(url)
        elif asked is None:
            self._rules.hosts.refused(url)
        if status != 200:
            drain(response)
        if status not in _READABLE:
            if asked is not None and is_passing(status) and asked > self._rules.manners.longest_wait:
                raise too_long(url, asked)
            raise refused(status, url)

    def _check_cut(self, exchange: Exchange, url: str) -> None:
        if self._rules.stop.is_set():
            raise Stopped
        if exchange.is_cut:
            raise timed_out(url, self._rules.manners.timeout)


def _certificates() -> str | bool:
    """The file or folder of trusted certificates that the environment names; True: the usual ones."""
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        path = os.environ.get(variable)
        if path:
            if not Path(path).exists():
                raise UsageError(f"{variable} names {path}, which is not there", "correct it, or unset it")
            return path
    return True


def _minutes(seconds: float) -> str:
    """A time span for people."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"
