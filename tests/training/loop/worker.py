"""What one of several processes does in the tests: `python -m tests.training.loop.worker FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import torch
from msgspec.structs import replace
from safetensors.torch import save_file

from tests.training.loop.tiny import VIT, Endless, batch_of, gradients_of, learner_for, learner_of, run_of
from training.loop import checkpoints, optimiser
from training.loop.accumulation import backward
from training.loop.checkpoints import Training
from training.loop.folder import open_folder
from training.loop.processes import Processes, average_undivided, gather, gradient_norm, joined, spread, whole
from training.loop.train import fit
from training.run import Objective

LANGUAGE_MODEL = Objective(kind="language-model")


def gradients(group: Processes, folder: Path) -> None:
    """Compute the gradients of one batch in every way there is, and the features of all."""
    batch = list(batch_of(VIT, 12, 1).parts(12 // group.world))[group.rank]
    for parallel in ("ddp", "fsdp"):
        for parts in (0, 2):
            learner = learner_of(VIT)
            wrapped = spread(learner, run_of(parallel=parallel), group)
            losses = backward(wrapped, batch, parts, processes=group)
            average_undivided(learner, group)
            norm = gradient_norm(learner, group)
            found = {name: whole(value) for name, value in gradients_of(learner).items()}
            found |= {"loss": group.sum(losses["contrastive"]) / group.world, "norm": norm}
            save_file(found, folder / f"{parallel}-{parts}-{group.rank}.safetensors")
    other = learner_for(LANGUAGE_MODEL)
    backward(spread(other, replace(run_of(), objective=LANGUAGE_MODEL), group), batch, 2, processes=group)
    save_file(gradients_of(other), folder / f"language-model-{group.rank}.safetensors")
    own = {"a": torch.full((2, 3), float(group.rank), requires_grad=True), "b": torch.tensor([group.rank, 9])}
    everyone = gather(own, frozenset("ab"), group)
    (everyone["a"] * torch.arange(4.0)[:, None] * (group.rank + 1)).sum().backward()
    gradient = own["a"].grad
    assert gradient is not None
    save_file({**everyone, "gradient": gradient}, folder / f"gather-{group.rank}.safetensors")


def curves(group: Processes, folder: Path) -> None:
    """Train 20 steps by DDP and by FSDP2, in parts; the latter also goes on from its checkpoint."""
    for name, changes in {
        "ddp": {"parallel": "ddp", "ema": 0.5},
        "fsdp": {"parallel": "fsdp", "ema": 0.5, "checkpoint_every": 10},
    }.items():
        run, out = run_of(micro_batch_size=3, **changes), folder / name
        if group.is_first:
            open_folder(run, out)
        group.wait()
        fit(run, out, learner_of(VIT, 7), Endless(run, group.rank, group.world), None, group)
    learner = learner_of(VIT, 7)
    spread(learner, run, group)
    training = Training(learner, optimiser.make(run, learner), torch.amp.GradScaler("cpu", enabled=False))
    checkpoints.load(folder / "fsdp" / "checkpoints" / "step-00000020", training, group)
    state = {name: whole(value.detach()) for name, value in learner.clip.state_dict().items()}
    if group.is_first:
        save_file(state, folder / "loaded.safetensors")


TASKS: dict[str, Callable[[Processes, Path], None]] = {one.__name__: one for one in (gradients, curves)}


if __name__ == "__main__":
    torch.set_num_threads(1)
    with joined("cpu") as this:
        for task in TASKS.values():
            task(this, Path(sys.argv[1]))
