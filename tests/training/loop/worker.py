"""What one of several processes does in the tests: `python -m tests.training.loop.worker FOLDER`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from msgspec.structs import replace
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from tests.training.evaluation.learners import Likelihood, Words
from tests.training.evaluation.learners import learner as seeing
from tests.training.loop.tiny import RESNET, VIT, Endless, batch_of, gradients_of, learner_for, learner_of, run_of
from training.errors import TrainingError
from training.evaluation.exams import Exam, Question
from training.evaluation.scoring import score
from training.evaluation.zero_shot import grade
from training.loop import checkpoints, logs, optimiser
from training.loop.accumulation import backward
from training.loop.checkpoints import Training
from training.loop.folder import open_folder
from training.loop.processes import Processes, average_undivided, gather, gradient_norm, joined, spread, whole
from training.loop.train import fit
from training.objectives.contrastive import Contrastive
from training.run import Evaluation, Objective, Run

LANGUAGE_MODEL = Objective(kind="language-model")
HALF_RUN = run_of(steps=8, parallel="fsdp", half_statistics=True)
OBJECTIVES = {"features": Contrastive(), "scores": Likelihood({"shiny": 0.5})}


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


def exam() -> Exam:
    """Make 13 questions: right and wrong answers, ties that the first class wins, files that are not there."""
    classes = ("red", "green", "a green", "blue", "a red", "shiny red", "shiny green")
    colours = ["red", "green", "green", "blue", "red", "red", "blue", "green", "blue", "red", "green"]
    places = [0, 1, 2, 3, 4, 5, 0, 6, 1, 0, 1]
    pictures = [Image.new("RGB", (20, 20), colour) for colour in colours]
    asked = [Question(*one, classes[one[2]]) for one in zip(pictures, [classes] * 11, places, strict=True)]
    missing = [Question(Path(f"missing-{number}.png"), classes, number, classes[number]) for number in (0, 1, 2)]
    return Exam("colours", ("{}", "a photo of {}"), [missing[0], *asked[:5], missing[1], missing[2], *asked[5:]])


class Failing(Words):
    """Words that a process cannot look up."""

    def __call__(self, texts: Sequence[str]) -> Tensor:
        raise OSError(5, "the disk is gone")


def judging(group: Processes, folder: Path) -> None:
    """Judge together; then fail in one process only, and have other pictures than the other one."""
    told: dict[str, object] = {}
    for name, objective in OBJECTIVES.items():
        told[name] = asdict(grade(seeing(objective), Words(), exam(), group))
        try:
            grade(seeing(objective), Words() if group.is_first else Failing(), exam(), group)
        except TrainingError as error:
            told[f"{name}, one fails"] = error.message
    try:
        score(seeing(), Words(), Evaluation(pictures=14 + group.rank), group)
    except TrainingError as error:
        told["other pictures"] = error.message
    told["afterwards"] = group.sum(torch.ones(())).item()
    (folder / f"judging-{group.rank}.json").write_text(json.dumps(told))


def half(group: Processes, folder: Path) -> None:
    """Train by FSDP2 with half statistics; then load the last checkpoint, and write it again."""
    run, out = HALF_RUN, folder / "half"
    if group.is_first:
        open_folder(run, out)
    group.wait()
    last = fit(run, out, learner_of(VIT, 7), Endless(run, group.rank, group.world), None, group).checkpoint
    learner = learner_of(VIT, 8)
    spread(learner, run, group)
    training = Training(learner, optimiser.make(run, learner), torch.amp.GradScaler("cpu", enabled=False))
    checkpoints.load(last, training, group)
    checkpoints.save(folder / "half-again", training, group, 1)


def statistics_run(parallel: str) -> Run:
    """Describe a run of a ResNet whose weights stay what they are."""
    return run_of(RESNET, steps=2, learning_rate=1e-30, micro_batch_size=3, parallel=parallel, ema=0.5)


def statistics(group: Processes, folder: Path) -> None:
    """Let a ResNet see pictures in two steps; keep what this process knows of them."""
    for parallel in ("ddp", "fsdp"):
        run, out, learner = statistics_run(parallel), folder / f"statistics-{parallel}", learner_of(RESNET, 7)
        if group.is_first:
            open_folder(run, out)
        group.wait()
        fit(run, out, learner, Endless(run, group.rank, group.world), None, group)
        save_file(dict(learner.clip.named_buffers()), folder / f"statistics-{parallel}-{group.rank}.safetensors")


TASKS: dict[str, Callable[[Processes, Path], None]] = {
    one.__name__: one for one in (gradients, curves, half, statistics, judging)
}


if __name__ == "__main__":
    torch.set_num_threads(1)
    logs.draw = lambda rows, path: None
    with joined("cpu") as this:
        for task in TASKS.values():
            task(this, Path(sys.argv[1]))
