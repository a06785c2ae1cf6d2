"""The text of a web page: which encoding its bytes are in."""

from __future__ import annotations

import codecs
from email.message import Message

# Codecs of Python that are no encodings of the web, some of which take very long.
_STRANGE = frozenset(("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"))
_HEAD = 4096  # bytes in which a page says what it is in; looking through all of a hostile one takes forever


def html_text(content: bytes, content_type: str = "") -> str:
    """The text of an HTML page.

    Its encoding is that of its byte order mark, of the `Content-Type` header (a saved page has none), of its own
    `<meta>`, UTF-8 or Windows-1252: the first in which it can be read.
    """
    from bs4.dammit import EncodingDetector

    content, marked = EncodingDetector.strip_byte_order_mark(content)
    declared = EncodingDetector.find_declared_encoding(content[:_HEAD], is_html=True) or ""
    if declared.startswith(("utf-16", "utf-32")):  # then it could not have been found
        declared = ""
    for name in (marked, _charset(content_type), declared, "utf-8"):
        if name and _is_encoding(name):
            try:
                return content.decode(name)
            except (UnicodeError, LookupError):  # LookupError: no encoding of text
                continue
    return content.decode("windows-1252", errors="replace")


def _charset(content_type: str) -> str:
    message = Message()
    message["Content-Type"] = content_type
    return message.get_content_charset() or ""


def _is_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name).name.replace("_", "-") not in _STRANGE
    except (LookupError, ValueError):  # ValueError: a null character
        return False
