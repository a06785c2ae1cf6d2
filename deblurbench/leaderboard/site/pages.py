"""Where the pages of a site lie, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deblurbench.leaderboard.site.data import data_script

_TEMPLATES = Path(__file__).with_name("templates")
_TAKEN = {"index", "compare", "pictures", "shown"}  # pages and data of a track itself


def track_folder(track: str) -> str:
    """The folder of a track below that of the site."""
    return f"tracks/{track}"


def method_stem(page: str) -> str:
    """The name of a method's page and of its data, without suffix, from `Row.page`.

    A method that is called `index` or `compare` does not take the place of the track's own pages: no `Row.page` begins
    with `_`, but the one that is nothing else.
    """
    return f"_{page}" if page.lower() in _TAKEN else page


def method_page(page: str) -> str:
    """The file of a method's page beside the page of its track, from `Row.page`."""
    return f"{method_stem(page)}.html"


@dataclass(frozen=True)
class Pages:
    """A site that is being made in a folder."""

    folder: Path

    def write(self, path: str, template: str, **values: Any) -> None:
        """Write a page from a template.

        Args:
            path: below the folder of the site, with slashes: `tracks/TRACK/index.html`.
            template: one of `templates/`. It knows `root`, which leads from the page to the folder of the site ("" or
                "../" and so on), beside `values`. All text is escaped.
        """
        root = "../" * path.count("/")
        self.write_text(path, environment().get_template(template).render(root=root, **values))

    def write_data(self, path: str, name: str, value: Any) -> None:
        """Write a file of data that a page loads as a script; see `data_script`."""
        self.write_text(path, data_script(name, value))

    def write_text(self, path: str, text: str) -> None:
        """Write a file of text. Nobody reads the site before it is whole, so it is written straight away."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode("utf-8", errors="backslashreplace"))


@cache
def environment() -> Environment:
    """What renders templates: everything is escaped, and a name that is not given is an error."""
    from deblurbench.leaderboard.site import words

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.filters |= {name: getattr(words, name) for name in words.__all__}
    made.filters["method_page"] = method_page
    return made
