"""deblurbench: blurred/sharp datasets, deblurring baselines, named scores, leaderboards.

The rooms, in the order in which data flows through them: `sources` -> `blur` -> `dataset` -> `runs` (baselines
trained, their predictions scored by `scoring`) -> `leaderboard`.
"""

__version__ = "0.1.0"
