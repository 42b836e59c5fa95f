"""Text -> token ids, by a package's tokenizer.json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipsearch.errors import PackageError


class Tokenizer:
    """Wraps the `tokenizers` library: cut at `context_length` tokens, padded to the longest text of the call."""

    def __init__(self, path: Path, context_length: int, pad_id: int) -> None:
        from tokenizers import Tokenizer as Backend

        try:
            self._backend = Backend.from_file(str(path))
        except Exception as error:  # the library raises bare Exception on a bad file
            raise PackageError(f"The model package's tokenizer.json cannot be read: {error}", path) from error
        self._backend.enable_truncation(context_length)
        self._backend.enable_padding(pad_id=pad_id)

    def __call__(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return (input_ids, attention_mask), both int64 [n, longest]."""
        encodings = self._backend.encode_batch([_valid(text) for text in texts])
        ids = np.array([encoding.ids for encoding in encodings], np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], np.int64)
        return ids, mask


def _valid(text: str) -> str:
    """Return the text with what is not Unicode (bytes in another encoding on the command line) replaced by "?"."""
    return text.encode("utf-8", "replace").decode("utf-8")
