"""Drag and drop in a real window on a virtual screen, with a real mouse, and between two programs."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clipsearch import paths
from clipsearch.records import Category
from clipsearch.ui.library_access import LibraryAccess
from tests.ui.dragging.programs import file_manager
from tests.ui.real_display import needed, screen, wait_until

__all__ = ["screen"]

pytestmark = needed

_PATIENCE_S = 20
_STEP_PX = 12
_OTHER = (file_manager.X + file_manager.WIDTH // 2, file_manager.Y + file_manager.HEIGHT // 2)
_NEVER = 0.999999  # a threshold that no photo reaches: members are the user's alone

Place = tuple[int, int]


class Program:
    """A program on the screen, and what it tells line by line."""

    def __init__(self, module: str, arguments: list[str], environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", f"tests.ui.dragging.programs.{module}", *arguments]
        self.process = subprocess.Popen(
            command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.strip())

    def line(self, seconds: float = _PATIENCE_S) -> str:
        return self._lines.get(timeout=seconds)

    @property
    def has_told(self) -> bool:
        return not self._lines.empty()

    def ask(self, question: str) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{question}\n")
        self.process.stdin.flush()
        return json.loads(self.line())

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


class Mouse:
    """Moves in small steps, as a hand does: a drag begins and is followed only so."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._at: Place = (0, 0)

    def go(self, place: Place) -> None:
        (x, y), (to_x, to_y) = self._at, place
        count = max(1, max(abs(to_x - x), abs(to_y - y)) // _STEP_PX)
        steps = [(x + (to_x - x) * n // count, y + (to_y - y) * n // count) for n in range(1, count + 1)]
        self._run([word for step in steps for word in ("mousemove", *map(str, step), "sleep", "0.004")])
        self._at = place

    def click(self, place: Place) -> None:
        self.go(place)
        self._run(["click", "1"])

    def drag(self, start: Place, end: Place, is_there: Callable[[], bool]) -> None:
        """Take what is at `start` to `end`, and stay there until it has been noticed."""
        self.go(start)
        self._run(["mousedown", "1"])
        self.go((start[0] + 20, start[1] + 20))
        self.go(end)

        def is_noticed() -> bool:
            self.go((end[0] + 1, end[1]) if self._at == end else end)
            return is_there()

        wait_until(is_noticed, _PATIENCE_S)

    def drop(self) -> None:
        self._run(["mouseup", "1"])

    def key(self, *keys: str) -> None:
        self._run(["key", *keys])

    def hold(self, key: str) -> None:
        self._run(["keydown", key])

    def let_go(self, key: str) -> None:
        self._run(["keyup", key])

    def _run(self, words: list[str]) -> None:
        subprocess.run(["xdotool", *words], env=self._environment, check=True, capture_output=True)


class Desk:
    """The window on a library of six photos with two categories, and the mouse before it."""

    def __init__(self, window: Program, mouse: Mouse, library: LibraryAccess, environment: dict[str, str]) -> None:
        self.window, self.mouse, self.environment = window, mouse, environment
        self._categories = library.categories()
        self.library = library
        self.ids = {info.name: info.category.id for info in self._categories.state().infos}

    def judged(self, name: str) -> dict[int, bool]:
        return self._categories.judgements(self.ids[name])

    def parent(self, name: str) -> int | None:
        return next(info.category.parent_id for info in self._categories.state().infos if info.name == name)

    def where(self, what: str) -> Place:
        """Where something is on the screen, once it is there."""
        places: list[Place] = []
        wait_until(lambda: bool(places.append(self.window.ask(what)) or places[-1]), _PATIENCE_S)
        return places[-1]

    def drag(self, start: str, end: str, words: str) -> None:
        """Drag within the window, until it says that a drop would do what `words` say."""
        self.mouse.drag(self.where(start), self.where(end), lambda: self.window.ask("words") == words)

    def photo(self, row: int) -> int:
        return self.window.ask("tiles")[row]

    def shoot(self, name: str) -> None:
        """Keep what is on the screen, for a person to look at, if a folder for it is named."""
        if folder := os.environ.get("CLIPSEARCH_TEST_SCREENSHOTS"):
            command = ["import", "-window", "root", f"{folder}/{name}.png"]
            subprocess.run(command, env=self.environment, check=True)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("cat", "dog", "owl", "car", "beach", "tulips"):
        shutil.copy(paths.resource_path(f"demo/{name}.jpg"), folder)
    return folder


@pytest.fixture
def library(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LibraryAccess]:
    monkeypatch.setattr(paths, "settings_file", lambda: tmp_path / "settings.toml")
    access = LibraryAccess(tmp_path / "library")
    access.open()
    list(access.index([photos]))
    for name in ("Birds", "Pets"):
        access.categories().add(Category(0, name, threshold=_NEVER))
    yield access
    access.close()


@pytest.fixture
def desk(screen: dict[str, str], library: LibraryAccess, request: pytest.FixtureRequest) -> Iterator[Desk]:
    window = Program("window", [str(library.folder)], screen)
    desk = Desk(window, Mouse(screen), library, screen)
    try:
        wait_until(lambda: window.ask("place") is True)
        wait_until(lambda: window.ask("loaded") is True)
        yield desk
    finally:
        desk.shoot(f"end-of-{request.node.name}")
        window.end()


@contextmanager
def second_program(desk: Desk, *files: Path) -> Iterator[Program]:
    """A file manager that offers these files, or one that takes some."""
    program = Program("file_manager", [str(path) for path in files], desk.environment)
    try:
        assert program.line() == "ready"
        yield program
    finally:
        program.end()


def test_photos_go_into_a_category_and_out_of_it(desk: Desk) -> None:
    first, second = desk.window.ask("tiles")[:2]
    desk.mouse.click(desk.where("tile 0"))
    desk.mouse.hold("ctrl")
    desk.mouse.click(desk.where("tile 1"))
    desk.mouse.let_go("ctrl")
    desk.drag("tile 0", "category Birds", "Put into Birds")  # elsewhere than the last click: it is no double click
    desk.shoot("into")
    desk.mouse.drop()
    wait_until(lambda: desk.judged("Birds") == {first: True, second: True})

    desk.drag("tile 2", "not_this Birds", "Not Birds")
    desk.shoot("not-this")
    desk.mouse.drop()
    third = desk.photo(2)
    wait_until(lambda: desk.judged("Birds").get(third) is False)

    desk.mouse.click(desk.where("category Birds"))
    wait_until(lambda: sorted(desk.window.ask("tiles")[:2]) == sorted([first, second]) and desk.window.ask("loaded"))
    shown = desk.photo(0)
    desk.drag("tile 0", "all_photos", "Take out of Birds")
    desk.shoot("take-out")
    desk.mouse.drop()
    wait_until(lambda: desk.judged("Birds")[shown] is False)


def test_photos_move_between_categories_unless_the_drag_is_cancelled(desk: Desk) -> None:
    desk.drag("tile 0", "category Birds", "Put into Birds")
    desk.mouse.drop()
    photo = desk.photo(0)
    wait_until(lambda: desk.judged("Birds") == {photo: True})
    desk.mouse.click(desk.where("category Birds"))
    wait_until(lambda: desk.window.ask("heading") == "Birds" and desk.photo(0) == photo)

    desk.drag("tile 0", "category Pets", "Move to Pets")
    desk.shoot("move")
    desk.mouse.key("Escape")
    wait_until(lambda: desk.window.ask("words") == "")
    desk.mouse.drop()
    desk.drag("tile 0", "category Pets", "Move to Pets")
    desk.mouse.hold("ctrl")
    wait_until(lambda: desk.window.ask("words") == "Put into Pets")
    desk.mouse.let_go("ctrl")
    wait_until(lambda: desk.window.ask("words") == "Move to Pets")
    desk.mouse.drop()
    wait_until(lambda: desk.judged("Pets") == {photo: True})
    assert desk.judged("Birds") == {photo: False}


def test_files_of_another_program_come_into_the_window_and_onto_a_category(desk: Desk, tmp_path: Path) -> None:
    trip = tmp_path / "trip"
    trip.mkdir()
    shutil.copy(paths.resource_path("demo/moose.jpg"), trip)
    with second_program(desk, trip) as other:
        desk.mouse.drag(_OTHER, desk.where("grid"), lambda: desk.window.ask("dropping") is True)
        desk.shoot("folder-into-window")
        desk.mouse.drop()
        assert other.line() == "given CopyAction"  # after a move it would delete its files
        wait_until(lambda: len(desk.window.ask("tiles")) == 7)
    assert trip in [folder.path for folder in desk.library.overview().folders]

    loose = tmp_path / "elsewhere" / "parrot.jpg"
    loose.parent.mkdir()
    shutil.copy(paths.resource_path("demo/parrot.jpg"), loose)
    with second_program(desk, trip / "moose.jpg", loose) as other:
        there = desk.where("category Birds")
        desk.mouse.drag(_OTHER, there, lambda: desk.window.ask("words") == "Put into Birds")
        desk.shoot("file-onto-category")
        desk.mouse.drop()
        assert other.line() == "given CopyAction"
        wait_until(lambda: len(desk.judged("Birds")) == 1)
    desk.shoot("offer")
    desk.mouse.click(desk.where("offer"))
    wait_until(lambda: len(desk.judged("Birds")) == 2)
    photos = desk.library.photos(list(desk.judged("Birds")))
    assert {photo.path.name for photo in photos} == {"moose.jpg", "parrot.jpg"}


def test_photos_leave_the_window_as_files_that_may_only_be_copied(desk: Desk, photos: Path) -> None:
    desk.mouse.click(desk.where("tile 1"))
    desk.mouse.key("ctrl+a")
    wait_until(lambda: desk.window.ask("selected") == 6)
    with second_program(desk) as other:
        desk.mouse.drag(desk.where("tile 0"), _OTHER, lambda: other.has_told)
        desk.shoot("out-of-window")
        assert other.line() == "offered CopyAction"
        desk.mouse.drop()
        how, action, *files = other.line().split(" ")
    assert (how, action) == ("taken", "CopyAction")
    assert sorted(files) == sorted(str(path) for path in photos.iterdir())
    assert len(list(photos.iterdir())) == 6


def test_a_category_is_nested_in_another_which_then_cannot_be_put_into_it(desk: Desk) -> None:
    desk.drag("category Pets", "category Birds", "Nest in Birds")
    desk.shoot("nest")
    desk.mouse.drop()
    wait_until(lambda: desk.parent("Pets") == desk.ids["Birds"])
    desk.drag("category Birds", "category Pets", "Lies in Birds")
    desk.shoot("circle")
    desk.mouse.drop()
    desk.drag("category Pets", "caption", "To the top level")
    desk.mouse.drop()
    wait_until(lambda: desk.parent("Pets") is None)
    assert desk.parent("Birds") is None
