"""Predicting which words the caption holds, in no order: the paper's second method (figure 2)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from clipsearch.model import CLIP, CLIPConfig
from training.objectives.encoded import Encoded
from training.objectives.objective import Features, Losses, Objective
from training.objectives.vocabulary import LOGITS, by_chunks, word_logits
from training.objectives.words import bags


class BagOfWordsPrediction(Objective):
    """A linear map from the picture's feature to all words, and one softmax over them.

    "Learning Visual Features from Large Weakly Supervised Data" (Joulin et al. 2016, arXiv 1511.02251):
    the multi-class logistic loss, averaged over the words of the caption. The text tower is not used.
    """

    reads_texts = False

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        self.words = nn.Linear(config.embed_dim, config.text.vocab_size)
        nn.init.normal_(self.words.weight, std=config.embed_dim**-0.5)
        nn.init.zeros_(self.words.bias)

    def read(self, encoded: Encoded) -> Features:
        """Return the loss of each picture's words as "words", float32 [n]; 0 where there is none."""
        rows = encoded.image, *bags(encoded.batch.tokens, self.words.out_features)
        return {"words": by_chunks(_bag_losses, self.words.out_features, rows, self.words.weight, self.words.bias)}

    def losses(self, own: Features, everyone: Mapping[str, Tensor], first: int) -> Losses:
        """Return the loss as "bag_of_words_prediction"."""
        return {"bag_of_words_prediction": own["words"].mean()}

    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Return the log-likelihood of each text's words, each once; -inf for a text without words."""
        ids, counted = bags(tokens, self.words.out_features)
        at_once = max(1, LOGITS // max(self.words.out_features, ids.numel()))
        parts = torch.split(clip.encode_image(pixels), at_once)
        return torch.cat([_bag_scores(part, ids, counted, self.words.weight, self.words.bias) for part in parts])


def _bag_losses(features: Tensor, ids: Tensor, counted: Tensor, words: Tensor, bias: Tensor) -> Tensor:
    """Return the losses [n] of features [n, d], whose words are those of the ids [n, l] that count."""
    likely = word_logits(features, words, bias).log_softmax(-1).gather(1, ids)
    return -torch.where(counted, likely, 0.0).sum(1) / counted.sum(1).clamp(min=1)


def _bag_scores(features: Tensor, ids: Tensor, counted: Tensor, words: Tensor, bias: Tensor) -> Tensor:
    """Score texts of those words ids [m, l] that count for features [n, d]: [n, m]."""
    likely = word_logits(features, words, bias).log_softmax(-1)[:, ids.flatten()].view(-1, *ids.shape)
    scores = torch.where(counted, likely, 0.0).sum(-1)
    return torch.where(counted.any(1), scores, -torch.inf)
