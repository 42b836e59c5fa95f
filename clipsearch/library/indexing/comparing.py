"""A scan of a folder against what the catalog knows of it: what is new, changed, gone, or cannot be seen now."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from clipsearch.files.formats.video import can_read_videos
from clipsearch.files.kinds import is_video
from clipsearch.files.scan import Found, Place, Rules, scan
from clipsearch.library.indexing.filling import Filling
from clipsearch.library.indexing.prepare import PendingFile
from clipsearch.library.indexing.tally import Tally
from clipsearch.library.library import Library
from clipsearch.library.roots import unmounted_in
from clipsearch.records import ChangeKind, Folder, FoundFile, Progress, Stage, Unreadable
from clipsearch.store.tables.files import KnownFile, KnownFiles

EVERYWHERE = (Place(""),)
TRY_AGAIN = -1  # recorded as mtime of a place that may become readable without changing
_REPORT_EVERY = 500


@dataclass
class Differences:
    """What a scan of one folder found, by relative path.

    `pending` is to be read and `companions` are to be linked with their partners' photos; `known` is what the catalog
    had at the places of both. `gone` was not met though its place was looked at. `hidden` are photos that the scan
    could not see. `is_empty`: it met nothing at all.
    """

    folder: Folder
    pending: list[PendingFile] = field(default_factory=list)
    known: dict[str, KnownFile] = field(default_factory=dict)
    companions: list[FoundFile] = field(default_factory=list)
    gone: dict[str, KnownFile] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    is_empty: bool = True


class Comparison:
    """Compares folders one after the other; what is unchanged, or a known problem, is only counted.

    `unsettled` files are still being written, and left as they are.
    """

    def __init__(
        self,
        library: Library,
        filling: Filling,
        tally: Tally,
        retry_problems: bool = False,
        unsettled: Collection[Path] = (),
    ) -> None:
        self._library, self._filling, self._tally = library, filling, tally
        self._retry_problems = retry_problems
        self._unsettled = unsettled
        self._rules = scan_rules(library)

    def of(self, folder: Folder, places: Sequence[Place] = EVERYWHERE) -> Iterator[Progress | Differences]:
        """Yield Progress now and then while these places of a folder are looked at, and the differences at the end."""
        known = self._library.catalog.files.known(folder.id, places)
        found = Differences(folder)
        unseen = unmounted_in(folder.path)
        steps = scan(folder.path, self._rules, places)
        while batch := list(islice(steps, _REPORT_EVERY)):
            found.is_empty = False
            for one in self._not_as_before(batch, known):
                if isinstance(one, FoundFile):
                    self._compare(found, one, known)
                else:
                    unseen.append(one.relative_path)
                    if isinstance(one, Unreadable):
                        self._note_unreadable(folder, one)
            yield self._tally.progress(Stage.SCANNING)
        self._settle_companions(found, known)
        self._sort_out(found, known, [*unseen, *unmounted_in(folder.path)])
        yield self._tally.progress(Stage.SCANNING)
        yield found

    def _not_as_before(self, batch: Sequence[Found], known: KnownFiles) -> list[Found]:
        """Count the files that are the photos they were, by far the most; return the others."""
        photo_ids = known.meet(batch)
        lacking = self._filling.lacking(photo_ids)
        others = [one for one, photo in zip(batch, photo_ids, strict=True) if photo is None or photo in lacking]
        self._tally.unchanged(len(batch) - len(others))
        return others

    def _compare(self, found: Differences, one: FoundFile, known: KnownFiles) -> None:
        if one.partner is not None:
            found.companions.append(one)
        elif not (self._unsettled and one.path in self._unsettled):
            self._compare_closely(found, one, known.get(one.relative_path))

    def _compare_closely(self, found: Differences, one: FoundFile, old: KnownFile | None) -> None:
        if old is None or old.is_companion or not old.same_as(one):
            self._read_later(found, one)
        elif old.photo_id is None:
            if self._retry_problems:
                self._read_later(found, one)
            else:
                self._tally.known_problem()
        elif models := self._lacking(old.photo_id, old):
            found.pending.append(PendingFile(found.folder.id, one, models, known=True))
        else:
            self._tally.unchanged()

    def _lacking(self, photo_id: int, old: KnownFile) -> tuple[str, ...]:
        """Return the models for which a known photo is to be read: all of them, to retry a problem with it."""
        models = self._filling.claim(photo_id)
        return tuple(self._filling.specs) if self._retry_problems and old.has_problem else models

    def _read_later(self, found: Differences, one: FoundFile) -> None:
        found.pending.append(PendingFile(found.folder.id, one, tuple(self._filling.specs)))

    def _settle_companions(self, found: Differences, known: KnownFiles) -> None:
        """Leave those companions to be linked that are not yet, or whose partners are to be read."""
        to_be_read = {pending.found.relative_path for pending in found.pending if not pending.known}
        companions, found.companions = found.companions, []
        for one in companions:
            if one.partner not in to_be_read and _stands_for_itself(one, known):
                self._compare_closely(found, one, known.get(one.relative_path))
            elif one.partner in to_be_read or not _is_linked(one, known):
                found.companions.append(one)
            else:
                self._tally.unchanged()

    def _sort_out(self, found: Differences, known: KnownFiles, unseen: Sequence[str]) -> None:
        """Tell the files that are gone from those that the scan could not see: where they lie, or for what they are."""
        to_do = [*(pending.found for pending in found.pending), *found.companions]
        found.known = {one.relative_path: known[one.relative_path] for one in to_do if one.relative_path in known}
        for path in known.unmet():
            old = known[path]
            if not lies_in(path, unseen) and (self._rules.videos or not is_video(path)):
                found.gone[path] = old
            elif old.photo_id is not None:
                found.hidden.add(old.photo_id)

    def _note_unreadable(self, folder: Folder, place: Unreadable) -> None:
        files = self._library.catalog.files
        files.store_problem(folder.id, place.relative_path, 0, TRY_AGAIN, place.reason)
        self._tally.note(ChangeKind.PROBLEM, folder.path / place.relative_path, reason=place.reason)


def scan_rules(library: Library) -> Rules:
    """Return what a scan passes over by the user's settings; the library's own thumbnails are no photos."""
    settings = library.settings
    return Rules(
        hidden=not settings.skip_hidden,
        patterns=settings.ignore,
        min_bytes=settings.min_file_kb * 1024,
        follow_links=settings.follow_links,
        videos=can_read_videos(),
        leave_out=library.folder,
    )


def lies_in(path: str, places: Sequence[str]) -> bool:
    """Tell whether a relative path is one of these places, or below one."""
    return any(path == place or not place or path.startswith(f"{place}/") for place in places)


def _stands_for_itself(one: FoundFile, known: Mapping[str, KnownFile]) -> bool:
    """Tell whether a companion has been read as a photo of its own, since its partner could not be."""
    old, partner = known.get(one.relative_path), known.get(one.partner or "")
    if old is None or partner is None:
        return False
    return not old.is_companion and old.same_as(one) and partner.photo_id is None


def _is_linked(one: FoundFile, known: Mapping[str, KnownFile]) -> bool:
    old, partner = known.get(one.relative_path), known.get(one.partner or "")
    if old is None or partner is None:
        return False
    return old.is_companion and old.same_as(one) and old.photo_id == partner.photo_id
