from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from clipsearch.files.decode import decode
from clipsearch.files.metadata import Metadata, read_metadata
from tests.files.deep import dng
from tests.pictures import quarters

TAGS = ExifTags.Base
SUBSEC = TAGS.SubsecTimeOriginal
EXPECTED = Metadata("2024-05-01T12:34:56.120", "Canon EOS R5")


def exif(root: dict[int, object] | None = None, inner: dict[int, object] | None = None) -> Image.Exif:
    block = Image.Exif()
    block.update(root or {})
    block.get_ifd(ExifTags.IFD.Exif).update(inner or {})
    written = Image.Exif()
    written.load(block.tobytes())  # else Pillow leaves the inner part out of a TIFF
    return written


def camera_exif() -> Image.Exif:
    return exif(
        {TAGS.Make: "Canon", TAGS.Model: "Canon EOS R5", TAGS.DateTime: "2025:01:01 00:00:00"},
        {TAGS.DateTimeOriginal: "2024:05:01 12:34:56", TAGS.SubsecTimeOriginal: "12"},
    )


def tell(root: dict[int, object] | None = None, inner: dict[int, object] | None = None) -> Metadata:
    stream = BytesIO()
    quarters().save(stream, "JPEG", exif=exif(root, inner))
    with Image.open(stream) as image:
        return read_metadata(image)


@pytest.mark.parametrize("suffix", ["jpg", "tif", "png", "webp", "avif", "heic", "jxl"])
def test_every_format_tells_when_and_with_what_it_was_taken(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    if suffix == "heic":
        pillow_heif.from_pillow(quarters()).save(path, format="HEIF", exif=camera_exif().tobytes())
    elif suffix == "jxl":
        pytest.importorskip("pillow_jxl")
        quarters().save(path, exif=camera_exif().tobytes(), use_container=True)
    else:
        quarters((640, 480)).save(path, exif=camera_exif())
    assert decode(path, 32).metadata == EXPECTED


def test_a_picture_without_exif_tells_nothing(tmp_path: Path) -> None:
    for suffix in ("jpg", "gif", "bmp", "png"):
        quarters().save(tmp_path / f"a.{suffix}")
        assert decode(tmp_path / f"a.{suffix}", 32).metadata == Metadata()


def test_a_raw_photo_tells_it_in_its_own_header_or_in_its_preview(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    stream = BytesIO()
    quarters((320, 240)).save(stream, "JPEG", exif=camera_exif())
    preview = stream.getvalue().replace(b"JFIF", b"Exif", 1)  # as cameras write it: EXIF comes first
    (tmp_path / "a.dng").write_bytes(dng((640, 480), preview=preview))
    assert decode(tmp_path / "a.dng", 32).metadata == EXPECTED
    (tmp_path / "b.dng").write_bytes(dng((640, 480)))
    assert decode(tmp_path / "b.dng", 32).metadata == Metadata(None, "Test Camera")


@pytest.mark.parametrize(
    ("root", "inner", "expected"),
    [
        ({}, {TAGS.DateTimeOriginal: "2024:05:01 12:34:56"}, "2024-05-01T12:34:56"),
        ({}, {TAGS.DateTimeDigitized: "2024:05:01 12:34:56"}, "2024-05-01T12:34:56"),
        ({TAGS.DateTime: "2024:05:01 12:34:56"}, {}, "2024-05-01T12:34:56"),
        ({}, {TAGS.DateTimeOriginal: "0000:00:00 00:00:00", TAGS.DateTimeDigitized: "2024:05:01 12:34:56"}, None),
        ({}, {TAGS.DateTimeOriginal: "    :  :     :  :  "}, ""),
        ({}, {TAGS.DateTimeOriginal: "0001:01:01 00:00:00"}, ""),
        ({}, {TAGS.DateTimeOriginal: "1970:01:01 01:00:00"}, ""),
        ({}, {TAGS.DateTimeOriginal: "2024:02:30 12:34:56"}, ""),
        ({}, {TAGS.DateTimeOriginal: "yesterday"}, ""),
        ({}, {TAGS.DateTimeOriginal: 7}, ""),
        ({}, {TAGS.DateTimeOriginal: "2024-05-01T12:34:56+02:00"}, None),
        ({}, {TAGS.DateTimeOriginal: "2024:05:01 12:34:56\0rubbish"}, None),
        ({}, {TAGS.DateTimeOriginal: "2024:05:01 12:34:56", TAGS.SubsecTimeOriginal: "  "}, None),
        ({}, {TAGS.DateTimeOriginal: "2024:05:01 12:34:56", TAGS.SubsecTimeOriginal: "x"}, None),
        ({}, {TAGS.DateTimeOriginal: "2024:05:01 12:34:56", TAGS.SubsecTimeDigitized: "5"}, None),
        ({}, {TAGS.DateTimeOriginal: "2024:05:01 12:34:56", TAGS.SubsecTimeOriginal: "5"}, "2024-05-01T12:34:56.500"),
        ({}, {TAGS.DateTimeOriginal: "2024:05:01 12:34:56", SUBSEC: "1234"}, "2024-05-01T12:34:56.123"),
    ],
)  # fmt: skip
def test_the_time_is_the_best_that_makes_sense(
    root: dict[int, object], inner: dict[int, object], expected: str | None
) -> None:
    """None stands for 2024-05-01T12:34:56, "" for no time."""
    assert tell(root, inner).captured_at == ("2024-05-01T12:34:56" if expected is None else expected or None)


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Canon", "Canon EOS R5", "Canon EOS R5"),
        ("NIKON CORPORATION", "NIKON D850", "NIKON D850"),
        ("SONY", "ILCE-7M3", "SONY ILCE-7M3"),
        ("Apple", "iPhone 15 Pro", "Apple iPhone 15 Pro"),
        ("OLYMPUS IMAGING CORP.  ", "E-M10", "OLYMPUS E-M10"),
        ("EASTMAN KODAK COMPANY", "KODAK DX4530", "KODAK DX4530"),
        ("FUJI PHOTO FILM CO., LTD.", "FinePix S5", "FUJI FinePix S5"),
        ("samsung", "", "samsung"),
        ("", "Pixel\0\0\0", "Pixel"),
        ("  ", " \t", None),
        ("Canon\x01", "\x02\x03", None),
    ],
)
def test_a_camera_has_a_tidy_name(make: str, model: str, camera: str | None) -> None:
    assert tell({TAGS.Make: make, TAGS.Model: model}).camera == camera


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_block_costs_nothing_but_itself(data: st.DataObject) -> None:
    block = bytearray(camera_exif().tobytes())
    for _ in range(data.draw(st.integers(1, 8))):
        block[data.draw(st.integers(6, len(block) - 1))] = data.draw(st.integers(0, 255))
    stream = BytesIO()
    quarters().save(stream, "JPEG", exif=bytes(block[: data.draw(st.integers(6, len(block)))]))
    with Image.open(stream) as image:
        assert isinstance(read_metadata(image), Metadata)
