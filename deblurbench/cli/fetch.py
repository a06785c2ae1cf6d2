"""`deblurbench fetch`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deblurbench.cli import options

if TYPE_CHECKING:
    from deblurbench.fetch.request import Request
    from deblurbench.fetch.web.manners import Manners
    from deblurbench.sources.online import OnlineSource

PEXELS_RULE = (
    "“you may not use the API to collect Pexels photos/videos or metadata at scale to train, fine-tune, evaluate, or "
    "otherwise develop ML/AI models or datasets, unless you have explicit permission” (help.pexels.com, 900005880463)"
)
_CONTACT = "DEBLURBENCH_CONTACT"
# Options that are settings of a source, and under which names.
_SETTINGS = {
    "api": "api",
    "pages": "pages",
    "select": "select",
    "next_page": "next",
    "page_licence": "licence",
    "page_author": "author",
    "page_base": "base",
}
_SECONDS = click.FloatRange(min=0)
_MORE_THAN_0 = click.FloatRange(min=0, min_open=True)
_MANNERS = ("rate", "concurrency", "retries", "backoff", "timeout", "longest_wait", "allow_hosts", "contact")


@click.command("fetch", short_help="Fetch openly licensed photos, with their authors and licences.")
@click.argument("source", default="openverse")
@click.option("--query", "queries", multiple=True, metavar="WORDS", help="What to look for; once for each search.")
@click.option("--recipe", metavar="RECIPE", help="Look for the keywords of a recipe, such as pexels-128.")
@click.option("--count", type=click.IntRange(min=1), default=100, show_default=True, help="Photos wanted in all.")
@click.option(
    "--licence",
    "licences",
    metavar="A,B",
    help="Only photos of these licences, such as cc0,by.  [default: cc0,pdm,by; pexels: other]",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default="photos", show_default=True, help="The folder of photos."
)
@click.option("--dry-run", is_flag=True, help="Load no photo: show what would be asked, and the licences found.")
@click.option("--contact", envvar=_CONTACT, default="", metavar="ADDRESS", help=f"How sites reach you.  [{_CONTACT}]")
@click.option("--key-file", type=click.Path(path_type=Path), help="Holds the key of the source's API.")
@click.option("--i-have-permission", "permission", is_flag=True, help=f"For pexels, whose rule is: {PEXELS_RULE}.")
@click.option("--api", metavar="URL", help="Where the source's API is, if elsewhere.")
@click.option(
    "--page", "pages", multiple=True, metavar="URL|FILE", help="For page: what to read; {query} in it is filled."
)
@click.option("--select", metavar="CSS", help="For page: the elements whose pictures count.")
@click.option("--next", "next_page", metavar="CSS", help="For page: the link to the next page.  [default: rel=next]")
@click.option("--page-licence", metavar="TEXT", help="For page: the licence, where the page states none.")
@click.option("--page-author", metavar="NAME", help="For page: the author, where the page states none.")
@click.option("--page-base", metavar="URL", help="For page: where a saved file comes from.")
@click.option(
    "--min-side", type=click.IntRange(min=1), metavar="N", help="Pixels of the shorter side, at least.  [default: 256]"
)
@click.option(
    "--min-sharpness",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="Leave out what is more blurred; 0 takes all.  [default: 0.4]",
)
@click.option(
    "--near-duplicates",
    type=click.IntRange(0, 15),
    metavar="BITS",
    help="Leave out what differs from an earlier photo in so few of 64 bits of its hash.  [default: 4]",
)
@click.option("--rate", type=_MORE_THAN_0, metavar="N", help="Requests per second and host, at most.  [default: 4]")
@click.option("--concurrency", type=click.IntRange(1, 64), metavar="N", help="Requests at once per host.  [default: 4]")
@click.option("--retries", type=click.IntRange(0, 20), metavar="N", help="Tries after the first one.  [default: 4]")
@click.option(
    "--backoff", type=_SECONDS, metavar="S", help="Seconds until the second try; doubled each time.  [default: 1]"
)
@click.option("--timeout", type=_MORE_THAN_0, metavar="S", help="Seconds for one answer.  [default: 60]")
@click.option(
    "--longest-wait", type=_SECONDS, metavar="S", help="Longest pause that a site may ask for.  [default: 300]"
)
@click.option("--max-mb", type=click.IntRange(1, 1024), metavar="N", help="MiB of one file, at most.  [default: 64]")
@click.option("--allow-host", "allow_hosts", multiple=True, metavar="HOST", help="A private host that may be asked.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override a setting of the source.")
@options.overwrite
@options.json_out
@options.common
def command(
    source: str,
    count: int,
    out: Path,
    dry_run: bool,
    key_file: Path | None,
    permission: bool,
    overwrite: bool,
    json_out: str | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Fetch photos from SOURCE (openverse, commons, pexels or page; default: openverse) into a folder.

    photos.jsonl and ATTRIBUTION.md say of each photo whose it is and under what licence, and so do the datasets that
    `build-dataset --photos` makes of them; fetch-report.csv says what became of every URL. An interrupted fetch goes
    on when the same command is given again. What robots.txt and other opt-outs of a site forbid is not asked for.

    Exit codes: 0 as many photos as wanted are there; 1 there are fewer, and the last line says why.

    \b
    Example: deblurbench fetch openverse --query nature --query food --count 200 --out photos/
    Example: deblurbench fetch commons --recipe pexels-128 --licence cc0,by,by-sa --contact you@example.org
    Example: deblurbench fetch page --page gallery.html --page-base https://example.org/ --page-licence "CC BY 4.0"
    """
    from deblurbench.errors import DeblurbenchError
    from deblurbench.fetch.access import check_permission, online_source, open_source, read_key
    from deblurbench.fetch.preview import preview
    from deblurbench.fetch.run import fetch
    from deblurbench.paths import state_folder
    from deblurbench.progress import say

    _refuse_others(online_source(source), given)
    opened = open_source(source, _given(given, _SETTINGS), given["settings"])
    manners = _manners(given)
    check_permission(opened, permission=permission, contact=manners.contact)
    key = read_key(opened, key_file)
    request = _request(opened, count, given)
    request.searches()  # what is wrong with them is said before anything else
    if not manners.contact:
        say(f"Warning: sites cannot reach you; give --contact ADDRESS, or set {_CONTACT}", quiet=quiet)
    if dry_run:
        return _show(json_out, preview(request, manners, out, state_folder(), key=key))
    summary = fetch(request, manners, out, state_folder(), key=key, overwrite=overwrite, quiet=quiet)
    _show(json_out, summary)
    if not summary.complete:
        photos = "photo" if summary.kept == 1 else "photos"
        raise DeblurbenchError(f"{summary.kept} {photos} instead of {count}", summary.shortfall())
    return None


def _given(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The options that were given, under other names."""
    return {name: given[option] for option, name in names.items() if given[option] not in (None, ())}


def _refuse_others(kind: type[OnlineSource], given: Mapping[str, Any]) -> None:
    """Name an option that is a setting of other sources, as it was typed."""
    from deblurbench.errors import UsageError

    for option in click.get_current_context().command.params:
        setting = _SETTINGS.get(option.name or "")
        if setting and setting not in kind.model_fields and given[option.name or ""] not in (None, ()):
            hint = "it is for other sources, see `deblurbench fetch --help`"
            raise UsageError(f"{kind.source} takes no {option.opts[0]}", hint)


def _manners(given: Mapping[str, Any]) -> Manners:
    from deblurbench.config import parse
    from deblurbench.fetch.web.manners import Manners

    values = _given(given, {name: name for name in _MANNERS})
    if given["max_mb"]:
        values["max_bytes"] = given["max_mb"] << 20
    return parse(Manners, values, "fetch")


def _request(source: OnlineSource, count: int, given: Mapping[str, Any]) -> Request:
    from deblurbench.config import parse
    from deblurbench.dataset.recipe import read_recipe
    from deblurbench.errors import UsageError
    from deblurbench.fetch.photo_file import Checks
    from deblurbench.fetch.request import Request
    from deblurbench.paths import recipe_file

    queries = given["queries"]
    if given["recipe"]:
        keywords = read_recipe(recipe_file(given["recipe"])).keywords
        if not keywords:
            raise UsageError(f"the recipe {given['recipe']} has no keywords", "say what to look for with --query")
        queries = (*queries, *keywords)
    checks = parse(Checks, _given(given, {"min_side": "min_side", "min_sharpness": "min_sharpness"}), "fetch")
    more = _given(given, {"near_duplicates": "duplicate_bits"})
    return Request(source, queries, given["licences"] or source.licences, checks, count=count, **more)


def _show(json_out: str | None, result: Any) -> None:
    if json_out:
        options.put_json(json_out, result.as_dict())
    if json_out != "-":
        click.echo("\n".join(result.lines()))
