from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image

from clipsearch.errors import UnreadablePhotoError
from clipsearch.files.decode import decode
from clipsearch.files.formats import jpeg_xl
from clipsearch.files.formats import registry as formats
from tests.files.test_decode import TURNS, assert_upright
from tests.pictures import jpeg, quarters


def heic(path: Path, image: Image.Image, **options: object) -> Path:
    pillow_heif.from_pillow(image).save(path, format="HEIF", quality=90, **options)
    return path


@pytest.mark.parametrize("size", [(64, 48), (640, 480)], ids=["whole", "reduced"])
@pytest.mark.parametrize("orientation", TURNS)
def test_a_heic_that_its_writer_turned_is_not_turned_twice(
    tmp_path: Path, orientation: int, size: tuple[int, int]
) -> None:
    turn, exif = TURNS[orientation], Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image = quarters(size) if turn is None else quarters(size).transpose(turn)
    decoded = decode(heic(tmp_path / "a.heic", image, exif=exif.tobytes()), 32)
    assert (decoded.format, decoded.width, decoded.height) == ("HEIF", *size)
    assert decoded.image.width > decoded.image.height
    assert_upright(decoded, tolerance=40)


def test_a_heic_under_a_jpeg_s_name_is_read(tmp_path: Path) -> None:
    assert_upright(decode(heic(tmp_path / "a.jpg", quarters()), 32), tolerance=40)


def test_the_main_picture_of_a_heic_counts(tmp_path: Path) -> None:
    container = pillow_heif.HeifFile()
    for colour in ("red", "blue", "lime"):
        container.add_from_pillow(Image.new("RGB", (64, 64), colour))
    container.save(tmp_path / "a.heic", format="HEIF", primary_index=1)
    assert decode(tmp_path / "a.heic", 32).image.getpixel((5, 5))[2] > 200


def test_a_deep_heic_comes_with_eight_bits(tmp_path: Path) -> None:
    deep = np.asarray(quarters(), np.uint16) * 257
    pillow_heif.encode("RGB;16", (64, 48), deep.tobytes(), tmp_path / "a.heic", format="HEIF", quality=90)
    assert_upright(decode(tmp_path / "a.heic", 32), tolerance=40)


@pytest.mark.parametrize("cut", [12, 40, 400, -200])
def test_a_damaged_heic_is_told_in_words(tmp_path: Path, cut: int) -> None:
    path = heic(tmp_path / "a.heic", quarters((640, 480)))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(UnreadablePhotoError):
        decode(path, 32)


def test_the_limit_on_pixels_holds_for_a_heic(tmp_path: Path) -> None:
    with pytest.raises(UnreadablePhotoError, match="very large"):
        decode(heic(tmp_path / "a.heic", quarters()), 32, max_megapixels=0.001)


@pytest.mark.parametrize("container", [False, True])
@pytest.mark.parametrize("size", [(64, 48), (640, 480)], ids=["whole", "reduced"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_jpeg_xl_is_read(tmp_path: Path, mode: str, size: tuple[int, int], container: bool) -> None:
    pytest.importorskip("pillow_jxl")
    quarters(size).convert(mode).save(tmp_path / "a.jxl", use_container=container)
    decoded = decode(tmp_path / "a.jxl", 32)
    assert (decoded.format, decoded.width, decoded.height) == ("JXL", *size)
    assert_upright(decoded, tolerance=24)


def test_a_jpeg_within_jpeg_xl_is_turned_by_its_exif(tmp_path: Path) -> None:
    pytest.importorskip("pillow_jxl")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    quarters().transpose(TURNS[6]).save(tmp_path / "a.jpg", exif=exif)
    with Image.open(tmp_path / "a.jpg") as image:
        image.save(tmp_path / "a.jxl", lossless_jpeg=True)
    assert_upright(decode(tmp_path / "a.jxl", 32), tolerance=24)


def test_jpeg_xl_is_turned_by_its_decoder_alone(tmp_path: Path) -> None:
    pytest.importorskip("pillow_jxl")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # JPEG XL keeps it for editors; what counts stands in the picture's own header
    quarters().save(tmp_path / "a.jxl", exif=exif.tobytes(), use_container=True)
    assert_upright(decode(tmp_path / "a.jxl", 32), tolerance=24)


@pytest.mark.parametrize("size", [(1, 1), (300, 7), (8, 1000), (1280, 720), (513, 4097)])
@pytest.mark.parametrize("container", [False, True])
def test_the_size_of_jpeg_xl_is_known_before_it_is_decoded(size: tuple[int, int], container: bool) -> None:
    pytest.importorskip("pillow_jxl")
    stream = BytesIO()
    Image.new("RGB", size).save(stream, "JXL", use_container=container)
    stream.seek(0)
    assert jpeg_xl.size(stream) == size


def test_the_limit_on_pixels_holds_for_jpeg_xl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = pytest.importorskip("pillow_jxl.JpegXLImagePlugin")
    quarters((640, 480)).save(tmp_path / "a.jxl")
    monkeypatch.setattr(plugin, "Decoder", None)
    with pytest.raises(UnreadablePhotoError, match="very large"):
        decode(tmp_path / "a.jxl", 32, max_megapixels=0.1)


@pytest.mark.parametrize("cut", [2, 12, 30, 100])
def test_a_damaged_jpeg_xl_is_told_in_words(tmp_path: Path, cut: int) -> None:
    pytest.importorskip("pillow_jxl")
    quarters().save(tmp_path / "a.jxl", use_container=True)
    (tmp_path / "a.jxl").write_bytes((tmp_path / "a.jxl").read_bytes()[:cut])
    with pytest.raises(UnreadablePhotoError):
        decode(tmp_path / "a.jxl", 32)


def test_a_missing_extra_is_named_and_the_file_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    formats._register_jpeg_xl.cache_clear()
    monkeypatch.setitem(sys.modules, "pillow_jxl", None)
    (tmp_path / "a.jxl").write_bytes(jpeg_xl.STREAM + bytes(20))
    with pytest.raises(UnreadablePhotoError, match=r'pip install "clipsearch\[jxl\]"') as caught:
        decode(tmp_path / "a.jxl", 32)
    assert caught.value.temporary


def test_a_plugin_is_loaded_only_when_a_file_asks_for_it(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    program = (
        "import sys; from pathlib import Path; from clipsearch.files.decode import decode;"
        f"decode(Path({str(tmp_path / 'a.jpg')!r}), 32); assert 'pi_heif' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
