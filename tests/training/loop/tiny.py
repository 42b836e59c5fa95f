"""Small learners and endless random batches for the loop's tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from msgspec.structs import replace as replace_struct
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from clipsearch.model import CLIP, CLIPConfig
from clipsearch.model.configs import TextConfig, VisionConfig
from training import run as runs
from training.data.pairs import Batch
from training.objectives import build
from training.objectives.contrastive import Contrastive
from training.objectives.encoded import Encoded
from training.objectives.objective import Features, Learner, Losses
from training.run import Run

TEXT = TextConfig(context_length=8, vocab_size=32, width=16, heads=2, layers=2)
VIT = CLIPConfig("tiny", 16, VisionConfig("vit", 16, width=16, layers=2, heads=2, patch_size=8), TEXT)
RESNET = replace(
    VIT, vision=VisionConfig("resnet", 32, width=4, layers=(1, 1, 1, 1), heads=2, class_token=False, pre_norm=False)
)


def run_of(config: CLIPConfig = VIT, steps: int = 20, batch_size: int = 12, **changes: object) -> Run:
    """Describe a run; the changes are fields of the tables `loop` and `optimiser`."""
    loop = {name: value for name, value in changes.items() if name in runs.Loop.__struct_fields__}
    rest = {name: value for name, value in changes.items() if name not in loop}
    return Run(
        name="tiny",
        model=config.to_json(),
        data=runs.Data(kind="scenes"),
        text=runs.Text(
            tokenizer="learned", vocabulary=config.text.vocab_size, context_length=config.text.context_length
        ),
        optimiser=runs.Optimiser(**{"learning_rate": 1e-3, "warmup_steps": 4, **rest}),  # type: ignore[arg-type]
        loop=runs.Loop(steps=steps, batch_size=batch_size, **{"log_every": 1, **loop}),  # type: ignore[arg-type]
        device="cpu",
    )


def learner_of(config: CLIPConfig = VIT, seed: int = 0, dropout: float = 0.0) -> Learner:
    """Make a learner from a seed, whose features are dropped out at random if so wanted."""
    torch.manual_seed(seed)
    return Learner(CLIP(config), Dropping(dropout) if dropout else Contrastive())


def learner_for(objective: runs.Objective, config: CLIPConfig = VIT) -> Learner:
    """Make the learner of one of the package's objectives."""
    torch.manual_seed(1)
    clip = CLIP(config)
    start = runs.Start(path="any" if objective.locked_image_tower else "")
    return Learner(clip, build(replace_struct(run_of(config), objective=objective, start=start), clip))


class Dropping(Contrastive):
    """The paper's objective with random numbers in it."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def read(self, encoded: Encoded) -> Features:
        features = super().read(encoded)
        return features | {"image": functional.dropout(features["image"], self.share)}


class Alone(Contrastive):
    """An objective that compares nothing: each picture is to be near its text."""

    gathered = frozenset()

    def losses(self, own: Features, everyone: object, first: int) -> Losses:
        return {"alone": (own["image"] - own["text"]).square().sum(1).mean(), "half": own["image"][:, 0].mean() / 2}


def batch_of(config: CLIPConfig, count: int, seed: int) -> Batch:
    """Make a batch of random pairs, whose texts have several lengths."""
    generator = torch.Generator().manual_seed(seed)
    size, text = config.vision.image_size, config.text
    pixels = torch.randn(count, 3, size, size, generator=generator)
    tokens = torch.randint(1, text.vocab_size - 1, (count, text.context_length), generator=generator)
    ends = torch.randint(2, text.context_length, (count,), generator=generator)
    places = torch.arange(text.context_length)
    tokens = torch.where(places < ends[:, None], tokens, 0)
    return Batch(pixels, tokens.scatter(1, ends[:, None], text.vocab_size - 1))


@dataclass(frozen=True)
class Endless:
    """Random batches: what a step gets is a function of run, process and step; the steps in `broken` are not finite."""

    run: Run
    rank: int = 0
    world: int = 1
    broken: tuple[int, ...] = ()
    bad: tuple[int, ...] = ()

    def __call__(self, first: int) -> AbstractContextManager[Iterator[Batch]]:
        return self._open(first)

    @contextmanager
    def _open(self, first: int) -> Iterator[Iterator[Batch]]:
        yield self._from(first)

    def _from(self, step: int) -> Iterator[Batch]:
        while True:
            yield self.batch(step)
            step += 1

    def batch(self, step: int) -> Batch:
        count = self.run.loop.batch_size // self.world
        whole = batch_of(self.run.network, self.run.loop.batch_size, 1000 + step)
        mine = list(whole.parts(count))[self.rank]
        pixels = mine.pixels * float("nan") if step in self.broken else mine.pixels
        return Batch(pixels, mine.tokens, None, [f"pair {step} is broken"] if step in self.bad else [])


def plain_loss(clip: CLIP, batch: Batch) -> Tensor:
    """Compute the paper's loss over a whole batch, as its figure 3 says it."""
    images = functional.normalize(clip.encode_image(batch.pixels), dim=-1)
    texts = functional.normalize(clip.encode_text(batch.tokens), dim=-1)
    logits = clip.logit_scale.exp() * images @ texts.T
    right = torch.arange(len(batch))
    return (functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)) / 2


def gradients_of(learner: Learner) -> dict[str, Tensor]:
    """Return a copy of all gradients there are."""
    return {
        name: weight.grad.detach().clone() for name, weight in learner.named_parameters() if weight.grad is not None
    }


def plain_gradients(config: CLIPConfig, batch: Batch, seed: int = 0) -> tuple[float, dict[str, Tensor]]:
    """Return loss and gradients of the whole batch at once, by plain code."""
    learner = learner_of(config, seed)
    loss = plain_loss(learner.clip, batch)
    loss.backward()
    return loss.item(), gradients_of(learner)


def assert_close(found: dict[str, Tensor], wanted: dict[str, Tensor], tolerance: float = 1e-5) -> None:
    """Hold two sets of tensors against each other, by name."""
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(
            found[name], value, atol=tolerance, rtol=tolerance, msg=lambda text, name=name: f"{name}: {text}"
        )


def assert_same(one: Path, other: Path) -> None:
    """Hold two checkpoints against each other, bit for bit, with all random numbers."""
    files = sorted(file.relative_to(one) for file in one.rglob("*.safetensors"))
    assert files == sorted(file.relative_to(other) for file in other.rglob("*.safetensors"))
    for file in files:
        found, wanted = load_file(one / file), load_file(other / file)
        assert found.keys() == wanted.keys()
        assert [name for name in wanted if not torch.equal(found[name], wanted[name])] == []
