"""deblurbench: blurred/sharp datasets, deblurring baselines, named scores, leaderboards.

The rooms, in the order in which data flows through them: `sources` -> `blur` -> `dataset` -> `runs` (baselines
trained, their predictions scored by `scoring`) -> `leaderboard`.

For people's own code: `open_dataset(path_or_name, split)` gives a split as a torch dataset of `PairTensors`. It is
imported when it is asked for, so that `import deblurbench` stays fast.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deblurbench.dataset.torch_pairs import PairDataset, PairTensors, open_dataset

__version__ = "0.1.0"
__all__ = ["PairDataset", "PairTensors", "__version__", "open_dataset"]

if not TYPE_CHECKING:  # so that type checkers know these names, and no others

    def __getattr__(name):  # noqa: ANN001, ANN202
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from deblurbench.dataset import torch_pairs

        return getattr(torch_pairs, name)

    def __dir__():  # noqa: ANN202
        return sorted({*globals(), *__all__})
