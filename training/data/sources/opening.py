"""A run's table `data` -> its source, and some of its texts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from training.data.pairs import Pair
from training.data.sources.folders import Folder
from training.data.sources.rendered import Rendered
from training.data.sources.shards import read, urls_of
from training.data.sources.source import Source
from training.data.sources.tables import Table
from training.errors import TrainingError
from training.run import Data, Run

#: what a tokenizer is learned from; shards are read with their pictures
_MOST_TEXTS, _MOST_TEXTS_OF_SHARDS = 100_000, 20_000


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
    """Yield texts from all over a run's source, always the same.

    Raises TrainingError, for shards after the last one if there was no text in any of them.
    """
    if run.data.kind != "shards":
        yield from open_source(run).texts(_MOST_TEXTS)
        return
    yield from islice(_texts_of_shards(run.data), _MOST_TEXTS_OF_SHARDS)


def _texts_of_shards(data: Data) -> Iterator[str]:
    found, told = False, ""
    for item in read(urls_of(data.path), data.text_column):
        if isinstance(item, Pair):
            found = True
            yield item.text
        else:
            told = told or item
    if not found:
        raise TrainingError(f"No text could be read from the shards {data.path}{f' ({told})' if told else ''}.")
