"""What a run has done so far: counts, changes and pace, told as Progress."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path

from clipsearch.records import Change, ChangeKind, IndexCounts, Progress, Stage

_PAUSE_S = 10.0  # a longer gap between two batches is a pause, not a pace
_PACE_STEPS = 50
_COUNTED_AS = {
    ChangeKind.ADDED: "added",
    ChangeKind.UPDATED: "updated",
    ChangeKind.MOVED: "moved",
    ChangeKind.REMOVED: "removed",
    ChangeKind.PROBLEM: "problems",
}


class Pace:
    """The recent rate of a run, in photos a second; a pause between two photos does not count as slowness."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, int]] = deque(maxlen=_PACE_STEPS)  # (seconds taken, photos done in them)
        self._last: tuple[float, int] | None = None

    def photos_per_second(self, now: float, done: int) -> float | None:
        """Note that `done` photos are finished at `now` (seconds on any clock); return the rate once it is known."""
        if self._last is None:
            self._last = (now, done)
        seconds, photos = now - self._last[0], done - self._last[1]
        if photos:
            if seconds < _PAUSE_S:
                self._steps.append((seconds, photos))
            self._last = (now, done)
        total = sum(step[0] for step in self._steps)
        return sum(step[1] for step in self._steps) / total if total else None


class Tally:
    """Every file is counted once a run; what changed is told once, too."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._counted: Counter[str] = Counter()
        self.total = 0
        self.done = 0
        self._changes: list[Change] = []
        self._pace = Pace()
        self._clock = clock
        self._started = clock()

    @property
    def counts(self) -> IndexCounts:
        """What has been counted so far."""
        return IndexCounts(**self._counted)

    def note(self, kind: ChangeKind, path: Path, came_from: Path | None = None, reason: str = "") -> None:
        """Count a file that changed."""
        self._counted[_COUNTED_AS[kind]] += 1
        self._changes.append(Change(kind, path, came_from, reason))

    def unchanged(self, files: int = 1) -> None:
        """Count files that are as they were."""
        self._counted["unchanged"] += files

    def known_problem(self) -> None:
        """Count a file whose problem is listed already."""
        self._counted["problems"] += 1

    def progress(self, stage: Stage, note: str = "") -> Progress:
        """Return where the run stands, and the changes since this was last asked."""
        now = self._clock()
        rate = self._pace.photos_per_second(now, self.done) if stage is Stage.ENCODING else None
        left = (self.total - self.done) / rate if rate else None
        changes, self._changes = tuple(self._changes), []
        return Progress(stage, self.done, self.total, self.counts, now - self._started, rate, left, changes, note)
