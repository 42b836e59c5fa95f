"""Which content a file has, before and after it is read: a moved file is recognised, a sampled hash is doubted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from clipsearch.files.identity import is_sampled, whole_hash
from clipsearch.files.scan import mtime_ns
from clipsearch.library.prepare import PendingFile
from clipsearch.records import FoundFile
from clipsearch.store.catalog import Catalog


def with_candidates(catalog: Catalog, pending: Sequence[PendingFile]) -> Iterator[PendingFile]:
    """Tell each file what it may turn out to be: photos of the same size in bytes that lack no vector.

    One of these need not be decoded, which makes moves and copies cheap.
    """
    by_size = catalog.files.contents_of_size({one.found.size_bytes for one in pending if not one.known})
    known = {content for contents in by_size.values() for content in contents}
    for model in {model for one in pending for model in one.models}:
        known &= catalog.embeddings.known(model, list(known))
    for one in pending:
        candidates = frozenset() if one.known else known.intersection(by_size.get(one.found.size_bytes, ()))
        yield replace(one, candidates=frozenset(candidates))


class Doubts:
    """Large files are told apart by samples of them; where two agree in these, the whole files decide."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: dict[str, FoundFile] = {}  # read in this run, perhaps not stored yet

    def is_another(self, pending: PendingFile, content: str) -> bool:
        """Tell whether a file with this hash may yet be another photo than the one known by it.

        It is so if it differs from a file of that photo; and if it lies where that photo lay and has changed, since
        what it was before cannot be read any more.
        """
        if not is_sampled(content) or pending.known:
            return False
        lying = self._catalog.files.lie(content)
        if any((folder_id, found.relative_path) == pending.place for folder_id, found in lying):
            return True
        seen = self._seen.setdefault(content, pending.found)
        others = [found.path for _, found in lying if _is_still(found)]
        return not _same_content(pending.found.path, [*others, *([seen.path] if seen != pending.found else [])])


def _is_still(found: FoundFile) -> bool:
    try:
        stat = found.path.stat()
    except OSError:
        return False
    return (stat.st_size, mtime_ns(stat)) == (found.size_bytes, found.mtime_ns)


def _same_content(path: Path, others: Iterable[Path]) -> bool:
    """Compare a file with the first of the others that can be read; nothing to compare with is no difference."""
    for other in others:
        try:
            return whole_hash(path) == whole_hash(other)
        except OSError:
            continue
    return True
