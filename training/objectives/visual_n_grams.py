"""Visual N-Grams: predicting rows of words with a smoothed loss, what the paper is compared with (section 3.1.3)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from clipsearch.model import CLIP, CLIPConfig
from clipsearch.model.text import trim
from training.objectives.encoded import Encoded
from training.objectives.n_grams import Dictionary, Gram
from training.objectives.objective import Features, Losses, Objective
from training.objectives.vocabulary import LOGITS, by_chunks, word_logits
from training.objectives.words import are_words

SHARE = 0.5  # lambda: how much an n-gram counts against the (n-1)-gram that it ends with


class VisualNGrams(Objective):
    """An embedding for each n-gram of a dictionary; each word's probability is interpolated over the lengths.

    "Learning Visual N-Grams from Web Data" (Li et al. 2017, arXiv 1612.09161), Jelinek-Mercer loss:
    p(w | h) = lambda p_observed(w | h) + (1 - lambda) p(w | h without its first word). What is observed is the softmax
    over the n-grams that begin with h; where none does, the shorter one counts alone, so that p sums up to 1. Words
    that are not in the dictionary are left out, and each text counts alike. The text tower is not used.
    """

    reads_texts = False

    def __init__(self, config: CLIPConfig, grams: list[Gram]) -> None:
        super().__init__()
        self.dictionary = Dictionary(grams, config.text.vocab_size)
        self.embedding = nn.Linear(config.embed_dim, len(grams))
        nn.init.normal_(self.embedding.weight, std=config.embed_dim**-0.5)
        nn.init.zeros_(self.embedding.bias)

    def read(self, encoded: Encoded) -> Features:
        """Return the loss of each text, the mean over its words, as "n_grams", float32 [n]; 0 where it has none."""
        found, known = self.dictionary.find(trim(encoded.batch.tokens))
        return {"n_grams": by_chunks(self._losses, len(self.dictionary), (encoded.image, found, known))}

    def losses(self, own: Features, everyone: Mapping[str, Tensor], first: int) -> Losses:
        """Return the loss as "visual_n_grams"."""
        return {"visual_n_grams": own["n_grams"].mean()}

    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Return the log-likelihood of each text; any other word is as likely as one of the whole vocabulary.

        It is -inf for a text without words.
        """
        tokens = trim(tokens)
        found, known = self.dictionary.find(tokens)
        is_word = are_words(tokens, self.dictionary.vocabulary)
        at_once = max(1, LOGITS // max(len(self.dictionary), found.numel()))
        parts = torch.split(clip.encode_image(pixels), at_once)
        return torch.cat([self._scores(part, found, known, is_word) for part in parts])

    def _losses(self, features: Tensor, found: Tensor, known: Tensor) -> Tensor:
        numbers = found.clamp(min=0).flatten(1)
        observed = self._observed(features).gather(1, numbers).view(found.shape)
        counted = found[..., 0] >= 0
        likely = smoothed(observed, found >= 0, known)
        return -torch.where(counted, likely, 0.0).sum(-1) / counted.sum(-1).clamp(min=1)

    def _scores(self, features: Tensor, found: Tensor, known: Tensor, is_word: Tensor) -> Tensor:
        """Score texts, found and known [m, l, order], their words [m, l], for features [n, d]: [n, m]."""
        observed = self._observed(features)[:, found.clamp(min=0).flatten()].view(-1, *found.shape)
        likely = smoothed(observed, found >= 0, known)
        likely = torch.where(found[..., 0] >= 0, likely, -math.log(self.dictionary.vocabulary))
        scores = torch.where(is_word, likely, 0.0).sum(-1)
        return torch.where(is_word.any(-1), scores, -math.inf)

    def _observed(self, features: Tensor) -> Tensor:
        """Return the log-probability of every n-gram among those of the same beginning: float32 [n, size]."""
        logits = word_logits(features, self.embedding.weight, self.embedding.bias)
        groups = self.dictionary.groups
        every = groups.expand(len(logits), -1)
        empty = logits.new_full((len(logits), self.dictionary.group_count), -math.inf)
        highest = empty.scatter_reduce(1, every, logits.detach(), "amax")
        shifted = (logits - highest[:, groups]).exp()
        sums = torch.zeros_like(empty).index_add(1, groups, shifted)
        return logits - (sums.log() + highest)[:, groups]


def smoothed(observed: Tensor, is_there: Tensor, known: Tensor) -> Tensor:
    """Interpolate the log-probabilities of n-grams of growing length, [..., order], to those of the words, [...].

    `is_there` says which of them are in the dictionary, and `known` which of them begin like any that is.
    """
    absent = observed.new_tensor(-math.inf)
    likely = observed[..., 0]
    for size in range(1, observed.shape[-1]):
        longer = torch.where(is_there[..., size], observed[..., size] + math.log(SHARE), absent)
        mixed = torch.logaddexp(longer, likely + math.log1p(-SHARE))
        likely = torch.where(known[..., size], mixed, likely)
    return likely
