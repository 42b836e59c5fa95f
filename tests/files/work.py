"""What the worker processes of the tests do; apart from the tests, so that the processes start quickly."""

from __future__ import annotations

import os
import time
from pathlib import Path

import psutil

from clipsearch.errors import UnreadablePhotoError


def double(item: int) -> int:
    return 2 * item


def misbehave(item: str) -> str:
    """Do what the item says."""
    match item:
        case "die":
            os._exit(1)
        case "hang":
            time.sleep(600)
        case "refuse":
            raise UnreadablePhotoError("The file is empty.")
        case "swell":
            raise MemoryError
        case "bug":
            raise KeyError("a bug")
    return item


def reserve(megabytes: int) -> int:
    return len(bytearray(megabytes * 1024 * 1024))


def break_off() -> None:
    """Stand for something that ends the process as soon as it is unpickled."""
    os._exit(1)


class Unstartable:
    """A function whose process cannot start."""

    def __reduce__(self) -> tuple[object, ...]:
        return break_off, ()

    def __call__(self, item: int) -> int:
        return item


def priority(_item: int) -> tuple[int, int | None]:
    """Return this process's nice value, and its level at the disk where there is one."""
    this = psutil.Process()
    return this.nice(), this.ionice().value if hasattr(this, "ionice") else None


def die_once(path: str) -> str:
    """Die as if the system had killed the process, unless it has happened; the file says whether."""
    if not Path(path).exists():
        Path(path).touch()
        os._exit(1)
    return path


def slowly(mark: str) -> str:
    """Take a moment, and say at its beginning that it has begun."""
    Path(mark).touch()
    time.sleep(1)
    return mark
