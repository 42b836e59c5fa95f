from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipsearch.files.decode import decode
from tests.pictures import black_png, jpeg, paint, truncated_jpeg
from training.data import pictures
from training.data.pairs import BadPairError, Pair
from training.data.pictures import picture_of

SAMPLES = Path(__file__).parents[2] / "files" / "samples"
KINDS = [
    "png-alpha.png",
    "jpeg-cmyk.jpg",
    "jpeg-cmyk-profile.jpg",
    "png-16bit.png",
    "tiff-16bit.tif",
    "png-palette.png",
]
KINDS += ["tiff-cmyk.tif", "png-16bit-alpha.png", "gif-animated.gif", "jpeg-orientation-6.jpg", "webp-lossy.webp"]
KINDS += ["heic-thumbnail.heic", "heic-nclx-p3.heic", "avif-nclx-p3.avif", "jxl-orientation-6.jxl"]


@pytest.fixture(params=[True, False], ids=["memory", "disk"])
def in_memory(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold the bytes of pictures in files in memory, where there are such, or on disk."""
    if request.param and not pictures.HAS_MEMORY_FILES:
        pytest.skip("There are no files in memory here.")
    monkeypatch.setattr(pictures, "HAS_MEMORY_FILES", request.param)


@pytest.mark.usefixtures("in_memory")
@pytest.mark.parametrize("name", KINDS)
def test_bytes_and_files_are_what_the_program_sees(name: str) -> None:
    path = SAMPLES / name
    expected = decode(path, 32).image
    for picture in (path, path.read_bytes()):
        image = picture_of(Pair(picture, "a text", "key"), 32)
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), np.asarray(expected))


def test_a_picture_that_is_one_already_stays_as_it_is() -> None:
    image = Image.new("RGB", (3, 3))
    assert picture_of(Pair(image, "", ""), 32) is image


def test_large_jpegs_are_reduced_while_they_are_decoded(tmp_path: Path) -> None:
    path = paint(tmp_path / "large.jpg", size=(1600, 800))
    assert picture_of(Pair(path, "", ""), 100).size == (200, 100)


def bad(folder: Path) -> dict[str, tuple[Path | bytes, str]]:
    """Return pictures that cannot be used, and what is said of them."""
    (folder / "directory.jpg").mkdir()
    return {
        "missing": (folder / "none.jpg", "no longer there"),
        "directory": (folder / "directory.jpg", "directory.jpg|cannot be read"),
        "empty": (b"", "empty"),
        "rubbish": (b"\x00\x01 this is no picture" * 50, "not a picture"),
        "truncated": (truncated_jpeg(), "cut short"),
        "header only": (jpeg()[:20], "damaged|not a picture|cut short"),
        "huge": (black_png(11_000, 10_000), "very large .11000 x 10000 pixels.; the limit is 100"),
    }


@pytest.mark.usefixtures("in_memory")
@pytest.mark.parametrize("kind", ["missing", "directory", "empty", "rubbish", "truncated", "header only", "huge"])
def test_what_is_wrong_with_a_picture_is_told_with_its_name(kind: str, tmp_path: Path) -> None:
    picture, told = bad(tmp_path)[kind]
    with pytest.raises(BadPairError, match=f"^the key: .*({told})"):
        picture_of(Pair(picture, "a text", "the key"), 32)


@pytest.mark.skipif(not pictures.HAS_MEMORY_FILES, reason="There are no files in memory here.")
def test_bytes_leave_no_file_open_nor_touch_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/none")
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    for data in (jpeg(), truncated_jpeg(), b""):
        with suppress(BadPairError):
            picture_of(Pair(data, "a text", "the key"), 32)
    assert len(list(descriptors.iterdir())) == before
