"""Categories -> folders of photos: real copies or hard links, nested categories as folders in folders."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Generator, Sequence
from itertools import count
from pathlib import Path

from clipsearch.encode.names import made_harmless
from clipsearch.errors import ClipsearchError
from clipsearch.files import sidecars
from clipsearch.files.decode import reason_of
from clipsearch.library import roots
from clipsearch.library.categories.exchange.copying import COPY, LINK, THERE, can_link, is_same, put
from clipsearch.library.categories.exchange.placement import placed
from clipsearch.library.library import Library
from clipsearch.paths import extended
from clipsearch.records import ExchangeProgress, ExportReport, FileCopy, Photo, Problem

AWAY = "It lies in a folder that is not connected now."
GONE = "The file is no longer there."


def export(
    library: Library,
    category_ids: Collection[int],
    target: Path,
    *,
    link: bool = False,
    mine: bool = False,
    dry_run: bool = False,
) -> Generator[ExchangeProgress, None, ExportReport]:
    """Put the photos of these categories, and of what is nested in them, into a folder for each below `target`.

    RAW files and films beside a photo and its sidecars go along under its name. What is there already is not copied
    again; a name that another file has gets a number. With `link`, files on the same disk get a second name instead of
    a copy; with `mine`, only what the user put in counts; with `dry_run` nothing is written. What cannot be reached or
    written is among the report's problems. Raises ClipsearchError for a `target` that cannot be used, or a full disk.
    """
    _prepare(target, dry_run=dry_run)
    groups = placed(library, category_ids, mine=mine)
    total = sum(len(group.photos.ids) for group in groups)
    run = _Run([folder.path for folder in roots.check(library) if folder.offline], link=link, dry_run=dry_run)
    done = 0
    for group in groups:
        folder = run.folder(target, group.path[group.above :])
        for member in group.members(library):
            run.put(member.photo, folder)
            done += 1
            yield ExchangeProgress(done, total)
    return ExportReport(tuple(run.files), tuple(run.problems))


class _Run:
    """One export: what was done, what could not be, and which names are taken."""

    def __init__(self, away: Sequence[Path], *, link: bool, dry_run: bool) -> None:
        self.files: list[FileCopy] = []
        self.problems: list[Problem] = []
        self._away, self._link, self._dry_run = away, link, dry_run
        self._taken: set[tuple[Path, str]] = set()
        self._folders: dict[tuple[str, ...], Path] = {}

    def folder(self, target: Path, path: tuple[str, ...]) -> Path:
        """Return a category's folder below the target, one that may be there but that is no other category's."""
        if not path:
            return target
        if path not in self._folders:
            around, harmless = self.folder(target, path[:-1]), made_harmless(path[-1])
            names = (harmless if number == 1 else f"{harmless} ({number})" for number in count(1))
            folder = next(one for one in map(around.joinpath, names) if self._may_be_folder(one))
            self._taken.add(_key(folder))
            self._folders[path] = folder
        return self._folders[path]

    def put(self, photo: Photo, folder: Path) -> None:
        """Put a photo, with what lies beside it, into a folder; what hinders it becomes a problem."""
        source = next((path for path in photo.paths if self._is_within_reach(path)), None)
        if source is None:
            self.problems.append(Problem(photo.path, AWAY if all(map(self._is_away, photo.paths)) else GONE))
            return
        try:
            planned = self._planned(_files_of(photo, source), source.stem, folder)
        except OSError as error:
            self.problems.append(Problem(source, reason_of(error)))
            return
        for file in planned:
            self._make(file)

    def _planned(self, sources: Sequence[Path], stem: str, folder: Path) -> list[FileCopy]:
        """Return where files go that belong together: all of them get the same number, the lowest that is free."""
        for number in count(1):
            targets = [folder / _numbered(source.name, stem, number) for source in sources]
            if all(map(self._is_free, sources, targets)):
                break
        self._taken.update(map(_key, targets))
        return [
            FileCopy(source, target, self._how(source, target)) for source, target in zip(sources, targets, strict=True)
        ]

    def _make(self, file: FileCopy) -> None:
        """Do what is planned, unless it is only to be told."""
        try:
            if not self._dry_run and file.how != THERE:
                extended(file.target.parent).mkdir(parents=True, exist_ok=True)
                file = file._replace(how=put(file.source, file.target, link=file.how == LINK))
            self.files.append(file)
        except OSError as error:
            self.problems.append(Problem(file.source, f"It cannot be copied to {file.target}: {error.strerror}."))

    def _how(self, source: Path, target: Path) -> str:
        if extended(target).exists():
            return THERE
        return LINK if self._link and can_link(source, target.parent) else COPY

    def _is_free(self, source: Path, target: Path) -> bool:
        is_taken = _key(target) in self._taken
        return not is_taken and (not os.path.lexists(extended(target)) or is_same(source, target))

    def _may_be_folder(self, path: Path) -> bool:
        there = extended(path)
        return _key(path) not in self._taken and (not os.path.lexists(there) or there.is_dir())

    def _is_away(self, path: Path) -> bool:
        return any(path.is_relative_to(folder) for folder in self._away)

    def _is_within_reach(self, path: Path) -> bool:
        return not self._is_away(path) and extended(path).is_file()


def _prepare(target: Path, *, dry_run: bool) -> None:
    """Make the folder that all goes into. Raises ClipsearchError."""
    try:
        if not dry_run:
            extended(target).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ClipsearchError("Folder not usable", f"{target} cannot be used: {error.strerror}.", target) from error


def _files_of(photo: Photo, source: Path) -> list[Path]:
    """Return a photo's file and what lies beside it: its companions, and the sidecars of all of them."""
    beside = [path for path in photo.companions if path.parent == source.parent and extended(path).is_file()]
    files = [source, *beside]
    return list(dict.fromkeys([*files, *(sidecar for file in files for sidecar in sidecars.existing(file))]))


def _numbered(name: str, stem: str, number: int) -> str:
    """Return the harmless name of a file that belongs to the photo of this stem, with the number if it is not 1."""
    rest = name[len(stem) :] if name.casefold().startswith(stem.casefold()) else Path(name).suffix
    harmless = made_harmless(name[: len(name) - len(rest)])
    return f"{harmless}{'' if number == 1 else f' ({number})'}{rest and made_harmless(rest)}"


def _key(path: Path) -> tuple[Path, str]:
    """Return what is one for names that some disk takes for one."""
    return path.parent, unicodedata.normalize("NFC", path.name).casefold()
