"""What a command costs as a whole process, beside a Python that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from clipsearch.paths import resource_path

RUNS = 7
CLIPSEARCH = [sys.executable, "-m", "clipsearch"]


@pytest.mark.benchmark
def test_help_and_a_cold_search(tmp_path: Path) -> None:
    library = ["--library", str(tmp_path / "library")]
    subprocess.run([*CLIPSEARCH, "index", str(resource_path("demo")), *library], check=True, capture_output=True)
    floor = seconds([sys.executable, "-c", "pass"])
    commands = {
        "clipsearch --help": [*CLIPSEARCH, "--help"],
        "clipsearch status": [*CLIPSEARCH, "status", *library],
        "clipsearch search 'a dog'": [*CLIPSEARCH, "search", "a dog", *library],
    }
    print(f"\npython -c pass: {floor:.3f} s (median of {RUNS})")
    for title, command in commands.items():
        median = seconds(command)
        print(f"{title}: {median:.3f} s, {median / floor:.1f} times as long")


def seconds(command: Sequence[str]) -> float:
    """Return the median wall time of the command as a whole process, after a warm-up."""
    times = []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])
