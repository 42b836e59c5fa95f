"""A run's table `data` -> its source, and some of its texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from training.data.pairs import BadPairError, Pair
from training.data.sources.folders import Folder
from training.data.sources.rendered import Rendered
from training.data.sources.shards import read, urls_of
from training.data.sources.source import Source
from training.data.sources.tables import Table
from training.errors import TrainingError
from training.run import Run

#: how many texts a tokenizer is learned from; shards are read with their pictures, and scenes are rendered
_TEXTS, _TEXTS_OF_SHARDS, _TEXTS_OF_SCENES = 200_000, 20_000, 2_000


def open_source(run: Run) -> Source:
    """Open what a run learns from, unless it is shards. Raises TrainingError with what to change."""
    data = run.data
    if data.kind == "scenes":
        return Rendered(run.seed)
    if not data.path:
        raise TrainingError(f"A run from a {data.kind} needs data.path.")
    path = Path(data.path).expanduser()
    if data.kind == "table":
        return Table(path, data.picture_column, data.text_column)
    if data.kind == "folder":
        return Folder(path)
    from training.data.sources.photos import Photos

    return Photos(path)


def some_texts(run: Run) -> Iterator[str]:
    """Yield texts from all over a run's source, no picture being decoded; always the same. Raises TrainingError."""
    if run.data.kind == "shards":
        items = read(urls_of(run.data.path), run.data.text_column)
        yield from islice((item.text for item in items if isinstance(item, Pair)), _TEXTS_OF_SHARDS)
        return
    source = open_source(run)
    most = _TEXTS_OF_SCENES if source.count is None else min(source.count, _TEXTS)
    for number in range(most):
        with suppress(BadPairError):  # told when it is the pair's turn
            yield source.pair(number if source.count is None else number * source.count // most).text
