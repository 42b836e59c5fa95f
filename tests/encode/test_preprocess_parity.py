"""The model's input against Hugging Face's image processors and CLIP's released code, on real photos of every kind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from clipsearch.encode.preprocess import Preprocess, normalise, to_square
from clipsearch.files.decode import decode
from clipsearch.paths import resource_path

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
PHOTOS = sorted(resource_path("demo").glob("*.jpg"))
#: sizes of which some round differently by the two rules
SIZES = [
    (499, 333),
    (333, 499),
    (227, 301),
    (224, 227),
    (227, 224),
    (641, 223),
    (225, 1301),
    (100, 75),
    (33, 97),
    (224, 224),
]


def clip(size: int = 224) -> Preprocess:
    return Preprocess(1, size, "shortest", "bicubic", CLIP_MEAN, CLIP_STD)


def processor(family: str, **values: Any) -> Any:
    """Hugging Face's processor that works with Pillow; before version 5 that was the only one of this name."""
    import transformers

    name = f"{family}ImageProcessor"
    return getattr(transformers, f"{name}Pil", None) or getattr(transformers, name)


def theirs(family: str, image: Image.Image, **values: Any) -> npt.NDArray[np.float32]:
    pixels: npt.NDArray[np.float32] = processor(family)(**values)(images=image, return_tensors="np")["pixel_values"]
    return pixels


def photo(number: int, size: tuple[int, int]) -> Image.Image:
    return Image.open(PHOTOS[number % len(PHOTOS)]).convert("RGB").resize(size, Image.Resampling.LANCZOS)


def as_mode(image: Image.Image, mode: str) -> Image.Image:
    """The photo as a file might hold it: with a palette of 64 colours, half transparent, or grey."""
    if mode == "P":
        return image.quantize(64)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA", "L", "1"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_clip_s_input_is_the_published_one(tmp_path: Path, size: tuple[int, int], mode: str) -> None:
    number = SIZES.index(size)
    as_mode(photo(number, size), mode).save(tmp_path / "photo.png")
    image = decode(tmp_path / "photo.png", 224).image
    ours = normalise(to_square(image, clip())[None], clip())
    resized = theirs("CLIP", image, do_center_crop=False)
    assert np.allclose(ours, torchvision_crop(resized, 224), atol=1e-5)
    if not rules_differ(resized.shape, 224):
        assert np.allclose(ours, theirs("CLIP", image), atol=1e-5)


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_every_bundled_photo_gives_the_published_input(path: Path) -> None:
    image = decode(path, 224).image
    ours = normalise(to_square(image, clip())[None], clip())
    resized = theirs("CLIP", image, do_center_crop=False)
    assert np.allclose(ours, torchvision_crop(resized, 224), atol=1e-5)


def test_where_the_rules_differ_ours_is_one_pixel_further() -> None:
    """A rest of 3 pixels: torchvision, and so OpenAI, takes off 2 and 1 (1.5 to even), Hugging Face 1 and 2."""
    image = photo(0, (227, 224))
    assert rules_differ((1, 3, 224, 227), 224)
    ours = normalise(to_square(image, clip())[None], clip())
    assert np.allclose(ours[..., :-1], theirs("CLIP", image)[..., 1:], atol=1e-5)
    assert not np.allclose(ours, theirs("CLIP", image), atol=1e-2)


@pytest.mark.parametrize("size", [336, 288])
def test_larger_inputs_are_the_published_ones_too(size: int) -> None:
    image = photo(3, (501, 377))
    values = {"size": {"shortest_edge": size}, "do_center_crop": False}
    ours = normalise(to_square(image, clip(size))[None], clip(size))
    assert np.allclose(ours, torchvision_crop(theirs("CLIP", image, **values), size), atol=1e-5)


@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA", "L"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_siglip_s_input_is_the_published_one(tmp_path: Path, size: tuple[int, int], mode: str) -> None:
    spec = Preprocess(1, 256, "squash", "bicubic", (0.5,) * 3, (0.5,) * 3)
    as_mode(photo(SIZES.index(size), size), mode).save(tmp_path / "photo.png")
    image = decode(tmp_path / "photo.png", 256).image
    ours = normalise(to_square(image, spec)[None], spec)
    assert np.allclose(ours, theirs("Siglip", image, size={"height": 256, "width": 256}), atol=1e-5)


def test_a_palette_becomes_colours_before_resizing(tmp_path: Path) -> None:
    """OpenAI's code resizes the palette picture itself, for which Pillow can only pick the nearest pixel."""
    palette = photo(0, (499, 333)).quantize(64)
    palette.save(tmp_path / "photo.png")
    ours = to_square(decode(tmp_path / "photo.png", 224).image, clip())
    colours_first = torchvision_crop(
        np.asarray(palette.convert("RGB").resize((335, 224), 3)).transpose(2, 0, 1)[None], 224
    )
    resized_first = torchvision_crop(
        np.asarray(palette.resize((335, 224), 3).convert("RGB")).transpose(2, 0, 1)[None], 224
    )
    assert np.array_equal(ours.transpose(2, 0, 1), colours_first[0])
    assert np.abs(ours.transpose(2, 0, 1).astype(int) - resized_first[0]).mean() > 1


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 100_000), (3, 40_000)])
@pytest.mark.parametrize("resize", ["shortest", "squash", "pad"])
def test_a_thin_picture_is_not_blown_up(size: tuple[int, int], resize: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    resized = Image.Image.resize

    def watched(image: Image.Image, to: tuple[int, int], *options: Any) -> Image.Image:
        made.append(to[0] * to[1])
        return resized(image, to, *options)

    monkeypatch.setattr(Image.Image, "resize", watched)
    square = to_square(Image.new("RGB", size, (9, 99, 200)), Preprocess(1, 224, resize, "bicubic", CLIP_MEAN, CLIP_STD))
    assert square.shape == (224, 224, 3)
    assert sum(made) <= 6 * 224 * 224
    assert (square == (9, 99, 200)).all(axis=2).any()


@pytest.mark.parametrize("size", [(1400, 200), (200, 1403), (90, 631), (631, 90)])
def test_of_a_thin_picture_the_same_middle_is_seen(size: tuple[int, int]) -> None:
    """Beyond six to one only the middle is resized: the same but for the order in which Pillow rounds the two axes."""
    image = photo(5, size)
    resized = theirs("CLIP", image, do_center_crop=False)
    ours = normalise(to_square(image, clip())[None], clip())
    assert max(resized.shape) > 6 * 224
    assert np.abs(ours - torchvision_crop(resized, 224)).mean() < 0.5 / 255 / min(CLIP_STD)


def torchvision_crop(pixels: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    """Cut the middle out of [n, 3, h, w] as torchvision's CenterCrop does: offsets rounded half to even."""
    top, left = (int(round((side - size) / 2.0)) for side in pixels.shape[2:])  # noqa: RUF046 - as it is written there
    return pixels[..., top : top + size, left : left + size]


def rules_differ(shape: tuple[int, ...], size: int) -> bool:
    return any(round((side - size) / 2.0) != (side - size) // 2 for side in shape[2:])
