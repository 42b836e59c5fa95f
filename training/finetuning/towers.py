"""A model's unit features of pictures and texts; those of a tower that does not change are computed once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from clipsearch.encode.prompts import fill
from clipsearch.model import CLIP
from training.finetuning.original import Tokens
from training.finetuning.pictures import Pictures

AT_ONCE = 64
TEXTS_WITH_GRADIENTS = 32  # at once: each keeps all of its activations, six megabytes for 16 tokens in a ViT-B/32


@dataclass(frozen=True, eq=False)
class Words:
    """Classes or captions, each in the templates: `tokens` int64 [n, templates, l]."""

    names: tuple[str, ...]
    tokens: Tensor

    def __len__(self) -> int:
        return len(self.names)


def words(names: Sequence[str], templates: Sequence[str], tokens: Tokens) -> Words:
    """Put names into templates. Raises ClipsearchError for a template without "{}"."""
    filled = [fill(template, name) for name in names for template in templates]
    return Words(tuple(names), tokens(filled).reshape(len(names), len(templates), -1))


Of = TypeVar("Of", Pictures, Words)


class Towers:
    """The two towers of a model on a device; `image_fixed` and `text_fixed` say which of them never change."""

    def __init__(self, clip: CLIP, *, image_fixed: bool = True, text_fixed: bool = True) -> None:
        self.clip = clip
        self.image_fixed, self.text_fixed = image_fixed, text_fixed
        self._seen: dict[Pictures, Tensor] = {}
        self._known: dict[Words, Tensor] = {}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.clip.logit_scale.device

    @property
    def scale(self) -> Tensor:
        """The inverse temperature, which is not tuned: few pictures would only make it surer of them."""
        return self.clip.logit_scale.detach().exp()

    def share(self, other: Towers) -> None:
        """Keep features together with another model, all of whose towers are fixed, where a fixed tower is the same."""
        if self.image_fixed and _are_same(self.clip.visual, other.clip.visual):
            self._seen = other._seen
        if self.text_fixed and _are_same(self.clip.text, other.clip.text):
            self._known = other._known

    def images(self, pictures: Pictures, rows: Tensor | None = None) -> Tensor:
        """Return unit features of pictures, float32 [n, d]; `rows` int64 [n] says of which, None of all."""
        kept = self._seen if self.image_fixed else None
        return _features(pictures, kept, rows, lambda some: self._see(pictures, some))

    def texts(self, texts: Words, rows: Tensor | None = None) -> Tensor:
        """Return a unit vector for each text, float32 [n, d]: the mean over its templates (paper, section 3.1.4).

        With gradients only the activations of some texts are held at a time; those are computed again for the way back.
        """
        kept = self._known if self.text_fixed else None
        return _features(texts, kept, rows, lambda some: self._read_with_gradients(texts, some))

    def _see(self, pictures: Pictures, rows: Tensor) -> Tensor:
        return functional.normalize(self.clip.encode_image(pictures.pixels(rows).to(self.device)).float(), dim=-1)

    def _read_with_gradients(self, texts: Words, rows: Tensor) -> Tensor:
        parts = torch.split(rows, max(1, TEXTS_WITH_GRADIENTS // texts.tokens.shape[1]))
        if len(parts) == 1 or not torch.is_grad_enabled():
            return self._read(texts, rows)
        read: list[Tensor] = [checkpoint(self._read, texts, part, use_reentrant=False) for part in parts]
        return torch.cat(read)

    def _read(self, texts: Words, rows: Tensor) -> Tensor:
        tokens = texts.tokens[rows]
        vectors = functional.normalize(self.clip.encode_text(tokens.flatten(0, 1).to(self.device)).float(), dim=-1)
        return functional.normalize(vectors.view(*tokens.shape[:2], -1).mean(1), dim=-1)


def _features(
    of: Of, kept: dict[Of, Tensor] | None, rows: Tensor | None, compute: Callable[[Tensor], Tensor]
) -> Tensor:
    """Compute features of some rows or, where they can be kept, of all once."""
    if kept is None:
        rows = torch.arange(len(of)) if rows is None else rows
        return _in_parts(compute, rows) if not torch.is_grad_enabled() else compute(rows)
    if of not in kept:
        with torch.no_grad():
            kept[of] = _in_parts(compute, torch.arange(len(of)))
    return kept[of] if rows is None else kept[of][rows]


def _are_same(one: nn.Module, other: nn.Module) -> bool:
    """Tell whether two towers have the same weights, bit for bit."""
    of_one, of_other = one.state_dict(), other.state_dict()
    return of_one.keys() == of_other.keys() and all(torch.equal(of_other[name], own) for name, own in of_one.items())


def _in_parts(compute: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    return torch.cat([compute(part) for part in torch.split(rows, AT_ONCE)])
