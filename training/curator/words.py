"""Text -> words in a normal form, the same for queries and captions, so that both meet."""

from __future__ import annotations

import re
import unicodedata

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W_{_IDEOGRAPHS}]+(?:'[^\W_{_IDEOGRAPHS}]+)*")


def words(text: str) -> list[str]:
    """Return the words of a text: lower case, compatibility forms made one, without punctuation.

    Underscores part words, as in names of files. Chinese and Japanese have no spaces, so each of their characters
    is a word and a query of several matches wherever they stand side by side. Thai and Khmer stay whole runs.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).replace("’", "'")
    return _WORD.findall(text.lower())


def normal_form(text: str) -> str:
    """Return the words of a text with a space between them; texts that read the same have the same one."""
    return " ".join(words(text))
