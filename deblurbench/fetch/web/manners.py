"""How a fetch behaves towards others, and what it takes from them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deblurbench.config import Config

Positive = Annotated[float, Field(gt=0)]


class Manners(Config):
    """The settings of a client.

    Attributes:
        rate: requests per second and host, at most; a host that is known to ask for less gets less.
        concurrency: requests at once per host, at most; likewise.
        retries: how often is asked again after what fails in passing.
        backoff: seconds until the first of them; doubled each time, and drawn between nothing and that.
        timeout: seconds for one answer, from the first byte asked to the last one had.
        longest_wait: seconds that a site's `Retry-After` or a quota may keep us waiting; where they ask for more, the
            work stops there, to go on with the same command later.
        max_bytes: of one answer.
        allow_hosts: `host` or `host:port`, which may be private or loopback addresses.
        contact: an address or URL where whoever runs a site reaches whoever runs this.
    """

    rate: Positive = 4.0
    concurrency: Annotated[int, Field(ge=1, le=64)] = 4
    retries: Annotated[int, Field(ge=0, le=20)] = 4
    backoff: Annotated[float, Field(ge=0)] = 1.0
    timeout: Positive = 60.0
    longest_wait: Annotated[float, Field(ge=0)] = 300.0
    max_bytes: Annotated[int, Field(ge=1)] = 64 << 20
    allow_hosts: tuple[str, ...] = ()
    contact: str = ""
