"""A zip file of tensors as torch writes it, read in place: no entry is extracted, none can hold more than the file."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from clipsearch.errors import CheckpointError

#: what zipfile raises for files that are no zip, cut off, encrypted, of another version or wrong in their checksums
DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError, OSError, EOFError)


def is_zip(path: Path) -> bool:
    """Tell a zip file by its first bytes; one that was cut off still begins like one."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def is_torchscript(path: Path) -> bool:
    """Tell whether a file is a program with its tensors (torch.jit.save), not tensors alone (torch.save)."""
    if not is_zip(path):
        return False
    with Archive(path) as archive:
        return archive.is_torchscript


class Archive:
    """An open zip file whose entries lie below one folder, the one of `data.pkl`.

    Names are only ever compared, so that "../x" leads nowhere. What is read must be stored uncompressed, as torch does
    it, and fit into the file. Raises CheckpointError for anything else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size_bytes = self._unread_bytes = path.stat().st_size
        try:
            self._zip = zipfile.ZipFile(path)
        except DAMAGE as error:
            raise CheckpointError(f"{path.name} is damaged or was not downloaded completely.", path) from error
        self._entries = {entry.filename: entry for entry in self._zip.infolist()}
        if len(self._entries) < len(self._zip.infolist()):
            self._zip.close()
            raise self.damaged("it holds two entries of one name")
        self._root = next((name.removesuffix("data.pkl") for name in self._entries if _describes(name)), "")

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *exception: object) -> None:
        self._zip.close()

    @property
    def is_torchscript(self) -> bool:
        """See `is_torchscript`."""
        return self.has("data.pkl") and self.has("constants.pkl")

    def has(self, name: str) -> bool:
        return f"{self._root}{name}" in self._entries

    def check_plain(self) -> None:
        """Refuse what torch.save never writes: compressed entries, or more content than the file has."""
        entries = self._entries.values()
        is_packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
        if is_packed or sum(entry.file_size for entry in entries) > self._size_bytes:
            raise self.damaged("its list of contents is not one that torch writes")

    def size_bytes(self, name: str) -> int:
        """Return the size of an entry; it is stored as it is and no larger than the file."""
        entry = self._entries.get(f"{self._root}{name}")
        if entry is None:
            raise self.damaged(f"{name} is missing in it")
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > self._size_bytes:
            raise self.damaged(f"{name} is not stored in it as torch does")
        return entry.file_size

    def read(self, name: str) -> bytearray:
        """Return the content of an entry, verified by its checksum; all reads together never exceed the file's size."""
        size_bytes = self.size_bytes(name)
        self._unread_bytes -= size_bytes
        if self._unread_bytes < 0:
            raise self.damaged("its entries overlap")
        try:
            with self._zip.open(f"{self._root}{name}") as file:
                content = bytearray(file.read(size_bytes + 1))  # reading to the end verifies the checksum
        except DAMAGE as error:
            raise self.damaged(f"{name} cannot be read") from error
        if len(content) != size_bytes:
            raise self.damaged(f"{name} ends too early")
        return content

    def damaged(self, why: str) -> CheckpointError:
        return CheckpointError(f"{self.path.name} is damaged: {why}.", self.path)


def _describes(name: str) -> bool:
    return name == "data.pkl" or (name.endswith("/data.pkl") and name.count("/") == 1)
