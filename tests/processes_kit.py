"""Run by `test_processes.py` under torchrun, and alone.

python processes_kit.py train DATASET OUT SETTING...    the gradients of one batch, and a short training
python processes_kit.py stop DATASET OUT SETTING...     a training as a whole, and one that the last process interrupts
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from deblurbench.dataset.reader import open_dataset
from deblurbench.runs.baseline import Resources
from deblurbench_baselines import unet
from deblurbench_baselines.data.memory import MemoryFeed
from deblurbench_baselines.data.pairs import read_pairs, training_parts
from deblurbench_baselines.data.sampler import epoch_crops
from deblurbench_baselines.losses.combined import Losses
from deblurbench_baselines.training import trainer
from deblurbench_baselines.training.learner import Learner, make_learner
from deblurbench_baselines.training.processes import join
from deblurbench_baselines.training.task import Task

CPU = torch.device("cpu")


def gradients(dataset, config):
    """Of the first batch of the first epoch, as they are when the optimiser steps."""
    settings = config.training
    task = Task(config.network, settings, None, None, "", "", "", {})
    pairs = read_pairs(dataset, training_parts(dataset, quiet=True).train, "train", quiet=True)
    processes = join(CPU)
    torch.manual_seed(settings.seed)
    learner = make_learner(task, Losses(settings.losses), CPU, processes)
    crops = epoch_crops(settings, len(pairs), 1)[: settings.batch]
    share = processes.share(crops)
    (batch,) = MemoryFeed(pairs, settings.crop, CPU).batches([share])
    found = {}

    def keep(optimiser, *_):
        for index, parameter in enumerate(optimiser.param_groups[0]["params"]):
            found[str(index)] = parameter.grad.clone(memory_format=torch.contiguous_format)

    learner._optimiser._optimiser.register_step_pre_hook(keep)
    learner.step(batch, 0.0, len(share) * processes.count / len(crops))
    return processes.rank, found


def main(what, folder, out, *more):
    torch.set_num_threads(1)
    dataset, config = open_dataset(Path(folder)), unet.configure("demo", more)
    out = Path(out)
    if what == "stop":
        stop(dataset, config, out)
        return
    rank, found = gradients(dataset, config)
    save_file(found, out / f"gradients-{rank}.safetensors")
    unet.train(config, dataset, out / "run", Resources(quiet=True))


def stop(dataset, config, out):
    """The last process alone has no time: after two steps, and at the end of each epoch."""
    trainer._STEPS_BETWEEN_LOOKS = 2
    processes = join(CPU)
    seen, even_out = [], Learner.even_out

    def remember(self):
        even_out(self)
        seen.append([float(buffer.sum()) for buffer in self.network.buffers()])

    Learner.even_out = remember
    unet.train(config, dataset, out / "whole", Resources(quiet=True))
    minutes = 0 if processes.rank == processes.count - 1 else None
    calls = 1
    while not unet.train(config, dataset, out / "parts", Resources(minutes=minutes, quiet=True)):
        calls += 1
    everywhere = processes.gather(seen)
    if processes.rank == 0:
        (out / "found.json").write_text(json.dumps({"calls": calls, "statistics": everywhere}))


if __name__ == "__main__":
    main(*sys.argv[1:])
