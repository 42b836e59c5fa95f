"""Which added folders can be reached now, and where. Drives come and go and change their letters; shares hang.

A folder is its place on its volume. If its path leads to another volume, the drive is away and its empty mount point is
left, or another drive has taken its letter: the folder is offline, unless its files are found there all the same (the
photos were copied to a larger disk, which took the old one's place). If its volume is mounted elsewhere, the path
follows. What is offline is never forgotten, and what the system does not tell is taken to be well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from threading import Lock, Thread
from typing import TypeVar

from clipsearch.errors import CatalogError
from clipsearch.files.mounts.volume import Location, Volume
from clipsearch.files.volumes import awaited, locate, mounted
from clipsearch.library.library import Library
from clipsearch.records import Folder
from clipsearch.store.tables.folders import FolderPlace

LIMIT_S = 2.0  # a folder that takes longer to answer is out of reach for now
PATIENT_LIMIT_S = 20.0  # for an index run, which may wait until a sleeping disk turns again

_SAMPLE = 16
_ENOUGH = 0.5  # of a sample found where it was shows that it is the same folder

Sizes = Mapping[str, int]  # bytes, by relative path
Answer = TypeVar("Answer")

_late: dict[Path, Future[object]] = {}  # looks that have not come back, so that no second one is lost to the same place
_late_lock = Lock()


@dataclass(frozen=True, slots=True)
class _Finding:
    """Where a folder lies now, and whether it can be reached there."""

    place: FolderPlace
    offline: bool


def check(library: Library, limit_s: float = LIMIT_S) -> list[Folder]:
    """Look where the added folders are now, record it, and return them by path.

    All are looked at together, for at most `limit_s` seconds. A library that may only be read is left as it is.
    Raises CatalogError.
    """
    known = library.catalog.folders.places()
    looks = {
        place.path: partial(_find, place, cache(partial(library.catalog.files.sample, id_, _SAMPLE)))
        for id_, place in known.items()
    }
    answers = _in_time(looks, limit_s)
    found = {id_: answers.get(place.path) or _Finding(place, offline=True) for id_, place in known.items()}
    found = _without_clashes(known, found)
    _record(library, known, found)
    folders = [Folder(id_, finding.place.path, finding.offline) for id_, finding in found.items()]
    return sorted(folders, key=lambda folder: folder.path)


def make_room(library: Library, paths: Collection[Path]) -> None:
    """Let other folders be added at these paths where the folders known there are away, as two sticks share a letter.

    An empty mount point is no other folder.
    """
    away = {folder.path: folder.id for folder in check(library, PATIENT_LIMIT_S) if folder.offline}
    places = library.catalog.folders.places()
    taken = [away[path] for path in paths if path in away and _has_entries(path)]
    library.catalog.folders.set_places({id_: _aside(places[id_]) for id_ in taken})


def still_there(library: Library, folder: Folder, limit_s: float = PATIENT_LIMIT_S) -> bool:
    """Tell, after a scan of `folder`, whether it is still the folder that `check` found: else nothing in it is gone."""
    place = library.catalog.folders.places().get(folder.id)
    if place is None:
        return False
    return _in_time({folder.path: partial(_is_still_at, folder.path, place)}, limit_s).get(folder.path, False)


def unmounted_in(folder: Path) -> list[str]:
    """Return the relative paths in a folder where another drive or share belongs that is not mounted now.

    What was found below them is out of reach, not gone. Only what the system mounts by a table of its own is known.
    """
    return [point.relative_to(folder).as_posix() for point in awaited() if folder in point.parents]


def _find(place: FolderPlace, sample: Callable[[], Sizes]) -> _Finding:
    """Find the folder; takes for ever where the system does."""
    is_there = os.path.isdir(place.path)  # first: this is what makes an automatic mount happen
    volumes = mounted()
    here = locate(place.path, volumes) if is_there else None
    is_sure = here is None or here.volume.id == place.volume_id or _holds(place.path, sample())
    if is_there and (is_sure or place.volume_id is None):
        return _Finding(_placed(place.path, here) if here and is_sure else place, offline=False)
    moved = _elsewhere(place, volumes, sample)
    return _Finding(replace(place, path=moved or place.path), offline=moved is None)


def _placed(path: Path, here: Location) -> FolderPlace:
    return FolderPlace(path, here.volume.id, here.volume.name, here.inside)


def _elsewhere(place: FolderPlace, volumes: Sequence[Volume], sample: Callable[[], Sizes]) -> Path | None:
    """Return where the folder's volume is mounted now; of several places, one that holds the folder's files."""
    if place.volume_id is None or place.path_on_volume is None:
        return None
    paths = [volume.path_of(place.path_on_volume) for volume in volumes if volume.id == place.volume_id]
    found = [path for path in paths if path and path != place.path and os.path.isdir(path)]
    return next((path for path in found if _holds(path, sample())), next(iter(found), None))


def _holds(path: Path, sample: Sizes) -> bool:
    """Tell whether enough of the files lie below `path`. A copy has the sizes, but not always the times."""
    found = 0
    for relative_path, size_bytes in sample.items():
        with suppress(OSError, ValueError):
            found += (path / relative_path).stat().st_size == size_bytes
    return found >= _ENOUGH * len(sample)


def _has_entries(path: Path) -> bool:
    """Tell whether the folder holds anything, unlike a mount point at which nothing is mounted."""
    with suppress(OSError), os.scandir(path) as entries:
        return next(entries, None) is not None
    return False


def _is_still_at(path: Path, place: FolderPlace) -> bool:
    if not os.path.isdir(path):
        return False
    here = locate(path, mounted())
    return here is None or place.volume_id in {None, here.volume.id}


def _in_time(looks: Mapping[Path, Callable[[], Answer]], limit_s: float) -> dict[Path, Answer]:
    """Take all looks at once and return those that came back in time. One that is late is not taken again meanwhile.

    One that fails tells nothing, and nothing of the others. Raises CatalogError, which is of no one folder.
    """
    with _late_lock:
        for path in [path for path, answer in _late.items() if answer.done()]:
            del _late[path]
        late = set(_late)
    under_way = {path: _begun(look) for path, look in looks.items() if path not in late}
    in_time, too_late = wait(under_way.values(), timeout=limit_s)
    with _late_lock:
        _late.update({path: answer for path, answer in under_way.items() if answer in too_late})  # type: ignore[misc]
    return {path: answer.result() for path, answer in under_way.items() if answer in in_time and _succeeded(answer)}


def _succeeded(answer: Future[Answer]) -> bool:
    """Tell whether a look that came back saw anything. Raises CatalogError."""
    error = answer.exception()
    if isinstance(error, CatalogError):
        raise error
    return error is None


def _begun(look: Callable[[], Answer]) -> Future[Answer]:
    """Take a look in a thread that nothing waits for, not even the end of the program."""
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(look())
        except BaseException as error:  # told where the answer is read
            answer.set_exception(error)

    Thread(target=run, name="look at folder", daemon=True).start()
    return answer


def _without_clashes(known: Mapping[int, FolderPlace], found: Mapping[int, _Finding]) -> dict[int, _Finding]:
    """Give each path to one folder: to that which is there, of several to that which was there before."""
    order = sorted(found, key=lambda id_: (found[id_].offline, found[id_].place.path != known[id_].path))
    taken: set[Path] = set()
    kept = {}
    for id_ in order:
        finding = found[id_]
        if finding.place.path in taken:
            finding = _Finding(known[id_] if known[id_].path not in taken else _aside(known[id_]), offline=True)
        taken.add(finding.place.path)
        kept[id_] = finding
    return kept


def _aside(place: FolderPlace) -> FolderPlace:
    """Return the place of a folder that is away under a path of no other folder, by which it is told from them."""
    drive = Path(f"{place.volume_name} ({place.volume_id})")
    return replace(place, path=drive.joinpath(*filter(None, (place.path_on_volume or "").split("/"))))


def _record(library: Library, known: Mapping[int, FolderPlace], found: Mapping[int, _Finding]) -> None:
    """Record what has changed; in a library that may only be read, what was seen holds all the same."""
    if library.catalog.read_only:
        return
    folders = library.catalog.folders
    places = {id_: finding.place for id_, finding in found.items() if finding.place != known[id_]}
    if places:
        folders.set_places(places)
    offline = folders.offline()
    for id_, finding in found.items():
        if finding.offline != (id_ in offline):
            folders.set_offline(id_, finding.offline)
