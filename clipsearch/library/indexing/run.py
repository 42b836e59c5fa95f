"""Bring folders up to date: scan -> decode -> encode -> store, as a generator of Progress.

Closing the generator stops it between batches and keeps what is done; so does killing the process, but for the
last second. One process at a time indexes a library; others may search it meanwhile.

The chosen model is filled. While another one answers, photos that are new to the catalog are encoded by both, so that
they are found at once. A run that leaves nothing within reach to be encoded lets the chosen model answer. At its end
the photos that changed are put into the categories.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from clipsearch.errors import ClipsearchError
from clipsearch.files.scan import Place, reaches
from clipsearch.library.categories import applying
from clipsearch.library.indexing.comparing import EVERYWHERE, Comparison, Differences, scan_rules
from clipsearch.library.indexing.filling import DamagedModelError, Filling
from clipsearch.library.indexing.linking import Companions
from clipsearch.library.indexing.lock import indexing_lock
from clipsearch.library.indexing.reading import Reading
from clipsearch.library.indexing.removing import Gone
from clipsearch.library.indexing.tally import Tally
from clipsearch.library.indexing.throttle import Throttle
from clipsearch.library.library import Library
from clipsearch.library.roots import PATIENT_LIMIT_S, check, make_room, still_there
from clipsearch.paths import way_to
from clipsearch.records import Folder, IndexCounts, Progress, Stage


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a run is to be done.

    `retry_problems`: files that had a problem are read again, changed or not. `removals_confirmed`: what is missing was
    deleted, however much it is. `places` restricts the run to these places of each folder, and `unsettled` are files
    still being written, which are left as they are. A run in the background gives way to the `throttle`. `activity` is
    what another process is told while this one indexes.
    """

    retry_problems: bool = False
    removals_confirmed: bool = False
    places: Mapping[Path, Sequence[Place]] | None = None
    unsettled: Collection[Path] = ()
    throttle: Throttle | None = None
    activity: str = "index"


def index_folders(
    library: Library,
    folders: Sequence[Path] | None = None,
    *,
    retry_problems: bool = False,
    removals_confirmed: bool = False,
    places: Mapping[Path, Sequence[Place]] | None = None,
    unsettled: Collection[Path] = (),
    throttle: Throttle | None = None,
    activity: str = "index",
) -> Generator[Progress, None, IndexCounts]:
    """Add `folders` (None: those already added) and bring them up to date; return the counts (see `Wishes`).

    When another model is chosen meanwhile, the run goes on until that one knows the photos, too. Raises
    ClipsearchError for a folder that is not there or not connected, LibraryBusyError when another process is indexing,
    CatalogError when the library cannot be written.
    """
    wishes = Wishes(retry_problems, removals_confirmed, places, unsettled, throttle, activity)
    with indexing_lock(library.folder, activity):
        targets = _targets(library, folders, wishes.places)
        counts: IndexCounts | None = None
        while True:
            run = _Run(library, wishes)
            try:
                yield from run.course(targets)
            except DamagedModelError as error:
                library.choice.pass_over(error.encoder, error.reason)
            else:
                counts = counts or run.tally.counts
                if not run.filling.is_outdated():
                    note = yield from _put_into_categories(library, run.tally)
                    yield replace(run.tally.progress(Stage.DONE, note), counts=counts)
                    return counts
            finally:
                run.filling.save()


def _targets(
    library: Library, folders: Sequence[Path] | None, places: Mapping[Path, Sequence[Place]] | None
) -> list[Folder]:
    """Return the added folders to look at, each once; those that are offline are left as they are."""
    for path in folders or ():
        _require_folder(library, path)
    named = [Path(os.path.abspath(path)) for path in folders or ()]
    make_room(library, named)
    holds = partial(reaches, rules=scan_rules(library))
    wanted = {library.catalog.folders.add(path, holds).id for path in named}
    checked = check(library, PATIENT_LIMIT_S)
    _require_connected([folder for folder in checked if folder.id in wanted])
    known = [folder for folder in checked if not folder.offline]
    if places is not None:
        return [folder for folder in known if folder.path in places]
    return [folder for folder in known if folders is None or folder.id in wanted]


def _require_folder(library: Library, path: Path) -> None:
    if not os.path.isdir(path):
        checked, named = check(library, PATIENT_LIMIT_S), Path(os.path.abspath(path))
        _require_connected([folder for folder in checked if way_to(folder.path, named) is not None])
        reason = "is a file; name the folder it lies in" if path.is_file() else "is not there"
        raise ClipsearchError("Folder not found", f"The folder {path} {reason}.", path)


def _require_connected(folders: Sequence[Folder]) -> None:
    for folder in folders:
        if folder.offline:
            message = f"The drive or share of {folder.path} is not connected; its photos are kept until it is."
            raise ClipsearchError("Folder not connected", message, folder.path)


def _put_into_categories(library: Library, tally: Tally) -> Generator[Progress, None, str]:
    """Let the categories know the photos that are new; return why they cannot, in a sentence, "" where all is well."""
    try:
        for _ in applying.apply(library):
            yield tally.progress(Stage.ENCODING, "Putting photos into the categories.")
    except ClipsearchError as error:  # the photos are indexed all the same
        return f"The categories do not know the new photos: {error.message}"
    return ""


class _Run:
    """One indexing run with one choice of models."""

    def __init__(self, library: Library, wishes: Wishes) -> None:
        self.library, self.wishes = library, wishes
        self.tally = Tally()
        self.filling = Filling(library)
        self.gone = Gone(library.catalog)
        self.reading = Reading(library, self.filling, self.tally, self.gone, wishes.throttle)
        self.companions = Companions(library.catalog, self.tally, self.gone)
        self.hidden: set[int] = set()

    def course(self, folders: Sequence[Folder]) -> Iterator[Progress]:
        """Scan the folders, encode what they hold, forget what is gone. Raises DamagedModelError."""
        yield from self.scan(folders)
        yield from self.reading.run()
        for folder, alone in self.companions.link():
            self.reading.add_alone(folder, alone)
        yield from self.reading.run()
        self.hidden |= self.gone.forget(self.tally, self.wishes.removals_confirmed)
        self.filling.note_caught_up(self.hidden | self.reading.hidden, self.reading.given_up)

    def scan(self, folders: Sequence[Folder]) -> Iterator[Progress]:
        """Compare the folders with the catalog; one that was disconnected meanwhile is left as it is."""
        comparison = Comparison(
            self.library, self.filling, self.tally, self.wishes.retry_problems, self.wishes.unsettled
        )
        for folder in folders:
            places = EVERYWHERE if self.wishes.places is None else self.wishes.places[folder.path]
            for step in comparison.of(folder, places):
                if isinstance(step, Progress):
                    yield step
                elif still_there(self.library, folder):
                    self.take_up(step)

    def take_up(self, differences: Differences) -> None:
        """Note what is to be done in a folder; files that are new wait from now on, should the run end early."""
        waiting = [pending.found.relative_path for pending in differences.pending if not pending.known]
        self.library.catalog.files.wait(differences.folder.id, waiting, instead=self.wishes.places is None)
        self.reading.add(differences)
        self.gone.add(differences)
        self.companions.add(differences)
        self.hidden |= differences.hidden
