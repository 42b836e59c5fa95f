from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from clipsearch.files.formats.code_points import find_code_points, profile_of
from clipsearch.files.formats.colour import to_srgb


def shown(level: int, primaries: int, transfer: int) -> int:
    """Return the sRGB level that a grey of these code points is shown at."""
    grey = Image.new("RGB", (4, 4), (level,) * 3)
    grey.info["icc_profile"] = profile_of(primaries, transfer)
    red, green, blue = to_srgb(grey).getpixel((0, 0))
    assert max(red, green, blue) - min(red, green, blue) <= 2
    return green


@pytest.mark.parametrize(("primaries", "transfer"), [(1, 13), (1, 1), (2, 2), (1, 6), (99, 13)])
def test_srgb_and_the_unknown_need_no_profile(primaries: int, transfer: int) -> None:
    assert profile_of(primaries, transfer) is None


@pytest.mark.parametrize("primaries", [9, 12])
def test_greys_stay_as_they_are_in_wide_spaces(primaries: int) -> None:
    assert [shown(level, primaries, 13) for level in (0, 60, 128, 255)] == pytest.approx([0, 60, 128, 255], abs=2)


@pytest.mark.parametrize(("transfer", "white"), [(16, 0.58), (18, 0.75)])  # levels of 203 nits in BT.2408
def test_hdr_shows_paper_white_as_nearly_white_and_greys_as_they_are(transfer: int, white: float) -> None:
    levels = [shown(level, 9, transfer) for level in range(0, 256, 5)]
    assert levels == sorted(levels)
    assert 230 <= shown(round(255 * white), 9, transfer) <= 245
    assert levels[-1] >= 253


def test_pq_of_half_the_paper_s_light_is_shown_as_half_the_light() -> None:
    assert shown(round(255 * 0.5081), 9, 16) == pytest.approx(188, abs=8)  # 100 nits


def test_a_linear_picture_gets_its_curve() -> None:
    assert shown(55, 1, 8) == pytest.approx(128, abs=3)


@pytest.mark.parametrize(
    ("data", "points"),
    [
        (bytes(40) + b"colrnclx\0\x0c\0\x0d\0\x06\x80", (12, 13)),
        (b"colrnclx\0\x09\0\x10...colrnclx\0\x01\0\x0d", (9, 16)),
        (b"colrprof....", None),
        (b"colrnclx\0", None),
        (b"", None),
    ],
)
def test_code_points_are_found_in_their_box(data: bytes, points: tuple[int, int] | None) -> None:
    assert find_code_points(BytesIO(data)) == points
