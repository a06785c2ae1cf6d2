"""What `run-baseline` is asked for, checked and resolved before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from deblurbench import plugins
from deblurbench.config import Config
from deblurbench.dataset.reader import Dataset
from deblurbench.errors import UsageError
from deblurbench.files import sha256_file
from deblurbench.runs import processes
from deblurbench.runs.baseline import FEATURES, Baseline, Resources, value_at
from deblurbench.runs.device import choose_device
from deblurbench.runs.record import RunRecord, git_commit
from deblurbench.versions import versions

FEATURES_PRESET = "vgg"


@dataclass(frozen=True)
class Request:
    """A run that somebody wants.

    Attributes:
        name: of the baseline.
        preset, settings: of its recipe, as `Baseline.configure` takes them.
        resources: with what it is trained; the device may be `auto`, and `workers` is the number on this machine.
        train_only: neither predict nor score.
        retrain: train from the start, whatever training has left in the run folder.
        overwrite: start anew, whatever run the folder holds.
    """

    name: str
    preset: str | None = None
    settings: Sequence[str] = ()
    resources: Resources = field(default_factory=lambda: Resources(device="auto"))
    train_only: bool = False
    retrain: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Resolved:
    """A request of which everything is known: made by `resolve`.

    Attributes:
        request: with the preset that was chosen and the settings that follow from `--vgg`.
        resources: of this process.
    """

    request: Request
    baseline: Baseline
    config: Config
    resources: Resources

    def record(self, dataset: Dataset) -> RunRecord:
        """The `run.json` of the request on a dataset."""
        baseline, config, preset = self.baseline, self.config, self.request.preset
        parameters, trainable = baseline.counts(config)
        count = processes.world_size()
        return RunRecord(
            baseline=self.request.name,
            origin=plugins.find("baselines")[self.request.name].origin,
            version=baseline.version,
            preset=preset,
            label=baseline.label_of(config, preset),
            told=baseline.is_told(config),
            parameters=parameters,
            trainable=trainable,
            config=config.as_dict(),
            config_hash=config.hash(),
            dataset=dataset.recipe,
            dataset_version=dataset.recipe_version,
            dataset_id=dataset.id,
            device=self.resources.device,
            processes=count if count > 1 and baseline.trains else None,
            versions=versions(),
            git_commit=git_commit(),
        )


def resolve(request: Request) -> Resolved:
    """Load the baseline, resolve its recipe, and choose the device.

    Raises: UsageError for an unknown baseline, preset, key or device, a baseline that cannot do what is asked, and
        for features that are missing or have no use.
    """
    baseline: Baseline = plugins.load("baselines", request.name)
    features = request.resources.features is not None
    asked = {"--train-only": request.train_only, "--retrain": request.retrain, "--vgg": features}
    refuse_untrained(request.name, asked)
    request = _with_features(request, baseline)
    config = baseline.configure(request.preset, request.settings)
    if baseline.needs_features(config) and request.resources.features is None:
        raise UsageError(
            f"{baseline.label(request.preset)} compares features of a network whose weights do not come with it",
            "name their file with --vgg PATH; nothing is downloaded",
        )
    wanted = choose_device(request.resources.device, needed=baseline.trains)
    resources = replace(
        request.resources,
        device=processes.device_of_process(wanted),
        workers=max(1, request.resources.workers // processes.local_size()),
        quiet=request.resources.quiet or not processes.is_first(),
    )
    return Resolved(request, baseline, config, resources)


def refuse_untrained(name: str, asked: Mapping[str, object]) -> None:
    """Raise UsageError where options are given that only training gives a meaning, and the baseline has none."""
    if not plugins.load("baselines", name).trains:
        for option in (option for option, given in asked.items() if given):
            raise UsageError(f"{name} draws nothing and needs no training", f"leave {option} out")


def _with_features(request: Request, baseline: Baseline) -> Request:
    """The request with the preset and the hash that `--vgg` stands for; the path is no part of what a run is."""
    file: Path | None = request.resources.features
    if file is None:
        return request
    preset = request.preset
    if preset is None and FEATURES_PRESET in baseline.presets:
        preset = FEATURES_PRESET
    if not baseline.needs_features(baseline.configure(preset, request.settings)):
        known = f"of its presets, {FEATURES_PRESET} does" if FEATURES_PRESET in baseline.presets else "leave --vgg out"
        raise UsageError(f"{baseline.label(preset)} compares no features of a file", known)
    if not file.is_file():
        raise UsageError(f"no file of features {file}", "--vgg names a file of weights, such as vgg16-397923af.pth")
    digest = sha256_file(file)
    if value_at(baseline.configure(preset, request.settings), FEATURES) not in (None, digest):
        raise UsageError(
            f"{file} is not the file that --set {FEATURES} names", "give the right one, or leave --set out"
        )
    return replace(request, preset=preset, settings=(*request.settings, f'{FEATURES}="{digest}"'))
