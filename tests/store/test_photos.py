from __future__ import annotations

from dataclasses import replace

from clipsearch.store.catalog import Catalog
from clipsearch.store.tables.intake import NewFile
from tests.store.rows import MODEL, new_file


def test_a_burst_is_what_one_camera_shot_without_a_gap(filled: Catalog) -> None:
    def shot(name: str, second: str, camera: str | None = "Canon R5") -> NewFile:
        return replace(new_file(name), captured_at=f"2024-05-01T10:00:{second}", camera=camera)

    files = [shot("a", "01.5"), shot("b", "00.75"), shot("c", "02"), shot("d", "05"), shot("e", "01", "Phone")]
    a, b, c, d, e = filled.store({MODEL: 4}, files).photo_ids
    assert [filled.photos.burst(photo) for photo in (a, c, d, e)] == [[b, a, c], [b, a, c], [], []]
    filled.files.remove(1, ["a"])
    assert filled.photos.burst(b) == []
