"""How a network is trained: frozen settings, without torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from deblurbench.config import Config

Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1)]


class TrainingSettings(Config):
    """One way to train. Both patiences, and the choice of the best weights, watch the MSE on `val`.

    Attributes:
        seed: of the initial weights and of all crops.
        epochs: at most.
        batch: crops per step.
        crop: their side, pixels.
        crops_per_pair: crops from each pair per epoch.
        loss: mean squared (`mse`) or mean absolute (`l1`) error, on the network's unclipped output.
        optimiser: `adam` or `adamw`, betas 0.9 and 0.999.
        learning_rate: at its highest.
        weight_decay: decoupled, so for `adamw` only.
        warm_up: steps in which the learning rate rises linearly to its value.
        schedule: `plateau` multiplies the rate by `plateau_factor` when the MSE on `val` has not fallen
            (by more than 1e-4 of itself) for more than `plateau_patience` epochs; `cosine` lets
            it fall along half a cosine over all steps of all epochs.
        learning_rate_floor: below which no schedule goes.
        early_stopping: epochs without a better MSE on `val` after which training ends.
    """

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    epochs: Count
    batch: Count
    crop: Count
    crops_per_pair: Count
    loss: Literal["mse", "l1"]
    optimiser: Literal["adam", "adamw"] = "adam"
    learning_rate: Rate
    weight_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    warm_up: Annotated[int, Field(ge=0)] = 0
    schedule: Literal["plateau", "cosine"] = "plateau"
    plateau_factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    plateau_patience: Annotated[int, Field(ge=0)] = 3
    learning_rate_floor: Annotated[float, Field(ge=0, le=1)] = 0.0
    early_stopping: Count = 10

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.weight_decay and self.optimiser != "adamw":
            raise ValueError("weight_decay is for the optimiser adamw")
        if self.learning_rate_floor > self.learning_rate:
            raise ValueError("learning_rate_floor lies above learning_rate")
        return self
