"""What the towers make of a part of a batch, so that several objectives share one pass of each tower."""

from __future__ import annotations

from functools import cached_property

from torch import Tensor

from clipsearch.model import CLIP
from training.data.pairs import Batch


class Encoded:
    """A part of a batch and its features, each computed when it is first asked for.

    `patches` and `states` say whether any objective will ask for these; they come out of the same pass.
    """

    def __init__(self, clip: CLIP, batch: Batch, *, patches: bool = False, states: bool = False) -> None:
        self.clip = clip
        self.batch = batch
        self._with_patches = patches
        self._with_states = states

    @property
    def image(self) -> Tensor:
        """The pictures in the joint space, [n, d], not normalised."""
        return self._image[0]

    @property
    def patches(self) -> Tensor:
        """The pictures' patches, [n, patches, patch width]."""
        return self._image[1]

    @property
    def text(self) -> Tensor:
        """The texts in the joint space, [n, d], not normalised."""
        return self._text[0]

    @property
    def states(self) -> Tensor:
        """The texts' states at each position up to the longest text's end, [n, l, text width]."""
        return self._text[1]

    @cached_property
    def _image(self) -> tuple[Tensor, ...]:
        pixels = self.batch.pixels
        return self.clip.encode_image_and_patches(pixels) if self._with_patches else (self.clip.encode_image(pixels),)

    @cached_property
    def _text(self) -> tuple[Tensor, ...]:
        tokens = self.batch.tokens
        return self.clip.encode_text_and_states(tokens) if self._with_states else (self.clip.encode_text(tokens),)
