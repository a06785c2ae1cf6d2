"""What TensorBoard shows of a training: event files in the run folder, if the package is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from deblurbench.errors import UsageError
from deblurbench.images.codec import read_rgb
from deblurbench_baselines.training.history import Epoch

TENSORBOARD = "tensorboard"


class TensorBoard:
    """Writes event files that `tensorboard --logdir RUNS` shows, one x-axis for all: the epochs.

    A run that is resumed goes on in a new file of the same folder. The last epoch of its history is written anew, and
    what the folder holds of this epoch and of later ones is hidden by TensorBoard: a kill may have come before or after
    it was written. Where the folder holds nothing yet, all of the history is written.

    Raises: UsageError where the package is missing.
    """

    def __init__(self, folder: Path, history: Sequence[Epoch] = ()) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UsageError("TensorBoard is not installed", "pip install 'deblurbench[tensorboard]'") from error
        before = folder.is_dir() and any(folder.iterdir())
        missing = history[-1:] if before else history
        purge = max(1, len(history)) if before else None
        self._writer = SummaryWriter(folder, purge_step=purge, max_queue=1000)
        for epoch in missing:
            self.epoch(epoch)

    def epoch(self, epoch: Epoch) -> None:
        """Write the figures of an epoch; what is missing is left out. They are on disk when this returns."""
        for tag, value in _scalars(epoch):
            self._writer.add_scalar(tag, value, epoch.epoch)
        if epoch.alarms:
            self._writer.add_text("alarms", " ".join(epoch.alarms), epoch.epoch)
        self._writer.flush()

    def samples(self, epoch: int, path: Path) -> None:
        """Show a PNG that was drawn of an epoch."""
        picture = read_rgb(path)
        self._writer.add_image("samples", picture, epoch, dataformats="HWC")
        self._writer.flush()

    def close(self) -> None:
        """End the file."""
        self._writer.close()


def _scalars(epoch: Epoch) -> Iterator[tuple[str, float]]:
    yield "loss/train", epoch.train_loss
    yield from ((f"loss/{name}", value) for name, value in sorted(epoch.terms.items()))
    yield "val/mse", epoch.val_mse
    yield "val/mae", epoch.val_mae
    yield "val/psnr", epoch.val_psnr
    yield "val/psnr_blurred", epoch.blurred_psnr
    if epoch.val_ssim is not None:
        yield "val/ssim", epoch.val_ssim
    yield "training/learning_rate", epoch.learning_rate
    yield "training/crops_per_second", epoch.crops_per_second
    yield "training/data_wait", epoch.data_wait
    yield "training/seconds", epoch.seconds
