"""What it costs to look through a folder in which nothing has changed, beside a bare walk with one stat a file.

Seconds are those of this process's CPU, the system's part included: the directories are in the system's memory, and
what else the machine does falls out.
"""

from __future__ import annotations

import gc
import os
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from clipsearch.files.scan import scan
from clipsearch.library.indexing import comparing
from clipsearch.library.indexing.comparing import Comparison, Differences
from clipsearch.library.indexing.filling import Filling
from clipsearch.library.indexing.run import index_folders
from clipsearch.library.indexing.tally import Tally
from clipsearch.library.library import Library
from clipsearch.records import Folder, FoundFile
from tests.fakes import fake_library

FILES = int(os.environ.get("CLIPSEARCH_BENCHMARK_FILES", "200000"))
ROUNDS = int(os.environ.get("CLIPSEARCH_BENCHMARK_ROUNDS", "7"))
PER_DIRECTORY = 100
MB = 1 << 20


@pytest.mark.benchmark
def test_a_rescan_of_unchanged_files(folder: Path, tmp_path: Path) -> None:
    plant(folder, FILES)
    with fake_library(tmp_path / "library") as library:
        added = library.catalog.folders.add(folder)
        enter(library, added, (found for found in scan(folder) if isinstance(found, FoundFile)))
        for _ in index_folders(library):  # settles what the rows put in by hand leave open
            pass
        works = {
            "scan": lambda: sum(1 for _ in scan(folder)),
            "loading what the catalog knows": lambda: len(library.catalog.files.known(added.id)),
            "rescan: scan, loading and comparison": lambda: compared(library, added),
            "`clipsearch index` as a whole run": lambda: list(index_folders(library))[-1].counts.unchanged,
        }
        ratios: dict[str, list[float]] = {name: [] for name in works}
        floors = []
        for _ in range(ROUNDS):
            floors.append(seconds(lambda: walked(folder)))
            for name, work in works.items():
                ratios[name].append(seconds(work) / floors[-1])
        print(f"\nscandir and stat of {FILES:,} files: {statistics.median(floors):.3f} s (median of {ROUNDS})")
        for name, values in ratios.items():
            print(f"{name}: {statistics.median(values):.2f} times that ({min(values):.2f} to {max(values):.2f})")


@pytest.mark.benchmark
def test_the_memory_of_a_rescan(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison alone: the scan yields what the catalog knows, and nothing lies on the disk."""
    with fake_library(tmp_path / "library") as library:
        added = library.catalog.folders.add(folder)
        enter(library, added, found_in(folder))
        filling = Filling(library)
        monkeypatch.setattr(comparing, "scan", lambda *_: found_in(folder))
        gc.collect()
        before = resident_bytes()
        largest = before
        tally = Tally()
        for step in Comparison(library, filling, tally).of(added):
            assert not isinstance(step, Differences) or not step.pending
            largest = max(largest, resident_bytes())
        assert tally.counts.unchanged == FILES
        print(f"\ncomparing {FILES:,} files takes {(largest - before) / FILES:.0f} bytes a file at most")
        print(f"the process {largest / MB:.0f} MB, of which {before / MB:.0f} MB before")


def found_in(folder: Path) -> Iterator[FoundFile]:
    return (FoundFile(folder, path_of(number), 5_000_000 + number, number * 10**9) for number in range(FILES))


def path_of(number: int) -> str:
    directory = number // PER_DIRECTORY
    return f"{2000 + directory % 20}/{directory:05d} trip/IMG_{number % PER_DIRECTORY:04d}.jpg"


def plant(folder: Path, count: int) -> None:
    for number in range(count):
        path = folder / path_of(number)
        if number % PER_DIRECTORY == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * (number % 7 + 1))


def enter(library: Library, folder: Folder, files: Iterable[FoundFile]) -> None:
    """Put a photo with a vector into the catalog for every file, as if each had been read."""
    with sqlite3.connect(library.folder / "catalog.sqlite") as catalog:
        catalog.execute("INSERT OR IGNORE INTO model (id, name, dim) VALUES (1, ?, 4)", [library.encoder.model_id])
        for row, one in enumerate(files, 1):
            photo = (row, f"{row:032x}")
            catalog.execute(
                "INSERT INTO photo (id, content_hash, width, height, format) VALUES (?, ?, 1, 1, '')", photo
            )
            vector = (row, bytes([0, row % 60, 0, 60, 0, 60, 0, 0]))
            catalog.execute("INSERT INTO vector (model_id, photo_id, data) VALUES (1, ?, ?)", vector)
            catalog.execute(
                "INSERT INTO file (folder_id, relative_path, size_bytes, mtime_ns, photo_id) VALUES (?, ?, ?, ?, ?)",
                (folder.id, one.relative_path, one.size_bytes, one.mtime_ns, row),
            )
    catalog.close()


def walked(folder: Path) -> int:
    """Return how many files lie under a folder, each looked at once: the least that any rescan does."""
    count, pending = 0, [str(folder)]
    while pending:
        with os.scandir(pending.pop()) as listing:
            for entry in listing:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    entry.stat()
                    count += 1
    return count


def compared(library: Library, folder: Folder) -> None:
    tally = Tally()
    *_, differences = Comparison(library, Filling(library), tally).of(folder)
    assert isinstance(differences, Differences)
    assert not differences.pending
    assert tally.counts.unchanged == FILES


def seconds(work: Callable[[], object]) -> float:
    gc.collect()
    started = time.process_time()
    work()
    return time.process_time() - started


def resident_bytes() -> int:
    import psutil

    return int(psutil.Process().memory_info().rss)
