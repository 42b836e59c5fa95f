"""macOS's mounted volumes: the kernel's mount table, and what `diskutil` tells of a volume."""

from __future__ import annotations

import plistlib
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from clipsearch.files.mounts.volume import Volume

NETWORK = frozenset({"afpfs", "nfs", "smbfs", "webdav", "ftp", "macfuse", "osxfuse", "fuse-t"})
_PSEUDO = frozenset({"devfs", "autofs"})
_DATA = "/System/Volumes/Data"  # where all that lies below "/" really is, but for the system's own sealed volume
_LIMIT_S = 5.0


class Mount(NamedTuple):
    """A line of the mount table, such as ("/dev/disk4s1", "/Volumes/DISK", "exfat")."""

    device: str
    point: str
    fstype: str


Describe = Callable[[str], Mapping[str, Any]]  # a mount point -> `diskutil info`, empty where it does not tell

_described: dict[Mount, Mapping[str, Any]] = {}  # what diskutil told, since asking takes it a quarter of a second


def mounted() -> list[Volume]:
    """Return all that is mounted. The table is the kernel's, so that no volume is asked and may hang."""
    import psutil

    table = [Mount(*part[:3]) for part in psutil.disk_partitions(all=True)]
    _keep(table)
    return volumes(table, diskutil)


def volumes(table: Iterable[Mount], describe: Describe) -> list[Volume]:
    """Return the volumes of a mount table; what lies below "/" lies on the volume of the user's data."""
    found = [_volume(mount, describe) for mount in table if mount.fstype not in _PSEUDO]
    data = next((volume for volume in found if str(volume.mount) == _DATA), None)
    if data is not None:
        found = [volume for volume in found if str(volume.mount) != "/"]
        found.insert(0, Volume(data.id, data.name, Path("/"), data.kind))
    return found


def _volume(mount: Mount, describe: Describe) -> Volume:
    if mount.fstype in NETWORK:
        source = mount.device.rpartition("@")[2].strip("/") or mount.device  # without the user's name
        return Volume(f"net:{source}", source, Path(mount.point), "network")
    if mount not in _described:
        _described[mount] = describe(mount.point)
    told = _described[mount]
    uuid, name = told.get("VolumeUUID"), told.get("VolumeName") or Path(mount.point).name or mount.point
    leaves = told.get("RemovableMediaOrExternalDevice") or told.get("Ejectable")
    id_ = f"uuid:{uuid}" if uuid else f"mount:{mount.fstype}:{mount.point}"
    return Volume(id_, str(name), Path(mount.point), "removable" if leaves else "fixed")


def diskutil(point: str) -> Mapping[str, Any]:
    """Return what `diskutil info` tells of a mounted volume, nothing if it fails or takes too long."""
    try:
        command = ["/usr/sbin/diskutil", "info", "-plist", point]
        answer = subprocess.run(command, capture_output=True, timeout=_LIMIT_S, check=True).stdout  # noqa: S603
        return described(answer)
    except (OSError, subprocess.SubprocessError):
        return {}


def described(answer: bytes) -> Mapping[str, Any]:
    """Read a property list; what is none tells nothing."""
    try:
        told = plistlib.loads(answer)
    except Exception:  # plistlib raises what its XML parser and the text at hand make of it
        return {}
    return told if isinstance(told, dict) else {}


def _keep(table: Iterable[Mount]) -> None:
    """Forget volumes that are mounted no more, and those of which nothing was told, to ask again."""
    present = set(table)
    for mount in [mount for mount, told in _described.items() if mount not in present or not told]:
        del _described[mount]
