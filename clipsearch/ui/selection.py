"""Which photos of the grid are selected, and selecting them again after rows have changed, however many they are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from PySide6.QtCore import QItemSelection, QItemSelectionModel

from clipsearch.ui.photo_model import PhotoModel

_MOST_SPANS = 2_000  # Qt compares each with each: 20 ms


def selected_ids(selection: QItemSelection, photos: PhotoModel) -> list[int]:
    """Return the photos that are selected, in the order shown; no row is looked at alone."""
    parts = [selection.at(number) for number in range(selection.count())]
    spans = sorted((part.top(), part.bottom()) for part in parts)
    return list(chain.from_iterable(photos.ids_between(*span) for span in spans))


def select_again(model: QItemSelectionModel, photos: PhotoModel, ids: Collection[int]) -> None:
    """Select those of these photos that are shown: all of them or, where they are too scattered, none.

    A part would be worse than none: what is done next is done to what is selected.
    """
    spans = list(_spans(sorted(photos.rows_of(ids))))
    if not 0 < len(spans) <= _MOST_SPANS:
        return
    selection = QItemSelection()
    for first, last in spans:
        selection.select(photos.index(first), photos.index(last))
    model.select(selection, QItemSelectionModel.SelectionFlag.Select)


def _spans(rows: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each run of rows that follow one another."""
    first = last = -2
    for row in rows:
        if row != last + 1:
            if last >= 0:
                yield first, last
            first = row
        last = row
    if last >= 0:
        yield first, last
