"""Linux's mounted volumes: the kernel's mount table, and the names that udev gives to drives."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from clipsearch.files.mounts.volume import Kind, Volume

NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "drvfs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"prl_fs", "smb3", "smbfs", "vboxsf", "virtiofs"}
    | {"fuse.ceph", "fuse.davfs2", "fuse.glusterfs", "fuse.gvfsd-fuse", "fuse.rclone", "fuse.s3fs", "fuse.sshfs"}
    | {"fuse.vmhgfs-fuse"}
)
_WITH_FSID = frozenset({"ext2", "ext3", "ext4"})  # whose f_fsid is made of their UUID; others number the device


class Mount(NamedTuple):
    """A line of the mount table. `device` is "major:minor", `root` the part of the file system seen at `point`."""

    device: str
    root: str
    point: str
    fstype: str
    source: str


class Devices:
    """What udev and the kernel tell of block devices. `system` is "/" but for tests."""

    def __init__(self, system: Path = Path("/")) -> None:
        self._system = system
        self._blocks = system / "sys/dev/block"
        self._uuids = _names(system / "dev/disk/by-uuid")
        self._labels = _names(system / "dev/disk/by-label")

    def uuid(self, mount: Mount) -> str:
        return self._uuids.get(self._device(mount), "")

    def label(self, mount: Mount) -> str:
        return self._labels.get(self._device(mount), "")

    def is_removable(self, mount: Mount) -> bool:
        """Tell whether the device can be pulled out: it says so itself, or hangs on USB."""
        block = Path(os.path.realpath(self._blocks / mount.device))
        flags = (_text(place / "removable") for place in (block, block.parent))
        return any(part.startswith("usb") for part in block.parts) or any(flag == "1" for flag in flags)

    def _device(self, mount: Mount) -> str:
        """Return the kernel's name of the device, such as "sdb1"; "" if there is none. btrfs hides it."""
        try:
            return (self._blocks / mount.device).readlink().name
        except OSError:
            source = self._system / mount.source.lstrip("/")
            return os.path.basename(os.path.realpath(source)) if mount.source.startswith("/dev/") else ""


def mounted() -> list[Volume]:
    """Return all that is mounted, in the order in which it was. Raises OSError without a mount table."""
    devices = Devices()
    return [volume(mount, devices) for mount in parse(read(Path("/proc/self/mountinfo")))]


def read(table: Path) -> str:
    """Return a table as text; names in it may hold any bytes."""
    return os.fsdecode(table.read_bytes())


def awaited(fstab: str, volumes: Iterable[Volume]) -> list[Path]:
    """Return the mount points in `fstab` (see `man fstab`) at which nothing is mounted."""
    lines = [line.split() for line in fstab.split("\n") if not line.lstrip().startswith("#")]
    points = [Path(_plain(fields[1])) for fields in lines if len(fields) >= 3 and fields[1].startswith("/")]
    present = {volume.mount for volume in volumes}
    return [point for point in points if point not in present]


def parse(mountinfo: str) -> list[Mount]:
    """Read a mount table: `man 5 proc_pid_mountinfo`. Lines of another form are passed over."""
    mounts = []
    for line in mountinfo.split("\n"):
        before, _, after = line.partition(" - ")
        mount, kind = before.split(" "), after.split(" ")
        if len(mount) >= 5 and len(kind) >= 2:
            device, root, point = mount[2:5]
            mounts.append(Mount(device, _plain(root), _plain(point), kind[0], _plain(kind[1])))
    return mounts


def volume(mount: Mount, devices: Devices) -> Volume:
    """Return what is mounted there, recognisable if it has a UUID or comes over the network."""
    if mount.fstype in NETWORK:
        source = mount.source.rstrip("/") or mount.source
        return _volume(mount, f"net:{source}", source, "network")
    name = devices.label(mount) or os.path.basename(mount.point) or mount.point
    kind: Kind = "removable" if devices.is_removable(mount) else "fixed"
    return _volume(mount, _local_id(mount, devices), name, kind)


def _volume(mount: Mount, id_: str, name: str, kind: Kind) -> Volume:
    return Volume(id_, name, Path(mount.point), kind, mount.root.strip("/"))


def _local_id(mount: Mount, devices: Devices) -> str:
    """Return what the file system is known by. Containers have no names of udev's, but ext4 tells its own."""
    if uuid := devices.uuid(mount):
        return f"uuid:{uuid}"
    if mount.fstype == "zfs":
        return f"zfs:{mount.source}"
    with suppress(OSError):
        if mount.fstype in _WITH_FSID and _number(Path(mount.point).stat().st_dev) == mount.device:
            return f"fsid:{os.statvfs(mount.point).f_fsid:016x}"
    return f"mount:{mount.fstype}:{mount.point}"


def _number(device: int) -> str:
    return f"{os.major(device)}:{os.minor(device)}"


def _plain(field: str) -> str:
    r"""Undo the table's octal escapes: a space is \040."""
    raw = re.sub(rb"\\([0-7]{3})", lambda code: bytes([int(code[1], 8) & 0xFF]), os.fsencode(field))
    return os.fsdecode(raw)


def _names(folder: Path) -> dict[str, str]:
    r"""Return udev's names in `folder` by the device that they link to; it writes a space as \x20."""
    names = {}
    with suppress(OSError):
        for link in folder.iterdir():
            raw = re.sub(rb"\\x([0-9a-f]{2})", lambda code: bytes([int(code[1], 16)]), os.fsencode(link.name))
            names[link.readlink().name] = os.fsdecode(raw)
    return names


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""
