from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QLabel

from clipsearch.records import Category, Photo
from clipsearch.ui.photo_details import PhotoDetails
from tests.ui.fake_library import photo_of


def rows(qtbot, photo: Photo) -> dict[str, str]:
    """Return what the pane shows, by caption."""
    details = PhotoDetails()
    qtbot.addWidget(details)
    details.show_photo(photo)
    shown = [label.text().replace("\u200b", "") for label in details.widget().findChildren(QLabel)]
    return dict(zip(shown[::2], shown[1::2], strict=True))


def test_what_lies_beside_the_photo_is_listed(qtbot) -> None:
    beside = (Path("/photos/dog\n_1.NEF"), Path("/elsewhere/dog_1.MOV"))
    assert rows(qtbot, replace(photo_of(6), companions=beside))["With"] == "dog�_1.NEF\n/elsewhere/dog_1.MOV"
    assert "With" not in rows(qtbot, photo_of(6))


def test_time_and_camera_are_shown_where_they_are_known(qtbot) -> None:
    shown = rows(qtbot, replace(photo_of(6), captured_at="2024-03-31T02:30:00", camera="Canon EOS\n"))
    assert "2:30" in shown["Taken"]  # an hour that a summer time may leave out
    assert shown["Camera"] == "Canon EOS�"
    unknown = rows(qtbot, replace(photo_of(6), captured_at=None, camera=None))
    assert not {"Taken", "Camera"} & set(unknown)


def test_the_categories_of_a_photo_are_told_with_why_and_replaced(qtbot) -> None:
    details = PhotoDetails()
    qtbot.addWidget(details)
    details.show_photo(photo_of(1))
    details.show_categories(photo_of(1), [(Category(1, "birds"), 1.0, "user"), (Category(2, "boats"), 0.874, "model")])
    assert "birds (by you)\nboats (87 %)" in texts(details)
    details.show_categories(photo_of(1), [(Category(2, "boats"), 0.874, "model")])
    qtbot.waitUntil(lambda: "boats (87 %)" in texts(details) and len(texts(details)) == len(set(texts(details))))
    details.show_categories(photo_of(2), [])  # of a photo that is shown no more
    assert "boats (87 %)" in texts(details)
    details.show_categories(photo_of(1), [])
    qtbot.waitUntil(lambda: "boats (87 %)" not in texts(details))


def texts(details: PhotoDetails) -> list[str]:
    return [one.text().replace("\u200b", "") for one in details.widget().findChildren(QLabel)]
