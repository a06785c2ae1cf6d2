"""One row of a table, with everything that any kind of table shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a track's table: a measured method, or the blurred pictures.

    Attributes:
        rank: by the mean; equal ones, to the printed four decimals, are ties.
        first_rank, last_rank: the best and the worst rank that it may have, as some methods cannot be told apart.
            None for what does not compete: the blurred row, and methods that are `told` each picture's kernel.
        reference: `blurred`, `wiener` or `oracle` where the row is one that others are compared with, else empty.
        psnr_low_db, psnr_high_db: the 95 % interval of the mean; gain_low_db, gain_high_db: that of the gain over the
            blurred pictures. None where there are fewer than two scenes, or infinite numbers.
        below_blurred: marks a method that makes pictures worse.
        macs_*, seconds_*, memory_mb_*: what one picture of a size costs, as `runs.cost.SizeCost` has it; `cost_note`
            says why a figure is missing.
        epochs, crops, training_seconds: of the training, where it is known; `shipped`: it was done beforehand.
        seconds_per_picture: the mean over the pictures of the split.
        scenes: how many scenes the `n` pictures are of: what intervals and ranks rest on.
        baseline: whose code ran, where it was run by this program.
        training_data, licence: as its makers say.
        page: the name of its file, without suffix; empty for the blurred row.
    """

    track: str
    dataset: str
    dataset_id: str
    split: str
    protocol: str
    rank: int | None = None
    first_rank: int | None = None
    last_rank: int | None = None
    method: str
    reference: str = ""
    psnr_db: float
    psnr_low_db: float | None = None
    psnr_high_db: float | None = None
    gain_db: float = 0.0
    gain_low_db: float | None = None
    gain_high_db: float | None = None
    ssim: float | None
    below_blurred: bool = False
    told: bool = False
    parameters: int | None = None
    epochs: int | None = None
    crops: int | None = None
    training_seconds: float | None = None
    shipped: bool = False
    macs_256x256: int | None = None
    macs_1280x720: int | None = None
    seconds_256x256: float | None = None
    seconds_1280x720: float | None = None
    memory_mb_256x256: float | None = None
    memory_mb_1280x720: float | None = None
    measured_on: str = ""
    cost_note: str = ""
    seconds_per_picture: float | None = None
    device: str = ""
    status: str = ""
    n: int
    scenes: int = 0
    baseline: str = ""
    version: int | None = None
    predictions_sha256: str = ""
    training_data: str = ""
    licence: str = ""
    page: str = ""
