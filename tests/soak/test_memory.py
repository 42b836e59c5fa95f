"""The memory of an index run, all its processes together, stays flat however many photos there are."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.pictures import jpeg

_MB = 1024 * 1024
_MAY_GROW = 1.25  # after the first quarter of the run, in which everything is loaded


@pytest.mark.parametrize(
    "count", [pytest.param(600, id="short"), pytest.param(50_000, id="long", marks=pytest.mark.slow)]
)
def test_memory_is_flat(tmp_path: Path, count: int) -> None:
    write_photos(tmp_path / "photos", count)
    used = memory_of_a_run(tmp_path / "photos", tmp_path / "library")
    start = max(used[: len(used) // 4 + 1])
    print(f"\n{count} photos: at most {max(used) / _MB:.0f} MB, {start / _MB:.0f} MB in the first quarter of the run")
    assert max(used) < _MAY_GROW * start


def write_photos(folder: Path, count: int) -> None:
    """Write small photos of some shades, no two with the same content."""
    shades = [jpeg((number * 40 % 256, number * 90 % 256, 99), size=(640, 480)) for number in range(6)]
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:06}.jpg").write_bytes(shades[number % len(shades)] + str(number).encode())


def memory_of_a_run(photos: Path, library: Path) -> list[int]:
    """Index the photos in a process of its own; return the bytes used by it and its workers, time after time."""
    command = [sys.executable, "-m", "clipsearch", "index", str(photos), "--library", str(library), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    used = []
    while process.poll() is None:
        used.append(memory_of(process.pid))
        time.sleep(0.2)
    assert process.stdout is not None
    process.stdout.close()
    assert process.returncode == 0
    return used


def memory_of(pid: int) -> int:
    """Return what a process and its children use for themselves, in bytes."""
    total = 0
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            total += process.memory_full_info().uss
    except psutil.Error:  # one of them ended meanwhile
        pass
    return total
