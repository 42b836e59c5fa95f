"""Files that are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipsearch.files import replacing as module
from clipsearch.files.replacing import beside, replacing


def test_a_file_takes_its_place_when_it_is_finished(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    for text in ("first", "second"):
        with replacing(file) as new:
            new.write_text(text)
            assert not file.exists() or file.read_text() == "first"
        assert file.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_nothing_is_left_of_what_fails(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("first")
    with pytest.raises(KeyboardInterrupt), replacing(file) as new:
        new.write_text("half")
        raise KeyboardInterrupt
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "first")]


def test_what_a_killed_writer_left_goes_with_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.txt"
    left = beside(file)
    left.write_text("half")
    assert beside(file) != left  # it may be in use
    monkeypatch.setattr(module, "_IN_USE_S", -1.0)
    with replacing(file) as new:
        assert new == left
        new.write_text("whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
