"""Bring files of a hub's repository to disk: resumed where they broke off, and kept only when their checksums agree.

The hub's client has its own downloads, but since its version 1.18 they begin anew after an interruption, and a model is
worth a gigabyte.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from clipsearch.encode.hub import LostConnection, RemoteFile, Repository, reading, unreachable
from clipsearch.encode.names import is_harmless
from clipsearch.errors import DownloadError
from clipsearch.records import ModelProgress, ModelStage

_TRIES = 4  # in a row without a new byte
_PAUSE_S = 1.0
_SPARE = 64 << 20  # bytes of disk that a download leaves free

Steps = Generator[ModelProgress, None, None]


@dataclass(slots=True)
class _Tally:
    """Bytes of the files before this one, and of all if every size is known."""

    done: int
    total: int | None

    def step(self, stage: ModelStage, done: int, file: RemoteFile) -> ModelProgress:
        return ModelProgress(stage, self.done + done, self.total, file.path)


def download(
    repository: Repository, paths: Sequence[str], folder: Path, extra_bytes: int = 0
) -> Generator[ModelProgress, None, dict[str, str]]:
    """Make `folder` hold `paths` of the repository and nothing else; what it has is kept. Returns each path's SHA-256.

    A file appears under its name when its checksum agrees; until then it grows as `<name>.part`, also over several
    calls. `extra_bytes` must be free besides. Raises DownloadError; `resumable` says whether to keep what is there.
    """
    files = [file for file in repository.files if file.path in set(paths)]
    targets = [_target(folder, file, repository.name) for file in files]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _drop_all_but(targets, folder)
        yield from _all(repository, files, targets, folder, extra_bytes)
        return {file.path: file.sha256 or _sha256(target) for file, target in zip(files, targets, strict=True)}
    except OSError as error:  # of the disk: what the connection raises has been put into words where it is read
        raise _disk_trouble(error, folder) from error


def _all(
    repository: Repository, files: Sequence[RemoteFile], targets: Sequence[Path], folder: Path, extra_bytes: int
) -> Steps:
    sizes = [file.size_bytes for file in files if file.size_bytes is not None]
    tally = _Tally(0, sum(sizes) if len(sizes) == len(files) else None)
    _check_space(folder, sum(sizes) - sum(_size(target) or _size(_part(target)) for target in targets) + extra_bytes)
    for file, target in zip(files, targets, strict=True):
        if not (target.is_file() and _agrees(target, file)):
            target.parent.mkdir(parents=True, exist_ok=True)
            begun = _size(_part(target))
            yield from _fetch(repository, file, _part(target), tally)
            if begun and not _agrees(_part(target), file):  # the beginning was of another revision
                _part(target).unlink()
                yield from _fetch(repository, file, _part(target), tally)
            yield from _accept(repository, file, target, tally)
        tally.done += _size(target)


def _drop_all_but(targets: Sequence[Path], folder: Path) -> None:
    """Delete what an earlier download left that this revision does not have."""
    keep = {*targets, *map(_part, targets)}
    for path in folder.rglob("*"):
        if path not in keep and not path.is_dir():
            path.unlink()


def _fetch(repository: Repository, file: RemoteFile, part: Path, tally: _Tally) -> Steps:
    """Let `part` grow to the whole file; a lost connection is taken up again where it broke off."""
    tries = 0
    while True:
        before = _size(part)
        try:
            for done in _append(repository, file, part):
                yield tally.step(ModelStage.DOWNLOADING, done, file)
            return
        except LostConnection as lost:
            tries = 0 if _size(part) > before else tries + 1
            if tries >= _TRIES:
                raise unreachable(repository.endpoint) from lost
            time.sleep(_PAUSE_S)


def _append(repository: Repository, file: RemoteFile, part: Path) -> Iterator[int]:
    """Ask for the bytes that `part` lacks and append them; yields its size. Raises DownloadError, LostConnection."""
    start = _size(part)
    if file.size_bytes is not None and start > file.size_bytes:
        part.unlink()
        start = 0
    if start == file.size_bytes and part.exists():
        return
    with reading(repository, file, start) as (resumed, chunks), part.open("ab" if resumed else "wb", 0) as stream:
        for chunk in chunks:
            yield _write(stream, chunk, file)
    if file.size_bytes is not None and _size(part) < file.size_bytes:
        raise LostConnection


def _write(stream: BinaryIO, chunk: bytes, file: RemoteFile) -> int:
    """Write a chunk; return the size of the file so far."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[stream.write(rest) :]
    if file.size_bytes is not None and stream.tell() > file.size_bytes:
        raise DownloadError(f"{file.path} is larger than the hub states, so it was not kept; please try again later.")
    return stream.tell()


def _accept(repository: Repository, file: RemoteFile, target: Path, tally: _Tally) -> Steps:
    """Give a downloaded file its name if its checksum agrees, else delete it."""
    part = _part(target)
    yield tally.step(ModelStage.CHECKING, _size(part), file)
    if not _agrees(part, file):
        part.unlink()
        raise DownloadError(
            f"{file.path} of {repository.name} came damaged from {repository.host}: its checksum is not the one that "
            "the hub states. It was deleted; please try again."
        )
    part.replace(target)


def _agrees(path: Path, file: RemoteFile) -> bool:
    if file.sha256:
        return _sha256(path) == file.sha256
    digest = hashlib.sha1(b"blob %d\0" % _size(path), usedforsecurity=False)  # as git counts it
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == file.git_sha1


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _target(folder: Path, file: RemoteFile, repository: str) -> Path:
    """Return where a file goes. Raises DownloadError for a name that could lead elsewhere."""
    if not (file.sha256 or file.git_sha1):
        raise DownloadError(f"The hub states no checksum for {file.path} of {repository}, so it is not downloaded.")
    steps = file.path.split("/")
    if not all(map(is_harmless, steps)):
        raise DownloadError(f"{repository} holds a file whose name is not safe on every system: {file.path!r}.")
    return folder.joinpath(*steps)


def _part(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _check_space(folder: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed_bytes > 0 and free < needed_bytes + _SPARE:
        needed, there = (f"{size / 1e6:,.0f} MB" for size in (needed_bytes + _SPARE, free))
        raise DownloadError(f"The disk is too full: {needed} are needed in {folder}, {there} are free.", resumable=True)


def _disk_trouble(error: OSError, folder: Path) -> DownloadError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DownloadError(f"The disk with {folder} is full; please free some space and try again.")
    path = Path(error.filename or folder)
    return DownloadError(f"The file {path} cannot be written: {error.strerror or error}.", path, resumable=True)
