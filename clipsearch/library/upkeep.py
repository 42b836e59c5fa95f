"""The daily backup of a library, made behind what else goes on. What hinders it is told and hinders nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clipsearch.errors import CatalogError

if TYPE_CHECKING:
    from clipsearch.library.library import Library


class DailyBackup:
    """The backup of one library in a thread of its own, if one is due. Safe to start from any thread."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="backup", daemon=True)
        self._note = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Break it off; nothing is left of it."""
        self._stopped.set()

    def wait(self) -> str:
        """Wait until it is made, or broken off; return why there is none in a sentence, nothing while all is well."""
        if self._thread.is_alive():
            self._thread.join()
        return self._note

    def _work(self) -> None:
        self._note = back_up(self._library, self._stopped)


def back_up(library: Library, stopped: threading.Event | None = None) -> str:
    """Make a backup if one is due; return why it cannot be made in a sentence, nothing while all is well."""
    from clipsearch.store.safety.backups import StoppedError

    stopped = stopped or threading.Event()
    try:
        if library.settings.backups and not library.catalog.read_only and library.catalog.holds_anything():
            library.catalog.back_up(stopped.is_set)
    except StoppedError:
        return ""
    except CatalogError as error:
        return error.message
    return ""


@contextmanager
def backing_up(library: Library) -> Iterator[DailyBackup]:
    """Make the daily backup, if it is due, while the block runs; an exception in it breaks the backup off.

    The first one, of a library that was empty before, is made after the block.
    """
    backup = DailyBackup(library)
    was_empty = _is_empty(library)
    if not was_empty:
        backup.start()
    try:
        yield backup
        if was_empty:
            backup.start()
    except BaseException:
        backup.stop()
        raise
    finally:
        backup.wait()


def _is_empty(library: Library) -> bool:
    try:
        return not library.catalog.holds_anything()
    except CatalogError:  # told by the backup
        return False
