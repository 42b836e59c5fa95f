"""Bring folders up to date: scan -> decode -> encode -> store, as a generator of Progress.

Closing the generator stops it between batches and keeps what is done; so does killing the process, but for the
last second. One process at a time indexes a library; others may search it meanwhile.

A photo that was read before and has not changed is not forgotten because it cannot be read for a new model: one that
cannot be reached now is left as it is; one at which the reader fails (it crashes, takes too long, needs too much
memory) is listed as a problem, too. The models that know it go on finding it, and the next run tries it again, once.
Where that fails as well, the photo is given up: it holds up the chosen model no more.

The chosen model is filled. While another one answers, photos that are new to the catalog are encoded by both, so that
they are found at once. A run that leaves nothing within reach to be encoded lets the chosen model answer.
"""

from __future__ import annotations

import os
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from clipsearch.errors import CatalogError, ClipsearchError, LibraryBusyError, UnreadablePhotoError
from clipsearch.files.scan import reaches, scan
from clipsearch.files.workers import WorkerPool
from clipsearch.library.filling import DamagedModelError, Filling
from clipsearch.library.library import Library
from clipsearch.library.prepare import PendingFile, Prepared, prepare
from clipsearch.records import Folder, FoundFile, IndexCounts, Progress, Stage, Unreadable
from clipsearch.store.files import KnownFile
from clipsearch.store.intake import NewFile

_SCAN_REPORT_EVERY = 500
_PAUSE_S = 10.0  # a longer gap between two batches is a pause, not a pace
_PACE_STEPS = 50
_DECODED_AHEAD = 32  # decoded photos waiting for the encoder, some 0.2 MB each
_STORED_TOGETHER = 64  # photos in one commit,
_STORED_EVERY_S = 1.0  # but no longer between two commits than this
_EMPTIED = (
    "No photo is left in this folder, though {} were in it. Is its drive connected? "
    "If they were deleted, `clipsearch verify --repair` forgets them."
)
_TRY_AGAIN = -1  # recorded as mtime of a place that may become readable without changing


def index_folders(
    library: Library,
    folders: Sequence[Path] | None = None,
    retry_problems: bool = False,
) -> Generator[Progress, None, IndexCounts]:
    """Add `folders` (None: those already added) and bring them up to date; return the counts.

    Files that had a problem are read again when they changed, or all of them with `retry_problems`. When another model
    is chosen meanwhile, the run goes on until that one knows the photos, too. Raises
    ClipsearchError for a folder that is not there, LibraryBusyError when another process is indexing, CatalogError when
    the library cannot be written.
    """
    with _one_indexer(library):
        targets = _targets(library, folders)
        counts: IndexCounts | None = None
        while True:
            run = _Run(library, retry_problems)
            try:
                yield from run.course(targets)
            except DamagedModelError as error:
                library.choice.pass_over(error.encoder, error.reason)
            else:
                counts = counts or run.counts
                if not run.filling.is_outdated():
                    yield replace(run.progress(Stage.DONE), counts=counts)
                    return counts
            finally:
                run.filling.save()


@contextmanager
def _one_indexer(library: Library) -> Iterator[None]:
    library.folder.mkdir(parents=True, exist_ok=True)
    # Not thread-local: a generator may be closed by another thread than the one that ran it.
    lock = FileLock(library.folder / "indexing.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        message = "Another clipsearch is indexing this library; wait until it has finished, or stop it."
        raise LibraryBusyError(message, library.folder) from None
    except OSError as error:
        raise CatalogError(f"The library may not be written ({error.strerror}).", library.folder) from error
    try:
        yield
    finally:
        lock.release()


def _targets(library: Library, folders: Sequence[Path] | None) -> list[Folder]:
    """Return the added folders to look at, each once; those that are offline are left as they are."""
    if folders is None:
        return [folder for folder in library.catalog.folders.all() if not folder.offline]
    for path in folders:
        if not os.path.isdir(path):
            reason = "is a file; name the folder it lies in" if path.is_file() else "is not there"
            raise ClipsearchError("Folder not found", f"The folder {path} {reason}.", path)
    added = [library.catalog.folders.add(Path(os.path.abspath(path)), reaches) for path in folders]
    wanted = {folder.id for folder in added}
    enclosing = {folder.id: folder for folder in library.catalog.folders.all()}
    return [enclosing[folder_id] for folder_id in enclosing if folder_id in wanted]


class Pace:
    """The recent rate of a run, in photos a second; a pause between two photos does not count as slowness."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, int]] = deque(maxlen=_PACE_STEPS)  # (seconds taken, photos done in them)
        self._last: tuple[float, int] | None = None

    def photos_per_second(self, now: float, done: int) -> float | None:
        """Note that `done` photos are finished at `now` (seconds on any clock); return the rate once it is known."""
        if self._last is None:
            self._last = (now, done)
        seconds, photos = now - self._last[0], done - self._last[1]
        if photos:
            if seconds < _PAUSE_S:
                self._steps.append((seconds, photos))
            self._last = (now, done)
        total = sum(step[0] for step in self._steps)
        return sum(step[1] for step in self._steps) / total if total else None


@dataclass
class _Run:
    """One indexing run: what it found, what is still to be read, what it counted."""

    library: Library
    retry_problems: bool
    counts: IndexCounts = field(default_factory=IndexCounts)
    pending: list[PendingFile] = field(default_factory=list)
    known: dict[tuple[int, str], KnownFile] = field(default_factory=dict)
    gone: dict[tuple[int, str], KnownFile] = field(default_factory=dict)
    new_photos: Counter[int] = field(default_factory=Counter)
    encoded: list[tuple[PendingFile, NewFile]] = field(default_factory=list)
    done: int = 0
    stored_at: float = field(default_factory=time.monotonic)
    started: float = field(default_factory=time.monotonic)
    pace: Pace = field(default_factory=Pace)
    out_of_reach: set[int] = field(default_factory=set)
    given_up: set[int] = field(default_factory=set)
    outdated: bool = False
    skipped: list[PendingFile] = field(default_factory=list)
    filling: Filling = field(init=False)

    def __post_init__(self) -> None:
        self.filling = Filling(self.library)

    def course(self, folders: Sequence[Folder]) -> Iterator[Progress]:
        """Scan the folders, encode what they hold, forget what is gone. Raises DamagedModelError."""
        for folder in folders:
            yield from self.scan(folder)
        yield from self.encode()
        self.remove_gone()
        self.filling.note_caught_up(self.out_of_reach, self.given_up)

    def progress(self, stage: Stage) -> Progress:
        """Return where the run stands."""
        now = time.monotonic()
        rate = self.pace.photos_per_second(now, self.done) if stage is Stage.ENCODING else None
        left = (len(self.pending) - self.done) / rate if rate else None
        return Progress(stage, self.done, len(self.pending), self.counts, now - self.started, rate, left)

    def _count(self, **steps: int) -> None:
        values = {name: getattr(self.counts, name) + step for name, step in steps.items()}
        self.counts = replace(self.counts, **values)

    # Scanning

    def scan(self, folder: Folder) -> Iterator[Progress]:
        """Compare a folder with the catalog; note what is new, changed or gone."""
        known = self.library.catalog.files.known(folder.id)
        unreadable: list[str] = []
        photos_before = sum(old.photo_id is not None for old in known.values())
        number = -1
        for number, found in enumerate(scan(folder.path, leave_out=self.library.folder)):
            if isinstance(found, Unreadable):
                unreadable.append(found.relative_path)
                self._problem(folder.id, found.relative_path, 0, _TRY_AGAIN, found.reason)
                known.pop(found.relative_path, None)
            else:
                self._compare(folder.id, found, known.pop(found.relative_path, None))
            if number % _SCAN_REPORT_EVERY == 0:
                yield self.progress(Stage.SCANNING)
        if photos_before and number < 0:
            self._problem(folder.id, "", 0, _TRY_AGAIN, _EMPTIED.format(photos_before))
            unreadable.append("")
        for path, old in known.items():
            if not _lies_in(path, unreadable):
                self.gone[folder.id, path] = old
            elif old.photo_id is not None:
                self.out_of_reach.add(old.photo_id)
        yield self.progress(Stage.SCANNING)

    def _compare(self, folder_id: int, found: FoundFile, old: KnownFile | None) -> None:
        if old is None or not old.same_as(found):
            self._read_later(folder_id, found, old)
        elif old.photo_id is None:
            if self.retry_problems:
                self._read_later(folder_id, found, old)
            else:
                self._count(problems=1)
        elif models := self._lacking(old.photo_id, old):
            self.pending.append(PendingFile(folder_id, found, models, known=True))
            self.known[folder_id, found.relative_path] = old
        else:
            self._count(unchanged=1)

    def _lacking(self, photo_id: int, old: KnownFile) -> tuple[str, ...]:
        """Return the models for which a known photo is to be read: all of them, to retry a problem with it."""
        models = self.filling.claim(photo_id)
        return tuple(self.filling.specs) if self.retry_problems and old.has_problem else models

    def _read_later(self, folder_id: int, found: FoundFile, old: KnownFile | None) -> None:
        self.pending.append(PendingFile(folder_id, found, tuple(self.filling.specs)))
        if old is not None:
            self.known[folder_id, found.relative_path] = old

    # Reading and encoding

    def encode(self) -> Iterator[Progress]:
        """Decode what is pending in worker processes, ahead of the encoder, which runs here."""
        if not self.pending:
            return
        yield self.progress(Stage.ENCODING)
        try:
            yield from self._encode_pending()
        except GeneratorExit:
            self._store()
            raise

    def _encode_pending(self) -> Iterator[Progress]:
        batch: list[tuple[PendingFile, Prepared]] = []
        batch_size = self.filling.batch_size
        with closing(self._pool().run(self._wanted())) as results:
            for pending, result in results:
                if isinstance(result, ClipsearchError):
                    self._unreadable(pending, result)
                    yield self.progress(Stage.ENCODING)
                else:
                    batch.append((pending, result))
                if len(batch) >= batch_size:
                    self._encode(batch)
                    batch = []
                if self._is_due():
                    self._store()
                    yield self.progress(Stage.ENCODING)
        self._encode(batch)
        self._store()
        self._count(unchanged=len(self.skipped))
        self.done += len(self.skipped)
        yield self.progress(Stage.ENCODING)

    def _wanted(self) -> Iterator[PendingFile]:
        """Yield what is to be read; once another model was chosen, this one needs the photos no more."""
        for pending in self.pending:
            if self.outdated and pending.known:
                self.skipped.append(pending)
            else:
                yield pending

    def _pool(self) -> WorkerPool[PendingFile, Prepared]:
        settings, library = self.library.settings, self.library
        work = partial(
            prepare,
            specs=self.filling.specs,
            thumbnails=library.thumbnails,
            max_megapixels=settings.max_megapixels,
        )
        workers = min(settings.workers, len(self.pending))
        return WorkerPool(work, workers, settings.decode_timeout_s, settings.worker_memory_mb, _DECODED_AHEAD)

    def _encode(self, batch: Sequence[tuple[PendingFile, Prepared]]) -> None:
        """Encode what has no vector yet; it is stored with others a little later, since each commit costs time."""
        vectors = self.filling.encode([prepared for _, prepared in batch], [file for _, file in self.encoded])
        for (pending, prepared), made in zip(batch, vectors, strict=True):
            file = NewFile(
                folder_id=pending.folder_id,
                found=pending.found,
                content_hash=prepared.content_hash,
                width=prepared.width,
                height=prepared.height,
                format=prepared.format,
                vectors=made,
            )
            self.encoded.append((pending, file))

    def _is_due(self) -> bool:
        """Tell whether enough waits to be stored, or long enough."""
        waited_s = time.monotonic() - self.stored_at
        return len(self.encoded) >= _STORED_TOGETHER or (bool(self.encoded) and waited_s > _STORED_EVERY_S)

    def _store(self) -> None:
        """Record what has been encoded; it is searchable at once."""
        files = [file for _, file in self.encoded]
        if files:
            stored = self.filling.store(files)
            for (pending, _), photo_id in zip(self.encoded, stored.photo_ids, strict=True):
                self._count_stored(pending, photo_id)
        self.done += len(files)
        self.encoded = []
        self.stored_at = time.monotonic()
        self.outdated = self.filling.is_outdated()

    def _count_stored(self, pending: PendingFile, photo_id: int) -> None:
        old = self.known.get((pending.folder_id, pending.found.relative_path))
        if old is None or old.photo_id is None:
            self._count(added=1)
            self.new_photos[photo_id] += 1
        elif old.same_as(pending.found):
            self._count(unchanged=1)
        else:
            self._count(updated=1)

    # Problems and removals

    def _unreadable(self, pending: PendingFile, error: ClipsearchError) -> None:
        temporary = isinstance(error, UnreadablePhotoError) and error.temporary
        by_reader = isinstance(error, UnreadablePhotoError) and error.by_reader
        self.done += 1
        if pending.known and (temporary or by_reader):  # a model may know the photo, which this must not hide
            self._leave(pending, error.message if by_reader else "")
            return
        mtime_ns = _TRY_AGAIN if temporary else pending.found.mtime_ns
        self._problem(pending.folder_id, pending.found.relative_path, pending.found.size_bytes, mtime_ns, error.message)

    def _leave(self, pending: PendingFile, problem: str) -> None:
        """Keep a known photo, and list the reader's problem with it; one that it has had before, too, is given up."""
        found, old = pending.found, self.known[pending.folder_id, pending.found.relative_path]
        if old.photo_id is not None:
            (self.given_up if problem and old.has_problem else self.out_of_reach).add(old.photo_id)
        if problem:
            self._problem(
                pending.folder_id, found.relative_path, found.size_bytes, found.mtime_ns, problem, keep_file=True
            )
        else:
            self._count(unchanged=1)

    def _problem(
        self,
        folder_id: int,
        relative_path: str,
        size_bytes: int,
        mtime_ns: int,
        reason: str,
        *,
        keep_file: bool = False,
    ) -> None:
        self.library.catalog.files.store_problem(
            folder_id, relative_path, size_bytes, mtime_ns, reason, keep_file=keep_file
        )
        self._count(problems=1)

    def remove_gone(self) -> None:
        """Forget the files that are gone; one whose photo turned up at a new place has moved."""
        gone_photos = Counter(old.photo_id for old in self.gone.values() if old.photo_id is not None)
        moved = (gone_photos & self.new_photos).total()
        by_folder: dict[int, list[str]] = {}
        for folder_id, path in self.gone:
            by_folder.setdefault(folder_id, []).append(path)
        for folder_id, paths in by_folder.items():
            self.library.catalog.files.remove(folder_id, paths)
        self._count(added=-moved, moved=moved, removed=gone_photos.total() - moved)


def _lies_in(path: str, places: Iterable[str]) -> bool:
    return any(path == place or not place or path.startswith(f"{place}/") for place in places)
