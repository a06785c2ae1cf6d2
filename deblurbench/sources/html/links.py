"""Where a page stands, and where it goes on."""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag

from deblurbench.sources.html.address import absolute, site
from deblurbench.sources.html.tree import words
from deblurbench.sources.online import text_of


def own_address(tree: BeautifulSoup) -> str:
    """The address that a page gives as its own; empty where it gives none."""
    for element in tree.find_all(("link", "meta")):
        if "canonical" in words(element, "rel"):
            address = absolute("", text_of(element.attrs, "href"))
        elif text_of(element.attrs, "property").lower() == "og:url":
            address = absolute("", text_of(element.attrs, "content"))
        else:
            continue
        if address:
            return address
    return ""


def base_address(tree: BeautifulSoup, address: str) -> str:
    """What the relative addresses of a page stand on: its first `<base href>`, else its own address."""
    base = tree.find("base", href=True)
    return (absolute(address, str(base["href"])) if isinstance(base, Tag) else "") or address


def next_address(tree: BeautifulSoup, address: str, base: str, selector: str) -> str:
    """The address of the page that follows, on the same site; empty where there is none.

    What is said of one site's pictures need not hold for another's, so a link that leads elsewhere is not followed;
    nor is one with `rel=nofollow`.

    Args:
        address: of the page.
        base: what relative addresses stand on.
        selector: of the link, or of what the link is in; empty for `rel=next`.
    """
    if selector:
        found = tree.select_one(selector)
        links = [] if found is None else [found, *found.find_all("a", href=True, limit=1)]
    else:
        links = [link for link in tree.find_all(("link", "a")) if "next" in words(link, "rel")]
    for link in links:
        href = str(link.get("href", "")).strip()
        if href and "nofollow" not in words(link, "rel"):
            target = absolute(base, href)
            if target and target != address and site(target) == site(address):
                return target
    return ""
