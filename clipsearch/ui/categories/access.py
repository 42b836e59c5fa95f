"""Everything the window asks of the library about categories, in one place.

Every method may block, so the window calls them through `Tasks`. The library's modules are imported at the moment
of need, as in `ui/library_access.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from clipsearch.errors import ClipsearchError
from clipsearch.records import Category, CategoryInfo, Photo, Preview, Step

if TYPE_CHECKING:
    from clipsearch.library.library import Library

#: changes with every step that is made, undone or redone, by whomever
Revision = tuple[int, int]
#: photo ids int64 [n] and their probabilities float32 [n], best first
Scores = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class ShelfState:
    """The categories at one moment, and the steps that could be undone and redone next."""

    infos: Sequence[CategoryInfo] = ()
    undoable: Step | None = None
    redoable: Step | None = None
    revision: Revision = (0, 0)


class Opening(Protocol):
    """A library that may be open already; `opened` raises while it is not."""

    @property
    def opened(self) -> Library: ...

    @property
    def is_open(self) -> bool: ...

    @property
    def is_read_only(self) -> bool: ...

    def photos(self, ids: Sequence[int]) -> list[Photo]: ...


class CategoryAccess:
    """The categories of an open library. Failures are ClipsearchError where the user can do something about them."""

    def __init__(self, library: Opening) -> None:
        self._access = library

    @property
    def _library(self) -> Library:
        return self._access.opened

    @property
    def is_read_only(self) -> bool:
        """Whether the library may only be read; False until it is open."""
        return self._access.is_open and self._access.is_read_only

    def state(self) -> ShelfState:
        """Return what there is."""
        from clipsearch.library.categories import editing

        revision = self.revision()  # first: what is changed while the rest is read will be noticed by it
        history = self._library.catalog.labels.history
        return ShelfState(editing.categories(self._library), *history.next_steps(), revision)

    def revision(self) -> Revision:
        """Return what tells, at next to no cost, whether `state` would be another one."""
        return self._library.catalog.labels.history.revision()

    # Changes

    def add(self, category: Category, photo_ids: Sequence[int] = ()) -> Category:
        """Add a category with its first photos; return it as it is in the catalog."""
        from clipsearch.library.categories import editing

        return editing.add(self._library, category, photo_ids)

    def change(self, category: Category, seen: Category | None = None) -> Category:
        """Let a category be as given; what is as in `seen` stays as it is in the catalog."""
        from clipsearch.library.categories import editing

        return editing.change(self._library, category, seen)

    def nest(self, category_id: int, parent_id: int | None) -> None:
        from clipsearch.library.categories import editing

        editing.nest(self._library, category_id, parent_id)

    def remove(self, name: str) -> CategoryInfo:
        from clipsearch.library.categories import editing

        return editing.remove(self._library, name)

    def judge(self, category_id: int, photo_ids: Sequence[int], is_member: bool | None) -> None:
        from clipsearch.library.categories import judging

        judging.judge(self._library, category_id, photo_ids, is_member)

    def move(self, source_id: int, target_id: int, photo_ids: Sequence[int]) -> None:
        from clipsearch.library.categories import judging

        judging.move(self._library, source_id, target_id, photo_ids)

    def knows(self, paths: Sequence[Path]) -> bool:
        """Whether each of these files is a photo of the library, by its place or as a copy."""
        from clipsearch.library.categories import judging

        try:
            judging.photos_at(self._library, paths)
        except ClipsearchError:
            return False
        return True

    def assign_paths(self, category_id: int, paths: Sequence[Path]) -> None:
        """Put the photos at these paths and in these folders into a category, all of them or none."""
        from clipsearch.library.categories import arriving, judging

        judging.judge(self._library, category_id, arriving.photos_within(self._library, paths), True)

    def undo(self, only: Step | None = None) -> Step | None:
        """Take the last step back, if it is this one; return it if so."""
        from clipsearch.library.categories import history

        return history.undo(self._library, only)

    def redo(self, only: Step | None = None) -> Step | None:
        """Take the step again that was undone last, if it is this one; return it if so."""
        from clipsearch.library.categories import history

        return history.redo(self._library, only)

    def refresh(self) -> None:
        """Retrain what is outdated and bring the memberships up to date."""
        from clipsearch.library.categories import applying

        applying.refresh(self._library)

    # Questions

    def member_ids(self, category_id: int) -> Scores:
        """Return the photos of a category: the user's own, then the model's by probability."""
        from clipsearch.library.categories import applying

        return applying.member_ids(self._library, category_id)

    def all_scores(self, category_id: int) -> Scores:
        """Return every photo: the user's ins, the rest by probability, the user's outs."""
        from clipsearch.library.categories import applying

        return applying.all_scores(self._library, category_id)

    def judgements(self, category_id: int) -> dict[int, bool]:
        """Return the user's own judgements: photo id -> in or out."""
        return self._library.catalog.labels.judgements(category_id)

    def categories_of(self, photo_id: int) -> list[tuple[Category, float, str]]:
        """Return the categories that hold a photo: category, probability, "user" or "model"."""
        from clipsearch.library.categories import applying

        return applying.categories_of(self._library, photo_id)

    def preview(self, category: Category, limit: int) -> Preview:
        """Return what a category that is not saved would hold."""
        from clipsearch.library.categories import preview

        return preview.preview(self._library, category, limit)

    def prompts_for(self, name: str) -> list[str]:
        from clipsearch.library.categories import suggesting

        return suggesting.prompts_for(self._library, name)

    def to_judge(self, category_id: int, count: int = 10) -> list[Photo]:
        """Return the photos whose judgement would teach a category most."""
        from clipsearch.library.categories import suggesting

        return self._access.photos(suggesting.to_judge(self._library, category_id, count))

    def template_sets(self) -> list[str]:
        """Return the names of the sets of templates. Does not block."""
        from clipsearch.library.categories import suggesting

        return suggesting.template_names()
