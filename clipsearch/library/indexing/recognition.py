"""Which content a file has, before and after it is read: a moved file is recognised, a sampled hash is doubted."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from clipsearch.files.identity import is_sampled, whole_hash
from clipsearch.files.scan import mtime_ns
from clipsearch.library.indexing.prepare import PendingFile
from clipsearch.paths import extended
from clipsearch.records import FoundFile
from clipsearch.store.catalog import Catalog


def with_candidates(catalog: Catalog, pending: Sequence[PendingFile], edited: Container[str]) -> Iterator[PendingFile]:
    """Tell each file what it may turn out to be: photos of the same size in bytes that lack no vector.

    One of these need not be decoded, which makes moves and copies cheap. `edited` are the relative paths where another
    photo lay before: an edit may leave all samples of a large file as they were, so these are hashed whole.
    """
    by_size = catalog.files.contents_of_size({one.found.size_bytes for one in pending if not one.known})
    known = {content for contents in by_size.values() for content in contents}
    for model in {model for one in pending for model in one.models}:
        known &= catalog.embeddings.known(model, known)
    for one in pending:
        candidates = frozenset() if one.known else known.intersection(by_size.get(one.found.size_bytes, ()))
        is_edited = one.found.relative_path in edited and not one.known
        yield replace(one, candidates=frozenset(candidates), whole=is_edited)


class Doubts:
    """Large files are told apart by samples of them; where two agree in these, the whole files decide."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._seen: dict[str, FoundFile] = {}  # read in this run, perhaps not stored yet

    def is_another(self, pending: PendingFile, content: str) -> bool:
        """Tell whether a file with this hash differs from another one that is known by it."""
        if not is_sampled(content) or pending.known:
            return False
        seen = self._seen.setdefault(content, pending.found)
        others = [found.path for found in self._catalog.files.lie(content) if _is_still(found)]
        return not _same_content(pending.found.path, [*others, *([seen.path] if seen != pending.found else [])])


def _is_still(found: FoundFile) -> bool:
    try:
        stat = extended(found.path).stat()
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
