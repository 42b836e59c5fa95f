"""What CoCa adds: the text tower's states, read beside the picture's patches, predict the next word."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from clipsearch.model import CLIP, CLIPConfig
from clipsearch.model.text import TextTransformer, trim
from training.errors import TrainingError
from training.objectives.contrastive import matches
from training.objectives.decoder import Decoder, Memory
from training.objectives.encoded import Encoded
from training.objectives.generation import write
from training.objectives.objective import Features, Losses, Objective
from training.objectives.vocabulary import lengths, start_token, text_losses, word_logits


class Captioning(Objective):
    """A decoder on top of the text tower, which must be causal, that attends to the picture's patches.

    "CoCa: Contrastive Captioners are Image-Text Foundation Models" (arXiv 2205.01917), section 3.2: the tower is the
    unimodal half of the decoder, so that one pass of it serves both objectives.
    """

    reads_patches = True
    reads_states = True
    writes_captions = True

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__()
        text = config.text
        if text.kind != "transformer" or not text.causal:
            raise TrainingError("Captioning needs a text tower that is a causal Transformer.")
        self.memory = Memory(config, feature=False)
        self.decoder = Decoder(config)
        self.words = nn.Linear(text.width, text.vocab_size, bias=False)
        nn.init.normal_(self.words.weight, std=0.02)

    def read(self, encoded: Encoded) -> Features:
        """Return the mean loss of each text's tokens as "caption", float32 [n]."""
        tokens = trim(encoded.batch.tokens)
        states = self._read(encoded.states[:, : tokens.shape[1]], self.memory(encoded.image, encoded.patches))
        return {"caption": text_losses(states, tokens, self.words.weight) / lengths(tokens)}

    def losses(self, own: Features, everyone: Mapping[str, Tensor], first: int) -> Losses:
        """Return the loss as "captioning"."""
        return {"captioning": own["caption"].mean()}

    def scores(self, clip: CLIP, pixels: Tensor, tokens: Tensor) -> Tensor:
        """Return the scaled cosines, which this objective alone does not teach."""
        return matches(clip, pixels, tokens)

    def caption(self, clip: CLIP, pixels: Tensor, beams: int = 1, longest: int = 0) -> list[list[int]]:
        """Write captions, see `Objective`."""
        with torch.no_grad():
            memory = self.memory(*clip.encode_image_and_patches(pixels))
        tower, text = clip.text, clip.config.text
        assert isinstance(tower, TextTransformer)

        def next_token(texts: Tensor, owners: Tensor) -> Tensor:
            states = self._read(tower.states(texts), memory[owners])[:, -1]
            return functional.log_softmax(word_logits(states, self.words.weight), dim=-1)

        start, end = start_token(text.vocab_size), text.vocab_size - 1
        longest = min(longest or text.context_length, text.context_length)
        return write(next_token, memory, start=start, end=end, longest=longest, beams=beams)

    def _read(self, states: Tensor, memory: Tensor) -> Tensor:
        read: Tensor = self.decoder(states.float(), memory)
        return read
