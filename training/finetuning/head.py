"""A linear head on frozen features whose weights become the text tower's, so that one can search with it.

The head has a vector for each class, which starts as that of the class's text. Once learned, the text tower's
projection is changed by the linear map that takes each class's first vector to the learned one and leaves alone what is
orthogonal to all classes. Thus the name of a class finds what the head would, photos keep their vectors, and other
texts move with the classes that they are like: what that costs the retention set shows.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipsearch.model import CLIP
from training.finetuning.towers import Towers, Words
from training.finetuning.tunable import Tuning

ALIKE = 1e-3  # directions in which the classes' vectors differ by less, beside where they differ most, are not used


class HeadTuning(Tuning):
    """Class vectors that are tuned; texts go through the map that they make.

    With several templates the map is applied to their mean here, and to each of them in what comes out, which is
    nearly the same.
    """

    def __init__(self, original: Towers, own: Words, rate: float) -> None:
        vectors = original.texts(own)
        self._changes = nn.Parameter(torch.zeros_like(vectors))
        self._coordinates = torch.linalg.pinv(vectors, rtol=ALIKE)  # [d, classes]: of a text among the classes
        super().__init__(original, [{"params": [self._changes], "lr": rate, "weight_decay": 0.0}])

    def texts(self, texts: Words, rows: Tensor | None = None) -> Tensor:
        """See `Towers.texts`."""
        vectors = super().texts(texts, rows)
        return functional.normalize(vectors + vectors @ self._coordinates @ self._changes, dim=-1)

    @torch.no_grad()
    def tuned(self) -> CLIP:
        """See `Tuning.tuned`."""
        return mapped(self.towers.clip, self._coordinates @ self._changes)


@torch.no_grad()
def mapped(clip: CLIP, change: Tensor) -> CLIP:
    """Return a copy whose text features are t + t @ change, `change` float32 [d, d]."""
    clip = deepcopy(clip)
    projection = clip.text.text_projection
    if isinstance(projection, nn.Linear):
        projection.weight.add_(change.T @ projection.weight)
        projection.bias.add_(projection.bias @ change)
    elif isinstance(projection, nn.Parameter):
        projection.add_(projection @ change)
    return clip
