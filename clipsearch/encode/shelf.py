"""The installed model packages: a folder each in the user's models folder, which appears and vanishes at once.

A package is made in `.staging/<name>` on the same disk and then moved to its place in one step, so that a half install
is never seen. Where a crash or an interruption left it, the next install of that model goes on; after a week it is
deleted.
"""

from __future__ import annotations

import gc
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from clipsearch.encode.names import is_harmless, is_plain
from clipsearch.errors import ClipsearchError
from clipsearch.paths import models_folder, resource_path

STARTER = "starter"

_STAGING = ".staging"
_TRASH = ".removed-"  # no model's name begins with a full stop, so neither this nor a lock can be one's folder
_KEEP_S = 7 * 24 * 3600.0
_MOVES = 20  # tries, a tenth of a second apart: on Windows a virus scanner may hold a new file open for a moment


def names() -> list[str]:
    """Return the names of the installed packages, sorted, without the starter, which comes with the program."""
    root = models_folder()
    if not root.is_dir():
        return []
    return sorted(path.name for path in root.iterdir() if (path / "model.json").is_file() and not _hidden(path))


def find(name: str) -> Path:
    """Return the folder of a package, the starter's included; upper and lower case are one. Raises ClipsearchError."""
    if name.casefold() == STARTER:
        return resource_path(f"models/{STARTER}")
    for installed in names():
        if installed.casefold() == name.casefold():
            return models_folder() / installed
    message = f"No model called {name!r} is installed; `clipsearch models list` shows which are."
    raise ClipsearchError("Model not installed", message)


def is_installed(name: str) -> bool:
    """Whether a package of this name, the starter included, is there; upper and lower case are one."""
    return name.casefold() in map(str.casefold, [STARTER, *names()])


def check_name(name: str) -> str:
    """Return a name that a new package may have. Raises ClipsearchError."""
    if not (is_plain(name) and is_harmless(name)):
        message = f"{name!r} cannot be a model's name: it may hold letters, digits and . _ + - only, at most 100."
        raise ClipsearchError("Model name not usable", message)
    if is_installed(name):
        message = f"A model called {name} is installed already; remove it first, or give another name."
        raise ClipsearchError("Model installed already", message)
    return name


def size_bytes(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


@contextmanager
def staging(name: str) -> Iterator[Path]:
    """Give the folder in which to make the package `name`, with what an earlier try left; it survives the block.

    Raises ClipsearchError while another process is at it, or if the folder cannot be made.
    """
    check_name(name)
    folder = models_folder() / _STAGING / name
    try:
        _clean(folder.parent)
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(_lock_of(folder), timeout=0, thread_local=False)
        lock.acquire()
    except Timeout:
        raise ClipsearchError("Model busy", f"The model {name} is being installed by another program.") from None
    except OSError as error:
        message = f"The models folder {models_folder()} cannot be written: {error.strerror or error}."
        raise ClipsearchError("Models folder not writable", message) from error
    try:
        yield folder
    finally:
        _drop_if_empty(folder)
        lock.release()


def discard(staged: Path) -> None:
    """Delete what was staged."""
    shutil.rmtree(staged, ignore_errors=True)


def put(made: Path, name: str) -> Path:
    """Move a package made in its staging folder to its place; return that. Raises ClipsearchError."""
    target = models_folder() / check_name(name)
    gc.collect()  # the check's sessions hold files open, which Windows does not move
    _move(made, target)
    discard(models_folder() / _STAGING / name)
    return target


def remove(name: str) -> int:
    """Delete a package, which is gone at once even if the deletion is cut short; return the bytes freed.

    Raises ClipsearchError for the starter, and for a name that is not installed.
    """
    if name.casefold() == STARTER:
        raise ClipsearchError("Model not removable", "The starter model comes with the program and cannot be removed.")
    folder = find(name)
    freed = size_bytes(folder)
    gc.collect()  # a model that was in use a moment ago may hold files open, which Windows does not move
    trash = models_folder() / _STAGING / f"{_TRASH}{uuid.uuid4().hex}"
    _move(folder, trash)
    discard(trash)
    return freed


def _move(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for tries_left in reversed(range(_MOVES)):
            try:
                source.replace(target)
                return
            except PermissionError:
                if not tries_left:
                    raise
                time.sleep(0.1)
    except OSError as error:
        message = f"{source} cannot be moved to {target}: {error.strerror or error}."
        raise ClipsearchError("Models folder not writable", message) from error


def _clean(staging_folder: Path) -> None:
    """Delete what removals left, and what installs left a week ago."""
    if not staging_folder.is_dir():
        return
    for path in staging_folder.iterdir():
        if path.name.startswith(_TRASH):
            discard(path)
        elif path.is_dir() and _is_old(path):
            with suppress(Timeout), FileLock(_lock_of(path), timeout=0):
                discard(path)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > _KEEP_S
    except FileNotFoundError:  # another program has just moved or deleted it
        return False


def _lock_of(staged: Path) -> Path:
    return staged.with_name(f".{staged.name}.lock")


def _drop_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(path.is_file() for path in folder.rglob("*")):
        discard(folder)


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")
