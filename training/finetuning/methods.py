"""The methods of tuning, from harmless to strong: what of a model may change, and how fast.

head          a linear classifier on frozen features, which starts as the zero-shot one; the model stays as it is
lora          low-rank changes of the attention and MLP matrices of both towers
locked-image  the text tower, under a locked image tower (LiT)
locked-text   the image tower, above a locked text tower
full          both towers, each layer at its own rate
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from clipsearch.model import CLIP
from training.errors import TrainingError
from training.finetuning.lora import attach, merged
from training.finetuning.pictures import Pictures
from training.finetuning.rates import IMAGE, TEXT, Group, layer_wise
from training.finetuning.settings import RATES, Settings
from training.finetuning.towers import Towers, Words

State = list[Tensor]


@dataclass(frozen=True)
class Tuned:
    """A plain model and, where a head was learned, its weights float32 [classes, d]."""

    clip: CLIP
    head: Tensor | None = None


class Tuning:
    """A model while it is tuned, in evaluation mode throughout: BatchNorm keeps the statistics of its training.

    `groups` are the optimiser's. `head` float32 [classes, d] takes the place of the text tower for the texts `own`.
    """

    def __init__(
        self, towers: Towers, groups: list[Group], head: Tensor | None = None, own: Words | None = None
    ) -> None:
        self.towers, self.groups = towers, groups
        self._head, self._own = head, own

    @property
    def learned(self) -> list[nn.Parameter]:
        """What the optimiser changes."""
        return [parameter for group in self.groups for parameter in group["params"]]

    def images(self, pictures: Pictures, rows: Tensor | None = None) -> Tensor:
        """See `Towers.images`."""
        return self.towers.images(pictures, rows)

    def texts(self, texts: Words, rows: Tensor | None = None) -> Tensor:
        """See `Towers.texts`; of the head's own classes its weights."""
        if self._head is None or texts is not self._own:
            return self.towers.texts(texts, rows)
        return self._head if rows is None else self._head[rows]

    def state(self) -> State:
        """Return a copy of what was learned."""
        return [parameter.detach().clone() for parameter in self.learned]

    @torch.no_grad()
    def restore(self, state: State) -> None:
        """Go back, bit for bit."""
        for parameter, value in zip(self.learned, state, strict=True):
            parameter.copy_(value)

    def tuned(self) -> Tuned:
        """Return what has become of the model, plain and frozen; a copy, unless only a head was learned."""
        if self._head is not None:
            return Tuned(self.towers.clip, self._head.detach().clone())
        return Tuned(merged(self.towers.clip))


def begin(method: str, original: Towers, own: Words, settings: Settings) -> Tuning:
    """Prepare a model for a method, which leaves the original as it is; `own` are the data's classes or captions.

    Raises TrainingError for a method that is not known.
    """
    if method == "head":
        return _head(original, own, settings)
    methods: dict[str, Callable[[CLIP, Settings], Tuning]] = {
        "lora": _lora,
        "locked-image": _locked_image,
        "locked-text": _locked_text,
        "full": _full,
    }
    if method not in methods:
        raise TrainingError(f"There is no method {method}; there are {', '.join(RATES)}.")
    return methods[method](deepcopy(original.clip).eval(), settings)


def still(tuned: Tuned, own: Words, original: Towers) -> Tuning:
    """Take a tuned model as it is, to be measured; what the original's towers know already is not computed again."""
    return Tuning(original if tuned.clip is original.clip else Towers(tuned.clip), [], tuned.head, own)


def _head(original: Towers, own: Words, settings: Settings) -> Tuning:
    weights = nn.Parameter(original.texts(own).clone())
    return Tuning(original, [{"params": [weights], "lr": settings.rate("head"), "weight_decay": 0.0}], weights, own)


def _lora(clip: CLIP, settings: Settings) -> Tuning:
    learned = attach(clip, settings.rank, settings.lora_on_mlp, settings.seed)
    groups = [{"params": learned, "lr": settings.rate("lora"), "weight_decay": settings.weight_decay}]
    is_bag = clip.config.text.kind == "bag-of-words"  # which has no matrix of that kind
    return Tuning(Towers(clip, image_fixed=not learned, text_fixed=is_bag or not learned), groups if learned else [])


def _locked_image(clip: CLIP, settings: Settings) -> Tuning:
    return Tuning(Towers(clip, text_fixed=False), _groups(clip, (TEXT,), "locked-image", settings))


def _locked_text(clip: CLIP, settings: Settings) -> Tuning:
    return Tuning(Towers(clip, image_fixed=False), _groups(clip, (IMAGE,), "locked-text", settings))


def _full(clip: CLIP, settings: Settings) -> Tuning:
    groups = _groups(clip, (IMAGE, TEXT), "full", settings)
    return Tuning(Towers(clip, image_fixed=False, text_fixed=False), groups)


def _groups(clip: CLIP, towers: tuple[str, ...], method: str, settings: Settings) -> list[Group]:
    return layer_wise(clip, towers, settings.rate(method), settings.layer_decay, settings.weight_decay)
