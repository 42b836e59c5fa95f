"""Tiny models, runs and pairs, and every objective over them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from clipsearch.model import CLIP, CLIPConfig
from clipsearch.model.configs import TextConfig, VisionConfig
from training import run as runs
from training.data.pairs import Batch
from training.objectives import Learner, build

CONTEXT, VOCABULARY = 10, 40
START, END = VOCABULARY - 2, VOCABULARY - 1
TEXT = TextConfig(context_length=CONTEXT, vocab_size=VOCABULARY, width=32, heads=2, layers=2)
VIT = CLIPConfig("tiny", 24, VisionConfig("vit", 16, width=32, layers=2, heads=2, patch_size=4), TEXT)
RESNET = replace(
    VIT, vision=VisionConfig("resnet", 32, width=8, layers=(1, 1, 1, 1), heads=4, class_token=False, pre_norm=False)
)
BAG = replace(VIT, text=replace(TEXT, kind="bag-of-words"))
BIASED = replace(VIT, logit_scale_init=2.3, logit_bias_init=-10.0)
SIGLIP = replace(
    BIASED,
    embed_dim=32,
    vision=replace(VIT.vision, class_token=False, pre_norm=False, pool="attention", projection=False),
    text=replace(TEXT, causal=False, pool="last", projection_bias=True),
)

#: name -> a network and the table `objective` of a run
EVERY: dict[str, tuple[CLIPConfig, dict[str, Any]]] = {
    "contrastive": (VIT, {}),
    "contrastive, resnet": (RESNET, {}),
    "contrastive, bag of words": (BAG, {}),
    "sigmoid": (SIGLIP, {"kind": "sigmoid"}),
    "pseudo-labels": (VIT, {"kind": "pseudo-labels"}),
    "language model": (VIT, {"kind": "language-model"}),
    "language model, resnet": (RESNET, {"kind": "language-model"}),
    "bag-of-words prediction": (VIT, {"kind": "bag-of-words-prediction"}),
    "visual n-grams": (VIT, {"kind": "visual-n-grams"}),
    "captioning": (VIT, {"captioning": 2.0}),
    "captioning, sigmoid": (BIASED, {"kind": "sigmoid", "captioning": 0.5}),
    "self-supervision": (VIT, {"self_supervision": 1.0}),
    "both": (VIT, {"captioning": 1.0, "self_supervision": 0.5}),
    "locked": (VIT, {"locked_image_tower": True}),
}


def run_of(config: CLIPConfig, **objective: Any) -> runs.Run:
    """Describe a run of this network and objective."""
    return runs.Run(
        name="tiny",
        model=config.to_json(),
        data=runs.Data(kind="scenes"),
        text=runs.Text(tokenizer="learned", vocabulary=VOCABULARY, context_length=CONTEXT),
        objective=runs.Objective(**objective),
        start=runs.Start(path="any" if objective.get("locked_image_tower") else ""),
        optimiser=runs.Optimiser(learning_rate=1e-3, warmup_steps=4),
        loop=runs.Loop(steps=10, batch_size=8),
    )


def learner_of(config: CLIPConfig, seed: int = 0, **objective: Any) -> Learner:
    """Make a learner that counts n-grams in the texts of `batch_of`."""
    torch.manual_seed(seed)
    clip = CLIP(config)
    return Learner(clip, build(run_of(config, **objective), clip, [texts()]))


def texts(seed: int = 0) -> Tensor:
    """Make eight different texts, int64 [8, context], of one to eight words below 30."""
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.zeros(8, CONTEXT, dtype=torch.int64)
    for row, length in zip(tokens, (3, 8, 5, 1, 4, 2, 6, 7), strict=True):
        row[0] = START
        row[1 : length + 1] = torch.randint(1, 30, (length,), generator=generator)
        row[length + 1] = END
    return tokens


def batch_of(config: CLIPConfig, seed: int = 0) -> Batch:
    """Make eight pairs of noise, with two views of each picture."""
    generator = torch.Generator().manual_seed(seed)
    size = config.vision.image_size
    pixels = torch.randn(8, 3, size, size, generator=generator)
    views = pixels.unsqueeze(1) + 0.3 * torch.randn(8, 2, 3, size, size, generator=generator)
    return Batch(pixels, texts(seed), views)


def whole_loss(learner: Learner, batch: Batch) -> Tensor:
    """Compute what one process minimises on a whole batch."""
    features = learner(batch)
    everyone = {name: features[name] for name in learner.objective.gathered}
    return torch.stack(list(learner.objective.losses(features, everyone, 0).values())).sum()


def gradients(learner: Learner) -> dict[str, Tensor]:
    """Return the gradients, and drop them."""
    found = {name: weight.grad for name, weight in learner.named_parameters() if weight.grad is not None}
    learner.zero_grad(set_to_none=True)
    return found


def units(*shape: int, seed: int = 0) -> Tensor:
    """Make random unit features, float64."""
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(*shape, generator=generator, dtype=torch.float64), dim=-1)
