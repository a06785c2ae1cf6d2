"""`build-report.json`: what a build was asked for beside its recipe, and what it could not do."""

from __future__ import annotations

from pydantic import Field, ValidationError

from deblurbench.config import Config
from deblurbench.errors import DatasetError
from deblurbench.files import canonical_json, json_text, parse_json
from deblurbench.places import Place

REPORT = "build-report.json"


class LeftOut(Config):
    """A photo that the dataset does without, and the rule that says so."""

    name: str
    reason: str


class Shortfall(Config):
    """A split that has fewer pairs than the recipe wants."""

    made: int
    wanted: int


class BuildReport(Config):
    """What a build did.

    Attributes:
        options: that chose among the photos, as the command line has them, such as `--limit 4`.
        splits: pairs by split.
        shortfalls: by split.
        left_out: photos, by name.
    """

    options: str = ""
    splits: dict[str, int] = Field(default_factory=dict)
    shortfalls: dict[str, Shortfall] = Field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()


def write_report(place: Place, report: BuildReport) -> None:
    """Write the report of a dataset."""
    place.write_text(REPORT, json_text(report.as_dict()))


def read_report(place: Place) -> BuildReport:
    """The report of a dataset; an empty one where there is none. Raises DatasetError where it is damaged."""
    if not place.exists(REPORT):
        return BuildReport()
    try:
        return BuildReport.model_validate_json(canonical_json(parse_json(place.read_text(REPORT))), strict=True)
    except (ValidationError, ValueError) as error:
        raise DatasetError(f"{place}/{REPORT} is damaged", "build the dataset again") from error
