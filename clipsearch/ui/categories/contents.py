"""The photos of the category that is shown: read behind the window, and again when they may have changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from clipsearch.ui.categories.access import CategoryAccess
from clipsearch.ui.categories.shelf import Shelf
from clipsearch.ui.tasks import Task, Tasks

_MAYBE_SHARE = 0.2  # of the category's threshold: what is less likely is not offered
_FEWEST_MAYBE, _MOST_MAYBE = 20, 200


@dataclass(frozen=True, slots=True)
class Contents:
    """A category's photos, the user's own first, best first; those that are not shown at once; the judgements.

    `maybe` are the most likely of the others, best first, and last what the user took out, who may think again.
    """

    category_id: int
    ids: Sequence[int]
    maybe: Sequence[int]
    judged: Mapping[int, bool]


def read_contents(access: CategoryAccess, category_id: int, threshold: float) -> Contents:
    """Read a category's photos, and the others that are worth a look."""
    members, _ = access.member_ids(category_id)
    ids, scores = access.all_scores(category_id)
    judged = access.judgements(category_id)
    taken_out = np.isin(ids, [photo_id for photo_id, is_member in judged.items() if not is_member])
    others = ~np.isin(ids, members) & ~np.isin(ids, list(judged))
    likely = int(np.count_nonzero(scores[others] >= _MAYBE_SHARE * threshold))
    count = min(max(likely, _FEWEST_MAYBE), _MOST_MAYBE)
    maybe = [*ids[others][:count].tolist(), *ids[taken_out].tolist()]
    return Contents(category_id, members.tolist(), maybe, judged)


class ContentsFeed(QObject):
    """Reads the `Contents` of one category at a time and emits them as `changed`; the latest wish wins."""

    changed = Signal(object)

    def __init__(self, shelf: Shelf, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shelf = shelf
        self._tasks = tasks
        self._task: Task | None = None
        self._is_stale = False
        self.category_id: int | None = None
        shelf.members_changed.connect(self._on_members_changed)

    def look_at(self, category_id: int | None) -> None:
        """Read the photos of this category from now on; None: of none."""
        self.category_id = category_id
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.refresh()

    def refresh(self) -> None:
        """Read now, or right after the reading under way."""
        info = self._shelf.info(self.category_id) if self.category_id is not None else None
        if info is None:
            return
        self._is_stale = self._task is not None
        if not self._is_stale:
            category_id, threshold = info.category.id, info.category.threshold
            access, least = self._shelf.access, 0.5 if threshold is None else threshold
            task = self._tasks.run(lambda: read_contents(access, category_id, least))
            self._task = task
            task.succeeded.connect(self.changed)
            task.finished.connect(lambda: self._on_finished(task))

    def _on_members_changed(self, ids: Collection[int] | None) -> None:
        if self.category_id is not None:  # a change to one may change those around it, too: it is cheap to look
            self.refresh()

    def _on_finished(self, task: Task) -> None:
        if task is self._task:
            self._task = None
            if self._is_stale:
                self.refresh()
