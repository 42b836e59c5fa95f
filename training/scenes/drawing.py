"""Content -> picture: shapes drawn four times as large and reduced, at random places, sizes, angles and tones."""

from __future__ import annotations

from functools import cache
from math import cos, pi, radians, sin
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from training.scenes.content import Background, Content, Word
from training.scenes.parts import COLOURS, GROUNDS, Colour
from training.scenes.shapes import OUTLINES

Spot = tuple[float, float, float]  # centre and radius, in parts of the picture's side

_FINER = 4  # times as large a shape is drawn before it is reduced, so that its edges are smooth
_TILT_DEGREES = 12
_TONE = 20  # most that a channel differs from the colour's own
_NOISE = 16  # most that a pixel differs
_RADII = {"small": (0.17, 0.20), "medium": (0.25, 0.29), "large": (0.36, 0.42)}
#: Pillow's own, and files of matplotlib's
FACES = ("", "DejaVuSans.ttf", "DejaVuSerif.ttf", "DejaVuSansMono-Oblique.ttf", "STIXGeneralItalic.ttf")


def draw(content: Content, random: Random, size: int) -> Image.Image:
    """Draw a scene as RGB, size x size pixels."""
    image = Image.fromarray(_ground(content.background, random, size))
    if content.word:
        _write(image, content.word, random)
    tones = {thing: _varied(COLOURS[thing.colour], random) for thing in content.things}
    for thing, spot in reversed(list(zip(content.things, _spots(content, random), strict=True))):
        _place(image, thing.shape, tones[thing], spot, radians(random.uniform(-_TILT_DEGREES, _TILT_DEGREES)))
    return _noisy(image, random)


def _varied(colour: Colour, random: Random, most: int = _TONE) -> Colour:
    """Vary a colour a little."""
    red, green, blue = (min(255, max(0, value + random.randint(-most, most))) for value in colour)
    return red, green, blue


def _ground(background: Background, random: Random, size: int) -> npt.NDArray[np.uint8]:
    """Darken a colour by the texture's pattern: uint8 [size, size, 3]."""
    base = np.array(_varied(GROUNDS[background.colour], random, _TONE // 2), np.float32)
    strength = random.uniform(0.2, 0.35) if background.texture == "shaded" else random.uniform(0.12, 0.22)
    shade = 1 - strength * _pattern(background.texture, random, size)[..., None]
    mixed: npt.NDArray[np.uint8] = (base * shade).astype(np.uint8)
    return mixed


def _pattern(texture: str, random: Random, size: int) -> npt.NDArray[np.float32]:
    """How dark it is where: float32 [size, size] within 0..1."""
    if texture == "plain":
        return np.zeros((size, size), np.float32)
    along, across = _turned(random.uniform(0, 2 * pi), random.random(), random.random(), size)
    if texture == "shaded":
        return _within(0.5 + along / size)
    period = size * random.uniform(0.14, 0.24)
    one, other = _wave(along / period), _wave(across / period)
    if texture == "striped":
        return one
    if texture == "checked":
        return one + other - 2 * one * other  # where just one of them is
    dots = np.cos(2 * pi * along / period) + np.cos(2 * pi * across / period) - 0.7
    return _within(3 * dots)


def _turned(
    turn: float, right: float, down: float, size: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Place of each pixel along two axes at right angles, turned, in pixels from about the middle."""
    steps = np.arange(size, dtype=np.float32) - size / 2
    x, y = (steps + size * (right - 0.5) / 4)[None, :], (steps + size * (down - 0.5) / 4)[:, None]
    return x * np.float32(cos(turn)) + y * np.float32(sin(turn)), y * np.float32(cos(turn)) - x * np.float32(sin(turn))


def _wave(phase: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A square wave with soft edges, within 0..1."""
    return _within(np.sin(2 * pi * phase) * 3 + 0.5)


def _within(values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Hold values to 0..1."""
    held: npt.NDArray[np.float32] = np.clip(values, 0.0, 1.0, dtype=np.float32)
    return held


def _spots(content: Content, random: Random) -> list[Spot]:
    """Choose where things go, none over another unless it is inside."""
    if not content.things:
        return []
    if content.relation == "inside":
        return _nested(random)
    if content.relation:
        return _apart(random, above=content.relation == "above")
    if len(content.things) > 1:
        return _scattered(random, len(content.things))
    radius = random.uniform(*_RADII[content.things[0].size])
    room = min(0.08, 0.48 - radius)  # from the middle
    return [(0.5 + random.uniform(-room, room), 0.5 + random.uniform(-room, room), radius)]


def _nested(random: Random) -> list[Spot]:
    x, y = random.uniform(0.44, 0.56), random.uniform(0.44, 0.56)
    return [(x, y, random.uniform(0.13, 0.17)), (x, y, random.uniform(0.38, 0.43))]


def _apart(random: Random, above: bool) -> list[Spot]:
    """Two spots left and right of each other, or turned by a right angle."""
    level = random.uniform(0.25, 0.75)
    near, far = random.uniform(0.2, 0.3), random.uniform(0.7, 0.8)
    levels = [min(0.8, max(0.2, level + random.uniform(-0.1, 0.1))) for _ in range(2)]
    spots = [(near, levels[0], random.uniform(0.13, 0.19)), (far, levels[1], random.uniform(0.13, 0.19))]
    return [(y, x, radius) for x, y, radius in spots] if above else spots


def _scattered(random: Random, count: int) -> list[Spot]:
    """Spots in different ninths of the picture."""
    cells = random.sample(range(9), count)
    near = [(0.19 + 0.31 * (cell % 3), 0.19 + 0.31 * (cell // 3)) for cell in cells]
    return [
        (x + random.uniform(-0.03, 0.03), y + random.uniform(-0.03, 0.03), random.uniform(0.12, 0.145)) for x, y in near
    ]


def _place(image: Image.Image, shape: str, tone: Colour, spot: Spot, turn: float) -> None:
    """Paint a shape with smooth edges."""
    x, y, radius = (image.width * value for value in spot)
    left, top, side = int(x - 1.2 * radius), int(y - 1.2 * radius), int(2.4 * radius) + 2
    mask = Image.new("L", (side * _FINER, side * _FINER))
    pen = ImageDraw.Draw(mask)
    across, down = radius * _FINER * cos(turn), radius * _FINER * sin(turn)
    middle_x, middle_y = (x - left) * _FINER, (y - top) * _FINER
    for outline, filled in OUTLINES[shape]:
        corners = [(middle_x + u * across - v * down, middle_y + u * down + v * across) for u, v in outline]
        pen.polygon(corners, fill=255 if filled else 0)
    image.paste(tone, (left, top), mask.reduce(_FINER))


def _write(image: Image.Image, word: Word, random: Random) -> None:
    """Write a word in any font, small or capital letters, thin or bold, a little turned, over most of the width."""
    text = word.text.upper() if random.random() < 0.3 else word.text
    bold = random.choice((0, 0, image.width // 64))
    face = random.choice(FACES)
    font = _font(face, 12 * _FINER)
    width = random.uniform(0.6, 0.88) * image.width
    font = _font(face, max(6, round(12 * _FINER * width / font.getlength(text))))
    box = font.getbbox(text, stroke_width=bold)
    mask = Image.new("L", (round(box[2] - box[0]) + 2, round(box[3] - box[1]) + 2))
    ImageDraw.Draw(mask).text((1 - box[0], 1 - box[1]), text, fill=255, font=font, stroke_width=bold)
    mask = mask.rotate(random.uniform(-10, 10), Image.Resampling.BICUBIC, expand=True)
    room = (max(0, image.width - mask.width), max(0, image.height - mask.height))
    image.paste(_varied(COLOURS[word.colour], random), (random.randint(0, room[0]), random.randint(0, room[1])), mask)


@cache
def _font(face: str, size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(_folder_of_fonts() / face, size) if face else ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's own font, whenever a size is given
    return font


@cache
def _folder_of_fonts() -> Path:
    """Return where matplotlib, which draws the curves, keeps the fonts that it brings."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _noisy(image: Image.Image, random: Random) -> Image.Image:
    """Add noise to each pixel, more in some pictures than in others, and make all of it a little lighter or darker."""
    values = np.asarray(image, np.int16)
    noise = np.frombuffer(random.randbytes(values.size), np.int8).reshape(values.shape).astype(np.int16)
    noisy = values + noise * random.randint(2, _NOISE) // 128 + random.randint(-12, 12)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
