"""Predicting the caption: a language model that sees the picture, the paper's first method (figure 2)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipsearch.model import CLIP, CLIPConfig
from clipsearch.model.text import trim
from training.objectives.decoder import Decoder, Memory
from training.objectives.encoded import Encoded
from training.objectives.generation import write
from training.objectives.objective import Features, Losses, Objective
from training.objectives.vocabulary import lengths, start_token, text_losses, word_logits

PICTURES, TEXTS = 32, 32  # that are scored at once


class LanguageModel(Objective):
    """A causal decoder over the text tower's vocabulary, of its size, that sees the picture's feature and patches.

    Section 2.3: "we jointly trained an image CNN and text transformer from scratch to predict the caption of an
    image". Each text counts alike, whatever its length. The text tower itself is not used.
    """

    reads_patches = True
    reads_texts = False
    writes_captions = True

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        text = config.text
        self.token_embedding = nn.Embedding(text.vocab_size, text.width)  # says the words as well
        self.positional_embedding = nn.Parameter(0.01 * torch.randn(text.context_length, text.width))
        self.memory = Memory(config, feature=True)
        self.decoder = Decoder(config)
        nn.init.normal_(self.token_embedding.weight, std=0.02)

    def read(self, encoded: Encoded) -> Features:
        """Return the mean loss of each text's tokens as "caption", float32 [n]."""
        tokens = trim(encoded.batch.tokens)
        memory = self.memory(encoded.image, encoded.patches)
        return {"caption": self._losses(memory, tokens) / lengths(tokens)}

    def losses(self, own: Features, everyone: Mapping[str, Tensor], first: int) -> Losses:
        """Return the loss as "language_model"."""
        return {"language_model": own["caption"].mean()}

    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Return the log-likelihood of each text, were it the caption of each picture."""
        rows = [self._scored(clip, part, tokens) for part in torch.split(pixels, PICTURES)]
        return torch.cat(rows)

    def caption(self, clip: CLIP, pixels: Tensor, beams: int = 1, longest: int = 0) -> list[list[int]]:
        """Write captions, see `Objective`."""
        with torch.no_grad():
            memory = self.memory(*clip.encode_image_and_patches(pixels))

        def next_token(texts: Tensor, owners: Tensor) -> Tensor:
            states = self._states(texts, memory[owners])[:, -1]
            return functional.log_softmax(word_logits(states, self.token_embedding.weight), dim=-1)

        context, vocabulary = self.positional_embedding.shape[0], self.token_embedding.num_embeddings
        start, end = start_token(vocabulary), vocabulary - 1
        return write(next_token, memory, start=start, end=end, longest=min(longest or context, context), beams=beams)

    def _scored(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        memory = self.memory(*clip.encode_image_and_patches(pixels))
        columns = []
        for texts in torch.split(tokens, TEXTS):
            every = trim(texts).repeat(len(pixels), 1)  # all texts of the first picture, then of the second
            columns.append(-self._losses(memory, every).view(len(pixels), len(texts)))
        return torch.cat(columns, dim=1)

    def _losses(self, memory: Tensor, tokens: Tensor) -> Tensor:
        return text_losses(self._states(tokens, memory), tokens, self.token_embedding.weight)

    def _states(self, tokens: Tensor, memory: Tensor) -> Tensor:
        placed = self.token_embedding(tokens) + self.positional_embedding[: tokens.shape[1]]
        states: Tensor = self.decoder(placed, memory)
        return states
