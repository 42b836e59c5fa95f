"""A question -> hits, best first: by text, by an outside picture, or by one of the library's own photos.

The model that answers encodes the question and ranks the photos.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.preprocess import to_square
from clipsearch.errors import ClipsearchError
from clipsearch.files.decode import decode
from clipsearch.library.calibration import LIKELY, STRONG, Head, calibrated
from clipsearch.library.library import Library
from clipsearch.paths import way_to
from clipsearch.records import Hit, Photo, Relevance

Vectors = npt.NDArray[np.float32]

_TEXTS_AT_ONCE = 32


def search_text(library: Library, query: str, limit: int = 100, inside: Path | None = None) -> list[Hit]:
    """Return at most `limit` photos for a text, of those in a directory. Raises as `search_texts` does."""
    return next(search_texts(library, [query], limit, inside))[1]


def search_texts(
    library: Library, queries: Sequence[str], limit: int = 100, inside: Path | None = None
) -> Iterator[tuple[str, list[Hit]]]:
    """Yield (query, hits) for each query in turn, of the photos in the directory `inside` or below it.

    Raises ClipsearchError when a query is blank, or no added folder holds the directory.
    """
    if not all(query.strip() for query in queries):
        raise ClipsearchError("Nothing to look for", "Please type what the photo should show.")
    only = None if inside is None else _photos_inside(library, inside)
    known: dict[int, Photo] = {}
    for start in range(0, len(queries), _TEXTS_AT_ONCE):
        texts = queries[start : start + _TEXTS_AT_ONCE]
        encoder, vectors = library.ask(partial(_encode_texts, texts=texts))
        for text, vector in zip(texts, vectors, strict=True):
            yield text, _hits(library, encoder, vector, limit, known, only=only)


def search_image(library: Library, path: Path, limit: int = 100, inside: Path | None = None) -> list[Hit]:
    """Return the photos, of those in the directory `inside`, most like the picture at `path`, wherever that lies.

    Raises UnreadablePhotoError, and ClipsearchError when no added folder holds the directory.
    """
    only = None if inside is None else _photos_inside(library, inside)

    def encode(encoder: Encoder) -> Vectors:
        spec = encoder.preprocess
        square = to_square(decode(path, spec.size, library.settings.max_megapixels).image, spec)
        return encoder.encode_images(square[None])

    encoder, vectors = library.ask(encode)
    return _hits(library, encoder, vectors[0], limit, {}, only=only)


def search_photo(library: Library, photo_id: int, limit: int = 100) -> list[Hit]:
    """Return the photos most like one of the library's own, itself left out. Raises ClipsearchError."""
    encoder = library.answering
    try:
        vector = library.index_of(encoder).vectors([photo_id])[0]
    except KeyError:
        raise ClipsearchError("Photo not indexed", "This photo has not been indexed yet.") from None
    hits = [hit for hit in _hits(library, encoder, vector, limit + 1, {}) if hit.photo.id != photo_id]
    return [Hit(rank, hit.photo, hit.score, hit.relevance) for rank, hit in enumerate(hits[:limit], 1)]


def _encode_texts(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    return encoder.encode_texts(texts)


def _photos_inside(library: Library, directory: Path) -> npt.NDArray[np.int64]:
    """Return the photos in a directory of an added folder, or below it, int64 [n] ascending. Raises ClipsearchError."""
    for folder in library.catalog.folders.all():
        way = way_to(folder.path, Path(os.path.abspath(directory)))
        if way is not None:
            return library.catalog.photos.inside(folder.id, way)
    raise ClipsearchError("Folder not added", "No folder that you added holds this directory.", directory)


def _hits(
    library: Library,
    encoder: Encoder,
    vector: Vectors,
    limit: int,
    known: dict[int, Photo],
    *,
    only: npt.NDArray[np.int64] | None = None,
) -> list[Hit]:
    """Rank the library's photos, or `only` some of them, for a unit vector of this model, float32 [dim].

    `known` holds photos read before.
    """
    ids, scores = library.index_of(encoder).search(vector[None], limit, only)[0]
    found = dict(zip(ids.tolist(), scores.tolist(), strict=True))
    new = [photo_id for photo_id in found if photo_id not in known]
    known |= {photo.id: photo for photo in library.catalog.photos.get(new)}
    judge = _Judge.of(library, encoder, vector)
    present = [(known[photo_id], score) for photo_id, score in found.items() if photo_id in known]
    return [Hit(rank, photo, score, judge.relevance(score)) for rank, (photo, score) in enumerate(present, 1)]


class _Judge:
    """Says how sure a score is, by the calibration that categories are judged by, too."""

    def __init__(self, head: Head, vector: Vectors) -> None:
        """`head`: the calibrated head of the question, whose unit vector is `vector`, float32 [dim]."""
        self._slope = float(head.weights @ vector)  # the head's weights are the vector times a number
        self._bias = head.bias

    @classmethod
    def of(cls, library: Library, encoder: Encoder, vector: Vectors) -> _Judge:
        """Judge by what the same question scores on all kinds of pictures: the model's own and the library's."""
        background = library.backgrounds.of(encoder)
        return cls(calibrated(vector[None], background)[0], vector)

    def relevance(self, score: float) -> Relevance:
        log_odds = score * self._slope + self._bias
        if log_odds >= STRONG:
            return Relevance.STRONG
        return Relevance.LIKELY if log_odds >= LIKELY else Relevance.WEAK
