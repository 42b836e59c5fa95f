"""Putting a sound catalog in a damaged one's place, so that a kill between any two steps loses neither.

The sound one is complete under a name of its own before the damaged one makes room; whoever opens the library next
goes on from there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from clipsearch.store.safety.sqlite_file import beside


def rescued_name(catalog: Path) -> Path:
    """Return the name under which a sound catalog, complete, waits to take the damaged one's place."""
    return catalog.with_name("catalog.rescued.sqlite")


def swap(catalog: Path) -> Path | None:
    """Keep the damaged catalog under another name and let the rescued one take its place; return the former's name.

    Returns None where there was no catalog. Raises OSError, such as on Windows while another process has it open.
    """
    kept = _free_name(catalog)
    log, marks = beside(catalog)
    damaged = catalog.exists()
    if damaged:
        catalog.rename(kept)
    if log.exists():
        log.rename(beside(kept)[0])
    marks.unlink(missing_ok=True)
    rescued_name(catalog).rename(catalog)
    return kept if damaged else None


def finish_swap(catalog: Path) -> None:
    """Complete a swap that was interrupted while the library had no catalog. Raises OSError."""
    if not catalog.exists() and rescued_name(catalog).exists():
        swap(catalog)


def _free_name(catalog: Path) -> Path:
    """Return a name of today (UTC) for the damaged catalog that nothing has yet, nor its log."""
    stem = f"catalog.damaged-{datetime.now(UTC):%Y-%m-%d}"
    number = 1
    while True:
        path = catalog.with_name(f"{stem}.sqlite" if number == 1 else f"{stem}-{number}.sqlite")
        if not path.exists() and not beside(path)[0].exists():
            return path
        number += 1
