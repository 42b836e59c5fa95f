"""Volumes: which drive or network share a path lies on, recognised again wherever it is mounted.

Each system's own tables are read in `mounts/`. Only tables are asked: looking
at a path on a network share that is gone may take minutes.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from clipsearch.files.mounts.volume import Location, Volume

_LINKS_AT_MOST = 40  # as Linux has it


def mounted() -> list[Volume]:
    """Return the volumes that are mounted now; none where that is not known. No network share is touched."""
    with suppress(Exception):  # whatever a system's tables hold, photos are found without them
        return _mounted()
    return []


def awaited() -> list[Path]:
    """Return where the system is set up to mount something that is not mounted now; none where it does not tell."""
    if sys.platform == "linux":
        from clipsearch.files.mounts import linux as mounts_linux

        with suppress(Exception):
            return mounts_linux.awaited(mounts_linux.read(Path("/etc/fstab")), _mounted())
    return []


def volume_of(path: Path) -> Volume | None:
    """Return the volume that `path` lies on, or would lie on; None where that is not known. Never raises."""
    location = locate(path)
    return location and location.volume


def locate(path: Path, volumes: Sequence[Volume] | None = None) -> Location | None:
    """Return the volume (of `volumes`, else of those mounted) and the path on it; None where that is not known.

    Links on the way are followed, as far as they lie on local volumes.
    """
    with suppress(Exception):
        if sys.platform == "win32":
            from clipsearch.files.mounts import windows as mounts_windows

            return mounts_windows.locate(str(path), mounts_windows.Kernel())
        return place_on(path, _mounted() if volumes is None else volumes)
    return None


def _mounted() -> list[Volume]:
    if sys.platform == "win32":
        from clipsearch.files.mounts import windows as mounts_windows

        return mounts_windows.mounted(mounts_windows.Kernel())
    if sys.platform == "darwin":
        from clipsearch.files.mounts import macos as mounts_macos

        return mounts_macos.mounted()
    from clipsearch.files.mounts import linux as mounts_linux

    return mounts_linux.mounted()


def place_on(path: Path, volumes: Iterable[Volume]) -> Location | None:
    """Do the same for POSIX paths: the longest mount point holds the path, of equal ones the last."""
    ordered = sorted(volumes, key=lambda volume: len(volume.mount.parts))
    resolved = _resolve(path, ordered)
    volume = _holding(resolved, ordered)
    if volume is None:
        return None
    inside = resolved.relative_to(volume.mount).as_posix()
    return Location(volume, "/".join(filter(None, (volume.root, "" if inside == "." else inside))))


def _holding(path: Path, ordered: Sequence[Volume]) -> Volume | None:
    return next((volume for volume in reversed(ordered) if path.is_relative_to(volume.mount)), None)


def _resolve(path: Path, ordered: Sequence[Volume]) -> Path:
    """Follow the links on the way to `path`, which need not exist; nothing on a network share is looked at."""
    done, todo, links = Path("/"), _steps(os.path.abspath(path)), 0
    while todo:
        volume = _holding(done, ordered)
        if volume is not None and volume.kind == "network":
            return done.joinpath(*reversed(todo))
        step = todo.pop()
        try:
            target = (done / step).readlink()
        except OSError:
            done = done / step
            continue
        links += 1
        if links > _LINKS_AT_MOST:
            return path
        done, todo = Path("/"), [*todo, *_steps(os.path.normpath(done / target))]
    return done


def _steps(path: str) -> list[str]:
    """Return the names on the way to an absolute path, the last first."""
    return [name for name in reversed(path.split("/")) if name]
