"""Which device a run uses: `auto`, `cpu` or `cuda[:N]`."""

from __future__ import annotations

import re

from deblurbench.errors import UsageError


def choose_device(wanted: str, *, needed: bool) -> str:
    """The device as torch names it; `cpu` where none is needed, so that torch is not even imported.

    Raises: UsageError for a name that is none, or a GPU that is not there.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", wanted):
        raise UsageError(f"unknown device {wanted!r}", "it is auto, cpu, cuda or cuda:N")
    if not needed or wanted == "cpu":
        return "cpu"
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        return "cuda" if count else "cpu"
    if int(wanted.partition(":")[2] or 0) >= count:
        raise UsageError(f"no device {wanted} here", f"{count} CUDA devices were found; use --device cpu")
    return wanted
