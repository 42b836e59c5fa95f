"""Categories -> keywords in XMP sidecars, which other photo programs read. Photos' own files are never written.

A category is the keyword of its name. One that is nested stands with those around it, "Animals|Birds", and these are
keywords, too. A sidecar notes which keywords this program wrote, and only these go again when a photo is in the
category no more. A new sidecar repeats what the photo itself holds, since programs that find one look no further.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Generator, Sequence
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.files import sidecars
from clipsearch.files.keywords import read_keywords
from clipsearch.files.kinds import is_picture
from clipsearch.files.sidecars import Naming
from clipsearch.files.xmp.markup import MarkupError
from clipsearch.files.xmp.merging import Merged, merge, new
from clipsearch.files.xmp.packet import Keywords, same, unique
from clipsearch.library import roots
from clipsearch.library.categories.exchange.folders import AWAY
from clipsearch.library.categories.exchange.placement import SEPARATOR, Placed, placed
from clipsearch.library.library import Library
from clipsearch.paths import extended
from clipsearch.records import ExchangeProgress, Photo, Problem, SidecarChange, SidecarReport

NAMINGS = tuple(naming.value for naming in Naming)

_AT_ONCE = 50


def write_xmp(
    library: Library,
    category_ids: Collection[int] | None = None,
    *,
    mine: bool = False,
    naming: Naming | str = Naming.AUTO,
    dry_run: bool = False,
) -> Generator[ExchangeProgress, None, SidecarReport]:
    """Bring the sidecars of all photos up to date with these categories (None: all) and what is nested in them.

    Keywords of other categories stay as they are. New sidecars are named by `naming`; with `mine`, only what the user
    put in counts; with `dry_run` nothing is written. Photos that cannot be reached, and sidecars that cannot be read
    or written, are among the report's problems.
    """
    run = _Run(_Plan(placed(library, mine=mine), placed(library, category_ids)), Naming(naming), dry_run=dry_run)
    away = [folder.path for folder in roots.check(library) if folder.offline]
    ids = library.catalog.photos.ids()
    for start in range(0, len(ids), _AT_ONCE):
        for photo in library.catalog.photos.get(ids[start : start + _AT_ONCE]):
            run.bring_up_to_date(photo, away)
        yield ExchangeProgress(min(start + _AT_ONCE, len(ids)), len(ids))
    return SidecarReport(tuple(run.changes), run.unchanged, tuple(run.problems))


class _Plan:
    """Which keywords each photo is to have, of those that are to be looked after."""

    def __init__(self, everything: Sequence[Placed], asked: Sequence[Placed]) -> None:
        self._paths = [tuple(map(_without_separator, group.path)) for group in everything]
        self._groups: dict[int, list[int]] = defaultdict(list)
        for number, group in enumerate(everything):
            for photo_id in group.photos.ids.tolist():
                self._groups[photo_id].append(number)
        self._all = len(asked) == len(everything)
        looked_after = [tuple(map(_without_separator, group.path)) for group in asked]
        self._managed = {same(one) for path in looked_after for one in (*path, SEPARATOR.join(path))}

    def keywords(self, photo: Photo) -> Keywords:
        """Return a photo's keywords; what only leads to a deeper one is not told by itself."""
        paths = [self._paths[number] for number in self._groups.get(photo.id, ())]
        flat = unique(name for path in paths for name in path)
        deepest = [path for path in paths if not any(path == other[: len(path)] for other in paths if other != path)]
        nested = unique(SEPARATOR.join(path) for path in deepest)
        return Keywords(tuple(filter(self.manages, flat)), tuple(filter(self.manages, nested)))

    def manages(self, keyword: str) -> bool:
        """Tell whether a keyword, flat or nested, may be added or removed."""
        return self._all or same(keyword) in self._managed


class _Run:
    """One pass over the photos: what was changed, and what could not be."""

    def __init__(self, plan: _Plan, naming: Naming, *, dry_run: bool) -> None:
        self.changes: list[SidecarChange] = []
        self.problems: list[Problem] = []
        self.unchanged = 0
        self._plan, self._naming, self._dry_run = plan, naming, dry_run

    def bring_up_to_date(self, photo: Photo, away: Sequence[Path]) -> None:
        """Do so for each place of a photo, and for the RAW files beside it."""
        wanted = self._plan.keywords(photo)
        for path in (*photo.paths, *filter(lambda companion: is_picture(companion.name), photo.companions)):
            if any(path.is_relative_to(folder) for folder in away):
                self.problems += [Problem(path, AWAY)] if any(wanted) else []
                continue
            try:
                self._bring_up_to_date(path, wanted)
            except (ClipsearchError, MarkupError) as error:
                self.problems.append(_problem(path, error))

    def _bring_up_to_date(self, photo: Path, wanted: Keywords) -> None:
        there = sidecars.existing(photo)
        for sidecar in there:
            before, _ = sidecars.read_sidecar(sidecar)
            self._write(sidecar, merge(before, wanted, self._plan.manages), before)
        if not there and any(wanted) and extended(photo).is_file():
            self._write(sidecars.new_path(photo, self._naming), merge(new(_carried(photo)), wanted), None)

    def _write(self, sidecar: Path, merged: Merged, before: bytes | None) -> None:
        if merged.data == before:
            self.unchanged += 1
            return
        if not self._dry_run:
            sidecars.write_sidecar(sidecar, merged.data, before)
        self.changes.append(SidecarChange(sidecar, _told(merged.added), _told(merged.removed), before is None))


def _carried(photo: Path) -> Keywords:
    try:
        return read_keywords(photo)
    except ClipsearchError:  # a damaged picture holds no keyword that a program could find
        return Keywords()


def _told(keywords: Keywords) -> tuple[str, ...]:
    """Return keywords for the user: nested ones in full, and flat ones that are no part of these."""
    parts = {same(part) for nested in keywords.nested for part in nested.split(SEPARATOR)}
    return (*keywords.nested, *(flat for flat in keywords.flat if same(flat) not in parts))


def _without_separator(name: str) -> str:
    return name.replace(SEPARATOR, "/")


def _problem(path: Path, error: ClipsearchError | MarkupError) -> Problem:
    if isinstance(error, ClipsearchError):
        return Problem(error.path or path, error.message)
    return Problem(path, f"The sidecar is left alone, since {error}.")
