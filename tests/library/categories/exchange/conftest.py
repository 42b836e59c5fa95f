"""What the tests of in and out share: a library of a few photos, some of them in nested categories."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from clipsearch.library.categories import editing, judging
from clipsearch.library.categories.exchange import importing
from clipsearch.library.library import Library
from clipsearch.records import Category
from clipsearch.store.tables.memberships import Membership
from tests.conftest import Index
from tests.fakes import InlinePool
from tests.pictures import paint

Report = TypeVar("Report")


def finished(run: Generator[object, None, Report]) -> Report:
    """Take a run to its end and return its report."""
    while True:
        try:
            next(run)
        except StopIteration as end:
            report: Report = end.value
            return report


def id_of(library: Library, name: str) -> int:
    return editing.find(library, name).category.id


@pytest.fixture(autouse=True)
def read_inline(inline: type[InlinePool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Read keywords in this process, too."""
    monkeypatch.setattr(importing, "WorkerPool", InlinePool)


def find(library: Library, category: str, *names: str) -> None:
    """Let the model have found these photos, and no other, in a category, as the last `apply` would have stored it."""
    photos = {photo.path.stem: photo.id for photo in library.catalog.photos.get(library.catalog.photos.ids())}
    ids = np.array(sorted(photos[name] for name in names), np.int64)
    membership = Membership(id_of(library, category), "", 0, ids, np.full(len(ids), 2, np.float32))
    encoder = library.answering
    library.catalog.memberships.store(encoder.model_id, encoder.dim, [membership])


@pytest.fixture
def animals(colours: Library, folder: Path, index: Index) -> Library:
    """Animals > Birds, in folders `a` and `b` that have files of the same name.

    a/one.png and b/one.png are birds, a/two.png is some animal and not a bird, a/three.png is none.
    """
    for name, colour in {"a/one": "red", "b/one": "blue", "a/two": "green", "a/three": "white"}.items():
        paint(folder / f"{name}.png", colour)
    index(colours, folder)
    outer = editing.add(colours, "Animals")
    editing.add(colours, Category(0, "Birds", outer.id))
    judging.assign(colours, "Birds", [folder / "a/one.png", folder / "b/one.png"])
    judging.assign(colours, "Animals", [folder / "a/two.png"])
    judging.reject(colours, "Birds", [folder / "a/two.png"])
    return colours
