"""`lpips-alex` and `lpips-vgg`: learnt perceptual distance, version 0.1, with weights that the user names.

Zhang, Isola, Efros, Shechtman, Wang: The Unreasonable Effectiveness of Deep Features as a Perceptual Metric, CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Sequence

from deblurbench.scoring.lpips.nets import ALEX, VGG, Net
from deblurbench.scoring.pictures.readers import OPENCV
from deblurbench.scoring.protocol import Metric, Protocol, Recipe
from deblurbench.scoring.protocols import words
from deblurbench.scoring.weights import Function, NeedsWeights, Weights


def _protocol(name: str, net: Net, used_by: str) -> Protocol:
    def load(files: Sequence[Weights]) -> tuple[Function, tuple[Weights, ...]]:
        from deblurbench.scoring.lpips.distance import load

        return load(net, files)

    files = "; ".join(f"{file.name} (SHA-256 {file.sha256})" for file in (net.backbone, net.linear))
    return Protocol(
        name=name,
        version=1,
        summary=f"LPIPS 0.1 on {net.name}'s features; lower is better; the user names the weights",
        reader=OPENCV,
        metrics=(Metric("lpips", NeedsWeights(net.needs, load), slow=True, lower_is_better=True),),
        recipe=Recipe(
            reader=words.OPENCV_READER,
            colour=words.RGB,
            dtype="float32",
            rounding=words.ROUNDED,
            crop=words.NO_CROP,
            window=f"none: {net.name}'s features after five stages, scaled to length 1 per pixel, squared differences "
            "weighted by channel, mean over pixels, sum over stages; not defined for pictures with a side below "
            f"{net.least}",
            covariance="none",
            padding="that of the network's convolutions, with zeros",
            range="-1 .. 1, then ImageNet's mean and spread",
            aggregation=words.PER_PICTURE,
            infinities="none; equal pictures have 0",
            used_by=used_by,
            source=f"the package lpips 0.1.4 (richzhang/PerceptualSimilarity), with {files}",
            tolerance="1e-6, in float32 on the CPU, with the same weights; another file is another number, "
            "and results say which files gave theirs",
        ),
    )


LPIPS_ALEX = _protocol("lpips-alex", ALEX, "the package's default, which its authors advise for comparing results")
LPIPS_VGG = _protocol("lpips-vgg", VGG, "results marked LPIPS (VGG); the package's authors advise it as a loss")
