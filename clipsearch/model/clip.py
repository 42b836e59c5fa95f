"""CLIP: two towers, two projections, one temperature."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipsearch.model.configs import CLIPConfig
from clipsearch.model.text import text_tower, trim
from clipsearch.model.vision import image_tower

MAX_LOGIT_SCALE = math.log(100)  # the paper, section 2.5: logits are never scaled by more than 100


class CLIP(nn.Module):
    """The network of "Learning Transferable Visual Models From Natural Language Supervision" and its family.

    `visual` and `text` are the towers, each a module that maps its input to the joint space; `logit_scale` is the
    logarithm of the inverse temperature and `logit_bias` SigLIP's bias (else None). A new model has the paper's
    initialisation. Its state dict has OpenAI's keys, in which the text tower has no prefix of its own.
    """

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        self.config = config
        self.visual = image_tower(config)
        self.text = text_tower(config)
        bias = config.logit_bias_init
        self.logit_scale = nn.Parameter(torch.tensor(config.logit_scale_init))
        self.logit_bias = None if bias is None else nn.Parameter(torch.tensor(bias))
        self.register_state_dict_post_hook(lift_text_keys)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(lower_text_keys)  # type: ignore[no-untyped-call]

    def forward(self, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Score every picture against every text.

        pixels float [n, 3, size, size], tokens int64 [m, l] -> logits [n, m]: the cosine of their features times
        exp(logit_scale), plus logit_bias.
        """
        images = functional.normalize(self.encode_image(pixels), dim=-1)
        texts = functional.normalize(self.encode_text(tokens), dim=-1)
        logits = self.logit_scale.exp() * images @ texts.T
        return logits if self.logit_bias is None else logits + self.logit_bias

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Encode pixels float [n, 3, size, size], prepared as `config` says, as features [n, d], not normalised.

        Raises ValueError for pictures of another size (`clipsearch.model.load` can make a model for it).
        """
        self._check_pixels(pixels)
        features: Tensor = self.visual(pixels)
        return features

    def encode_image_and_patches(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Encode pixels as `encode_image` does, and return what the tower makes of each patch as well.

        A patch is a cell of the last feature map in a ResNet: [n, patches, `config.vision.patch_width`]. In training,
        patch dropout leaves fewer of them.
        """
        self._check_pixels(pixels)
        features, patches = self.visual.with_patches(pixels)
        return features, patches

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Encode tokens int64 [n, l], l up to the context length, as features [n, d], not normalised.

        Only as many positions are computed as the longest text needs, where the others have no influence. A model
        that is not causal (SigLIP) sees its padding: give it texts padded to the whole context, as it was trained.

        Raises ValueError for longer texts.
        """
        features: Tensor = self.text(self._as_long_as_needed(tokens))
        return features

    def encode_text_and_states(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Encode tokens as `encode_text` does, and return the state of each position that was computed as well.

        States [n, l, text width], l up to that of the tokens. Only of a Transformer, not of a bag of words.
        """
        features, states = self.text.with_states(self._as_long_as_needed(tokens))  # type: ignore[operator]
        return features, states

    @torch.no_grad()
    def clamp_temperature(self) -> None:
        """Keep exp(logit_scale) within 1 and 100; training calls it after each step (paper, section 2.5)."""
        self.logit_scale.clamp_(0, MAX_LOGIT_SCALE)

    def _check_pixels(self, pixels: Tensor) -> None:
        size = self.config.vision.image_size
        if pixels.shape[1:] != (3, size, size):
            raise ValueError(f"{self.config.name} takes pixels [n, 3, {size}, {size}], not {list(pixels.shape)}.")

    def _as_long_as_needed(self, tokens: Tensor) -> Tensor:
        text = self.config.text
        if tokens.shape[1] > text.context_length:
            raise ValueError(f"{self.config.name} takes {text.context_length} tokens a text, not {tokens.shape[1]}.")
        return trim(tokens) if text.ends_early else tokens


def lift_text_keys(module: nn.Module, state: dict[str, Tensor], prefix: str, metadata: dict[str, Any]) -> None:
    """Drop "text." from a state dict's keys on the way out."""
    inner = f"{prefix}text."
    for key in [key for key in state if key.startswith(inner)]:
        state[prefix + key.removeprefix(inner)] = state.pop(key)


def lower_text_keys(module: nn.Module, state: dict[str, Tensor], prefix: str, *details: Any) -> None:
    """Put "text." before a state dict's keys on the way in."""
    others = tuple(f"{prefix}{name}" for name in ("visual.", "logit_", "text."))
    for key in [key for key in state if key.startswith(prefix) and not key.startswith(others)]:
        state[f"{prefix}text.{key.removeprefix(prefix)}"] = state.pop(key)
