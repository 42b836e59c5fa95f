"""Texts -> tokens of a fixed length, by CLIP's tokenizer or by one learned from the run's own texts."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from clipsearch.encode.convert import TEXT_FORM
from clipsearch.encode.tokenizer import CLEANING, END_OF_TEXT, PAD, Tokenizer, pad
from clipsearch.errors import ClipsearchError
from clipsearch.paths import resource_path
from training.data import vocabulary
from training.errors import TrainingError
from training.run import Run

TOKENIZER = "tokenizer.json"

_CLIPS_VOCABULARY = END_OF_TEXT + 1
_END_OF_WORD, _SPACE = "</w>", "Ġ"  # how CLIP's tokenizer and byte pair encoding over bytes write a space
_LONGEST = 20_000  # characters; whatever comes later would never be among the first tokens


@dataclass(frozen=True, slots=True)
class Form:
    """The table `text` of a package's model.json, see `clipsearch.encode.package`."""

    context_length: int
    pad_id: int
    cleaning: str
    eot_id: int


class Texts:
    """Makes tokens of texts. `vocabulary` is how many there may be; the end token is the last of them."""

    def __init__(self, tokenizer: str, form: Form) -> None:
        """Take a tokenizer.json as text. Raises TrainingError where it cannot be read."""
        self.form = form
        self._json = tokenizer
        with tempfile.TemporaryDirectory(prefix="clipsearch-") as folder:
            path = Path(folder) / TOKENIZER
            path.write_text(tokenizer, "utf-8")
            try:
                self._tokens = Tokenizer(path, form.context_length, form.pad_id, form.cleaning, form.eot_id)
            except ClipsearchError as error:
                raise TrainingError(error.message) from error

    @classmethod
    def of(cls, run: Run, texts: Iterable[str]) -> Texts:
        """Return a run's: CLIP's, or one learned from these texts, always the same from the same.

        Raises TrainingError for a vocabulary that the tokenizer cannot have.
        """
        size, length = run.text.vocabulary, run.text.context_length
        if run.text.tokenizer == "learned":
            cleaned = (CLEANING["clip"](text[:_LONGEST]) for text in texts)
            return cls(vocabulary.learn(cleaned, size), Form(length, PAD, "clip", size - 1))
        if size != _CLIPS_VOCABULARY:
            message = f'CLIP\'s tokenizer has {_CLIPS_VOCABULARY} tokens, not {size}; let text.tokenizer be "learned".'
            raise TrainingError(message)
        shipped = (resource_path("tokenizers/clip") / TOKENIZER).read_text("utf-8")
        return cls(shipped, Form(length, PAD, "clip", END_OF_TEXT))

    @classmethod
    def load(cls, folder: Path) -> Texts:
        """Read what `save` wrote. Raises TrainingError."""
        try:
            values = json.loads((folder / TEXT_FORM).read_text("utf-8"))
            return cls((folder / TOKENIZER).read_text("utf-8"), Form(**values))
        except (OSError, ValueError, TypeError) as error:
            raise TrainingError(f"The tokenizer in {folder} cannot be read ({error}).") from error

    def save(self, folder: Path) -> None:
        """Write tokenizer.json, and text.json with what a package's model.json says of it. Raises OSError."""
        (folder / TOKENIZER).write_text(self._json, "utf-8")
        (folder / TEXT_FORM).write_text(json.dumps(asdict(self.form), indent=1) + "\n", "utf-8")

    @property
    def vocabulary(self) -> int:
        """How many tokens there may be."""
        return self.form.eot_id + 1

    def text(self, ids: Sequence[int]) -> str:
        """Return what some tokens say: a text that gives them, with a space between words and signs."""
        from tokenizers import Tokenizer as Backend
        from tokenizers import decoders

        backend = Backend.from_str(self._json)
        tokens = [token for token in map(backend.id_to_token, ids) if token]
        if json.loads(self._json)["model"]["type"] == "WordLevel":
            return " ".join(tokens)
        parts = [token.replace(_END_OF_WORD, _SPACE) for token in tokens]
        said: str = decoders.ByteLevel().decode(parts)
        return said.strip()

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return int64 [n, context]: start, text and end, which is kept when a text is cut; the rest is 0."""
        ids, mask = self._tokens([text[:_LONGEST] for text in texts])
        return torch.from_numpy(pad(ids, mask, self.form.context_length, self.form.pad_id)[0])
