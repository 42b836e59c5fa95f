"""A linear head on frozen features whose weights become the text tower's, so that one can search with it.

The head has a vector for each class, which starts as that of the class's text. Once learned, the text tower's
projection is changed by a linear map that takes each class's first vector to the learned one. Thus the name of a class
finds what the head would, and photos keep their vectors. Of all such maps it is the one that moves ordinary texts the
least, as in the editing of language models (ROME, arXiv 2202.05262, and MEMIT, arXiv 2210.07229); what it still costs,
the retention set shows.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipsearch.model import CLIP
from training.finetuning.towers import Towers, Words
from training.finetuning.tunable import Tuning

RIDGE = 1e-5  # added to the mean square of ordinary texts in each direction, all of which together are 1
ALIKE = 1e-8  # classes whose vectors differ by less, squared and beside the greatest, are not told apart


class HeadTuning(Tuning):
    """Class vectors that are tuned; texts go through the map that they make.

    With several templates the map is applied to their mean here, and to each of them in what comes out, which is
    nearly the same.
    """

    def __init__(self, original: Towers, own: Words, ordinary: Words, rate: float) -> None:
        vectors = original.texts(own)
        self._changes = nn.Parameter(torch.zeros_like(vectors))
        self._coordinates = coordinates(vectors, original.texts(ordinary))
        super().__init__(original, [{"params": [self._changes], "lr": rate, "weight_decay": 0.0}])

    def texts(self, texts: Words, rows: Tensor | None = None) -> Tensor:
        """See `Towers.texts`."""
        vectors = super().texts(texts, rows)
        return functional.normalize(vectors + vectors @ self._coordinates @ self._changes, dim=-1)

    @torch.no_grad()
    def tuned(self) -> CLIP:
        """See `Tuning.tuned`."""
        return mapped(self.towers.clip, self._coordinates @ self._changes)


def coordinates(vectors: Tensor, ordinary: Tensor) -> Tensor:
    """Return what tells how much of each of n vectors is in a text: [d, n], with vectors [n, d] @ it the identity.

    Among all that do, it is least for the texts `ordinary` [m, d], in the mean square.
    """
    own, others = vectors.double(), ordinary.double()
    moments = others.T @ others / len(others) + RIDGE * torch.eye(own.shape[1], device=own.device, dtype=own.dtype)
    apart = torch.linalg.solve(moments, own.T)
    found: Tensor = apart @ torch.linalg.pinv(own @ apart, rtol=ALIKE, hermitian=True)
    return found.to(vectors.dtype)


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
