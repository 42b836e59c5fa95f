"""Link the RAW beside a JPEG, and the film of a live photo, with the photo that they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from clipsearch.library.indexing.comparing import Differences
from clipsearch.library.indexing.removing import Gone
from clipsearch.library.indexing.tally import Tally
from clipsearch.records import ChangeKind, Folder, FoundFile
from clipsearch.store.catalog import Catalog
from clipsearch.store.tables.files import KnownFile


@dataclass
class Companions:
    """The companions that a run's scans found, to be linked when their partners have been read."""

    catalog: Catalog
    tally: Tally
    gone: Gone
    found: list[Differences] = field(default_factory=list)

    def add(self, differences: Differences) -> None:
        """Take up what a scan found."""
        if differences.companions:
            self.found.append(differences)

    def link(self) -> list[tuple[Folder, list[FoundFile]]]:
        """Link them; return those, by folder, that have to stand for themselves since their partners are no photos."""
        alone = []
        for differences in self.found:
            linked = self.catalog.files.accompany(differences.folder.id, differences.companions)
            for one in differences.companions:
                if one.relative_path in linked:
                    self._note(one, linked[one.relative_path], differences.known)
            self.gone.forget_moved()
            alone.append((differences.folder, _left(differences.companions, linked)))
        self.found = []
        return alone

    def _note(self, one: FoundFile, photo_id: int, known: Mapping[str, KnownFile]) -> None:
        old = known.get(one.relative_path)
        if old is None or old.photo_id is None:
            came_from = self.gone.take(photo_id, companion=True)
            self.tally.note(ChangeKind.MOVED if came_from else ChangeKind.ADDED, one.path, came_from)
        elif old.same_as(one):
            self.tally.unchanged()
        else:
            self.tally.note(ChangeKind.UPDATED, one.path)


def _left(companions: Sequence[FoundFile], linked: Mapping[str, int]) -> list[FoundFile]:
    return [one for one in companions if one.relative_path not in linked]
