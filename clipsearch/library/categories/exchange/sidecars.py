"""Categories -> keywords in XMP sidecars, which other photo programs read. Photos' own files are never written.

A category is the keyword of its name, with a slash for a bar, which would part it. One that is nested stands with those
around it, "Animals|Birds", and these are keywords, too. A sidecar notes which keywords this program wrote, and only
these go again when a photo is in the category no more. A new sidecar repeats what the photo itself holds, since
programs that find one look no further.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Sequence
from functools import partial
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
from clipsearch.library.categories.exchange.placement import SEPARATOR, Placed, placed, reached
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
    asked = reached(library.catalog.labels.all(), category_ids)
    run = _Run(_Plan(placed(library, mine=mine), asked), Naming(naming), dry_run=dry_run)
    away = [folder.path for folder in roots.check(library) if folder.offline]
    ids = library.catalog.photos.ids()
    for start in range(0, len(ids), _AT_ONCE):
        for photo in library.catalog.photos.get(ids[start : start + _AT_ONCE]):
            run.bring_up_to_date(photo, away)
        yield ExchangeProgress(min(start + _AT_ONCE, len(ids)), len(ids))
    return SidecarReport(tuple(run.changes), run.unchanged, tuple(run.problems))


class _Plan:
    """Which keywords each photo is to have, of those that are to be looked after."""

    def __init__(self, everything: Sequence[Placed], asked: Collection[int]) -> None:
        self._paths = [group.keywords for group in everything]
        self._groups: dict[int, list[int]] = defaultdict(list)
        for number, group in enumerate(everything):
            for photo_id in group.photos.ids.tolist():
                self._groups[photo_id].append(number)
        looked_after = [group.keywords for group in everything if group.category.id in asked]
        self._all = len(looked_after) == len(everything)
        nested = (SEPARATOR.join(path[start:]) for path in looked_after for start in range(len(path)))
        self._managed = set(map(same, [*nested, *(name for path in looked_after for name in path)]))

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
            there = sidecars.existing(path)
            for sidecar in there:
                self._try(sidecar, partial(self._change, wanted=wanted))
            if not there and any(wanted) and extended(path).is_file():
                self._try(sidecars.new_path(path, self._naming), partial(self._make, photo=path, wanted=wanted))

    def _try(self, sidecar: Path, deed: Callable[[Path], None]) -> None:
        """Do something to a sidecar; what hinders it becomes a problem of this one only."""
        try:
            deed(sidecar)
        except ClipsearchError as error:
            self.problems.append(Problem(error.path or sidecar, error.message))
        except MarkupError as error:
            self.problems.append(Problem(sidecar, f"The sidecar is left alone, since {error}."))

    def _change(self, sidecar: Path, wanted: Keywords) -> None:
        before, _ = sidecars.read_sidecar(sidecar)
        self._write(sidecar, merge(before, wanted, self._plan.manages), before)

    def _make(self, sidecar: Path, photo: Path, wanted: Keywords) -> None:
        sidecars.check_free(sidecar)
        self._write(sidecar, merge(new(_carried(photo)), wanted), None)

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
