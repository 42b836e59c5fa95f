"""What is said of a picture that lies in a folder: a text file beside it, or the description and keywords in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.files.keywords import read_keywords
from clipsearch.files.sidecars import existing, read_sidecar
from clipsearch.files.xmp.packet import Keywords
from training.data.pairs import BadPairError
from training.data.sources.descriptions import description_of, text_of
from training.data.tabular import decoded

SUFFIXES = (".txt", ".caption")  # "photo.txt" or "photo.jpg.txt" beside "photo.jpg"

_LONGEST_BYTES = 2**16


def read_caption(path: Path) -> str:
    """Return what a caption file says, in one line. Raises BadPairError."""
    try:
        with path.open("rb") as file:
            return " ".join(decoded(file.read(_LONGEST_BYTES)).removeprefix("\ufeff").split())
    except OSError as error:
        raise BadPairError(f"{path.name}: the caption cannot be read ({error.strerror}).") from error


def keyword_caption(picture: Path) -> str:
    """Return the description and the keywords in a picture and in its sidecars as a text.

    Raises BadPairError where there are none.
    """
    try:
        found = [read_keywords(picture), *(read_sidecar(path)[1].keywords for path in existing(picture))]
    except ClipsearchError as error:
        raise BadPairError(f"{picture.name}: {error.message}") from error
    if not (text := text_of(description_of(picture), _words(found))):
        raise BadPairError(f"{picture.name}: it has neither a caption file nor a description nor keywords.")
    return text


def _words(found: Iterable[Keywords]) -> Iterator[str]:
    """Yield the keywords; of a nested one the innermost, which the flat ones mostly name, too."""
    for keywords in found:
        yield from (*keywords.flat, *(one.split("|")[-1] for one in keywords.nested))
