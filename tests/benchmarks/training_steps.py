"""Steps of training to be measured: ours, and the same step as plain code writes it; on random pixels and tokens."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch.nn import functional

from clipsearch.model import CLIP, CLIPConfig
from tests.benchmarks.test_vector_search import resident_bytes
from training import run as runs
from training.data.pairs import Batch
from training.loop import optimiser, precision
from training.loop.checkpoints import Training
from training.loop.processes import Processes
from training.loop.train import _Fit
from training.objectives.contrastive import Contrastive
from training.objectives.objective import Learner

Step = Callable[[], float]  # makes one step of training and returns its loss
RATE, DECAY = 1e-4, 0.2


@dataclass(frozen=True)
class Way:
    """How a step is made. `parts`: pairs computed at once, 0 all; `words`: tokens of the longest text, 0 as many as
    fit."""

    name: str
    is_plain: bool = False
    precision: str = "fp32"
    checkpointing: bool = False
    parts: int = 0
    half_statistics: bool = False
    words: int = 0


@dataclass(frozen=True)
class Cost:
    """What a step took; `peak_bytes`: the most memory so far beyond what there was before the first step."""

    cpu_s: float
    wall_s: float
    peak_bytes: int
    loss: float


def batch_of(config: CLIPConfig, pairs: int, words: int, device: str = "cpu") -> Batch:
    """Make pairs by lot; one text has as many tokens as `words` says, the others have fewer."""
    text, size = config.text, config.vision.image_size
    longest = words or text.context_length
    tokens = torch.randint(1, text.vocab_size - 1, (pairs, text.context_length))
    ends = torch.randint(longest // 2, longest, (pairs,))
    ends[0] = longest - 1
    tokens[torch.arange(text.context_length) > ends[:, None]] = 0
    tokens[torch.arange(pairs), ends] = text.vocab_size - 1
    return Batch(torch.randn(pairs, 3, size, size), tokens).to(torch.device(device))


def step_of(way: Way, config: CLIPConfig, pairs: int, device: str = "cpu") -> Step:
    """Make the model, the same for every way, and what makes a step of it."""
    torch.manual_seed(0)
    with torch.device(device):
        clip = CLIP(config).train()
    torch.manual_seed(1)
    batch = batch_of(config, pairs, way.words, device)
    return plain(clip, batch, way.precision) if way.is_plain else ours(run_of(way, config, pairs), clip, batch)


def run_of(way: Way, config: CLIPConfig, pairs: int) -> runs.Run:
    loop = {"micro_batch_size": way.parts, "gradient_checkpointing": way.checkpointing, "precision": way.precision}
    return runs.Run(
        name=way.name,
        model=config.to_json(),
        data=runs.Data(kind="scenes"),
        text=runs.Text(vocabulary=config.text.vocab_size, context_length=config.text.context_length),
        optimiser=runs.Optimiser(RATE, DECAY, warmup_steps=0, half_statistics=way.half_statistics),
        loop=runs.Loop(steps=1000, batch_size=pairs, **loop),
    )


def ours(run: runs.Run, clip: CLIP, batch: Batch) -> Step:
    """Make the step of the loop, as `training.loop.train.fit` does; all that it logs is computed as well."""
    group, learner = Processes(device=batch.pixels.device), Learner(clip, Contrastive())
    precision.prepare_blocks(learner, run.loop)
    training = Training(learner, optimiser.make(run, learner), precision.scaler(run.loop, group.device))
    fit = _Fit(run, Path(), training, learner, lambda _: nullcontext(), None, learner, group)
    return lambda: fit.step(training.counts.step, batch)["loss"]


def plain(clip: CLIP, batch: Batch, kind: str) -> Step:
    """Make the step that OpenCLIP's loop makes where no option is on: all of each text and of each last block is
    computed, the whole matrix of logits is compared, and torch's AdamW is taken as it comes."""
    weights = {name: weight for name, weight in clip.named_parameters() if weight.requires_grad}
    decaying = [weight for name, weight in weights.items() if optimiser.decays(name, weight)]
    others = [weight for name, weight in weights.items() if not optimiser.decays(name, weight)]
    groups = [{"params": decaying, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, RATE, (0.9, 0.98), 1e-6)
    targets = torch.arange(len(batch), device=batch.pixels.device)

    def step() -> float:
        adam.zero_grad()
        with precision.autocast(kind, batch.pixels.device):
            images = functional.normalize(clip.visual.with_patches(batch.pixels)[0], dim=-1)
            texts = functional.normalize(clip.text.with_states(batch.tokens)[0], dim=-1)
            logits = clip.logit_scale.exp() * images @ texts.T
            loss = (functional.cross_entropy(logits, targets) + functional.cross_entropy(logits.T, targets)) / 2
        loss.backward()
        adam.step()
        clip.clamp_temperature()
        return loss.item()

    return step


def serve(way: Way, config: CLIPConfig, pairs: int, pipe: Connection) -> None:
    """Make a step, and tell its cost, each time that something comes through the pipe, until it is False."""
    torch.set_num_threads(1)
    step = step_of(way, config, pairs)
    before = resident_bytes()
    while pipe.recv():
        cpu, wall = time.process_time(), time.perf_counter()
        loss = step()
        cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
        pipe.send(Cost(cpu_s, wall_s, most_resident_bytes() - before, loss))


def most_resident_bytes() -> int:
    """Return the most main memory that this process ever had."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
