"""How politely to work in the background: slower on battery and beside other programs, not at all on the last of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from clipsearch.settings import Settings

LOW_BATTERY_PERCENT = 20.0
BUSY = 0.5  # of all processors, taken by other programs

_BATTERY_SHARE = 0.5
_BUSY_SHARE = 0.25
_READ_EVERY_S = 5.0
_WORK_AT_LEAST_S = 1.0  # between two rests, so that work is still done by the batch
_REST_AT_MOST_S = 10.0  # however long the work before it took
_NAP_S = 0.5


@dataclass(frozen=True, slots=True)
class Readings:
    """The state of the machine. `battery_percent` is None unless it runs on battery; `others` is the share of all
    processors that other programs take, 0 to 1."""

    battery_percent: float | None = None
    others: float = 0.0


@dataclass(frozen=True, slots=True)
class Decision:
    """The share of the time to work in, 0 to 1, and why it is not all, in words for the user."""

    share: float = 1.0
    reason: str = ""


FULL = Decision()


def decide(readings: Readings, settings: Settings) -> Decision:
    """Return how much to work now; the strictest rule counts."""
    return min((_by_battery(readings, settings), _by_load(readings, settings)), key=lambda decision: decision.share)


def _by_battery(readings: Readings, settings: Settings) -> Decision:
    percent = readings.battery_percent
    if percent is None or settings.on_battery == "full":
        return FULL
    if percent < LOW_BATTERY_PERCENT:
        return Decision(0.0, "Paused: the battery is low")
    if settings.on_battery == "pause":
        return Decision(0.0, "Paused: the computer runs on battery")
    return Decision(_BATTERY_SHARE, "Slower: the computer runs on battery")


def _by_load(readings: Readings, settings: Settings) -> Decision:
    if readings.others < BUSY or settings.under_load == "full":
        return FULL
    return Decision(_BUSY_SHARE, "Slower: other programs are busy")


class Throttle:
    """Asked between two steps of a run: rests as long as the machine's state demands.

    Without one, a run takes all it can get. `read`, `clock` (seconds) and `sleep` are for tests.
    """

    def __init__(
        self,
        settings: Settings,
        read: Callable[[], Readings] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._settings = settings
        self._read = read or Machine().read
        self._clock = clock
        self._sleep = sleep
        self._decision = FULL
        self._read_at: float | None = None
        self._worked_since = clock()

    @property
    def reason(self) -> str:
        """Why the run does not take all it can get now, in words; "" while it does."""
        return self._decision.reason

    def rests(self) -> Iterator[str]:
        """Rest after a step, yielding the reason at least every half a second, so that the run can be stopped."""
        worked_s = self._clock() - self._worked_since
        until = self._clock() + self._rest_s(worked_s)
        if self._clock() >= until:
            return
        while self._clock() < until:
            yield self._decision.reason
            self._sleep(min(_NAP_S, max(0.0, until - self._clock())))
            if self._decision.share == 0:  # a pause lasts until the state of the machine has changed
                until = self._clock() + self._rest_s(0)
        self._worked_since = self._clock()

    def _rest_s(self, worked_s: float) -> float:
        share = self._now().share
        if share == 0:
            return _REST_AT_MOST_S
        return min(_REST_AT_MOST_S, worked_s * (1 - share) / share) if worked_s >= _WORK_AT_LEAST_S else 0.0

    def _now(self) -> Decision:
        """Return the decision, made anew every few seconds."""
        if self._read_at is None or self._clock() - self._read_at >= _READ_EVERY_S:
            self._decision = decide(self._read(), self._settings)
            self._read_at = self._clock()
        return self._decision


class Machine:
    """This machine, as psutil tells of it; what it does not tell slows nothing down."""

    def __init__(self) -> None:
        self._last: Times | None = None

    def read(self) -> Readings:
        """Return the state now; `others` since the reading before."""
        with suppress(Exception):  # psutil raises whatever the system at hand makes of it
            now, before = times(), self._last
            self._last = now
            return Readings(_battery_percent(), others(before, now) if before else 0.0)
        return Readings()


class Times(NamedTuple):
    """Processor seconds since some moment: of all processors, of all work on them, and of this program's work."""

    available: float
    busy: float
    own: float


def others(before: Times, now: Times) -> float:
    """Return the share of all processors that other programs took between two moments, 0 to 1."""
    available = now.available - before.available
    taken = (now.busy - before.busy) - max(0.0, now.own - before.own)
    return min(1.0, max(0.0, taken / available)) if available > 0 else 0.0


def times() -> Times:
    """Return the times up to now; this program's work includes that of the processes that it started."""
    import psutil

    spent = psutil.cpu_times()._asdict()
    counted = {name: seconds for name, seconds in spent.items() if not name.startswith("guest")}  # parts of the others
    idle = counted["idle"] + counted.get("iowait", 0.0)
    available = sum(counted.values())
    this = psutil.Process()
    own = sum(this.cpu_times()[:4])  # user, system and the same of processes that have ended
    for child in this.children(recursive=True):
        with suppress(psutil.Error):
            own += sum(child.cpu_times()[:2])
    return Times(available, available - idle, own)


def _battery_percent() -> float | None:
    """Return what is left in the battery, None unless the computer runs on it."""
    import psutil

    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return None if battery is None or battery.power_plugged is not False else float(battery.percent)
