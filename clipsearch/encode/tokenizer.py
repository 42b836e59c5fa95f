"""Text -> token ids, by a package's tokenizer.json; and CLIP's own tokenizer, which comes with the program."""

from __future__ import annotations

import html
import re
import string
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipsearch.errors import PackageError
from clipsearch.paths import resource_path

CONTEXT, PAD, START_OF_TEXT, END_OF_TEXT = 77, 0, 49406, 49407  # of CLIP's own tokenizer

Ids = npt.NDArray[np.int64]

_LEAD_IN = re.compile(
    r"\s*((an?|the|my|some|our)\s+)?(photo|photograph|picture|image|pic|snapshot)s?\s+(of|showing)\s+", re.IGNORECASE
)
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Tokenizer:
    """Wraps the `tokenizers` library: cleaned, cut at `context_length` tokens, padded to the longest text of the call.

    `cleaning` is "none", "clip" (CLIP and OpenCLIP's own tokenizer), "canonical" (SigLIP), "whitespace" (OpenCLIP
    with a tokenizer from elsewhere) or "subject" (a model that learned from words, not from captions). What
    tokenizer.json puts at a text's end stays its last token when the text is cut; `eot_id` is put there if the file
    does not see to that.
    """

    def __init__(
        self, path: Path, context_length: int, pad_id: int, cleaning: str = "none", eot_id: int | None = None
    ) -> None:
        from tokenizers import Tokenizer as Backend

        try:
            self._backend = Backend.from_file(str(path))
            self._backend.enable_truncation(context_length)
        except Exception as error:  # the library raises bare Exception on a bad file
            raise PackageError(f"The model package's tokenizer.json cannot be read: {error}", path) from error
        self._backend.enable_padding(pad_id=pad_id)
        self._clean = CLEANING[cleaning]
        self._context_length = context_length
        self._pad_id = pad_id
        self._eot_id = eot_id

    def __call__(self, texts: Sequence[str]) -> tuple[Ids, Ids]:
        """Return (input_ids, attention_mask), both int64 [n, longest]; longest is at least 1."""
        encodings = self._backend.encode_batch([_valid(self._clean(text)) for text in texts])
        shape = (len(texts), len(encodings[0].ids) if encodings else 0)
        ids = np.array([encoding.ids for encoding in encodings], np.int64).reshape(shape)
        mask = np.array([encoding.attention_mask for encoding in encodings], np.int64).reshape(shape)
        if self._eot_id is not None and ids.shape[1] == self._context_length:
            ids[mask[:, -1] == 1, -1] = self._eot_id
        return pad(ids, mask, 1, self._pad_id)


def clip_tokenizer() -> Tokenizer:
    """Return the tokenizer of OpenAI's CLIP and of OpenCLIP's models: 49,408 tokens, 77 positions, padded with 0.

    Its ids are the released code's, but for a text that names a special token right after punctuation
    ("!<|endoftext|>"), which that code no longer takes for the token.
    """
    return Tokenizer(resource_path("tokenizers/clip") / "tokenizer.json", CONTEXT, PAD, "clip", END_OF_TEXT)


def pad(ids: Ids, mask: Ids, length: int, pad_id: int) -> tuple[Ids, Ids]:
    """Fill ids and mask [n, l] up to `length` positions, for a model that takes no other; longer ones stay."""
    missing = ((0, 0), (0, max(0, length - ids.shape[1])))
    return np.pad(ids, missing, constant_values=pad_id), np.pad(mask, missing)


def clean_whitespace(text: str) -> str:
    """Mend wrongly decoded characters, undo HTML entities (twice), collapse white space; case stays."""
    return re.sub(r"\s+", " ", _mended(text)).strip()


def clean_clip(text: str) -> str:
    """Clean a text as CLIP's released code does: as `clean_whitespace`, and in lower case."""
    return clean_whitespace(text).lower()


def clean_canonical(text: str) -> str:
    """Clean a text as SigLIP's released code and OpenCLIP do: mend, "_" to space, no ASCII punctuation, lower case."""
    return " ".join(_mended(text).replace("_", " ").translate(_NO_PUNCTUATION).lower().split())


def clean_subject(text: str) -> str:
    """Keep what a text says is in the picture: "a photo of a dog" is "a dog". English only."""
    lead_in = _LEAD_IN.match(text)
    return text[lead_in.end() :] if lead_in and lead_in.end() < len(text) else text


#: name in model.json -> function
CLEANING: dict[str, Callable[[str], str]] = {
    "none": str,
    "whitespace": clean_whitespace,
    "clip": clean_clip,
    "canonical": clean_canonical,
    "subject": clean_subject,
}


def _mended(text: str) -> str:
    import ftfy

    return html.unescape(html.unescape(ftfy.fix_text(text))).strip()


def _valid(text: str) -> str:
    """Return the text with what is not Unicode (bytes in another encoding on the command line) replaced by "?"."""
    return text.encode("utf-8", "replace").decode("utf-8")
