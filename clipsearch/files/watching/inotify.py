"""Watching a folder on Linux: one inotify watch for each directory in it.

watchdog's own recursion is not used, but its reading of inotify. It passes over directories beyond the system's limit
without a word, begins again without end where an overflow meets more directories than the kernel queues events, and
pairs moves in time quadratic in their number (7.1); we need no pairs, as content tells what has moved.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

from clipsearch.files.watching.events import FolderEvents, UnwatchableError

if TYPE_CHECKING:
    from watchdog.observers.inotify_c import CallbackId, InotifyEvent, InotifyFD, Mask, WatchDescriptor

_LIMITS = Path("/proc/sys/fs/inotify")


class _Directory:
    """A watched directory: a node of a tree, so that a whole branch moves or goes at once.

    `watch` is the kernel's number for it, `callback` ours, which watchdog needs to tell two watchers of it apart.
    """

    __slots__ = ("callback", "children", "is_gone", "name", "parent", "watch")

    def __init__(self, name: str, parent: _Directory | None) -> None:
        self.name = name
        self.parent = parent
        self.children: dict[str, _Directory] = {}
        self.is_gone = False
        self.watch = self.callback = -1

    def path(self) -> str:
        """Return the relative path; "" for the root."""
        names = []
        node = self
        while node.parent is not None:
            names.append(node.name)
            node = node.parent
        return "/".join(reversed(names))

    def below(self, name: str) -> str:
        """Return the relative path of something in this directory."""
        return f"{path}/{name}" if (path := self.path()) else name

    def is_wanted(self) -> bool:
        """Tell whether the tree has a place for it: what holds it is watched, and nothing of its name is."""
        return self.parent is None or not (self.parent.is_gone or self.name in self.parent.children)

    def join(self, callback: int) -> None:
        """Take its place in the tree."""
        self.callback = callback
        if self.parent is not None:
            self.parent.children[self.name] = self

    def leave(self) -> list[_Directory]:
        """Leave the tree with all that lies below; return them all."""
        if self.parent is not None and self.parent.children.get(self.name) is self:
            del self.parent.children[self.name]
        branch = [self]
        for node in branch:  # which grows meanwhile
            node.is_gone = True
            branch.extend(node.children.values())
        return branch


class Inotify:
    """Watches the directories of a folder, those that come later, too. Raises UnwatchableError at the limits.

    Its methods `on_...` are called in the thread that reads events.
    """

    def __init__(self, events: FolderEvents) -> None:
        self._events = events
        self._base = os.fsencode(events.folder)
        self._lock = threading.Lock()  # the tree grows in this thread and in the one that reads events
        self._root = _Directory("", None)
        self._by_watch: dict[int, _Directory] = {}
        self._numbers = itertools.count(1)
        self._is_closed = False
        self._inotify = _open_inotify(events.folder)
        try:
            self._watch_tree(self._root)
        except OSError as error:
            self.close()
            raise UnwatchableError(_reason(error), events.folder) from error

    def close(self) -> None:
        """Stop watching; no event is reported any more."""
        self._is_closed = True
        self._inotify.stop()
        self._inotify.join()

    def on_event(self, event: InotifyEvent) -> None:
        """Report what has happened in a directory, and keep the tree of watches like that of directories."""
        node = self._node(event.wd)
        if node is None:
            return
        name = os.fsdecode(event.name)
        is_gone = event.is_delete or event.is_moved_from
        if not name:
            self._on_own_event(node, event)
        elif event.is_directory:
            self._on_directory(node, name, is_gone, is_known=event.is_attrib and name in node.children)
        elif is_gone:
            self._events.removed(node.below(name), is_file=True)
        elif event.is_moved_to:
            self._events.came(node.below(name))
        else:
            self._events.wrote(node.below(name))

    def on_watch_deleted(self, wd: int) -> None:
        """The kernel has ended a watch: its directory is gone or was unmounted."""
        node = self._node(wd)
        if node is None:
            return
        self._drop(node)
        if node is self._root:
            self._events.lost()
        else:
            self._events.appeared(node.path())

    def on_queue_overflow(self) -> None:
        """More has happened than the kernel could keep in mind."""
        if not self._is_closed:
            self._events.lost()

    def _on_own_event(self, node: _Directory, event: InotifyEvent) -> None:
        """Something happened to a watched directory itself; what holds it reports the same, but for the root."""
        if node is self._root:
            if event.is_attrib:
                self._events.appeared("")
            else:
                self._events.lost()

    def _on_directory(self, node: _Directory, name: str, is_gone: bool, is_known: bool) -> None:
        """Follow a directory that came, went, or (`is_known`) stayed and got other permissions.

        One of this name that was watched before is another one, or lies elsewhere by now.
        """
        path = node.below(name)
        if not self._events.enters(path):
            return
        if name in node.children and not is_known:
            self._drop(node.children[name])
        if is_gone:
            self._events.removed(path, is_file=False)
            return
        try:
            self._watch_tree(_Directory(name, node))
        except OSError:
            self._events.lost()
        self._events.appeared(path)

    def _node(self, watch: int) -> _Directory | None:
        with self._lock:
            return None if self._is_closed else self._by_watch.get(watch)

    def _watch_tree(self, top: _Directory) -> None:
        """Watch a directory and all below it: each before it is listed, so that nothing comes in unseen."""
        pending = [top]
        while pending:
            node = pending.pop()
            path = node.path()
            if self._is_closed or not self._watch(node, path):
                continue
            pending.extend(_Directory(name, node) for name in self._subdirectories(path))

    def _subdirectories(self, path: str) -> list[str]:
        try:
            with os.scandir(self._full(path)) as listing:
                names = [os.fsdecode(entry.name) for entry in listing if entry.is_dir(follow_symlinks=False)]
        except OSError:
            return []  # gone, or not to be opened: what holds it will tell when that changes
        return [name for name in names if self._events.enters(f"{path}/{name}" if path else name)]

    def _watch(self, node: _Directory, path: str) -> bool:
        """Add the watch of one directory, unless that is done or of no use any more; return whether it was added.

        Raises OSError at the system's limit, and for the root whatever is wrong.
        """
        with self._lock:
            if not node.is_wanted():
                return False
            number = cast("CallbackId", next(self._numbers))
            try:
                node.watch = self._inotify.add_callback(self._full(path), _mask(is_root=not path), self, number)
            except OSError as error:
                if error.errno == errno.ENOSPC or node is self._root:
                    raise
                return False  # gone again, or no directory any more
            if node.watch < 0:
                return False  # no permission
            node.join(number)
            self._by_watch[node.watch] = node
            return True

    def _drop(self, top: _Directory) -> None:
        """End the watches of a directory and of all below it, but for those that another place has taken over."""
        with self._lock:
            branch = top.leave()
            for node in branch:
                if self._by_watch.get(node.watch) is node:
                    del self._by_watch[node.watch]
            watches = [cast("tuple[WatchDescriptor, CallbackId]", (node.watch, node.callback)) for node in branch]
            self._inotify.remove_callbacks(watches)

    def _full(self, path: str) -> bytes:
        return os.path.join(self._base, os.fsencode(path)) if path else self._base


def limits() -> tuple[str, ...]:
    """Return the system's limits for watching, to be compared: whoever raises them expects a new try."""
    return tuple(_limit(name) for name in ("max_user_watches", "max_user_instances"))


def _open_inotify(folder: Path) -> InotifyFD:
    from watchdog.observers.inotify_c import InotifyFD

    logging.getLogger("watchdog").addHandler(logging.NullHandler())  # what it logs about losses is said by us
    try:
        inotify = InotifyFD()
    except OSError as error:
        raise UnwatchableError(_reason(error), folder) from error
    inotify.start()
    return inotify


def _mask(is_root: bool) -> Mask:
    """Return which events are wanted: none of reading, and of writing only its end.

    The root may be a link to the folder; its own moves and end concern us, those of others are told by what holds them.
    """
    from watchdog.observers.inotify_c import InotifyConstants as Events

    wanted = Events.IN_CREATE | Events.IN_DELETE | Events.IN_MOVE | Events.IN_CLOSE_WRITE | Events.IN_ATTRIB
    own = Events.IN_DELETE_SELF | Events.IN_MOVE_SELF
    return cast(
        "Mask", wanted | Events.IN_ONLYDIR | Events.IN_EXCL_UNLINK | (own if is_root else Events.IN_DONT_FOLLOW)
    )


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        name, usual = "max_user_watches", "524288"
        what = f"this system lets programs watch {_limit(name)} folders at once, and those are used up"
    elif error.errno == errno.EMFILE:
        name, usual = "max_user_instances", "1024"
        what = f"this system lets {_limit(name)} programs watch folders at once, and those are used up"
    else:
        return f"it cannot be watched: {error.strerror}"
    return f"{what}; to raise the limit: sudo sysctl fs.inotify.{name}={usual}"


def _limit(name: str) -> str:
    try:
        return (_LIMITS / name).read_text("ascii").strip()
    except OSError:
        return "only so many"
