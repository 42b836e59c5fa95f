"""Writing a text token by token: beam search, of which one beam is the greedy choice."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: texts so far int64 [k, l], which picture each is of int64 [k] -> log-probabilities of the next token [k, v]
NextToken = Callable[[Tensor, Tensor], Tensor]


@torch.no_grad()
def write(
    next_token: NextToken, pictures: Tensor, *, start: int, end: int, longest: int, beams: int
) -> list[list[int]]:
    """Return for each picture the likeliest text that is found, without start and end token.

    `pictures` is what there is one of for each of them, on the device to compute on; `longest` counts all tokens of a
    text, start and end included: what has not ended by then is cut off. Of each picture `beams` texts are followed.
    """
    n, device = len(pictures), pictures.device
    texts = torch.full((n, 1, 1), start, device=device)
    scores = torch.zeros(n, 1, device=device)
    for _ in range(longest - 1):
        owners = torch.arange(n, device=device).repeat_interleave(texts.shape[1])
        likely = next_token(texts.flatten(0, 1), owners).view(n, texts.shape[1], -1)
        ended = (texts[:, :, 1:] == end).any(-1)
        texts, scores = _extend(texts, scores, _only_end(likely, ended, end), beams)
        if bool((texts == end).any(-1).all()):
            break
    return [_words(text, end) for text in texts[:, 0].tolist()]


def _only_end(likely: Tensor, ended: Tensor, end: int) -> Tensor:
    """Let texts that have ended, bool [n, b], go on with further end tokens, at no cost, and nothing else."""
    idle = torch.full_like(likely[0, 0], -torch.inf)
    idle[end] = 0
    return torch.where(ended.unsqueeze(-1), idle, likely)


def _extend(texts: Tensor, scores: Tensor, likely: Tensor, beams: int) -> tuple[Tensor, Tensor]:
    """Return the best texts that are one token longer: [n, beams, l + 1], best first, and their scores."""
    n, vocabulary = len(texts), likely.shape[2]
    together = (scores.unsqueeze(-1) + likely).flatten(1)
    scores, chosen = together.topk(min(beams, together.shape[1]), dim=1)
    before = texts.gather(1, (chosen // vocabulary).unsqueeze(-1).expand(n, -1, texts.shape[2]))
    return torch.cat([before, (chosen % vocabulary).unsqueeze(-1)], dim=2), scores


def _words(text: list[int], end: int) -> list[int]:
    words = text[1:]
    return words[: words.index(end)] if end in words else words
