"""A submission: one method's result on one track, as a JSON file that somebody else can check."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, TypeAdapter, ValidationInfo, model_validator

from deblurbench.config import Config
from deblurbench.dataset.names import RecipeName, Sha256, SplitName
from deblurbench.files import canonical_json, sha256_text
from deblurbench.leaderboard.scores import Image, Scores, Value, to_value
from deblurbench.runs.budget import Budget
from deblurbench.runs.cost import Cost
from deblurbench.runs.record import Count, Device, FileName

SCHEMA: Literal[2] = 2
INLINE = 100
"""Up to so many pictures stand in the submission itself; more of them in a CSV file beside it."""

UNSEALED = "unsealed"  # the context in which `facts_sha256` is not known yet


def web_address(text: str) -> bool:
    """Whether a text is an address that a page may lead to: https or http, and nothing else."""
    return text.startswith(("https://", "http://")) and text.isprintable() and not any(c.isspace() for c in text)


def _check_url(url: str) -> str:
    if not web_address(url):
        raise ValueError("a link begins with https:// or http://, and has no spaces")
    return url


def _check_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a name is one line of printable characters")
    return text


def _check_ends(text: str) -> str:
    if text != text.strip():
        raise ValueError("a name neither begins nor ends with a space")
    return text


Url = Annotated[
    str, Field(max_length=500, json_schema_extra={"pattern": r"^https?://\S+$"}), AfterValidator(_check_url)
]
Line = Annotated[str, Field(max_length=300), AfterValidator(_check_line)]
Method = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_check_line), AfterValidator(_check_ends)]
TrackName = Annotated[str, Field(pattern=r"^[a-z0-9][A-Za-z0-9._-]*$", max_length=120)]
ProtocolId = Annotated[str, Field(pattern=r"^[a-z0-9-]+@\d+$", max_length=80)]


class Links(Config):
    """Where more is to be found: https or http addresses."""

    paper: Url | None = None
    code: Url | None = None
    weights: Url | None = None
    predictions: Url | None = None


class About(Config):
    """What the makers of a method say of it; nobody checks it.

    `training_data`: what it was trained on, in words; `licence`: of its code or weights, such as an SPDX name.
    """

    authors: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    links: Links = Links()
    training_data: Line = ""
    licence: Line = ""
    note: Line = ""


class Means(Config):
    """Means over the pictures of a track."""

    psnr_db: Value
    ssim: float | None = None


class ScoresFile(Config):
    """The file beside the submission that holds its pictures, and the SHA-256 of its bytes."""

    name: FileName
    sha256: Sha256


class Measured(Config):
    """One method on one track, whose predictions were scored.

    Attributes:
        status: `rerun`: the code was run, and it says how; `rescored`: somebody's pictures were scored.
        track: whose rules hold; `dataset_id`, `split` and `protocol` are the track's.
        method: the name that tables show; `baseline`, `version`, `origin` say whose code ran, where it was run.
        told: whether the method was told each picture's kernel: a ceiling, no rival of the others.
        budget: what its training took, where it was trained and that is known.
        mean: over the pictures.
        images: the pictures, sorted by name; of more than `INLINE`, `scores_file` names the file that they stand in.
        predictions_sha256: of the lines `name TAB pixel hash LF`, in their order.
        seconds_per_picture: of these pictures, on `device`.
        cost: of pictures of the same sizes for all methods; None where it was not measured.
        facts_sha256: of the canonical JSON of all this but `about`, and of itself: it was not edited by hand.
    """

    submission_schema: Literal[2] = SCHEMA
    status: Literal["rerun", "rescored"]
    track: TrackName
    dataset: RecipeName
    dataset_version: int
    dataset_id: Sha256
    split: SplitName
    protocol: ProtocolId
    method: Method
    about: About = About()
    baseline: Line | None = None
    version: int | None = None
    origin: Line | None = None
    told: bool = False
    parameters: Count | None = None
    trainable: Count | None = None
    budget: Budget | None = None
    mean: Means
    images: Annotated[tuple[Image, ...], Field(max_length=INLINE)] = ()
    scores_file: ScoresFile | None = None
    predictions_sha256: Sha256
    weights_sha256: Sha256 | None = None
    seconds_per_picture: Annotated[float, Field(ge=0)] | None = None
    cost: Cost | None = None
    device: Device | None = None
    tiling: Line | None = None
    config_hash: Sha256 | None = None
    seeds: tuple[int, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    git_commit: Line | None = None
    facts_sha256: Sha256

    @model_validator(mode="after")
    def _check_whole(self, info: ValidationInfo) -> Self:
        if self.status == "rerun" and None in (self.baseline, self.version, self.config_hash):
            raise ValueError("`rerun` means that `baseline`, `version` and `config_hash` say what was run")
        if bool(self.images) == (self.scores_file is not None):
            raise ValueError("the pictures stand either in `images` or in `scores_file`")
        if info.context != UNSEALED and self.facts_sha256 != facts_hash(self):
            raise ValueError("`facts_sha256` is not that of the rest: make it anew with `leaderboard add`")
        return self


class ReportedMeans(Config):
    """The numbers of a source; it has at least one."""

    psnr_db: float | None = None
    ssim: float | None = None

    @model_validator(mode="after")
    def _check_some(self) -> Self:
        if self.psnr_db is None and self.ssim is None:
            raise ValueError("there is neither a PSNR nor an SSIM")
        return self


class Reported(Config):
    """What a paper or its makers' page says: listed apart, never ranked with what was measured.

    Attributes:
        dataset_id: always null: nobody knows on which bytes it was measured.
        tier: `primary`: the makers' own words; `secondary`: quoted by others; `seed`: a founding document.
        source: where it stands.
        protocol: as far as it is known, else None.
        gmacs: 10^9 multiply-adds, of the picture size that the source has in mind.
    """

    submission_schema: Literal[2] = SCHEMA
    status: Literal["reported"] = "reported"
    track: TrackName
    dataset_id: None = None
    method: Method
    about: About = About()
    year: Annotated[int, Field(ge=1990, le=2100)] | None = None
    mean: ReportedMeans
    protocol: ProtocolId | None = None
    parameters: Count | None = None
    gmacs: Annotated[float, Field(ge=0)] | None = None
    tier: Literal["primary", "secondary", "seed"]
    source: Annotated[Line, Field(min_length=1)]


Submission = Annotated[Measured | Reported, Field(discriminator="status")]


def facts_hash(submission: Measured) -> str:
    """What its `facts_sha256` has to be."""
    facts = {k: v for k, v in submission.as_dict().items() if k not in ("about", "facts_sha256")}
    return sha256_text(canonical_json(facts))


def sealed(facts: Mapping[str, Any]) -> Measured:
    """The submission of some facts: all of `Measured` but `facts_sha256`.

    Raises: ValidationError where one of them is not as it should be.
    """
    unsealed = Measured.model_validate({**facts, "facts_sha256": "0" * 64}, context=UNSEALED)
    return unsealed.model_copy(update={"facts_sha256": facts_hash(unsealed)})


def means(scores: Scores) -> Means:
    """Those that a submission with these pictures states."""
    return Means(psnr_db=to_value(scores.mean_psnr()), ssim=scores.mean_ssim())


@cache
def adapter() -> TypeAdapter[Measured | Reported]:
    """What validates a submission of either kind."""
    return TypeAdapter(Submission)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a submission file (draft 2020-12)."""
    schema = adapter().json_schema(mode="validation")
    for kind in (Measured, Reported):  # what has a default in Python, and yet stands in every file
        required = schema["$defs"][kind.__name__]["required"]
        required += [key for key in ("submission_schema", "status") if key not in required]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "deblurbench submission 2", **schema}
