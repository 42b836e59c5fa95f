"""Files that other programs made (samples/README.md): upright, in the right colours, whatever is in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from clipsearch.files.decode import Decoded, decode
from clipsearch.files.metadata import Metadata
from tests.pictures import QUARTERS

FOLDER = Path(__file__).parent / "samples"
SAMPLES = sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".md")

# Levels of 255 by which a corner may differ, and the whole picture on average.
CLOSE = (24, 4.0)
TOLERANCES = {
    "avif-hlg.avif": (32, 8.0),  # bright light is rolled off
    "avif-pq.avif": (32, 8.0),
    "jpeg-cmyk-profile.jpg": (64, 15.0),  # the profile mixes inks as light does, ImageMagick by plain sums
    "tiff-cmyk-profile.tif": (64, 15.0),
    "raw.dng": (24, 14.0),  # developed at half size, its brightness found by LibRaw
    "raw-orientation-6.dng": (24, 14.0),
}
EXTRAS = {".jxl": "pillow_jxl", ".dng": "rawpy"}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_of_another_program_is_upright_and_in_its_colours(name: str) -> None:
    decoded = read(name)
    assert decoded.width * 3 == decoded.height * 4
    corner, whole = TOLERANCES.get(name, CLOSE)
    assert corners_differ(decoded.image) <= corner
    assert np.abs(thumbnail(decoded.image) - thumbnail(read("png.png").image)).mean() <= whole


@pytest.mark.parametrize(
    "name",
    [f"jpeg-orientation-{orientation}.jpg" for orientation in range(1, 9)]
    + ["jxl-from-jpeg.jxl", "png-orientation-6.png", "webp-orientation-6.webp", "tiff-orientation-7.tif"]
    + ["heic-irot-wins.heic", "avif.avif"],
)
def test_a_file_of_another_program_tells_when_it_was_taken(name: str) -> None:
    metadata = read(name).metadata
    assert metadata.captured_at in {"2024-05-01T12:34:56", "2024-05-01T12:34:56.120"}
    assert metadata.camera in {None, "Canon EOS R5", "Apple iPhone 15"}


def test_a_negative_tells_its_camera() -> None:
    assert read("raw.dng").metadata == Metadata(None, "Test Camera")


def read(name: str) -> Decoded:
    if extra := EXTRAS.get(Path(name).suffix):
        pytest.importorskip(extra)
    return decode(FOLDER / name, 32)


def corners_differ(image: Image.Image) -> int:
    """Return by how many levels the worst of the four marks differs from its colour."""
    pixels = np.asarray(image, np.int16)
    inset = len(pixels) // 12
    places = {0: inset, 1: -1 - inset}
    return max(int(np.abs(pixels[places[row], places[column]] - rgb).max()) for (column, row), rgb in QUARTERS.items())


def thumbnail(image: Image.Image) -> npt.NDArray[np.float32]:
    return np.asarray(image.resize((32, 24), Image.Resampling.BOX), np.float32)
