"""The plan: which photos go to which split. It takes less than 1 KiB per photo.

No pixel is decoded for it, unless the recipe keeps near-duplicates together.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from deblurbench.dataset.duplicates import photo_hashes
from deblurbench.dataset.leaks import join_scenes
from deblurbench.dataset.names import valid_text
from deblurbench.dataset.recipe import Recipe, Share, SplitTable, takes_photos
from deblurbench.dataset.report import LeftOut
from deblurbench.dataset.shot import PreparedPhoto
from deblurbench.draws import Draws
from deblurbench.errors import RecipeError, UsageError
from deblurbench.files import canonical_json
from deblurbench.images.dhash import FLAT
from deblurbench.sources.licences import licence_class, parse_filter
from deblurbench.sources.photo import Photo, Source


class PlannedPhoto(NamedTuple):
    """A photo, the position of its source in the recipe, and whether it is for train, val or test."""

    photo: Photo
    source: int
    share: str


@dataclass(frozen=True)
class Part:
    """Part `index` of `count` (from 1) of a build that several machines share."""

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Part:
        """The part that `I/N` names. Raises ValueError."""
        found = re.fullmatch(r"([1-9]\d{0,4})/([1-9]\d{0,4})", text, re.ASCII)
        if not found or int(found[1]) > int(found[2]):
            raise ValueError("write I/N, such as 1/4 for the first of four parts")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True)
class Plan:
    """Everything a build will make; the photos are sorted by name.

    `options`: what chose among the photos beside the recipe, as the command line has it.
    """

    recipe: Recipe
    sources: tuple[Source, ...]
    photos: tuple[PlannedPhoto, ...]
    left_out: tuple[LeftOut, ...] = ()
    part: Part | None = None
    options: str = ""

    def photos_of(self, split: SplitTable) -> Iterator[PlannedPhoto]:
        """The photos of a split, sorted by name; only those of this part."""
        chosen = self._chosen(split)
        for position, planned in enumerate(self.photos):
            mine = self.part is None or position % self.part.count == self.part.index - 1
            if mine and planned.share == split.share and (chosen is None or planned.photo.name in chosen):
                yield planned

    def _chosen(self, split: SplitTable) -> frozenset[str] | None:
        """The photos that a split with a count takes: the first by a draw, so that losing one moves no other out."""
        if split.count is None or split.pairs_per_photo is None:
            return None
        return frozenset(self._by_draw.get(split.share, [])[: -(-split.count // split.pairs_per_photo)])

    @cached_property
    def _by_draw(self) -> dict[str, list[str]]:
        """The names of the photos of each share, in the order in which splits take them."""

        def rank(name: str) -> tuple[int, str]:
            return Draws(self.recipe.seed, name, "choose").integer(0, (1 << 31) - 1), name

        names: dict[str, list[str]] = {}
        for planned in self.photos:
            names.setdefault(planned.share, []).append(planned.photo.name)
        return {share: sorted(of_share, key=rank) for share, of_share in names.items()}

    def prepared(self, planned: PlannedPhoto) -> PreparedPhoto:
        """The photo with what reads and prepares it."""
        return PreparedPhoto(planned.photo, self.sources[planned.source], self.recipe.sources[planned.source].prepare)

    def counts(self) -> dict[str, int]:
        """Photos per split, in the recipe's order; a split that stays empty has 0."""
        return {split.name: sum(1 for _ in self.photos_of(split)) for split in self.recipe.splits}

    def hash(self) -> str:
        """Hex SHA-256 of the recipe, the files that its blurs read, and all photos: one hash, one manifest."""
        digest = hashlib.sha256(canonical_json(self.recipe.tables()).encode())
        for split in self.recipe.splits:
            for degradation in self.recipe.open_blurs(split):
                digest.update(degradation.fingerprint().encode())
        for photo, _, share in self.photos:
            told = (share, photo.name, photo.scene, photo.author, photo.licence, photo.url, photo.title)
            digest.update("\x1f".join(("\n", *told, photo.raw_sha256, *photo.frames)).encode())
        return digest.hexdigest()


def make_plan(
    recipe: Recipe,
    photos: Path | None = None,
    limit: int | None = None,
    *,
    licences: str | None = None,
    part: Part | None = None,
    workers: int = 1,
    quiet: bool = False,
) -> Plan:
    """Plan a recipe's photos.

    Args:
        recipe: as read.
        photos: folder for the recipe's sources that take one.
        limit: take only so many photos of each source, the first by name. Where near-duplicates are kept together,
            those that lose one to it, as to any other loss, may go to another split than with all of them.
        licences: take only photos of these licences, such as `cc0,by`; it moves no other photo.
        part: plan only this part of the pairs.
        workers, quiet: for a recipe that keeps near-duplicates together: then every photo is looked at.

    Raises: UsageError where a source has no photos, `photos` has no place, or two photos share a name.
    """
    sources = tuple(recipe.open_sources(photos))
    if photos is not None and not any(map(takes_photos, sources)):
        raise UsageError(f"the recipe {recipe.name} takes no photos from a folder", "leave --photos out")
    found, left_out = _gather(recipe, sources, limit)
    if recipe.near_duplicates is not None:
        prepared = map(Plan(recipe, sources, ()).prepared, found.values())
        hashes = photo_hashes(prepared, len(found), workers, quiet=quiet)
        _join(found, hashes, recipe.near_duplicates)
    if licences is not None:
        found, others = _filtered(found, licences)
        left_out += others
    planned, others = _undivided([_placed(recipe, found[name]) for name in sorted(found)])
    options = [f"--limit {limit}"] * (limit is not None) + [f"--licence {licences}"] * (licences is not None)
    return Plan(recipe, sources, tuple(planned), (*left_out, *others), part, " ".join(options))


Found = dict[str, PlannedPhoto]


def _gather(recipe: Recipe, sources: Iterable[Source], limit: int | None) -> tuple[Found, list[LeftOut]]:
    """All photos by name; of several files with equal bytes, or with one name, only the first."""
    found: Found = {}
    left_out = []
    seen: dict[str, str] = {}
    for index, source in enumerate(sources):
        photos = sorted(source.photos(recipe.seed), key=lambda photo: (photo.name, photo.raw_sha256, photo.key))
        for photo in photos[:limit]:
            name = photo.name
            twin = found.get(name)
            if source.same_bytes_once and seen.setdefault(photo.raw_sha256, name) is not name:
                left_out.append(LeftOut(name=name, reason=f"has the same bytes as {seen[photo.raw_sha256]}"))
            elif twin is None:
                found[name] = PlannedPhoto(replace(photo, scene=sys.intern(valid_text(photo.scene))), index, "")
            elif twin.photo.raw_sha256 == photo.raw_sha256:
                raise UsageError(f"two photos are named {name}", "the sources of a recipe must not overlap")
            else:  # 8 hex digits of a hash: expected once among 100,000 photos of one stem
                left_out.append(LeftOut(name=name, reason="another photo has the same name; rename its file"))
    return found, left_out


def _join(found: Found, hashes: Mapping[str, str], within: int) -> None:
    """Make one scene of scenes that hold near-duplicates of one another."""
    photos = (planned.photo for planned in found.values())
    scenes = join_scenes(((p.scene, p.raw_sha256, hashes.get(p.raw_sha256, FLAT)) for p in photos), within)
    for name, planned in found.items():
        scene = scenes[planned.photo.scene]
        if scene != planned.photo.scene:
            found[name] = planned._replace(photo=replace(planned.photo, scene=scene))


def _filtered(found: Found, licences: str) -> tuple[Found, list[LeftOut]]:
    wanted = parse_filter(licences)
    kept, left_out = {}, []
    for name, planned in found.items():
        kind = licence_class(planned.photo.licence)
        if kind in wanted:
            kept[name] = planned
        else:
            left_out.append(LeftOut(name=name, reason=f"its licence is {kind}, not one of {licences}"))
    return kept, left_out


def _placed(recipe: Recipe, planned: PlannedPhoto) -> PlannedPhoto:
    """With the share that the source itself gives, or else the one that its scene draws."""
    share, shares = planned.photo.share, recipe.sources[planned.source].scenes
    if not share and not shares:
        what = "this key is missing: the source leaves it to you where its scenes go"
        raise RecipeError(f"sources.{planned.source}.scenes", what)
    share = share or _share(recipe.seed, planned.photo.scene, shares)
    return planned._replace(share=share)


def _undivided(photos: list[PlannedPhoto]) -> tuple[list[PlannedPhoto], list[LeftOut]]:
    """Without those whose scene has another share by an earlier source: no scene is divided.

    Where one source itself divides a scene, that is its official split, and stays.
    """
    if len({planned.source for planned in photos}) < 2:
        return photos, []
    first: dict[str, PlannedPhoto] = {}  # of each scene, by the order of the sources
    for planned in sorted(photos, key=lambda planned: planned.source):
        first.setdefault(planned.photo.scene, planned)
    kept, left_out = [], []
    for planned in photos:
        other = first[planned.photo.scene]
        if planned.share == other.share or planned.source == other.source:
            kept.append(planned)
        else:
            reason = f"its scene is in {other.share}, where {other.photo.name} of an earlier source is"
            left_out.append(LeftOut(name=planned.photo.name, reason=reason))
    return kept, left_out


def _share(seed: int, scene: str, shares: Mapping[Share, int]) -> Share:
    """Which of train, val and test a scene goes to: a function of the seed and the scene alone."""
    drawn = Draws(seed, scene, "split").integer(0, sum(shares.values()) - 1)
    for share in sorted(shares):
        drawn -= shares[share]
        if drawn < 0:
            return share
    raise AssertionError("the draw is below the sum of the shares")
