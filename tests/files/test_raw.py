from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from tests.files.deep import dng
from tests.files.test_decode import TURNS, assert_upright
from tests.pictures import quarters


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def as_held(orientation: int, size: tuple[int, int]) -> Image.Image:
    turn = TURNS[orientation]
    return quarters(size) if turn is None else quarters(size).transpose(turn)


def preview(image: Image.Image, orientation: int | None = None) -> bytes:
    stream, exif = BytesIO(), Image.Exif()
    if orientation is not None:
        exif[ExifTags.Base.Orientation] = orientation
    image.save(stream, "JPEG", exif=exif, quality=95)
    return stream.getvalue()


def test_a_raw_photo_without_a_preview_is_developed(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    decoded = decode(write(tmp_path / "a.dng", dng((640, 480))), 32)
    assert (decoded.format, decoded.width, decoded.height) == ("RAW", 640, 480)
    assert_upright(decoded, tolerance=30)


@pytest.mark.parametrize("orientation", [6, 8])
def test_a_raw_photo_taken_upright_is_turned_once(tmp_path: Path, orientation: int) -> None:
    pytest.importorskip("rawpy")
    decoded = decode(write(tmp_path / "a.dng", dng((640, 480), orientation)), 32)
    assert (decoded.width, decoded.height) == (480, 640)
    assert decoded.image.width < decoded.image.height


@pytest.mark.parametrize("tagged", [False, True])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_preview_comes_upright(tmp_path: Path, orientation: int, tagged: bool) -> None:
    pytest.importorskip("rawpy")
    size = (480, 640) if orientation in {6, 8} else (640, 480)
    jpeg = preview(as_held(orientation, (size[0] // 2, size[1] // 2)), orientation if tagged else None)
    decoded = decode(write(tmp_path / "a.dng", dng((640, 480), orientation, jpeg)), 32)
    assert (decoded.width, decoded.height) == size
    assert_upright(decoded, tolerance=24)


@pytest.mark.parametrize("jpeg", [preview(Image.new("RGB", (40, 30))), preview(quarters((320, 240)))[:300]])
def test_a_preview_too_small_or_damaged_gives_way_to_the_photo(tmp_path: Path, jpeg: bytes) -> None:
    pytest.importorskip("rawpy")
    assert_upright(decode(write(tmp_path / "a.dng", dng((640, 480), preview=jpeg)), 64), tolerance=30)


def test_the_preview_is_what_is_shown(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    jpeg = preview(Image.new("RGB", (320, 240), "blue"))
    decoded = decode(write(tmp_path / "a.dng", dng((640, 480), preview=jpeg)), 32)
    assert decoded.image.getpixel((5, 5))[2] > 240


def test_bad_raw_photos_are_told_in_words(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    whole = dng((640, 480))
    for data in (b"Dear diary, " * 100, preview(quarters())):
        with pytest.raises(UnreadablePhotoError, match="not a picture, or of a kind"):
            decode(write(tmp_path / "a.nef", data), 32)
    with pytest.raises(UnreadablePhotoError, match=r"damaged and cannot be read \([A-Z]"):
        decode(write(tmp_path / "a.dng", whole[:-200]), 32)
    with pytest.raises(UnreadablePhotoError, match="very large"):
        decode(write(tmp_path / "a.dng", whole), 32, max_megapixels=0.1)


def test_a_missing_extra_is_named_and_the_file_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(UnreadablePhotoError, match=r'pip install "clipsearch\[raw\]"') as caught:
        decode(write(tmp_path / "a.dng", dng((640, 480))), 32)
    assert caught.value.temporary
