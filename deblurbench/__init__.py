"""deblurbench: blurred/sharp datasets, deblurring baselines, named scores, leaderboards.

The rooms, in the order in which data flows through them: `sources` -> `blur` -> `dataset` -> `runs` (baselines
trained, their predictions scored by `scoring`) -> `leaderboard`.

For people's own code: `open_dataset(path_or_name, split)` gives a split as a torch dataset of `PairTensors`;
`score(predictions, sharp, protocol)` scores folders, arrays and tensors, and `BatchScorer(protocol)` batches on their
device, inside training loops. They are imported when they are asked for, so that `import deblurbench` stays fast.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deblurbench.dataset.torch_pairs import PairDataset, PairTensors, open_dataset
    from deblurbench.scoring.api import score
    from deblurbench.scoring.batches import BatchScorer

__version__ = "0.1.0"
__all__ = ["BatchScorer", "PairDataset", "PairTensors", "__version__", "open_dataset", "score"]

_HOMES = {
    "BatchScorer": "deblurbench.scoring.batches",
    "PairDataset": "deblurbench.dataset.torch_pairs",
    "PairTensors": "deblurbench.dataset.torch_pairs",
    "open_dataset": "deblurbench.dataset.torch_pairs",
    "score": "deblurbench.scoring.api",
}

if not TYPE_CHECKING:  # so that type checkers know these names, and no others

    def __getattr__(name):  # noqa: ANN001, ANN202
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name]), name)

    def __dir__():  # noqa: ANN202
        return sorted({*globals(), *__all__})
