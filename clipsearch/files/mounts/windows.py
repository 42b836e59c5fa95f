"""Windows' mounted volumes: drives by their serial numbers, network shares by their names."""

from __future__ import annotations

import ctypes
import ntpath
from pathlib import Path
from typing import Any, Protocol

from clipsearch.files.mounts.volume import Kind, Location, Volume

_REMOVABLE, _FIXED, _REMOTE, _RAM_DISK = 2, 3, 4, 6  # GetDriveTypeW
_PATH_CHARS = 32768
_NAME_CHARS = 261  # MAX_PATH + 1


class Answers(Protocol):
    """What Windows is asked. Roots end with a backslash: "E:\\"."""

    def roots(self) -> list[str]:
        """Return the roots of all drives that have a letter."""

    def drive_type(self, root: str) -> int:
        """Return GetDriveTypeW's number, without looking at a network drive."""

    def volume_path(self, path: str) -> str:
        """Return the mount point that holds a path: a drive's root, or a folder at which a volume is mounted."""

    def information(self, root: str) -> tuple[str, int] | None:
        """Return the label and the 32-bit serial number; None for a drive without a disk."""

    def remote_name(self, drive: str) -> str | None:
        r"""Return the share behind a network drive ("Z:" -> "\\server\share"), without looking at it."""


def mounted(windows: Answers) -> list[Volume]:
    """Return the drives that have a letter, those without a disk left out."""
    return [volume for root in windows.roots() if (volume := _volume(root, windows)) is not None]


def locate(path: str, windows: Answers) -> Location | None:
    """Return the volume of an absolute path and the path on it; None where no volume is, or it is not known."""
    path = _ordinary(path)
    drive = ntpath.splitdrive(path)[0]
    root = f"{drive}\\"
    if not drive.startswith("\\\\") and windows.drive_type(root) != _REMOTE:
        root = windows.volume_path(path)
    volume = _volume(root, windows)
    inside = path[len(root) :].replace("\\", "/").strip("/")
    return Location(volume, inside) if volume else None


def _volume(root: str, windows: Answers) -> Volume | None:
    if root.startswith("\\\\") and not root.startswith("\\\\?\\"):
        return _share(root, root)
    kinds: dict[int, Kind] = {_REMOVABLE: "removable", _FIXED: "fixed", _RAM_DISK: "fixed"}
    drive_type = windows.drive_type(root)
    if drive_type == _REMOTE:
        name = windows.remote_name(root.rstrip("\\"))
        return _share(name, root) if name else None
    told = windows.information(root) if drive_type in kinds else None
    if told is None:
        return None
    label, serial = told
    serial_text = f"{serial >> 16 & 0xFFFF:04X}-{serial & 0xFFFF:04X}"
    return Volume(f"serial:{serial_text}", label or root.rstrip("\\"), Path(root), kinds[drive_type])


def _share(name: str, root: str) -> Volume:
    share = name.rstrip("\\")
    return Volume(f"net:{share.lower()}", share, Path(root), "network")


def _ordinary(path: str) -> str:
    r"""Return the absolute path without the prefix for long ones: \\?\E:\a -> E:\a, \\?\UNC\s\a -> \\s\a."""
    path = ntpath.normpath(path)
    if path.upper().startswith("\\\\?\\UNC\\"):
        return "\\\\" + path[8:]
    return path.removeprefix("\\\\?\\")


class Kernel:
    """Windows itself, asked through ctypes."""

    def __init__(self) -> None:
        library: Any = getattr(ctypes, "WinDLL")  # noqa: B009 - which other systems lack
        self._kernel, self._network = library("kernel32"), library("mpr")
        self._kernel.SetThreadErrorMode(1, None)  # no dialog that asks for a disk (SEM_FAILCRITICALERRORS)

    def roots(self) -> list[str]:
        letters = self._kernel.GetLogicalDrives()
        return [f"{chr(ord('A') + number)}:\\" for number in range(26) if letters >> number & 1]

    def drive_type(self, root: str) -> int:
        return int(self._kernel.GetDriveTypeW(ctypes.c_wchar_p(root)))

    def volume_path(self, path: str) -> str:
        answer = ctypes.create_unicode_buffer(_PATH_CHARS)
        found = self._kernel.GetVolumePathNameW(ctypes.c_wchar_p(path), answer, _PATH_CHARS)
        return answer.value if found else ntpath.splitdrive(path)[0] + "\\"

    def information(self, root: str) -> tuple[str, int] | None:
        label, serial = ctypes.create_unicode_buffer(_NAME_CHARS), ctypes.c_uint32()
        found = self._kernel.GetVolumeInformationW(
            ctypes.c_wchar_p(root), label, _NAME_CHARS, ctypes.byref(serial), None, None, None, 0
        )
        return (label.value, serial.value) if found else None

    def remote_name(self, drive: str) -> str | None:
        name, length = ctypes.create_unicode_buffer(_PATH_CHARS), ctypes.c_uint32(_PATH_CHARS)
        failed = self._network.WNetGetConnectionW(ctypes.c_wchar_p(drive), name, ctypes.byref(length))
        return None if failed else name.value
