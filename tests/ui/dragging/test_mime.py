from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData

from clipsearch.ui.dragging import files, mime
from clipsearch.ui.dragging.mime import DraggedPhotos
from tests.ui.dragging.events import data_of

_HERE, _ELSEWHERE = Path("/library"), Path("/other/library")


def test_photos_are_those_of_the_library_alone() -> None:
    dragged = DraggedPhotos([3, 1, 2], source_id=7)
    data = mime.photos_data(_HERE, dragged)
    assert mime.photos_in(data, _HERE) == dragged
    assert mime.photos_in(data, _ELSEWHERE) is None
    assert mime.category_in(data, _HERE) is None


def test_a_category_is_one_of_the_library_alone() -> None:
    data = mime.category_data(_HERE, 7)
    assert mime.category_in(data, _HERE) == 7
    assert mime.category_in(data, _ELSEWHERE) is None
    assert mime.photos_in(data, _HERE) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[1, 2]",
        b'{"library": "/library"}',
        b'{"library": "/library", "photos": ["1"], "source": null}',
        b'{"library": "/library", "photos": [], "source": null}',
        b'{"library": "/library", "photos": [1], "source": "x"}',
    ],
)
def test_what_makes_no_sense_is_nothing(content: bytes) -> None:
    data = QMimeData()
    data.setData(mime.PHOTOS, content)
    assert mime.photos_in(data, _HERE) is None


def test_files_travel_under_their_exact_names(tmp_path: Path) -> None:
    data = mime.photos_data(_HERE, DraggedPhotos([1]))
    mime.set_files(data, [tmp_path / "a b.jpg", tmp_path / "ä#.jpg"])
    assert files.local_paths(data) == [tmp_path / "a b.jpg", tmp_path / "ä#.jpg"]
    assert bytes(files.file_url(Path("/caf\udce9.jpg")).toEncoded()) == b"file:///caf%E9.jpg"


def test_one_file_alone_is_a_picture_to_search_by(tmp_path: Path) -> None:
    picture = tmp_path / "a.jpg"
    picture.touch()
    assert files.single_file(data_of([picture])) == picture
    assert files.single_file(data_of([tmp_path])) is None
    assert files.single_file(data_of([picture, picture])) is None
