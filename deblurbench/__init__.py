"""deblurbench: blurred/sharp datasets, deblurring baselines, named scores, leaderboards.

The rooms, in the order in which data flows through them: `sources` -> `blur` -> `dataset` ->
baselines (through `runs`) -> `scoring` -> `leaderboard`.
"""

__version__ = "0.1.0"
