"""Check catalog, index and files against each other, and mend what can be mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from clipsearch.errors import DamagedCatalogError
from clipsearch.files.scan import mtime_ns
from clipsearch.library.indexing.comparing import TRY_AGAIN
from clipsearch.library.indexing.lock import indexing_lock
from clipsearch.library.library import Library
from clipsearch.library.roots import PATIENT_LIMIT_S, check, still_there
from clipsearch.nouns import noun
from clipsearch.paths import extended
from clipsearch.records import Folder, Verification
from clipsearch.store.vectors import VectorIndex


def verify(library: Library, repair: bool = False) -> Verification:
    """Return what disagrees, one sentence each; with `repair`, mend it and return what is left and what was done.

    A missing or outdated index file is no disagreement: opening the library brings it up to date from the catalog.
    Raises CatalogError when the catalog cannot be read at all; see `repair`.
    """
    findings = [*library.catalog.integrity(), *_index_findings(library), *_file_findings(library)]
    if not repair or not findings:
        return Verification(findings)
    repaired = list(_repair(library))
    return Verification(verify(library).findings, repaired)


def repair(folder: Path, open_library: Callable[[], Library]) -> Verification:
    """Mend the library in `folder`, which `open_library` opens, also one whose catalog is damaged beyond opening.

    A damaged catalog is kept beside the new one (see `store.rescue`); the next indexing run completes that. Nobody
    may index meanwhile, and this process may not have the library open. Raises LibraryBusyError, CatalogError.
    """
    with indexing_lock(folder, "verify"):
        rescued = [] if _is_sound(open_library) else _rescue(folder)
        with open_library() as library:
            outcome = verify(library, repair=True)
    return Verification(outcome.findings, [*rescued, *outcome.repaired])


def _is_sound(open_library: Callable[[], Library]) -> bool:
    try:
        with open_library() as library:
            return library.catalog.is_sound()
    except DamagedCatalogError:
        return False


def _rescue(folder: Path) -> list[str]:
    from clipsearch.store.safety.rescue import rescue

    return rescue(folder / "catalog.sqlite")


def _index_findings(library: Library) -> Iterator[str]:
    """Check the index of every model that has vectors, and keep only those open that are in use."""
    in_use = library.choice.models().in_use
    for model in library.catalog.models.known():
        library.indices.keep(in_use)
        yield from _differing(library, model.name, library.indices.of(model.name, model.dim))
    library.indices.keep(in_use)


def _differing(library: Library, model: str, index: VectorIndex) -> Iterator[str]:
    """Compare ids and vectors of a model's index with the catalog's."""
    wanted, present = library.catalog.embeddings.searchable_ids(model), index.ids()
    if not np.array_equal(wanted, present):
        held = f"{len(present)} {noun(len(present), 'photo')}"
        yield f"The search index of {model} holds {held}, the catalog {len(wanted)}."
        return
    wrong = len(index.wrong_ids())
    if wrong:
        yield f"The search index of {model} has wrong vectors for {wrong} {noun(wrong, 'photo')}."


def _file_findings(library: Library) -> Iterator[str]:
    for folder in check(library, PATIENT_LIMIT_S):
        if folder.offline:
            continue
        gone, changed = _differences(library, folder)
        if gone:
            yield f"{_files(gone, folder)} {'is' if len(gone) == 1 else 'are'} no longer there, such as {gone[0]}."
        if changed:
            yield f"{_files(changed, folder)} changed since the last indexing run, such as {changed[0]}."


def _files(names: Sequence[str], folder: Folder) -> str:
    return f"{len(names)} {noun(len(names), 'file')} in {folder.path}"


def _differences(library: Library, folder: Folder) -> tuple[list[str], list[str]]:
    """Return the relative paths of catalogued photos that are gone, and of those that changed."""
    gone, changed = [], []
    for path, known in sorted(library.catalog.files.known(folder.id).items()):
        if known.photo_id is None:
            continue
        try:
            stat = extended(folder.path / path).stat()
        except (FileNotFoundError, NotADirectoryError, ValueError):  # the last for a name that no file can have
            gone.append(path)
        except OSError:
            continue
        else:
            is_as_known = (stat.st_size, mtime_ns(stat)) == (known.size_bytes, known.mtime_ns)
            if known.mtime_ns != TRY_AGAIN and not is_as_known:  # the next indexing run reads those again anyway
                changed.append(path)
    return gone, changed


def _repair(library: Library) -> Iterator[str]:
    """Mend what was found; what is made again, or read again, is left to the next indexing run."""
    removed = library.catalog.embeddings.remove_wrong()
    if removed:
        yield f"Removed {removed} damaged {noun(removed, 'vector')}; the next indexing run makes what is missing."
    for folder in check(library, PATIENT_LIMIT_S):
        if not folder.offline:
            yield from _repair_files(library, folder)
    library.indices.rebuild()
    yield "Rebuilt the search indices from the catalog."


def _repair_files(library: Library, folder: Folder) -> Iterator[str]:
    """Forget the files that are gone, and the question whether they are, which a problem at the folder itself asks.

    Those that changed are kept: their labels go over to what they are now.
    """
    gone, changed = _differences(library, folder)
    if changed:
        library.catalog.files.read_again(folder.id, changed)
        yield f"{_files(changed, folder)} changed; index the folder to read what is new."
    if gone and still_there(library, folder):
        library.catalog.files.remove(folder.id, [*gone, ""])
        yield f"Forgot {_files(gone, folder)}: no longer there."
