"""Inventing and changing a category: the panel, its live preview in the grid, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal

from clipsearch.records import Category, Preview
from clipsearch.ui import wording
from clipsearch.ui.categories import sentences
from clipsearch.ui.categories.contents import Contents
from clipsearch.ui.categories.editor import CategoryEditor
from clipsearch.ui.categories.previewing import Previewing
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.photos_page import PhotosPage


class Editing(QObject):
    """While the panel is open, the grid shows the preview. Cancelling leaves everything as it was."""

    began = Signal()
    saved = Signal(int)  # the category's id
    ended = Signal()  # the grid is free again

    def __init__(self, shelf: Shelf, previewing: Previewing, page: PhotosPage, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self._previewing = previewing
        self._page = page
        self._editor: CategoryEditor = page.editor
        self._examples: Sequence[int] = ()
        self._judged: Mapping[int, bool] = {}  # what the user has said of photos, which are marked
        self._seen = Category(0, "")  # as it was when the panel was opened
        self._preview: Preview | None = None
        self._template_sets: Sequence[str] = ()
        self._is_open = False
        self._connect()

    @property
    def is_open(self) -> bool:
        return self._is_open

    def open(self, category: Category, examples: Sequence[int] = ()) -> None:
        """Begin to change a category, or to invent one (the id 0) with its first photos."""
        if self._shelf.is_read_only or not self._shelf.is_ready:
            return
        self._is_open, self._examples, self._preview = True, examples, None
        self._seen, self._judged = category, dict.fromkeys(examples, True)
        self.began.emit()
        self._editor.open(category, self._shelf.infos, self._shelf.access.template_sets(), len(examples))
        if not category.name:
            remark = self.tr("Type a name, and the photos that fit appear here")
            self._page.show_members(self.tr("New category"), remark, None, is_preview=True)
        elif not category.id and not category.prompts:
            self._previewing.suggest(category.name)

    def mark(self, contents: Contents) -> None:
        """Mark the user's own photos in the preview, too, if these are of the category that is edited."""
        if self._is_open and contents.category_id == self._seen.id:
            self._judged = contents.judged
            if self._preview is not None:
                self._show(self._editor.category, self._preview)

    def close(self) -> None:
        """Forget what is being edited."""
        if self._is_open:
            self._is_open = False
            self._previewing.stop()
            self._editor.hide()
            self.ended.emit()

    def _connect(self) -> None:
        editor, previewing = self._editor, self._previewing
        editor.edited.connect(self._on_edited)
        editor.named.connect(previewing.suggest_soon)
        editor.saved.connect(self._save)
        editor.cancelled.connect(self.close)
        previewing.changed.connect(self._on_preview)
        previewing.suggested.connect(editor.suggest)

    def _on_edited(self, category: Category) -> None:
        self._previewing.ask(category)
        if self._preview is not None:
            self._show(category, self._preview)  # the threshold's line moves at once; the numbers follow

    def _on_preview(self, preview: Preview) -> None:
        if self._is_open:
            self._preview = preview
            self._editor.show_preview(preview)
            self._show(self._editor.category, preview)

    def _show(self, category: Category, preview: Preview) -> None:
        """Split the best photos where the threshold is now."""
        threshold = 0.5 if category.threshold is None else category.threshold
        ids = [hit.photo_id for hit in preview.hits if hit.probability >= threshold]
        maybe = [hit.photo_id for hit in preview.hits if hit.probability < threshold]
        count = len(ids) if maybe else preview.count  # all that belong are among the best if others are, too
        told = sentences.preview_count(count, preview.is_estimate and not maybe)
        remark = told if ids or not maybe else sentences.nothing_sure()
        heading = wording.one_line(category.name) or self.tr("New category")
        self._editor.show_count(told)
        self._page.show_members(heading, remark, Contents(category.id, ids, maybe, self._judged), is_preview=True)

    def _save(self, category: Category) -> None:
        """Save it; the panel stays open until that has worked."""
        shelf, seen = self._shelf, self._seen
        task = shelf.change(category, seen) if category.id else shelf.add(category, self._examples)
        task.succeeded.connect(lambda result: self._on_saved(result[0]))

    def _on_saved(self, category: Category) -> None:
        self.close()
        self.saved.emit(category.id)
