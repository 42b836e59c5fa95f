"""Colours as a picture's own profile means them -> sRGB, which is what models and screens expect."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from itertools import product
from typing import TYPE_CHECKING

from PIL import Image, ImageChops

if TYPE_CHECKING:
    from PIL import ImageCms

#: colour space in a profile's header (ICC.1, 7.2.6) -> Pillow's mode, and the modes of pictures that it may describe
_SPACES = {
    b"RGB ": ("RGB", {"RGB", "RGBA", "RGBX", "P", "PA", "L", "LA", "1"}),
    b"GRAY": ("L", {"L", "LA", "1"}),
    b"CMYK": ("CMYK", {"CMYK"}),
}
_SAME = 3  # levels of 255: a profile that moves no colour further is sRGB, whatever it is called

_PROBE = Image.frombytes("RGB", (36, 6), bytes(level for rgb in product(range(0, 256, 51), repeat=3) for level in rgb))


def to_srgb(image: Image.Image) -> Image.Image:
    """Return the picture, 8 bits a channel, in sRGB: RGB or RGBA if its profile says anything else than sRGB.

    A picture without a profile comes back as it is, and so does one with a broken profile or one for another kind
    of picture.
    """
    profile = image.info.get("icc_profile")
    space = _SPACES.get(profile[16:20]) if isinstance(profile, bytes) else None
    if space is None or image.mode not in space[1]:
        return image
    transform = _transform(profile, space[0])
    return image if transform is None else _transformed(image, space[0], transform)


def _transformed(image: Image.Image, mode: str, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    if not image.has_transparency_data:
        return transform.apply(image.convert(mode))
    image = image.convert("RGBA")
    result = transform.apply(image.convert(mode))
    result.putalpha(image.getchannel("A"))
    return result


@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return what takes `mode` to sRGB, None where that changes nothing or the profile is broken."""
    from PIL import ImageCms

    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return None if _is_srgb(transform, mode) else transform
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _is_srgb(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    before = _PROBE.convert(mode)
    moved = ImageChops.difference(before.convert("RGB"), transform.apply(before))
    return moved.point(lambda levels: max(0, levels - _SAME)).getbbox() is None
