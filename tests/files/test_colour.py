from __future__ import annotations

from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from clipsearch.files.decode import decode
from tests.files.profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    Primaries,
    exchanged_inks_profile,
    grey_profile,
    in_space,
    rgb_profile,
)
from tests.files.test_decode import assert_upright
from tests.pictures import quarters

BEST: dict[str, dict[str, object]] = {
    "jpg": {"quality": 95, "subsampling": 0},
    "webp": {"lossless": True},
    "avif": {"quality": 100, "subsampling": "4:4:4"},
    "png": {},
    "tif": {},
}


@pytest.mark.parametrize("size", [(64, 48), (640, 480)], ids=["whole", "reduced"])
@pytest.mark.parametrize("primaries", [DISPLAY_P3, ADOBE_RGB], ids=["Display P3", "Adobe RGB"])
@pytest.mark.parametrize("suffix", BEST)
def test_wide_colours_become_those_they_mean(
    tmp_path: Path, suffix: str, primaries: Primaries, size: tuple[int, int]
) -> None:
    path = tmp_path / f"a.{suffix}"
    in_space(primaries, size).save(path, icc_profile=rgb_profile(primaries), **BEST[suffix])
    assert_upright(decode(path, 32), tolerance=24)


def test_a_heic_of_display_p3_has_the_right_colours(tmp_path: Path) -> None:
    picture = pillow_heif.from_pillow(in_space(DISPLAY_P3))
    picture.info["icc_profile"] = rgb_profile(DISPLAY_P3)
    picture.save(tmp_path / "a.heic", format="HEIF", quality=95, chroma=444)
    assert_upright(decode(tmp_path / "a.heic", 32))


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_transparency_and_palettes_are_kept(tmp_path: Path, mode: str) -> None:
    image = in_space(DISPLAY_P3).convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    image = image.quantize(16) if mode == "P" else image
    image.save(tmp_path / "a.png", icc_profile=rgb_profile(DISPLAY_P3))
    decoded = decode(tmp_path / "a.png", 32)
    assert_upright(decoded)
    assert decoded.image.getpixel((0, 0)) == (255, 255, 255)


def test_greys_follow_their_curve(tmp_path: Path) -> None:
    Image.new("L", (40, 40), 128).save(tmp_path / "a.png", icc_profile=grey_profile(1.0))
    assert decode(tmp_path / "a.png", 32).image.getpixel((5, 5)) == pytest.approx((188,) * 3, abs=2)


def test_deep_greys_follow_their_curve(tmp_path: Path) -> None:
    deep = Image.fromarray(np.full((40, 40), 128 * 257, np.uint16))
    deep.save(tmp_path / "a.png", icc_profile=grey_profile(1.0))
    assert decode(tmp_path / "a.png", 32).image.getpixel((5, 5)) == pytest.approx((188,) * 3, abs=2)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_inks_print_as_their_profile_says(tmp_path: Path, suffix: str) -> None:
    cyan, magenta, yellow, black = quarters((320, 240)).convert("CMYK").split()
    inks = Image.merge("CMYK", (magenta, cyan, yellow, black))
    inks.save(tmp_path / f"a.{suffix}", icc_profile=exchanged_inks_profile(), **BEST[suffix])
    pixels = np.asarray(decode(tmp_path / f"a.{suffix}", 32).image, int)
    height, width = pixels.shape[:2]
    red, green, blue = pixels[height // 4, width // 4], pixels[height // 4, -5], pixels[-5, width // 4]
    assert [colour.argmax() for colour in (red, green, blue)] == [0, 1, 2]
    assert pixels[-5, -5].min() > 200


@pytest.mark.parametrize("profile", [b"rubbish", rgb_profile(DISPLAY_P3)[:200], exchanged_inks_profile(), bytes(200)])
def test_a_profile_that_is_broken_or_of_another_kind_is_ignored(tmp_path: Path, profile: bytes) -> None:
    quarters().save(tmp_path / "a.jpg", icc_profile=profile)
    assert_upright(decode(tmp_path / "a.jpg", 32))


def test_a_picture_in_srgb_is_left_alone_to_the_last_bit(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = Image.merge("RGB", [Image.effect_noise((64, 64), 90) for _ in range(3)])
    noise.save(tmp_path / "a.png", icc_profile=profile)
    assert decode(tmp_path / "a.png", 32).image.tobytes() == noise.tobytes()
