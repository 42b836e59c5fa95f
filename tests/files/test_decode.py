from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import Decoded, decode
from tests.files.deep import deep_png, deep_tiff
from tests.pictures import QUARTERS, black_png, jpeg, quarters, truncated_jpeg

# What the camera did to the picture before it wrote this EXIF orientation.
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def assert_upright(decoded: Decoded, tolerance: int = 12) -> None:
    pixels = np.asarray(decoded.image, np.int16)
    height, width = pixels.shape[:2]
    for (column, row), colour in QUARTERS.items():
        middle = pixels[height * (2 * row + 1) // 4, width * (2 * column + 1) // 4]
        assert np.abs(middle - colour).max() <= tolerance, (column, row, middle)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def reason(path: Path, **options: float) -> str:
    with pytest.raises(UnreadablePhotoError) as caught:
        decode(path, 32, **options)
    return caught.value.message


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("size", [(64, 48), (640, 480)], ids=["whole", "reduced"])
def test_a_picture_comes_upright(tmp_path: Path, orientation: int, suffix: str, size: tuple[int, int]) -> None:
    turn, exif = TURNS[orientation], Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image = quarters(size) if turn is None else quarters(size).transpose(turn)
    decoded = decode(save(tmp_path / f"a.{suffix}", image, exif=exif), 32)
    assert (decoded.width, decoded.height) == size
    assert decoded.image.width > decoded.image.height
    assert_upright(decoded, tolerance=24)


def test_a_nearly_square_picture_keeps_its_sides(tmp_path: Path) -> None:
    decoded = decode(save(tmp_path / "a.png", quarters((262, 260))), 32)
    assert (decoded.width, decoded.height) == (262, 260)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp", "tif", "avif"])
def test_every_format_of_the_scan_is_read(tmp_path: Path, suffix: str) -> None:
    decoded = decode(save(tmp_path / f"a.{suffix}", quarters()), 32)
    assert decoded.format
    assert decoded.image.mode == "RGB"
    assert_upright(decoded, tolerance=40)


def test_a_palette_keeps_its_colours(tmp_path: Path) -> None:
    assert_upright(decode(save(tmp_path / "a.png", quarters((640, 480)).quantize(16)), 32))


def test_cmyk_keeps_its_colours(tmp_path: Path) -> None:
    assert_upright(decode(save(tmp_path / "a.jpg", quarters().convert("CMYK")), 32), tolerance=24)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("side", [40, 400])
def test_sixteen_bits_become_eight(tmp_path: Path, suffix: str, side: int) -> None:
    grey = np.linspace(0, 65535, side, dtype=np.uint16)
    path = save(tmp_path / f"a.{suffix}", Image.fromarray(np.tile(grey, (side, 1))))
    row = np.asarray(decode(path, 32).image)[0, :, 0].astype(float)
    assert np.abs(row - np.linspace(0, 255, len(row))).max() < 3


def sixteen_bits(size: tuple[int, int]) -> np.ndarray:
    return np.asarray(quarters(size), np.uint16) * 257


@pytest.mark.parametrize("size", [(64, 48), (640, 480)], ids=["whole", "reduced"])
@pytest.mark.parametrize("order", "<>")
def test_a_colour_tiff_of_sixteen_bits_keeps_its_colours(tmp_path: Path, size: tuple[int, int], order: str) -> None:
    (tmp_path / "a.tif").write_bytes(deep_tiff(sixteen_bits(size), order))
    assert_upright(decode(tmp_path / "a.tif", 32))


@pytest.mark.parametrize("size", [(64, 48), (640, 480)], ids=["whole", "reduced"])
def test_a_colour_png_of_sixteen_bits_keeps_its_colours(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "a.png").write_bytes(deep_png(sixteen_bits(size)))
    assert_upright(decode(tmp_path / "a.png", 32))


def test_sixteen_bits_of_transparency_are_laid_on_white(tmp_path: Path) -> None:
    clear = np.zeros((48, 64, 1), np.uint16)
    (tmp_path / "a.png").write_bytes(deep_png(np.concatenate([sixteen_bits((64, 48)), clear], axis=2)))
    assert decode(tmp_path / "a.png", 32).image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("photometric", [0, 1], ids=["white is zero", "black is zero"])
def test_a_scanned_page_keeps_black_and_white(tmp_path: Path, photometric: int) -> None:
    page = Image.new("1", (64, 64), 255)
    page.paste(0, (0, 0, 32, 64))
    path = save(tmp_path / "a.tif", page, compression="group4", tiffinfo={262: photometric})
    decoded = decode(path, 32).image
    assert (decoded.getpixel((5, 5)), decoded.getpixel((60, 5))) == ((0, 0, 0), (255, 255, 255))


def test_one_bit_and_grey_become_rgb(tmp_path: Path) -> None:
    for mode in ("1", "L"):
        decoded = decode(save(tmp_path / f"{mode}.png", Image.new(mode, (40, 40), 255)), 32)
        assert decoded.image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("side", [40, 400])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(tmp_path: Path, mode: str, side: int) -> None:
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, side // 2, side))
    decoded = decode(save(tmp_path / "a.png", image.convert(mode)), 32).image
    assert decoded.getpixel((2, 2)) == (0, 0, 0)
    assert decoded.getpixel((decoded.width - 2, 2)) == (255, 255, 255)


@pytest.mark.parametrize("transparency", [1, bytes([255, 0])])
def test_a_transparent_palette_is_laid_on_white(tmp_path: Path, transparency: int | bytes) -> None:
    image = Image.new("P", (40, 40), 1)
    image.putpalette([255, 0, 0, 0, 0, 0])
    decoded = decode(save(tmp_path / "a.png", image, transparency=transparency), 32)
    assert decoded.image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "avif", "tif"])
def test_the_first_picture_of_an_animation_or_document_counts(tmp_path: Path, suffix: str) -> None:
    others = [Image.new("RGB", (64, 48), colour) for colour in ("blue", "black")]
    path = save(tmp_path / f"a.{suffix}", quarters(), save_all=True, append_images=others)
    with Image.open(path) as image:
        assert image.n_frames == 3
    assert_upright(decode(path, 32), tolerance=40)


def test_pages_of_unlike_size_are_no_obstacle(tmp_path: Path) -> None:
    others = [Image.new("L", (30, 900)), Image.new("1", (5, 5))]
    path = save(tmp_path / "a.tif", quarters(), save_all=True, append_images=others)
    assert_upright(decode(path, 32))


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@given(width=st.integers(1, 400), height=st.integers(1, 400), min_side=st.integers(1, 120))
@settings(max_examples=25, deadline=None)
def test_reducing_keeps_the_shorter_side(suffix: str, width: int, height: int, min_side: int) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as scratch:
        decoded = decode(save(Path(scratch, f"a.{suffix}"), quarters((width, height))), min_side)
    assert (decoded.width, decoded.height) == (width, height)
    assert min(decoded.image.size) >= min(min_side, width, height)


def test_a_damaged_exif_block_does_not_cost_the_picture(tmp_path: Path) -> None:
    decoded = decode(save(tmp_path / "a.jpg", quarters(), exif=b"Exif\0\0rubbish, no TIFF header"), 32)
    assert_upright(decoded)


def test_bad_files_are_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"")
    assert reason(path) == "The file is empty."
    path.write_bytes(truncated_jpeg())
    assert reason(path) == "The file is cut short: a part of the picture is missing."
    path.write_text("Dear diary")
    assert reason(path) == "This is not a picture, or of a kind that this program cannot read."
    path.write_bytes(black_png(30_000, 30_000))
    assert "30000 x 30000" in reason(path)


def test_the_limit_on_pixels_can_be_set(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", quarters((100, 100)))
    assert decode(path, 32, max_megapixels=0.01).width == 100
    assert "0.009 megapixels" in reason(path, max_megapixels=0.009)


def test_only_what_may_pass_is_temporary(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePhotoError) as missing:
        decode(tmp_path / "missing.jpg", 32)
    (tmp_path / "bad.jpg").write_text("no picture")
    with pytest.raises(UnreadablePhotoError) as damaged:
        decode(tmp_path / "bad.jpg", 32)
    assert missing.value.temporary
    assert not damaged.value.temporary


def test_too_little_memory_is_the_readers_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: Image.Image) -> None:
        raise MemoryError

    path = save(tmp_path / "a.png", quarters((100, 100)))
    with pytest.raises(UnreadablePhotoError) as damaged:
        decode(tmp_path / "nothing.jpg", 32)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(UnreadablePhotoError) as short:
        decode(path, 32)
    assert (short.value.by_reader, damaged.value.by_reader) == (True, False)
    assert "more memory" in short.value.message


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_whatever_the_bytes_only_one_error_comes_out(data: st.DataObject) -> None:
    from tempfile import TemporaryDirectory

    good = bytearray(data.draw(st.sampled_from([jpeg(), png(), tiff()])))
    for _ in range(data.draw(st.integers(1, 6))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as scratch:
        path = Path(scratch, "a.jpg")
        path.write_bytes(bytes(good[: data.draw(st.integers(0, len(good)))]))
        try:
            assert decode(path, 32, max_megapixels=1).image.mode == "RGB"
        except UnreadablePhotoError as error:
            assert error.message


def png() -> bytes:
    stream = BytesIO()
    quarters().quantize(8).save(stream, "PNG")
    return stream.getvalue()


def tiff() -> bytes:
    stream = BytesIO()
    quarters().save(stream, "TIFF", compression="tiff_lzw")
    return stream.getvalue()


def test_postscript_under_a_picture_s_name_is_never_run(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n{ } loop\nshowpage\n%%EOF\n")
    with pytest.raises(UnreadablePhotoError, match="not a picture"):
        decode(path, 32)
