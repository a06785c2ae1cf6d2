"""`cost.json`: what restoring one picture takes, measured once per run, in a process of its own."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from deblurbench.config import Config, height_width
from deblurbench.errors import DeblurbenchError, RunError
from deblurbench.files import canonical_json, read_json, write_json
from deblurbench.progress import say
from deblurbench.runs.inference import WHOLE, Inference
from deblurbench.runs.model import Model
from deblurbench.runs.record import Count

COST = "cost.json"
SizeName = Literal["256x256", "1280x720"]

SIZES: tuple[SizeName, ...] = ("256x256", "1280x720")
"""Width x height, pixels: of the pictures that are restored."""

_LIMIT = 300.0  # seconds that the measuring process may take in all; it plans for much less
_PROBE = "deblurbench.runs.cost_probe"

Amount = Annotated[float, Field(ge=0, lt=1e12)]


def _check_printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("printable characters alone")
    return text


Line = Annotated[str, Field(max_length=160), AfterValidator(_check_printable)]


class SizeCost(Config):
    """The cost of one picture of a size. What is None could not be measured; `note` says why, or what to mind.

    Attributes:
        macs: multiplications, each with its addition; None for methods without a network.
        seconds: from the blurred picture in memory to the restored one: the median of `calls` after a first one.
        memory_mb: the peak beyond what the process held with the model loaded, in 10^6 bytes.
        calls: 0 where the first call took so long that it is the measurement.
    """

    macs: Count | None = None
    seconds: Amount | None = None
    memory_mb: Amount | None = None
    calls: Count | None = None
    note: Line | None = None


class Cost(Config):
    """`cost.json`.

    Attributes:
        device: the model of the CPU and its threads, or that of the GPU.
        memory: whose memory it is: `resident`, that of the process; `cuda`, what torch has allocated on the GPU.
        sizes: by width x height.
    """

    cost_schema: Literal[1] = 1
    device: Line = ""
    memory: Literal["resident", "cuda"] = "resident"
    sizes: dict[SizeName, SizeCost]

    def at(self, size: str) -> SizeCost:
        """The cost at a size; one without figures where that was not measured."""
        return next((cost for name, cost in self.sizes.items() if name == size), SizeCost())


class Asked(Config):
    """What the measuring process is asked for: a model, as `Model` has it, and how it restores."""

    baseline: str
    config: dict[str, Any]
    weights: str | None = None
    device: str
    inference: Inference = WHOLE


def keep_cost(
    run: Path, baseline: str, model: Model, inference: Inference = WHOLE, *, quiet: bool = False
) -> Cost | None:
    """Write `cost.json` into a run folder, unless it is there. It never fails: what cannot be measured is noted.

    Args:
        run: the run folder.
        baseline: the name by which the model's baseline is found.
        model, inference: what restores, and how.
    """
    try:
        known = read_cost(run)
    except DeblurbenchError:
        known = None  # damaged: it is measured again
    if known is None:
        say("cost: restoring a picture of 256x256 and one of 1280x720, for time and memory", quiet=quiet)
        known = measure(baseline, model, inference)
        write_json(run / COST, known.as_dict())
    return known


def read_cost(run: Path) -> Cost | None:
    """Read `cost.json`; None where it was not measured. Raises RunError where it is damaged."""
    path = run / COST
    if not path.is_file():
        return None
    try:
        return Cost.model_validate_json(canonical_json(read_json(path, RunError)), strict=True)
    except ValueError as error:
        raise RunError(f"{path} is damaged", "remove it, and give the same run-baseline again") from error


def measure(baseline: str, model: Model, inference: Inference = WHOLE) -> Cost:
    """The cost of a model. A process of its own restores, so that nothing else is in its memory."""
    asked = Asked(
        baseline=baseline,
        config=model.config.as_dict(),
        weights=str(model.weights.resolve()) if model.weights else None,
        device=model.device,
        inference=inference,
    )
    found, why = _probed(asked)
    sizes: dict[SizeName, SizeCost] = {}
    for size in SIZES:
        measured = found.at(size) if size in found.sizes else SizeCost(note=why)
        sizes[size] = measured.model_copy(update={"macs": _macs(model, size)})
    return found.model_copy(update={"sizes": sizes})


def _macs(model: Model, size: str) -> int | None:
    try:
        return model.baseline.macs(model.config, *height_width(size))
    except Exception:  # somebody's network may do what cannot be counted: no reason for a run to fail
        return None


def _probed(asked: Asked) -> tuple[Cost, str]:
    """What the measuring process has found, and why it found no more."""
    with tempfile.TemporaryDirectory() as folder:
        question, answer = Path(folder) / "asked.json", Path(folder) / "cost.json"
        write_json(question, asked.as_dict())
        command = [sys.executable, "-P", "-m", _PROBE, str(question), str(answer)]
        why = "it was not measured"
        try:
            code = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_LIMIT,
                check=False,
            ).returncode
            if code:
                why = f"the measuring process ended with code {code}" + (", as for lack of memory" * (code == -9))
        except subprocess.TimeoutExpired:
            why = f"it took more than {_LIMIT:.0f} s"
        except OSError as error:
            why = f"no process could be started ({error.strerror})"
        try:
            return Cost.model_validate_json(answer.read_text(encoding="utf-8"), strict=True), why
        except (OSError, ValueError):
            return Cost(sizes={}), why


def amount(value: float) -> str:
    """A time or a size of memory with two digits that count, without an exponent: `0.046`, `3.1`, `1690`."""
    if value <= 0 or not math.isfinite(value):
        return "0"
    decimals = 1 - math.floor(math.log10(value))
    return f"{value:.{decimals}f}" if decimals > 0 else f"{round(value)}"
