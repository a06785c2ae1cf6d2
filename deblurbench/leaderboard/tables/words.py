"""What tables of any format say in words, without markup."""

from __future__ import annotations

from collections.abc import Sequence

from deblurbench import plugins
from deblurbench.errors import DeblurbenchError
from deblurbench.leaderboard.tables.standing import Standing
from deblurbench.leaderboard.track import Track
from deblurbench.scoring.protocol import Protocol

REPORTED = (
    "Reported: what the sources say, not measured here. Such rows have no rank and are not to be compared with "
    "measured ones, and hardly with one another: pictures, protocol and way of restoring differ, and where no protocol "
    "stands, none is known. A protocol speaks of the PSNR, and of the SSIM where it defines one. primary: the words of "
    "the source that is named; secondary: copied from somebody's notes on a paper's table and not checked against the "
    "paper; seed: a founding document."
)
TOLD = "Told the kernel: which nobody knows of a real picture. Such a row is a ceiling, and has no rank."
BELOW = "Below blurred: worse than doing nothing."
ADDED = "not defined by the protocol's script, added by deblurbench."
RANKS = (
    "Ranks go by the means, and equal means are ties. A range beside a rank, such as 2-4, says which ranks the method "
    "may have, as some cannot be told apart (paired comparisons by scenes; each range holds the true rank with 95 %). "
    "Intervals are of 95 %, by scenes: those of two methods may overlap though the methods differ, since all find the "
    "same scenes hard."
)
REFERENCE = "rows that others are compared with."


def adds_ssim(track: Track) -> bool:
    """Whether the SSIM of a track's tables is an addition to its protocol."""
    try:
        protocol: Protocol = plugins.load("protocols", (track.file.protocol or "").partition("@")[0])
    except DeblurbenchError:  # of a package that is not installed here
        return False
    return any(metric.name == "ssim" and metric.added for metric in protocol.metrics)


def measured_on(track: Track) -> str:
    """How many pictures a track has, and of how many scenes."""
    pictures, scenes = len(track.pictures), len(set(track.scenes))
    return f"{pictures:,} picture{'s' * (pictures != 1)} of {scenes:,} scene{'s' * (scenes != 1)}"


def rules_of(track: Track) -> Sequence[str]:
    """The rules of a track, a sentence each."""
    rules = track.file.rules
    most = [f"At most {rules.max_parameters:,} parameters."] if rules.max_parameters is not None else []
    return most + ([f"Training data: {rules.training_data}"] if rules.training_data else [])


def has_told(standings: Sequence[Standing]) -> bool:
    """Whether a row needs `TOLD` to be said."""
    return any(row.told for standing in standings for row in standing.rows)
