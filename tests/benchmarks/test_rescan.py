"""What it costs to look through a folder in which nothing has changed, beside a bare walk with one stat a file.

Seconds are those of this process's CPU, the system's part included: the directories are in the system's memory, and
what else the machine does falls out.
"""

from __future__ import annotations

import gc
import os
import resource
import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from clipsearch.files.scan import scan
from clipsearch.library.comparing import Comparison, Differences
from clipsearch.library.filling import Filling
from clipsearch.library.indexing import index_folders
from clipsearch.library.library import Library
from clipsearch.library.tally import Tally
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
        enter(library, added)
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
def test_the_memory_of_a_rescan(folder: Path, tmp_path: Path) -> None:
    """The comparison alone, of files that the catalog knows and the folder no longer holds but for one."""
    (folder / "one.jpg").write_bytes(b"x")
    with fake_library(tmp_path / "library") as library:
        added = library.catalog.folders.add(folder)
        stand_in = [FoundFile(folder, path_of(number), 5_000_000 + number, number * 10**9) for number in range(FILES)]
        enter(library, added, stand_in)
        del stand_in
        gc.collect()
        before = resident_bytes()
        known = library.catalog.files.known(added.id)
        print(
            f"\nwhat the catalog knows of {FILES:,} files takes {(resident_bytes() - before) / FILES:.0f} bytes a file"
        )
        print(f"peak of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MB:.0f} MB")
        assert len(known) == FILES


def path_of(number: int) -> str:
    directory = number // PER_DIRECTORY
    return f"{2000 + directory % 20}/{directory:05d} trip/IMG_{number % PER_DIRECTORY:04d}.jpg"


def plant(folder: Path, count: int) -> None:
    for number in range(count):
        path = folder / path_of(number)
        if number % PER_DIRECTORY == 0:
            path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * (number % 7 + 1))


def enter(library: Library, folder: Folder, files: list[FoundFile] | None = None) -> None:
    """Put a photo with a vector into the catalog for every file, as if each had been read."""
    if files is None:
        files = [found for found in scan(folder.path) if isinstance(found, FoundFile)]
    model = library.encoder.model_id
    with sqlite3.connect(library.folder / "catalog.sqlite") as catalog:
        catalog.execute("INSERT OR IGNORE INTO model (id, name, dim) VALUES (1, ?, 4)", [model])
        catalog.executemany(
            "INSERT INTO photo (id, content_hash, width, height, format) VALUES (?, ?, 1, 1, 'JPEG')",
            ((row, f"{row:032x}") for row in range(1, len(files) + 1)),
        )
        catalog.executemany(
            "INSERT INTO vector (model_id, photo_id, data) VALUES (1, ?, ?)",
            ((row, bytes([0, row % 60, 0, 60, 0, 60, 0, 0])) for row in range(1, len(files) + 1)),
        )
        catalog.executemany(
            "INSERT INTO file (folder_id, relative_path, size_bytes, mtime_ns, photo_id) VALUES (?, ?, ?, ?, ?)",
            ((folder.id, one.relative_path, one.size_bytes, one.mtime_ns, row) for row, one in enumerate(files, 1)),
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
