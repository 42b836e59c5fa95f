"""Losses over a whole vocabulary, a chunk of rows at a time: 49,408 logits a row would fill any memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from clipsearch.model.text import end_positions, up_to
from training.objectives.objective import exact, full_precision

LOGITS = 2**24  # at once: 64 MiB in fp32


def start_token(vocabulary: int) -> int:
    """Return the id that texts begin with: the end token is the last id, and this is the one before."""
    return vocabulary - 2


def by_chunks(loss: Callable[..., Tensor], vocabulary: int, rows: tuple[Tensor, ...], *weights: Any) -> Tensor:
    """Compute loss(*rows, *weights), [n], for some of the rows [n, ...] at a time, forgetting what lies between.

    In the backward pass it is computed again, so that never more than `LOGITS` logits are there.
    """
    chunks = zip(*(torch.split(one, max(1, LOGITS // vocabulary)) for one in rows), strict=True)
    losses = [checkpoint(loss, *chunk, *weights, use_reentrant=False, preserve_rng_state=False) for chunk in chunks]
    return torch.cat(losses)


def token_losses(states: Tensor, targets: Tensor, words: Tensor) -> Tensor:
    """Return for states [k, d] the negative log-likelihood of the targets, int64 [k], among words [v, d]: [k]."""
    return by_chunks(_token_losses, len(words), (states, targets), words)


def _token_losses(states: Tensor, targets: Tensor, words: Tensor) -> Tensor:
    return functional.cross_entropy(word_logits(states, words), targets, reduction="none")


def word_logits(states: Tensor, words: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the logits of words [v, d] for states [..., d], in at least fp32: [..., v]."""
    with full_precision(states):
        return functional.linear(exact(states), exact(words), None if bias is None else exact(bias))


def text_losses(states: Tensor, tokens: Tensor, words: Tensor) -> Tensor:
    """Return for each text the sum of the losses of its tokens behind the first, each seen from the state before.

    states [n, l, d] and tokens int64 [n, l] -> [n]. What follows the end token does not count.
    """
    predicted = up_to(end_positions(tokens), tokens.shape[1])[:, 1:]
    losses = token_losses(states[:, :-1][predicted], tokens[:, 1:][predicted], words)
    texts = predicted.nonzero()[:, 0]
    return losses.new_zeros(len(tokens)).index_add(0, texts, losses)


def lengths(tokens: Tensor) -> Tensor:
    """Return how many losses `text_losses` sums for each of the tokens int64 [n, l], at least 1: int64 [n]."""
    return end_positions(tokens).clamp(min=1)
