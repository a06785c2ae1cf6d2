"""`site/`: the pages of a board, made in a folder beside it that then takes its place."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from deblurbench.errors import UsageError
from deblurbench.files import make_folder
from deblurbench.leaderboard.site import method_pages
from deblurbench.leaderboard.site.index_page import write_index
from deblurbench.leaderboard.site.pages import Pages
from deblurbench.leaderboard.site.pictures import COUNT, Gallery, Given, write_pictures
from deblurbench.leaderboard.site.score_data import write_data
from deblurbench.leaderboard.site.track_page import write_track_page
from deblurbench.leaderboard.tables.build import TABLES
from deblurbench.leaderboard.tables.standing import Standing

_TABLES = {".csv", ".md", ".tex", ".json"}
MARK = "made-by-deblurbench.txt"
"""What says that a folder is a site, and may be replaced by a newer one."""


def build_site(
    board: Path,
    standings: Sequence[Standing],
    site: Path,
    *,
    runs: Sequence[Path] = (),
    datasets: Sequence[Path] = (),
    pictures: int = COUNT,
) -> Path:
    """Make the site of a board, and return its first page.

    Args:
        board: its `tables/` are offered for downloading.
        standings: of all its tracks.
        site: the folder; one that is there is replaced, where an earlier build made it.
        runs: run folders whose predictions are shown as pictures.
        datasets: folders of the datasets that these are pictures of.
        pictures: how many of a track are shown.

    Raises: UsageError where `site` is something else than a site, or a folder of pictures is not there.
    """
    check_site(site)
    make_folder(site.parent)
    with tempfile.TemporaryDirectory(dir=site.parent, prefix=f".{site.name}.", suffix=".part") as folder:
        made = Path(folder) / "new"
        made.mkdir()
        _write(Pages(made), board, standings, Given(datasets, runs, pictures))
        _swap(made, site, Path(folder) / "old")
    return site / "index.html"


def _swap(made: Path, site: Path, old: Path) -> None:
    """Put a site in its place; the older one becomes `old`, unless that fails."""
    if site.is_dir():
        site.replace(old)
    try:
        made.replace(site)
    except OSError:
        if old.is_dir():
            old.replace(site)
        raise


def check_site(site: Path) -> None:
    """Raise UsageError where a site may not take the place of what is there."""
    if site.is_symlink() or (site.exists() and not site.is_dir()):
        raise UsageError(f"{site} is no folder", "choose another --site")
    if site.is_dir() and any(site.iterdir()) and not (site / MARK).is_file():
        raise UsageError(f"{site} was not made by `leaderboard build` and is left alone", "choose another --site")


def _write(pages: Pages, board: Path, standings: Sequence[Standing], given: Given) -> None:
    pages.write_text(MARK, "Made by `deblurbench leaderboard build`, which replaces this folder as a whole.\n")
    pages.write_text(".nojekyll", "")  # GitHub Pages would leave out files whose names begin with _
    shutil.copytree(Path(__file__).with_name("assets"), pages.folder / "assets")
    galleries = write_pictures(pages.folder / "tracks", [standing.contest for standing in standings], given)
    tables = _copy_tables(board, pages)
    write_index(pages, standings)
    for standing in standings:
        track = standing.contest.track
        own = [name for name in tables if Path(name).stem.removesuffix("_reported") == track.file.dataset]
        write_track_page(pages, standing, own)
        if track.is_measured:
            write_data(pages, standing)
            method_pages.write(pages, standing, galleries.get(track.name, Gallery()))


def _copy_tables(board: Path, pages: Pages) -> list[str]:
    """Copy the tables of a board into its site, and return their names."""
    files = sorted(file for file in (board / TABLES).glob("*") if file.suffix in _TABLES and file.is_file())
    for file in files:
        (pages.folder / TABLES).mkdir(exist_ok=True)
        shutil.copyfile(file, pages.folder / TABLES / file.name)
    return [file.name for file in files]
