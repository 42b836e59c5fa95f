"""Undoing and redoing changes of categories and judgements, without limit; the journal is in the catalog.

The window and the command line share one journal. What a step means to heads and memberships is worked out
afterwards, as after any other change (`applying.refresh`).
"""

from __future__ import annotations

from clipsearch.library.library import Library
from clipsearch.records import Step


def undo(library: Library, only: Step | None = None) -> Step | None:
    """Take the last step back; return it, None where there is none.

    With `only`, nothing is done unless this step is the last one: somebody else may have changed something since the
    user saw it.
    """
    return library.catalog.labels.history.undo(only.id if only else None)


def redo(library: Library, only: Step | None = None) -> Step | None:
    """Take the step again that was undone last; return it, None where there is none. `only` is as in `undo`."""
    return library.catalog.labels.history.redo(only.id if only else None)


def next_steps(library: Library) -> tuple[Step | None, Step | None]:
    """Return the steps that would be undone and redone next."""
    return library.catalog.labels.history.next_steps()
