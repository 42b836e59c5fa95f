"""A text as the words it holds, without start token, end token and padding."""

from __future__ import annotations

import torch
from torch import Tensor

from clipsearch.model.text import end_positions, up_to
from training.objectives.vocabulary import start_token


def are_words(tokens: Tensor, vocabulary: int) -> Tensor:
    """Mark the words of tokens int64 [n, l]: what stands before the end token and is not the start token, bool [n, l].

    A first token counts as start token only by its id, `vocabulary` - 2, so texts without one keep all their words.
    """
    inside = up_to(end_positions(tokens) - 1, tokens.shape[1])
    return inside & (tokens != start_token(vocabulary))


def bags(tokens: Tensor, vocabulary: int) -> tuple[Tensor, Tensor]:
    """Return the words of each text, each once.

    tokens int64 [n, l] -> ids int64 [n, l], and which of these count, bool [n, l].
    """
    ids = torch.where(are_words(tokens, vocabulary), tokens, -1).sort(dim=1).values
    is_first = torch.ones_like(ids, dtype=torch.bool)
    is_first[:, 1:] = ids[:, 1:] != ids[:, :-1]
    return ids.clamp(min=0), is_first & (ids >= 0)
