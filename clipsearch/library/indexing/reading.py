"""Read what is pending: decode in worker processes, ahead of the encoder, which runs here; store it once a second.

A photo that was read before and has not changed is not forgotten because it cannot be read for a new model: one that
cannot be reached now is left as it is; one at which the reader fails (it crashes, takes too long, needs too much
memory) is listed as a problem, too. The models that know it go on finding it, and the next run tries it again, once.
Where that fails as well, the photo is given up: it holds up the chosen model no more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial

from clipsearch.errors import ClipsearchError, UnreadablePhotoError
from clipsearch.files.workers import WorkerPool
from clipsearch.library.indexing.comparing import TRY_AGAIN, Differences
from clipsearch.library.indexing.filling import Filling
from clipsearch.library.indexing.prepare import PendingFile, Prepared, Recognised, prepare
from clipsearch.library.indexing.queue import Queue
from clipsearch.library.indexing.recognition import Doubts, with_candidates
from clipsearch.library.indexing.removing import Gone
from clipsearch.library.indexing.tally import Tally
from clipsearch.library.indexing.throttle import Throttle
from clipsearch.library.library import Library
from clipsearch.records import ChangeKind, Folder, FoundFile, Progress, Stage
from clipsearch.store.tables.files import KnownFile
from clipsearch.store.tables.intake import NewFile

_DECODED_AHEAD = 32  # decoded photos waiting for the encoder, some 0.2 MB each
_STORED_TOGETHER = 64  # photos in one commit,
_STORED_EVERY_S = 1.0  # but no longer between two commits than this

Place = tuple[int, str]


class Reading:
    """The part of a run that reads files. `hidden` and `given_up` are photos that it could not read, see above."""

    def __init__(self, library: Library, filling: Filling, tally: Tally, gone: Gone, throttle: Throttle | None) -> None:
        self._library, self._filling, self._tally, self._gone = library, filling, tally, gone
        self._throttle = throttle
        self._queue = Queue(library.priority)
        self._doubts = Doubts(library.catalog)
        self._known: dict[Place, KnownFile] = {}
        self._encoded: list[tuple[PendingFile, NewFile]] = []
        self._skipped: list[PendingFile] = []
        self._outdated = False
        self._stored_at = time.monotonic()
        self.hidden: set[int] = set()
        self.given_up: set[int] = set()

    def add(self, differences: Differences) -> None:
        """Take up what a scan found to be read."""
        folder_id = differences.folder.id
        self._known |= {(folder_id, path): old for path, old in differences.known.items()}
        edited = {path for path, old in differences.known.items() if old.photo_id is not None}
        self._add(list(with_candidates(self._library.catalog, differences.pending, edited)))

    def add_alone(self, folder: Folder, companions: Sequence[FoundFile]) -> None:
        """Take up companions that have to stand for themselves."""
        models = tuple(self._filling.specs)
        self._add([PendingFile(folder.id, one._replace(partner=None), models) for one in companions])

    def _add(self, files: Sequence[PendingFile]) -> None:
        self._queue.add(files)
        self._tally.total += len(files)

    def run(self) -> Iterator[Progress]:
        """Read until nothing is pending; closing keeps what is done. Raises DamagedModelError."""
        try:
            while self._queue:
                yield self._progress()
                yield from self._read()
        except GeneratorExit:
            self._store()
            raise

    def _read(self) -> Iterator[Progress]:
        batch: list[tuple[PendingFile, Prepared]] = []
        with closing(self._pool().run(self._wanted())) as results:
            for pending, result in results:
                if isinstance(result, ClipsearchError):
                    self._unreadable(pending, result)
                    yield self._progress()
                elif self._is_doubtful(pending, result):
                    self._queue.add([replace(pending, candidates=frozenset(), whole=True)])
                elif isinstance(result, Recognised):
                    self._encoded.append((pending, _recognised(pending, result)))
                else:
                    batch.append((pending, result))
                if len(batch) >= self._filling.batch_size:
                    self._encode(batch)
                    batch = []
                    yield from self._give_way()
                if self._is_due():
                    self._store()
                    yield self._progress()
        self._encode(batch)
        self._store()
        self._pass_over_skipped()
        yield self._progress()

    def _wanted(self) -> Iterator[PendingFile]:
        """Yield what is to be read; once another model was chosen, this one needs the photos no more."""
        for pending in self._queue.taken():
            if self._outdated and pending.known:
                self._skipped.append(pending)
            else:
                yield pending

    def _pool(self) -> WorkerPool[PendingFile, Prepared | Recognised]:
        settings = self._library.settings
        work = partial(
            prepare,
            specs=self._filling.specs,
            thumbnails=self._library.thumbnails,
            max_megapixels=settings.max_megapixels,
        )
        workers = min(settings.workers, len(self._queue))
        return WorkerPool(work, workers, settings.decode_timeout_s, settings.worker_memory_mb, _DECODED_AHEAD)

    def _is_doubtful(self, pending: PendingFile, result: Prepared | Recognised) -> bool:
        return not pending.whole and self._doubts.is_another(pending, result.content_hash)

    def _give_way(self) -> Iterator[Progress]:
        """Wait as long as the throttle asks, what is done stored, telling why."""
        for _ in self._throttle.rests() if self._throttle else ():
            if self._encoded:
                self._store()
            yield self._progress()

    def _progress(self) -> Progress:
        return self._tally.progress(Stage.ENCODING, self._throttle.reason if self._throttle else "")

    # Encoding and storing

    def _encode(self, batch: Sequence[tuple[PendingFile, Prepared]]) -> None:
        """Encode what has no vector yet; it is stored with others a little later, since each commit costs time."""
        vectors = self._filling.encode([prepared for _, prepared in batch], [file for _, file in self._encoded])
        for (pending, prepared), made in zip(batch, vectors, strict=True):
            file = NewFile(
                folder_id=pending.folder_id,
                found=pending.found,
                content_hash=prepared.content_hash,
                width=prepared.width,
                height=prepared.height,
                format=prepared.format,
                vectors=made,
                captured_at=prepared.metadata.captured_at,
                camera=prepared.metadata.camera,
            )
            self._encoded.append((pending, file))

    def _is_due(self) -> bool:
        """Tell whether enough waits to be stored, or long enough."""
        waited_s = time.monotonic() - self._stored_at
        return len(self._encoded) >= _STORED_TOGETHER or (bool(self._encoded) and waited_s > _STORED_EVERY_S)

    def _store(self) -> None:
        """Record what has been encoded; it is searchable at once."""
        files = [file for _, file in self._encoded]
        if files:
            stored = self._filling.store(files)
            for (pending, _), photo_id in zip(self._encoded, stored.photo_ids, strict=True):
                self._note_stored(pending, photo_id)
            self._gone.forget_moved()
        self._tally.done += len(files)
        self._encoded = []
        self._stored_at = time.monotonic()
        self._outdated = self._filling.is_outdated()

    def _note_stored(self, pending: PendingFile, photo_id: int) -> None:
        old = self._known.get(pending.place)
        path = pending.found.path
        if old is None or old.photo_id is None:
            came_from = self._gone.take(photo_id)
            self._tally.note(ChangeKind.MOVED if came_from else ChangeKind.ADDED, path, came_from)
        elif old.same_as(pending.found):
            self._tally.unchanged()
        else:
            self._tally.note(ChangeKind.UPDATED, path)

    def _pass_over_skipped(self) -> None:
        self._tally.unchanged(len(self._skipped))
        self._tally.done += len(self._skipped)
        self._skipped = []

    # Problems

    def _unreadable(self, pending: PendingFile, error: ClipsearchError) -> None:
        temporary = isinstance(error, UnreadablePhotoError) and error.temporary
        by_reader = isinstance(error, UnreadablePhotoError) and error.by_reader
        self._tally.done += 1
        if pending.known and (temporary or by_reader):  # a model may know the photo, which this must not hide
            self._leave(pending, error.message if by_reader else "")
        else:
            mtime_ns = TRY_AGAIN if temporary else pending.found.mtime_ns
            self._note_problem(pending, mtime_ns, error.message, keep_file=False)

    def _leave(self, pending: PendingFile, problem: str) -> None:
        """Keep a known photo, and list the reader's problem with it; one that it has had before, too, is given up."""
        old = self._known[pending.place]
        if old.photo_id is not None:
            (self.given_up if problem and old.has_problem else self.hidden).add(old.photo_id)
        if problem:
            self._note_problem(pending, pending.found.mtime_ns, problem, keep_file=True)
        else:
            self._tally.unchanged()

    def _note_problem(self, pending: PendingFile, mtime_ns: int, reason: str, *, keep_file: bool) -> None:
        found, files = pending.found, self._library.catalog.files
        files.store_problem(*pending.place, found.size_bytes, mtime_ns, reason, keep_file=keep_file)
        self._tally.note(ChangeKind.PROBLEM, found.path, reason=reason)


def _recognised(pending: PendingFile, result: Recognised) -> NewFile:
    """Return a file whose photo is known, with all its vectors."""
    return NewFile(pending.folder_id, pending.found, result.content_hash, 0, 0, "", {}, is_known=True)
