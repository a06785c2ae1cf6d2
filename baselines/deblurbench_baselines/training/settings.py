"""How a network is trained: frozen settings, without torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from deblurbench.config import Config
from deblurbench_baselines.losses.settings import Beta, LossName, PerceptualSettings, Rate, Weight

Count = Annotated[int, Field(ge=1, le=1 << 31)]
Patience = Annotated[int, Field(ge=0, le=1 << 31)]


class Folds(Config):
    """One part of a k-fold cross-validation: `count` parts of the scenes of train and val, of which number `fold`
    (from 1) is selected on and the others are trained on."""

    count: Annotated[int, Field(ge=2, le=100)]
    fold: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _check_number(self) -> Self:
        if self.fold > self.count:
            raise ValueError(f"fold {self.fold} of {self.count}")
        return self


class TrainingSettings(Config):
    """One way to train. Both patiences, and the choice of the best weights, watch the MSE on `val`.

    Attributes:
        seed: of the initial weights, of all crops and of all that is drawn.
        epochs: at most.
        batch: crops per optimiser step, over all processes.
        accumulate: in so many pieces is each batch worked off, for less memory; their gradients are added.
        crop: the side of crops, pixels.
        crops_per_pair: crops from each pair per epoch.
        augment: `dihedral`: quarter turns and mirroring; `mirror`: left and right only; `none`.
        blur: `built`: as the dataset has it; `fresh`: every crop is blurred anew, by the blurs of the dataset's recipe.
        losses: by name, with their weights; on the network's unclipped output. Empty where a critic alone teaches.
        perceptual: of the loss of that name.
        optimiser: `adam` or `adamw`.
        learning_rate: at its highest.
        betas: of the optimiser.
        weight_decay: decoupled, so for `adamw` only.
        warm_up: steps in which the learning rate rises linearly to its value.
        schedule: `plateau` multiplies the rate by `plateau_factor` when the MSE on `val` has not fallen
            (by more than 1e-4 of itself) for more than `plateau_patience` epochs; `cosine` lets it fall along half a
            cosine over all steps of all epochs; `linear` keeps it for `constant_epochs`, then lets it fall in a
            line to the end; `constant`.
        learning_rate_floor: below which no schedule goes.
        early_stopping: epochs without a better MSE on `val` after which training ends; None: never.
        clip: the longest gradient, by its 2-norm over all parameters; None: any.
        ema: the part of the exponential moving average of the weights that stays at each step; the average is then
            what is validated and kept. None: no average.
        precision: of the network's arithmetic: `float32`, or mixed with `bfloat16` or `float16`.
        channels_last: the order of weights and pictures in memory.
        compile: by `torch.compile`: `no`, or one of its modes.
        val_pairs: at most so many pairs of `val` are looked at, spread evenly over it: restoring whole pictures takes
            as long as training on some crops.
        folds: one part of a cross-validation; None: select on `val`.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    epochs: Count
    batch: Count
    accumulate: Count = 1
    crop: Count
    crops_per_pair: Count
    augment: Literal["dihedral", "mirror", "none"] = "dihedral"
    blur: Literal["built", "fresh"] = "built"
    losses: dict[LossName, Weight]
    perceptual: PerceptualSettings | None = None
    optimiser: Literal["adam", "adamw"] = "adam"
    learning_rate: Rate
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    warm_up: Patience = 0
    schedule: Literal["plateau", "cosine", "linear", "constant"] = "plateau"
    constant_epochs: Patience = 0
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    plateau_patience: Patience = 3
    learning_rate_floor: Annotated[float, Field(ge=0, le=1)] = 0.0
    early_stopping: Count | None = None
    clip: Annotated[float, Field(gt=0, le=1e9)] | None = None
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    channels_last: bool = True
    compile: Literal["no", "default", "reduce-overhead", "max-autotune"] = "no"
    val_pairs: Count = 200
    folds: Folds | None = None

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.weight_decay and self.optimiser != "adamw":
            raise ValueError("weight_decay is for the optimiser adamw")
        if self.learning_rate_floor > self.learning_rate:
            raise ValueError("learning_rate_floor lies above learning_rate")
        if self.accumulate > self.batch:
            raise ValueError(f"a batch of {self.batch} has no {self.accumulate} pieces")
        if self.accumulate > 1 and self.compile in ("reduce-overhead", "max-autotune"):
            # Both record CUDA graphs, whose next replay overwrites the gradients of the last piece.
            raise ValueError(f"accumulate does not go with compile = {self.compile!r}; `default` does")
        if self.constant_epochs >= self.epochs and self.schedule == "linear":
            raise ValueError("constant_epochs leaves no epoch for the rate to fall in")
        if ("perceptual" in self.losses) != (self.perceptual is not None):
            raise ValueError("the loss `perceptual` and the table `perceptual` go together")
        return self
