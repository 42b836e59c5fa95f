from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from clipsearch.library import overview
from clipsearch.library.indexing import throttle
from clipsearch.library.indexing.run import index_folders
from clipsearch.library.indexing.throttle import FULL, Machine, Readings, Throttle, Times, decide
from clipsearch.library.library import Library
from clipsearch.settings import Settings
from tests.fakes import FakeEncoder
from tests.pictures import paint


class Bench:
    """A machine whose clock runs only while something sleeps on it."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.readings = Readings()
        self.read_count = 0
        self.slept_s = 0.0

    def read(self) -> Readings:
        self.read_count += 1
        return self.readings

    def sleep(self, seconds: float) -> None:
        assert 0 <= seconds <= 0.5
        self.now_s += max(seconds, 0.001)
        self.slept_s += seconds

    def throttle(self, **settings: str) -> Throttle:
        return Throttle(Settings(**settings), self.read, lambda: self.now_s, self.sleep)

    def work(self, throttle: Throttle, seconds: float) -> float:
        """Work for so long; return how long the rest after it was."""
        self.now_s += seconds
        before = self.slept_s
        for _ in throttle.rests():
            pass
        return self.slept_s - before


@pytest.mark.parametrize(
    ("readings", "settings", "share", "reason"),
    [
        (Readings(), {}, 1.0, ""),
        (Readings(battery_percent=80), {}, 0.5, "Slower: the computer runs on battery"),
        (Readings(battery_percent=80), {"on_battery": "pause"}, 0.0, "Paused: the computer runs on battery"),
        (Readings(battery_percent=80), {"on_battery": "full"}, 1.0, ""),
        (Readings(battery_percent=20), {}, 0.5, "Slower: the computer runs on battery"),
        (Readings(battery_percent=19), {}, 0.0, "Paused: the battery is low"),
        (Readings(battery_percent=3), {"on_battery": "full"}, 1.0, ""),
        (Readings(others=0.9), {}, 0.25, "Slower: other programs are busy"),
        (Readings(others=0.9), {"under_load": "full"}, 1.0, ""),
        (Readings(others=0.4), {}, 1.0, ""),
        (Readings(battery_percent=80, others=0.9), {}, 0.25, "Slower: other programs are busy"),
        (Readings(battery_percent=9, others=0.9), {}, 0.0, "Paused: the battery is low"),
    ],
)
def test_the_machine_decides_how_much_to_work(
    readings: Readings, settings: dict[str, str], share: float, reason: str
) -> None:
    decision = decide(readings, Settings(**settings))
    assert (decision.share, decision.reason) == (share, reason)


def test_on_mains_and_alone_nothing_rests() -> None:
    bench = Bench()
    throttle = bench.throttle()
    assert [bench.work(throttle, 1.0) for _ in range(20)] == [0.0] * 20
    assert throttle.reason == ""


def test_a_slow_run_works_its_share_of_the_time() -> None:
    bench = Bench()
    bench.readings = Readings(others=0.8)
    throttle = bench.throttle()
    assert bench.work(throttle, 1.0) == pytest.approx(3.0)
    assert [bench.work(throttle, 0.3) for _ in range(4)] == [0, 0, 0, pytest.approx(3.6)]  # not after every batch
    assert bench.work(throttle, 60.0) == pytest.approx(10.0)  # and never so long that it seems to hang
    assert throttle.reason == "Slower: other programs are busy"


def test_a_pause_ends_when_the_machine_is_plugged_in() -> None:
    bench = Bench()
    bench.readings = Readings(battery_percent=12)
    throttle = bench.throttle()
    rests = throttle.rests()
    reasons = {next(rests) for _ in range(1000)}
    assert reasons == {"Paused: the battery is low"}
    assert bench.slept_s > 400
    bench.readings = Readings()
    assert len(list(rests)) < 30
    assert throttle.reason == ""
    assert bench.work(throttle, 1.0) == 0.0


def test_a_pause_may_be_left_at_any_time() -> None:
    bench = Bench()
    bench.readings = Readings(battery_percent=12)
    rests = bench.throttle().rests()
    next(rests)
    rests.close()


def test_the_machine_is_read_every_few_seconds_only() -> None:
    bench = Bench()
    throttle = bench.throttle()
    for _ in range(1000):
        bench.work(throttle, 0.01)
    assert bench.read_count == 2


@pytest.mark.usefixtures("inline")
def test_an_index_run_pauses_with_what_is_done_stored_and_goes_on(colours: Library, folder: Path) -> None:
    for number in range(20):
        paint(folder / f"{number}.png", (number * 10, 0, 0))
    bench = Bench()
    bench.readings = Readings(battery_percent=12)
    run = index_folders(colours, [folder], throttle=bench.throttle())
    steps = [next(run) for _ in range(50)]
    assert steps[-1].note == "Paused: the battery is low"
    assert steps[-1].done == overview.status(colours).photos == FakeEncoder.batch_size
    bench.readings = Readings()
    *_, last = run
    assert (last.note, last.counts.added) == ("", 20)


@pytest.mark.parametrize(
    ("before", "now", "share"),
    [
        (Times(0, 0, 0), Times(20, 10, 10), 0.0),  # all of it is our own work
        (Times(100, 50, 10), Times(120, 70, 15), 0.75),
        (Times(100, 50, 10), Times(120, 60, 4), 0.5),  # a process of ours ended, and its time with it
        (Times(100, 50, 10), Times(120, 51, 14), 0.0),
        (Times(100, 50, 10), Times(100, 50, 10), 0.0),
    ],
)
def test_our_own_work_is_no_other_program(before: Times, now: Times, share: float) -> None:
    assert throttle.others(before, now) == pytest.approx(share)


def test_this_machine_is_read() -> None:
    machine = Machine()
    assert machine.read().others == 0.0
    stop_s = time.process_time() + 0.2
    while time.process_time() < stop_s:
        pass
    assert 0.0 <= machine.read().others <= 1.0
    first, last = throttle.times(), throttle.times()
    assert last.available >= last.busy > 0
    assert last.own >= first.own > 0.2


@pytest.mark.parametrize(
    ("battery", "percent"),
    [
        (None, None),
        (SimpleNamespace(percent=55, power_plugged=True), None),
        (SimpleNamespace(percent=55, power_plugged=None), None),
        (SimpleNamespace(percent=55, power_plugged=False), 55.0),
    ],
)
def test_a_battery_counts_only_while_it_is_used(
    battery: object, percent: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(psutil, "sensors_battery", lambda: battery, raising=False)
    assert Machine().read().battery_percent == percent


def test_a_system_that_tells_nothing_slows_nothing_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError("no /sys/class/power_supply")

    monkeypatch.setattr(psutil, "sensors_battery", fail, raising=False)
    assert decide(Machine().read(), Settings()) == FULL
