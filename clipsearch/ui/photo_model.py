# ruff: noqa: N802 - Qt's own names
"""The photos that the grid shows, as a list model: every photo of the library, or the hits of a question.

It holds ids; what is known about a photo is asked for page by page when a view looks at it, so a million rows cost
no more than their ids. Among hits, those less sure are folded behind one row that opens and closes them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    QTimer,
    Signal,
)

from clipsearch.records import Hit, Photo, Relevance
from clipsearch.ui import wording
from clipsearch.ui.categories import sentences
from clipsearch.ui.recent import Recent

Index = QModelIndex | QPersistentModelIndex

_PAGE = 100
_FEW = 20  # photos of which each is looked for alone
_KNOWN_PHOTOS = 20_000
_FOLD = -1  # stands among the ids for the row that opens and closes the less sure hits


class Role(IntEnum):
    """What a row knows beside its texts."""

    ID = Qt.ItemDataRole.UserRole
    PHOTO = Qt.ItemDataRole.UserRole + 1  # Photo, as last known while it is fetched anew; None until it is fetched
    HIT = Qt.ItemDataRole.UserRole + 2  # Hit, or None when no question is asked
    FOLDED = Qt.ItemDataRole.UserRole + 3  # how many hits the row opens, None for an ordinary row
    UNFOLDED = Qt.ItemDataRole.UserRole + 4  # whether the less sure hits are open
    PALE = Qt.ItemDataRole.UserRole + 5  # whether the row is one of the less sure hits behind the fold
    JUDGED = Qt.ItemDataRole.UserRole + 6  # whether the user put the photo into the category shown; None: no judgement


class PhotoModel(QAbstractListModel):
    """A list of photo ids. `details_wanted` asks for the photos of some ids; `add_details` takes them."""

    details_wanted = Signal(list)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ids: Sequence[int] = []
        self._hits: dict[int, Hit] = {}
        self._judged: Mapping[int, bool] = {}
        self._less_sure: list[int] = []
        self._fold_row: int | None = None
        self._seen_rows: dict[int, int] = {}  # spares a search through all ids for what is on the screen
        self._is_unfolded = False
        self._photos: Recent[int, Photo] = Recent(_KNOWN_PHOTOS)
        self._outdated: Recent[int, Photo] = Recent(_KNOWN_PHOTOS)  # they stand in until they are fetched anew
        self._wanted_pages: set[int] = set()
        self._asked_pages: set[int] = set()
        self._answers: dict[int, Callable[[int, int], Any]] = {
            Role.ID: lambda _, photo_id: photo_id,
            Role.PHOTO: self._photo_of,
            Role.HIT: lambda _, photo_id: self._hits.get(photo_id),
            Role.FOLDED: lambda _, photo_id: len(self._less_sure) if photo_id == _FOLD else None,
            Role.UNFOLDED: lambda *_: self._is_unfolded,
            Role.PALE: lambda row, _: self._fold_row is not None and row > self._fold_row,
            Role.JUDGED: lambda _, photo_id: self._judged.get(photo_id),
            Qt.ItemDataRole.AccessibleTextRole: lambda row, photo_id: self._text(row, photo_id, ", "),
            Qt.ItemDataRole.ToolTipRole: lambda row, photo_id: self._text(row, photo_id, "\n"),
        }

    # What to show

    def show_photos(self, ids: Sequence[int]) -> None:
        """Show these photos, in this order."""
        self._replace(ids, [])

    def show_hits(self, hits: Sequence[Hit]) -> None:
        """Show the hits in order; the weak ones after a row that opens them, unless there is nothing else."""
        sure = [hit.photo.id for hit in hits if hit.relevance is not Relevance.WEAK]
        weak = [hit.photo.id for hit in hits if hit.relevance is Relevance.WEAK]
        self._replace(sure, weak, hits)

    def show_members(self, ids: Sequence[int], maybe: Sequence[int], judged: Mapping[int, bool]) -> None:
        """Show a category's photos in order, and behind a row that opens them those that may belong.

        `judged` are the user's own judgements: in or out.
        """
        self._replace(ids, list(maybe), judged=judged)

    def set_unfolded(self, is_unfolded: bool) -> None:
        """Open or close the hits that are less sure."""
        if is_unfolded == self._is_unfolded:
            return
        self._is_unfolded = is_unfolded
        fold = self.fold_row
        if fold is None:
            return
        if is_unfolded:
            self.beginInsertRows(QModelIndex(), fold + 1, fold + len(self._less_sure))
            self._ids = [*self._ids, *self._less_sure]
            self.endInsertRows()
        else:
            self.beginRemoveRows(QModelIndex(), fold + 1, len(self._ids) - 1)
            self._ids = self._ids[: fold + 1]
            self.endRemoveRows()
        self._row_changed(fold)

    @property
    def is_unfolded(self) -> bool:
        return self._is_unfolded

    @property
    def fold_row(self) -> int | None:
        """The row that opens the less sure hits, if there is one."""
        return self._fold_row

    @property
    def sure_count(self) -> int:
        """How many hits are strong or likely."""
        return sum(hit.relevance is not Relevance.WEAK for hit in self._hits.values())

    def row_of(self, photo_id: int) -> int | None:
        """The row of a photo, or None when it is not shown."""
        seen = self._seen_rows.get(photo_id, -1)
        if 0 <= seen < len(self._ids) and self._ids[seen] == photo_id:
            return seen
        try:
            return self._ids.index(photo_id)
        except ValueError:
            return None

    def photo(self, row: int) -> Photo | None:
        """The photo of a row, or None for the fold row and for a photo that is not fetched yet."""
        return self._photo_of(row, self._ids[row]) if 0 <= row < len(self._ids) else None

    def rows_of(self, photo_ids: Collection[int]) -> list[int]:
        """The rows of those of these photos that are shown."""
        if len(photo_ids) <= _FEW:
            return [row for row in map(self.row_of, photo_ids) if row is not None]
        wanted = set(photo_ids)
        return [row for row, photo_id in enumerate(self._ids) if photo_id in wanted]

    def ids_between(self, first: int, last: int) -> list[int]:
        """The photos of the rows from `first` to `last`, both included; the fold row has none."""
        ids = list(self._ids[first : last + 1])
        if self._fold_row is not None and first <= self._fold_row <= last:
            del ids[self._fold_row - first]
        return ids

    def known(self, photo_id: int) -> Photo | None:
        """The photo with this id, as last known; None when it is not fetched yet."""
        return self._photos.get(photo_id) or self._outdated.get(photo_id)

    def fetch(self, photo_ids: Sequence[int]) -> None:
        """Ask for those of these photos that are not known yet."""
        missing = [photo_id for photo_id in photo_ids if self.known(photo_id) is None]
        if missing:
            self.details_wanted.emit(missing)

    def add_details(self, photos: Sequence[Photo]) -> None:
        """Take photos that `details_wanted` asked for."""
        for photo in photos:
            self._photos.put(photo.id, photo)
        self._photos_changed()

    def forget_details(self) -> None:
        """Fetch the photos anew when they are looked at, since files may have moved or gone out of reach."""
        if len(self._photos):
            self._outdated, self._photos = self._photos, Recent(_KNOWN_PHOTOS)
        self._asked_pages.clear()
        self._photos_changed()

    def picture_changed(self, photo_id: int) -> None:
        """The thumbnail of a photo has come."""
        row = self.row_of(photo_id)
        if row is not None:
            self._row_changed(row)

    # What Qt asks

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._ids)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = index.row()
        if not index.isValid() or row >= len(self._ids):
            return None
        photo_id = self._ids[row]
        ask = self._answers.get(role)
        return ask(row, photo_id) if ask else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        is_photo = index.isValid() and self._ids[index.row()] != _FOLD
        return flags | Qt.ItemFlag.ItemIsDragEnabled if is_photo else flags

    # Inside

    def _replace(
        self,
        ids: Sequence[int],
        less_sure: list[int],
        hits: Sequence[Hit] = (),
        judged: Mapping[int, bool] = MappingProxyType({}),
    ) -> None:
        self.beginResetModel()
        self._less_sure = less_sure
        self._hits = {hit.photo.id: hit for hit in hits}
        self._judged = judged
        self._fold_row = len(ids) if ids and less_sure else None
        shown_weak = less_sure if self._is_unfolded or not ids else []
        self._ids = [*ids, *([_FOLD] if self._fold_row is not None else []), *shown_weak] if less_sure else ids
        self._asked_pages.clear()
        self._seen_rows.clear()
        for hit in hits:
            self._photos.put(hit.photo.id, hit.photo)
        self.endResetModel()

    def _photo_of(self, row: int, photo_id: int) -> Photo | None:
        photo = self._photos.get(photo_id)
        self._seen_rows[photo_id] = row
        if photo is None and photo_id != _FOLD:
            self._want_page(row // _PAGE)
            return self._outdated.get(photo_id)
        return photo

    def _want_page(self, page: int) -> None:
        if page in self._asked_pages or page in self._wanted_pages:
            return
        if not self._wanted_pages:
            QTimer.singleShot(0, self._ask_pages)
        self._wanted_pages.add(page)

    def _ask_pages(self) -> None:
        pages, self._wanted_pages = self._wanted_pages, set()
        self._asked_pages |= pages
        ids = [id_ for page in sorted(pages) for id_ in self._ids[page * _PAGE : (page + 1) * _PAGE]]
        missing = [id_ for id_ in ids if id_ != _FOLD and self._photos.get(id_) is None]
        if missing:
            self.details_wanted.emit(missing)

    def _photos_changed(self) -> None:
        if self._ids:
            self.dataChanged.emit(self.index(0), self.index(len(self._ids) - 1), [Role.PHOTO])

    def _row_changed(self, row: int) -> None:
        self.dataChanged.emit(self.index(row), self.index(row))

    def _text(self, row: int, photo_id: int, separator: str) -> str:
        if photo_id == _FOLD:
            return wording.less_sure_count(len(self._less_sure))
        photo = self._photo_of(row, photo_id)
        if photo is None:
            return ""
        hit = self._hits.get(photo_id)
        parts = [wording.one_line(photo.path.name), wording.dimensions(photo)]
        parts += [wording.relevance(hit.relevance)] if hit else []
        parts += [sentences.judged(self._judged[photo_id])] if photo_id in self._judged else []
        parts += [wording.out_of_reach()] if photo.offline else []
        return separator.join(part for part in parts if part)
