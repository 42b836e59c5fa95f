"""How much a category may hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.library.categories import editing
from clipsearch.library.categories.exchange.sharing import receive, share
from clipsearch.library.categories.limits import LONGEST_NAME, LONGEST_TEXT, MOST_TEXTS
from clipsearch.library.library import Library
from clipsearch.records import Category

LONG = "n" * LONGEST_TEXT


@pytest.mark.parametrize(
    "unfit",
    [
        Category(0, "a", prompts=(LONG + "n",)),
        Category(0, "a", prompts=("one\ntwo",)),
        Category(0, "a", prompts=tuple(map(str, range(MOST_TEXTS + 1)))),
        Category(0, "a", negatives=("one\ttwo",)),
        Category(0, "a", exclusive_group=LONG + "n"),
    ],
)
def test_what_nobody_could_receive_is_not_kept(unfit: Category, colours: Library) -> None:
    with pytest.raises(ClipsearchError, match="at most"):
        editing.add(colours, unfit)
    kept = editing.add(colours, "a")
    with pytest.raises(ClipsearchError, match="at most"):
        editing.change(colours, replace(unfit, id=kept.id))


def test_whatever_is_kept_can_be_shared_and_received(colours: Library, tmp_path: Path) -> None:
    texts = tuple(f"{number:03}{LONG[3:]}" for number in range(MOST_TEXTS))
    full = editing.add(colours, Category(0, "n" * LONGEST_NAME, None, texts, texts, "", LONG))
    share(colours, [full.id], tmp_path / "a.json")
    (received,) = receive(colours, tmp_path / "a.json").categories
    assert (received.prompts, received.negatives) == (texts, texts)
    share(colours, [received.id], tmp_path / "b.json")
    assert len(receive(colours, tmp_path / "b.json").categories) == 1
