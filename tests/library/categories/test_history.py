"""Undoing and redoing what the use cases do, while files are edited, moved and deleted and libraries opened anew.

`World` knows what undoing must bring back: every state that a step led to is kept, and compared exactly.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.library.categories import applying, editing, history, judging
from clipsearch.library.categories.exchange import importing, sharing
from clipsearch.library.library import Library
from clipsearch.records import Action, Category, FoundKeyword, Step
from tests.conftest import Index
from tests.fakes import fake_library
from tests.pictures import paint

State = tuple[list[Category], dict[int, dict[int, bool]]]

pytestmark = pytest.mark.usefixtures("inline")

_PHOTOS = 5


def state(library: Library) -> State:
    return library.catalog.labels.all(), library.catalog.labels.all_judgements()


class World:
    """A library, its folder, and the states that undoing and redoing must bring back."""

    def __init__(self, seed: int, place: Path, index: Index) -> None:
        self.choose = random.Random(seed)
        self.place, self.folder, self._index = place, place / "photos", index
        self.library, self.other = self._open(), self._open()
        self.painted = self.named = 0
        self.contents, self.seen = list[bytes](), set[int]()
        for number in range(_PHOTOS):
            self.paint(self.folder / f"{number}.png")
        self.index(self.folder)
        self.past, self.future = [state(self.library)], list[State]()

    def index(self, *folders: Path) -> None:
        self._index(self.library, *folders, removals_confirmed=True)
        self.seen.update(self.library.catalog.photos.ids())

    def _open(self) -> Library:
        return fake_library(self.place / "library")

    def reopen(self) -> None:
        self.close()
        self.library, self.other = self._open(), self._open()

    def close(self) -> None:
        self.library.close()
        self.other.close()

    def someone(self) -> Library:
        """The library as this process sees it, or as another one does."""
        return self.choose.choice([self.library, self.library, self.other])

    # What the user does; each may be refused, or change nothing

    def act(self) -> None:
        deeds = [self.add, self.change, self.nest, self.remove, self.judge, self.judge, self.judge, self.move]
        deeds += [self.assign, self.reject, self.import_keywords, self.receive]
        try:
            self.choose.choice(deeds)(self.someone())
        except ClipsearchError:
            assert state(self.library) == self.past[-1]  # all of it, or nothing

    def new_name(self) -> str:
        self.named += 1
        return f"name {self.named}"

    def some(self) -> Category:
        known = self.library.catalog.labels.all()
        if not known:
            raise ClipsearchError("No category", "There is none.")
        return self.choose.choice(known)

    def photos(self) -> list[int]:
        """Some photos, also ones whose file is gone."""
        return self.choose.sample(sorted(self.seen), self.choose.randint(1, _PHOTOS))

    def files(self) -> list[Path]:
        return sorted(self.folder.rglob("*.png"))

    def some_files(self) -> list[Path]:
        return self.choose.sample(self.files(), self.choose.randint(0, len(self.files())))

    def add(self, library: Library) -> None:
        editing.add(library, Category(0, self.new_name(), prompts=("a", "b"), threshold=self.choose.random()))

    def change(self, library: Library) -> None:
        some = replace(self.some(), prompts=(self.new_name(), "ü"), negatives=("x",), threshold=None, colour="#123456")
        editing.change(library, replace(some, name=self.choose.choice([some.name, self.new_name()])))

    def nest(self, library: Library) -> None:
        editing.nest(library, self.some().id, self.choose.choice([None, self.some().id]))

    def remove(self, library: Library) -> None:
        editing.remove(library, self.some().name)

    def judge(self, library: Library) -> None:
        judging.judge(library, self.some().id, self.photos(), self.choose.choice([True, False, None]))

    def move(self, library: Library) -> None:
        judging.move(library, self.some().id, self.some().id, self.photos())

    def assign(self, library: Library) -> None:
        judging.assign(library, self.some().name, self.some_files())

    def reject(self, library: Library) -> None:
        judging.reject(library, self.some().name, self.some_files())

    def import_keywords(self, library: Library) -> None:
        paths = [("Animals", self.new_name()), ("Animals",), (self.new_name(),)]
        importing.import_keywords(library, [FoundKeyword(path, tuple(self.photos())) for path in paths])

    def receive(self, library: Library) -> None:
        file = self.place / "shared.json"
        sharing.share(library, [self.some().id], file)
        sharing.receive(library, file)

    # What happens to the files

    def happen(self) -> None:
        files = self.files()
        file = self.choose.choice(files) if files else None
        happenings: list[Callable[[Path], None]] = [self.edit, self.edit, self.move_file, self.delete, self.make]
        if file is not None:
            self.choose.choice(happenings)(file)
        else:
            self.make(self.folder)
        applying.refresh(self.someone())

    def paint(self, path: Path) -> None:
        """Save a picture that there never was."""
        self.painted += 1
        paint(path, (self.painted % 251, self.painted // 251, 9))
        self.contents.append(path.read_bytes())

    def edit(self, file: Path) -> None:
        """Change a file, sometimes back to what it, or another one, was before."""
        before = self._photo_at(file)
        if self.choose.random() < 0.4:
            file.write_bytes(self.choose.choice(self.contents))
        else:
            self.paint(file)
        present = set(judging.photos_at(self.library, self.files()))
        self.index()
        after = self._photo_at(file)
        if after != before and after not in present:
            self._inherit(before, after)

    def _inherit(self, before: int, after: int) -> None:
        """What was said of a photo holds for its edited form in every state, unless that was spoken of itself."""
        states = [*self.past, *self.future]
        spoken = {category for _, judged in states for category, photos in judged.items() if after in photos}
        for _, judged in states:
            for category, photos in judged.items():
                if before in photos and category not in spoken:
                    photos[after] = photos[before]

    def move_file(self, file: Path) -> None:
        target = self.folder / self.choose.choice(["", "sub"]) / f"{self.new_name()}.png"
        target.parent.mkdir(exist_ok=True)
        file.rename(target)
        self.index()

    def delete(self, file: Path) -> None:
        file.unlink()
        self.index()

    def make(self, file: Path) -> None:
        self.paint(self.folder / f"{self.new_name()}.png")
        self.index()

    def _photo_at(self, file: Path) -> int:
        return judging.photos_at(self.library, [file])[0]

    # What must hold

    def undo(self) -> None:
        assert (history.undo(self.someone()) is not None) == (len(self.past) > 1)
        if len(self.past) > 1:
            self.future.append(self.past.pop())

    def redo(self) -> None:
        assert (history.redo(self.someone()) is not None) == bool(self.future)
        if self.future:
            self.past.append(self.future.pop())

    def note(self) -> None:
        """Keep the state that an action led to, if it changed anything."""
        now = state(self.library)
        if now != self.past[-1]:
            self.past, self.future = [*self.past, now], []

    def check(self) -> None:
        assert state(self.library) == state(self.other) == self.past[-1]


def live(seed: int, place: Path, index: Index, turns: int) -> None:
    """Let so many things happen, then undo everything and redo it."""
    world = World(seed, place, index)
    for _ in range(turns):
        turn = world.choose.random()
        if turn < 0.17:
            world.undo()
        elif turn < 0.3:
            world.redo()
        elif turn < 0.4:
            world.happen()
        elif turn < 0.43:
            world.reopen()
        else:
            world.act()
            world.note()
        world.check()
    while len(world.past) > 1:
        world.undo()
        world.check()
    world.reopen()
    while world.future:
        world.redo()
        world.check()
    assert world.library.catalog.integrity() == []
    world.close()


@pytest.mark.parametrize("seed", range(4))
def test_undo_brings_back_every_state_exactly(tmp_path: Path, index: Index, seed: int) -> None:
    live(seed, tmp_path, index, turns=60)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 140))
def test_undo_brings_back_every_state_of_a_long_life(tmp_path: Path, index: Index, seed: int) -> None:
    live(seed, tmp_path, index, turns=400)


def test_two_processes_share_one_journal(tmp_path: Path) -> None:
    with fake_library(tmp_path / "library") as window, fake_library(tmp_path / "library") as command_line:
        editing.add(window, "birds")
        editing.add(command_line, "boats")
        assert history.next_steps(window)[0] == Step(2, Action.ADD, "boats", 0)
        undone = history.undo(window)
        assert [info.name for info in editing.categories(command_line)] == ["birds"]
        assert history.redo(command_line) == undone
        assert [info.name for info in editing.categories(window)] == ["birds", "boats"]


def test_only_the_step_that_the_user_saw_is_undone(tmp_path: Path) -> None:
    with fake_library(tmp_path / "library") as window, fake_library(tmp_path / "library") as command_line:
        editing.add(window, "birds")
        seen, _ = history.next_steps(window)
        editing.add(command_line, "boats")
        assert history.undo(window, only=seen) is None
        assert [info.name for info in editing.categories(window)] == ["birds", "boats"]
        assert history.undo(window, only=history.next_steps(window)[0]) is not None
        assert history.redo(window, only=seen) is None


def test_the_members_are_those_of_the_state_that_was_brought_back(
    tmp_path: Path, folder: Path, index: Index, colours: Library
) -> None:
    """What the model finds follows from the state, so it is the same again after undoing and refreshing."""
    for number, colour in enumerate(("red", "orange", "tomato", "green", "blue", "navy")):
        paint(folder / f"{number}.png", colour)
    index(colours, folder)
    warm = editing.add(colours, Category(0, "red")).id
    applying.refresh(colours)
    before = members(colours, warm)
    judging.judge(colours, warm, judging.photos_at(colours, [folder / "3.png", folder / "4.png"]), True)
    judging.judge(colours, warm, judging.photos_at(colours, [folder / "0.png"]), False)
    applying.refresh(colours)
    after = members(colours, warm)
    assert after != before
    for turn, expected in ((history.undo, before), (history.redo, after)):
        assert [turn(colours) is not None, turn(colours) is not None] == [True, True]
        applying.refresh(colours)
        assert members(colours, warm) == expected


def members(library: Library, category_id: int) -> list[tuple[Path, float, str]]:
    return [(member.photo.path, member.score, member.source) for member in applying.members(library, category_id)]
