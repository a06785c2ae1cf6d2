"""What torch says in its own words, as errors of one line that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from deblurbench.errors import RunError

_NO_MEMORY = "can't allocate memory"  # of its allocator for the CPU, which has no type of its own
_ONE_VALUE = "Expected more than 1 value per channel"


@contextmanager
def explained(memory: str) -> Iterator[None]:
    """Raise RunError where torch lacks memory, has too few values for BatchNorm, or cannot compile.

    `memory`: what takes less of it.
    """
    try:
        yield
    except (MemoryError, RuntimeError, ValueError) as error:
        text = str(error)
        if lacks_memory(error):
            raise RunError("not enough memory", memory) from error
        if _ONE_VALUE in text:
            hint = "choose a batch that leaves no single crop at the end of an epoch, or larger crops"
            raise RunError("BatchNorm has a single value per channel in some batch", hint) from error
        if _is_a("TorchDynamoException", error):
            cause = next(iter(text.splitlines()), type(error).__name__)
            raise RunError(f"torch.compile fails here ({cause})", "use --set training.compile=no") from error
        raise


def lacks_memory(error: Exception) -> bool:
    """Whether an error is for lack of memory, of the machine or of its GPU."""
    return isinstance(error, MemoryError) or _is_a("OutOfMemoryError", error) or _NO_MEMORY in str(error)


def _is_a(name: str, error: Exception) -> bool:
    """By name: to import torch's errors takes seconds."""
    return any(kind.__name__ == name for kind in type(error).__mro__)
