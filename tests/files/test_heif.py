from __future__ import annotations

from pathlib import Path

import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from clipsearch.files.formats.heif import thumbnail_as_main
from tests.files.test_decode import TURNS, assert_upright
from tests.pictures import quarters

SIZE = (640, 480)


def heic(path: Path, image: Image.Image, thumbnail: int = 160, orientation: int = 1) -> Path:
    """Save a HEIC with a thumbnail whose longer side has `thumbnail` pixels."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Apple"
    container = pillow_heif.from_pillow(image)
    container.info["thumbnails"] = [thumbnail]
    container.save(path, format="HEIF", quality=90, exif=exif.tobytes())
    assert thumbnail_as_main(path.read_bytes())
    return path


@pytest.mark.parametrize("orientation", TURNS)
def test_the_thumbnail_stands_for_the_photo_upright(tmp_path: Path, orientation: int) -> None:
    turn = TURNS[orientation]
    image = quarters(SIZE) if turn is None else quarters(SIZE).transpose(turn)
    decoded = decode(heic(tmp_path / "a.heic", image, orientation=orientation), 32)
    assert decoded.image.size == (160, 120)
    assert (decoded.width, decoded.height, decoded.metadata.camera) == (*SIZE, "Apple")
    assert_upright(decoded, tolerance=40)


def test_a_thumbnail_that_is_too_small_is_left_alone(tmp_path: Path) -> None:
    path = heic(tmp_path / "a.heic", quarters(SIZE))
    assert decode(path, 133).image.size == (160, 120)
    assert decode(path, 134).image.size == SIZE


def test_a_photo_without_a_thumbnail_has_none(tmp_path: Path) -> None:
    pillow_heif.from_pillow(quarters()).save(tmp_path / "a.heic", format="HEIF")
    assert thumbnail_as_main((tmp_path / "a.heic").read_bytes()) is None
    assert thumbnail_as_main(b"") is None


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_whatever_the_boxes_say_only_one_error_comes_out(data: st.DataObject) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as scratch:
        path = heic(Path(scratch, "a.heic"), quarters((160, 120)), 64)
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 6))):
            content[data.draw(st.integers(0, 800))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)
        try:
            assert decode(path, 32, max_megapixels=1).image.mode == "RGB"
        except UnreadablePhotoError as error:
            assert error.message


def test_a_damaged_thumbnail_gives_way_to_the_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipsearch.files.formats.heif.thumbnail_as_main", lambda data: data[:300])
    assert_upright(decode(heic(tmp_path / "a.heic", quarters(SIZE)), 32), tolerance=40)
