"""Walk a folder and yield the files to index; nothing but `.clipsearchignore` is opened, a file costs one stat."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from clipsearch.errors import ClipsearchError
from clipsearch.files import ignore
from clipsearch.files.ignore import IGNORE_FILE, Ignoring
from clipsearch.files.kinds import PICTURE_SUFFIXES, RAW_SUFFIXES, VIDEO_SUFFIXES, is_raw, partners
from clipsearch.files.rules import CATALOG, HAS_MARKS, THUMBNAILS, Rules, is_link, is_marked_hidden
from clipsearch.paths import extended, way_to
from clipsearch.records import FoundFile, Unreadable

__all__ = ["PICTURE_SUFFIXES", "Place", "Rules", "Vanished", "mtime_ns", "reaches", "scan", "way_to"]

_LATEST_NS = 2**63 - 1
_DEVELOPED = PICTURE_SUFFIXES - RAW_SUFFIXES
_MAY_ACCOMPANY = RAW_SUFFIXES | VIDEO_SUFFIXES


class Place(NamedTuple):
    """A directory of a folder to look at, relative with "/"; "" is the folder itself. `deep`: and all below it."""

    directory: str
    deep: bool = True


class Vanished(NamedTuple):
    """A directory that was met and then was gone: renamed or unmounted meanwhile. "" stands for the folder itself.

    It says nothing about the files below, which may lie elsewhere now or come back.
    """

    folder: Path
    relative_path: str


Found: TypeAlias = FoundFile | Unreadable | Vanished

_Entries: TypeAlias = Mapping[str, "os.DirEntry[str]"]
_Identity: TypeAlias = tuple[int, int]  # device, inode; an inode of 0 is not known
_EVERYTHING = (Place(""),)
_DEFAULT = Rules()
_new = tuple.__new__  # makes a named tuple without a call in Python
_NO_PAIRS: Mapping[str, str] = {}


def scan(folder: Path, rules: Rules = _DEFAULT, places: Sequence[Place] = _EVERYTHING) -> Iterator[Found]:
    """Yield the files to index under `folder`, depth first and by name, and every place that cannot be read.

    In each directory pictures come first, then the files that accompany one of them (`FoundFile.partner`). Only
    `places` are looked at, each once; one that is not there, or that a scan of the whole folder does not come to,
    yields nothing. An unreadable directory or file is yielded as Unreadable, never raised, and so is a
    `.clipsearchignore`: where it cannot be read, its directory is not entered. A directory that is gone when its turn
    comes is yielded as Vanished, and the one around it listed again, so that it is found under a new name. Links to
    folders are followed only by `rules`, after everything else and never to where the scan comes anyway. Relative paths
    use "/" everywhere.

    Raises ClipsearchError for a pattern of the user's that is none.
    """
    walk = _Walk(folder, rules)
    for place in _disjoint(places):
        yield from walk.course(place)


def reaches(folder: Path, inner: Path, rules: Rules = _DEFAULT) -> bool:
    """Tell whether a scan of `folder` comes to the folder `inner`, by names where that is not there now."""
    way = way_to(folder, inner)
    return way is not None and isinstance(_Walk(folder, rules).find(way), _Directory)


def mtime_ns(status: os.stat_result) -> int:
    """Return the time of the last change in ns since 1970; times beyond 64 bits (a broken clock) become the limit."""
    time = status.st_mtime_ns
    return time if -_LATEST_NS <= time <= _LATEST_NS else _LATEST_NS if time > 0 else -_LATEST_NS


@dataclass(slots=True)
class _Directory:
    """A directory to be listed. `prefix` is its relative path with "/" at its end, or "" for the folder itself.

    `names` are those listed so far, of a directory that may have to be listed again.
    """

    prefix: str
    ignoring: Ignoring
    identity: _Identity = (0, 0)
    outer: _Directory | None = None
    is_link: bool = False
    names: frozenset[str] = frozenset()
    gone: bool = False

    @property
    def path(self) -> str:
        return self.prefix[:-1]

    def is_lost(self) -> bool:
        """Tell whether it, or one around it, is known to be gone."""
        return self.gone or (self.outer is not None and self.outer.is_lost())


class _Walk:
    """One scan of a folder: what is still to be listed, and what has been."""

    def __init__(self, folder: Path, rules: Rules) -> None:
        self.folder = folder
        self.rules = rules
        self._root = str(extended(folder))
        self._shows_marked = rules.hidden or not HAS_MARKS
        self._wants_all = self._shows_marked and not rules.min_bytes
        self._left_out = way_to(folder, rules.leave_out) if rules.leave_out else None
        self._pending: list[_Directory] = []
        self._links: deque[_Directory] = deque()
        self._visited = {_identity(str(extended(rules.leave_out)))} if rules.leave_out else set()
        try:
            self._at_root = ignore.at_root(folder, rules.patterns)
        except ValueError as error:
            raise ClipsearchError("Settings not usable", f"Please mend the list `ignore`: {error}.") from error

    def course(self, place: Place) -> Iterator[Found]:
        """Yield what a place holds."""
        start = self.find(place.directory)
        if isinstance(start, (Unreadable, Vanished)):
            yield start
        elif start is not None:
            self._pending.append(start)
        while directory := self._next():
            yield from self._listed(directory)
            if not place.deep:
                break
        self._pending.clear()
        self._links.clear()

    # The way down

    def find(self, relative: str) -> _Directory | Unreadable | Vanished | None:
        """Return a directory; what is in the way to it; or None where no scan comes.

        The last steps may be missing on the disk.
        """
        try:
            directory = self._top()
        except (FileNotFoundError, NotADirectoryError):
            return Vanished(self.folder, "")
        except OSError as error:
            return self._unreadable("", error)
        for name in filter(None, relative.split("/")):
            try:
                self._note_patterns(directory)
            except OSError as error:
                return self._unreadable(directory.path, error)
            inner = self._inner(directory, name, self._status(directory.prefix + name))
            if inner is None:
                return None
            directory = inner
        return directory

    def _top(self) -> _Directory:
        status = Path(self._root).stat()
        return _Directory("", self._at_root, (status.st_dev, status.st_ino))

    def _status(self, path: str) -> os.stat_result | None:
        try:
            return os.lstat(self._locate(path))
        except OSError:
            return None

    def _inner(self, directory: _Directory, name: str, status: os.stat_result | None) -> _Directory | None:
        """Return a directory's subfolder, unless it is passed over. `status` is its own, of a link not its target's."""
        path = directory.prefix + name
        link = status is not None and is_link(status)
        if (
            path == self._left_out
            or (status is not None and stat.S_ISREG(status.st_mode))
            or self._is_hidden(name, status)
            or (link and not self.rules.follow_links)
            or directory.ignoring.hides(path, is_folder=True)
            or (name == THUMBNAILS and self._is_library(directory))
        ):
            return None
        identity = (status.st_dev, status.st_ino) if status is not None and not link else (0, 0)
        return _Directory(f"{path}/", directory.ignoring, identity, directory, link)

    def _is_library(self, directory: _Directory) -> bool:
        return self._status(directory.prefix + CATALOG) is not None

    def _is_hidden(self, name: str, status: os.stat_result | None) -> bool:
        if self.rules.hidden:
            return False
        return name.startswith(".") or (status is not None and is_marked_hidden(status))

    def _note_patterns(self, directory: _Directory) -> list[Unreadable]:
        """Take in a directory's own patterns; return what is wrong with them. Raises OSError."""
        path = directory.prefix + IGNORE_FILE
        try:
            patterns, wrong = ignore.read(Path(self._locate(path)))
        except (FileNotFoundError, IsADirectoryError):
            return []
        directory.ignoring = ignore.ignoring(directory.prefix, patterns, directory.ignoring)
        numbers = ", ".join(str(number) for number in wrong)
        reason = f"What stands in line {numbers} is no pattern of gitignore; the other lines are followed."
        return [Unreadable(self.folder, path, reason)] if wrong else []

    # What is listed next

    def _next(self) -> _Directory | None:
        """Return the next directory to list, those behind links last; None when there is none left."""
        while self._pending or self._links:
            directory = self._pending.pop() if self._pending else self._links.popleft()
            if not directory.is_lost() and (not self.rules.follow_links or self._is_new(directory)):
                return directory
        return None

    def _is_new(self, directory: _Directory) -> bool:
        """Tell whether a directory has not been met on another way, and note it; one that is listed again is."""
        if directory.names:
            return True
        if directory.is_link and self._is_met_anyway(directory):
            return False
        if not directory.identity[1]:
            directory.identity = _identity(self._locate(directory.path))
        if not directory.identity[1]:
            return True
        known = directory.identity in self._visited
        self._visited.add(directory.identity)
        return not known

    def _is_met_anyway(self, link: _Directory) -> bool:
        """Tell whether a link leads to where the scan of the folder comes without it."""
        way = way_to(Path(os.path.realpath(self._root)), Path(os.path.realpath(self._locate(link.path))))
        return way is not None and isinstance(self.find(way), _Directory)

    # Listing

    def _listed(self, directory: _Directory) -> Sequence[Found]:
        """Return what lies in a directory, or what became of it."""
        try:
            return self._list(directory)
        except (FileNotFoundError, NotADirectoryError):
            return self._gone(directory)
        except OSError as error:
            return [self._unreadable(directory.path, error)]

    def _list(self, directory: _Directory) -> list[Found]:
        """Return the files in a directory that have not been listed yet, and note its subfolders. Raises OSError."""
        with _entries(self._locate(directory.path)) as entries:
            found: list[Found] = []
            if IGNORE_FILE in entries and not directory.names:
                found += self._note_patterns(directory)
            pictures, others, folders = self._sort_out(directory, entries)
            found += self._look_at(directory, pictures, entries)
            if others:
                found += self._look_at_others(directory, others, entries, found)
            self._make_sure(directory)
            self._note_folders(directory, folders, entries)
            return found

    def _sort_out(self, directory: _Directory, entries: _Entries) -> tuple[list[str], list[str], list[str]]:
        """Return the names, in order, of pictures, of files that may accompany one, and of subfolders."""
        pictures: list[str] = []
        others: list[str] = []
        folders: list[str] = []
        hidden, follow = self.rules.hidden, self.rules.follow_links
        for name in sorted(entries.keys() - directory.names if directory.names else entries):
            suffix = name[name.rfind(".") :].lower()
            if name[0] == "." and not hidden:
                continue
            if entries[name].is_dir(follow_symlinks=False) or (follow and _leads_to_folder(entries[name])):
                folders.append(name)
            elif suffix in _DEVELOPED:
                pictures.append(name)
            elif suffix in _MAY_ACCOMPANY:
                others.append(name)
        return pictures, others, folders

    def _look_at(
        self, directory: _Directory, names: Sequence[str], entries: _Entries, pairs: Mapping[str, str] = _NO_PAIRS
    ) -> list[Found]:
        """Return what one stat tells of each file. Those gone meanwhile are left out, as are links to nowhere."""
        folder, prefix, wants_all = self.folder, directory.prefix, self._wants_all
        if directory.ignoring.touches_files:
            names = [name for name in names if not directory.ignoring.hides(prefix + name, is_folder=False)]
        found: list[Found] = []
        for name in names:
            entry = entries[name]
            try:
                if entry.is_file():
                    status = entry.stat()
                    if wants_all or self._is_wanted(status):
                        partner = prefix + pairs[name] if pairs and name in pairs else None
                        found.append(
                            _new(FoundFile, (folder, prefix + name, status.st_size, mtime_ns(status), partner))
                        )
            except FileNotFoundError:
                continue
            except OSError as error:
                reason = f"The file cannot be looked at: {error.strerror}."
                found.append(Unreadable(folder, prefix + name, reason))
        return found

    def _look_at_others(
        self, directory: _Directory, names: Sequence[str], entries: _Entries, pictures: Sequence[Found]
    ) -> list[Found]:
        """Return RAW files and videos, with the picture that they accompany; a RAW without one is a picture itself."""
        start = len(directory.prefix)
        pairs = partners(names, [file.relative_path[start:] for file in pictures if isinstance(file, FoundFile)])
        wanted = [name for name in names if name in pairs or self.rules.videos or is_raw(name)]
        return self._look_at(directory, wanted, entries, pairs)

    def _is_wanted(self, status: os.stat_result) -> bool:
        return status.st_size >= self.rules.min_bytes and (self._shows_marked or not is_marked_hidden(status))

    def _note_folders(self, directory: _Directory, names: Sequence[str], entries: _Entries) -> None:
        """Have subfolders listed next, in order, and those behind links at the end."""
        if not names:
            return
        directory.names |= entries.keys()
        inner = [self._inner(directory, name, _own_status(entries[name])) for name in names]
        entered = [each for each in inner if each is not None]
        self._pending += [each for each in reversed(entered) if not each.is_link]
        self._links += [each for each in entered if each.is_link]

    # What went wrong

    def _make_sure(self, directory: _Directory) -> None:
        """Raise FileNotFoundError where another directory has taken the place: an empty one, of a disk unplugged."""
        if directory.identity[1] and _identity(self._locate(directory.path)) != directory.identity:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), directory.path)

    def _gone(self, directory: _Directory) -> list[Vanished]:
        """Return that a directory has vanished, and have the one around it listed again for its new name.

        One that was not there in the first place is no loss, as long as the folder itself is there.
        """
        directory.gone = True
        outer = directory.outer
        if outer is None or outer.names or directory.identity[1]:
            self._pending += [outer] if outer is not None and outer.names else []
            return [Vanished(self.folder, directory.path)]
        return self._gone_with(outer)

    def _gone_with(self, directory: _Directory) -> list[Vanished]:
        """Return that a directory on the way to a missing one has vanished; nothing when all are there."""
        try:
            self._make_sure(directory)
        except FileNotFoundError:
            return [Vanished(self.folder, directory.path)]
        return self._gone_with(directory.outer) if directory.outer is not None else []

    def _unreadable(self, path: str, error: OSError) -> Unreadable:
        return Unreadable(self.folder, path, _folder_reason(error))

    def _locate(self, path: str) -> str:
        return os.path.join(self._root, path.replace("/", os.sep)) if path else self._root


def _disjoint(places: Iterable[Place]) -> list[Place]:
    """Return the places in order, each once, without those that another one takes in."""
    chosen = {Place(place.directory.strip("/"), place.deep) for place in places}
    deep = {place.directory for place in chosen if place.deep}
    return sorted(place for place in chosen if deep.isdisjoint(_around(place)))


def _around(place: Place) -> Iterator[str]:
    """Yield the directories that take a place in if they are deep."""
    if not place.deep:
        yield place.directory
    path = place.directory
    while path:
        path = path.rpartition("/")[0]
        yield path


@contextmanager
def _entries(path: str) -> Iterator[_Entries]:
    """List a directory by name; what is in it is to be looked at inside the block. Raises OSError.

    Where the system lets a directory be open, its files are looked at by their names alone, which the system finds
    sooner than long paths (a sixth of the whole walk), and which stay the same should the directory be renamed.
    """
    if os.scandir not in os.supports_fd:
        with os.scandir(path) as listing:
            yield {entry.name: entry for entry in listing}
        return
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with os.scandir(directory) as listing:
            yield {entry.name: entry for entry in listing}
    finally:
        os.close(directory)


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:
        return False


def _own_status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return an entry's own status, a link's not its target's; None when it is gone."""
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


def _identity(path: str) -> _Identity:
    """Return what a directory is known by, links followed; (0, 0) when it is gone."""
    try:
        status = Path(path).stat()
    except OSError:
        return 0, 0
    return status.st_dev, status.st_ino


def _folder_reason(error: OSError) -> str:
    if str(error.filename or "").endswith(IGNORE_FILE):
        return f"Its {IGNORE_FILE} cannot be read ({error.strerror}); until then the folder is left as it is."
    if isinstance(error, PermissionError):
        return "You do not have permission to open this folder."
    return f"The folder cannot be opened: {error.strerror}."
