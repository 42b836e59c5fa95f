"""Files and folders come from another program: they are indexed, and put into a category if dropped on one.

A folder is added to the library, as the user sees it added. A loose file is not a folder: if it lies in a folder that
was added, that one is brought up to date; otherwise the user is asked whether the folder around it shall be added.
What the library knows already, if only as a copy, goes into the category at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from clipsearch.paths import way_to
from clipsearch.records import Folder
from clipsearch.ui import wording
from clipsearch.ui.session import Session


@dataclass(frozen=True, slots=True)
class Sorted:
    """What came: folders, files in added folders, and files elsewhere."""

    folders: Sequence[Path]
    inside: Sequence[Path]
    outside: Sequence[Path]


def sort(paths: Sequence[Path], added: Sequence[Folder]) -> Sorted:
    """Tell what is dropped apart, by what the added folders hold. Looks at the disk."""
    folders = [path for path in paths if path.is_dir()]
    loose = [path for path in paths if path not in folders]
    inside = [path for path in loose if any(way_to(folder.path, path) is not None for folder in added)]
    return Sorted(folders, inside, [path for path in loose if path not in inside])


class Arrivals(QObject):
    """Takes paths. `offered` is a question with the answer that the user may give, and what is then done."""

    offered = Signal(str, str, object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._added: Sequence[Folder] = ()
        self._awaiting: list[tuple[int, Sequence[Path]]] = []  # category ids, and what they get after the run
        session.feed.changed.connect(self._on_overview)
        session.runs.ended.connect(self._on_run_ended)
        session.runs.refused.connect(lambda _: self._awaiting.clear())

    def take(self, paths: Sequence[Path], category_id: int | None = None) -> None:
        """Index what is dropped, and put it into a category, if one is given."""
        come = sort(paths, self._added)
        if category_id is None or come.folders:
            self._take_in(come, category_id)
            return
        shelf = self._session.shelf
        task = self._session.background.run(lambda: shelf.access.knows(paths))
        task.succeeded.connect(
            lambda is_known: shelf.assign_paths(category_id, paths) if is_known else self._take_in(come, category_id)
        )

    def _take_in(self, come: Sorted, category_id: int | None) -> None:
        if come.folders or come.inside:
            self._index(come.folders, come.inside, category_id)
        if come.outside:
            self._offer(come.outside, category_id)

    def _index(self, folders: Sequence[Path], files: Sequence[Path], category_id: int | None) -> None:
        if category_id is not None:
            self._awaiting.append((category_id, [*folders, *files]))
        self._session.index(_once([*folders, *(path.parent for path in files)]))

    def _offer(self, files: Sequence[Path], category_id: int | None) -> None:
        around = _once([path.parent for path in files])
        text = self.tr("%Ln files lie in no folder of the library.", "", len(files))
        name = wording.one_line(around[0].name or str(around[0]))
        answer = self.tr("Add the folder “{name}”").format(name=name)
        if len(around) > 1:
            answer = self.tr("Add their %Ln folders", "", len(around))
        self.offered.emit(text, answer, lambda: self._index([], files, category_id))

    def _on_overview(self, overview: object) -> None:
        self._added = getattr(overview, "folders", ())

    def _on_run_ended(self, counts: object) -> None:
        """Put what has been indexed where it belongs; a run that failed or was cancelled has told so itself."""
        awaiting, self._awaiting = self._awaiting, []
        if counts is not None:
            for category_id, paths in awaiting:
                self._session.shelf.assign_paths(category_id, paths)


def _once(paths: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(paths))
