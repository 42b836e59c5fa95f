"""Selections of any size survive that rows change, or go as a whole."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QItemSelection, QItemSelectionModel

from clipsearch.ui.photo_model import PhotoModel
from clipsearch.ui.selection import select_again, selected_ids

Flag = QItemSelectionModel.SelectionFlag


@pytest.fixture
def photos(qapp) -> PhotoModel:
    photos = PhotoModel()
    photos.show_photos(list(range(100, 200)))
    return photos


def selected(model: QItemSelectionModel, photos: PhotoModel) -> list[int]:
    return selected_ids(model.selection(), photos)


def test_the_ids_are_in_the_order_shown(photos: PhotoModel) -> None:
    model = QItemSelectionModel(photos)
    for first, last in ((50, 51), (3, 5)):
        model.select(QItemSelection(photos.index(first), photos.index(last)), Flag.Select)
    assert selected(model, photos) == [103, 104, 105, 150, 151]


@pytest.mark.parametrize("ids", [[101, 102, 103, 150], list(range(100, 199)), [*range(110, 140), *range(160, 190, 2)]])
def test_what_was_selected_is_selected_again_wherever_it_is_now(photos: PhotoModel, ids: list[int]) -> None:
    model = QItemSelectionModel(photos)
    photos.show_photos([*range(10), *range(199, 99, -1)])
    select_again(model, photos, ids)
    assert selected(model, photos) == sorted(ids, reverse=True)


def test_what_is_shown_no_more_is_not_selected(photos: PhotoModel) -> None:
    model = QItemSelectionModel(photos)
    select_again(model, photos, [*range(90, 130), 500])
    assert selected(model, photos) == list(range(100, 130))
    model.clear()
    select_again(model, photos, range(300, 400))
    assert selected(model, photos) == []


def test_of_too_many_scattered_photos_none_is_selected_rather_than_a_part(photos: PhotoModel) -> None:
    model = QItemSelectionModel(photos)
    photos.show_photos(list(range(20_000)))
    select_again(model, photos, range(0, 20_000, 2))
    assert selected(model, photos) == []
    select_again(model, photos, range(20_000))
    assert len(selected(model, photos)) == 20_000
