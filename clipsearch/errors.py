"""Errors that carry a sentence the user can act on; they are shown once, at the command line's or the window's edge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


class ClipsearchError(Exception):
    """Something the user should know: a short `title`, a `message` to act on and, where there is one, the `path`."""

    def __init__(self, title: str, message: str, path: Path | None = None) -> None:
        super().__init__(message)
        self.title = title
        self.message = message
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross process borders whole, whatever the subclass's own arguments are."""
        return type(self).__new__, (type(self), self.message), self.__dict__


class UnreadablePhotoError(ClipsearchError):
    """A picture cannot be decoded; `message` is the reason shown under Problems.

    `temporary` says that it may be readable next time though the file itself stays the same (permissions, a lost
    connection), so that the next indexing run tries again. `by_reader` says that the reader was given up (it crashed,
    took too long or needed too much memory), which says little about a file that could be read before.
    """

    def __init__(
        self, message: str, path: Path | None = None, temporary: bool = False, by_reader: bool = False
    ) -> None:
        super().__init__("Photo not readable", message, path)
        self.temporary = temporary
        self.by_reader = by_reader


class PackageError(ClipsearchError):
    """A model package is missing, incomplete or not of this program's format."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__("Model package not usable", message, path)


class CatalogError(ClipsearchError):
    """The library's catalog cannot be opened: damaged, newer than this program, or not writable."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__("Library not usable", message, path)


class DamagedCatalogError(CatalogError):
    """The library's catalog is damaged; repairing it saves what can be saved."""


class LibraryBusyError(ClipsearchError):
    """Another process is indexing this library."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__("Library in use", message, path)


class CheckpointError(ClipsearchError):
    """A file of model weights is damaged, unknown, or not of the architecture that was asked for."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__("Model weights not usable", message, path)


class ArchitectureUnknownError(CheckpointError):
    """Model weights fit several architectures, named in `choices`, the user has to say which; or they fit none."""

    def __init__(self, message: str, path: Path | None, choices: Sequence[str]) -> None:
        super().__init__(message, path)
        self.choices = tuple(choices)


class DownloadError(ClipsearchError):
    """A model cannot be downloaded; `resumable` says that trying again goes on where it stopped."""

    def __init__(self, message: str, path: Path | None = None, resumable: bool = False) -> None:
        super().__init__("Download failed", message, path)
        self.resumable = resumable


class NotOnHubError(DownloadError):
    """The hub does not have this repository, or not this revision of it."""


class ConversionError(ClipsearchError):
    """A checkpoint cannot be made a package: something is missing, fails, or gives other vectors than it should."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__("Model not converted", message, path)


class EngineError(ClipsearchError):
    """torch cannot run a package on its device after all; the encoder then goes over to ONNX Runtime."""

    def __init__(self, message: str, path: Path | None = None) -> None:
        super().__init__("Engine not usable", message, path)
