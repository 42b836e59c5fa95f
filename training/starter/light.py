# ruff: noqa: E501
"""Light and colour, which a classifier of objects is blind to: statistics of the pixels, and the words for them.

The picture is shrunk to 52 x 52. Each cell is shared out among sixteen colours (softmax of the negative squared distance in
RGB); the shares are averaged over the whole picture, its upper and lower half and its centre. Brightness, contrast, colourfulness
and detail follow. A *mood* (night, sunset, snow, red ...) is a weighted sum of these, standardised over ordinary photos.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from training.starter.graph import Graph

CELL, GRID = 5, 52  # 260 pixels a side = 52 cells of 5
SHARPNESS = 12.0  # of the colours' shares; colours lie in -1..1
COLOURS = {  # RGB in 0..255
    "black": (10, 10, 12), "dark": (45, 42, 42), "grey": (125, 125, 125), "silver": (190, 190, 190), "white": (248, 248, 248),
    "red": (200, 30, 35), "orange": (240, 140, 40), "yellow": (245, 215, 60), "cream": (230, 205, 165), "brown": (115, 75, 45),
    "green": (75, 125, 45), "lime": (150, 195, 75), "teal": (40, 130, 135), "navy": (25, 45, 100), "blue": (55, 115, 205),
    "sky": (150, 195, 235), "purple": (120, 60, 150), "pink": (235, 140, 175),
}  # fmt: skip
ZONES = ("all", "top", "bottom", "centre")
STATISTICS = [f"{colour}.{zone}" for zone in ZONES for colour in COLOURS] + [
    "brightness",
    "contrast",
    "colour",
    "detail",
    "glow",
]

MOODS: dict[str, dict[str, float]] = {  # weights of statistics, each standardised first
    "night": {"black.all": 1, "dark.all": 0.5, "black.top": 1, "navy.top": 0.4, "brightness": -1, "glow": 0.8, "sky.top": -0.4},
    "dark": {"black.all": 1, "dark.all": 0.7, "brightness": -1.3},
    "bright": {"brightness": 1.2, "white.all": 0.3, "black.all": -0.5},
    "sunset": {"orange.all": 1, "yellow.all": 0.5, "orange.top": 0.7, "red.top": 0.5, "pink.top": 0.4, "purple.top": 0.3, "black.bottom": 0.6,
               "dark.bottom": 0.4, "green.bottom": -0.5, "orange.bottom": -0.2},
    "snow": {"white.all": 0.6, "silver.all": 0.7, "sky.all": 0.5, "white.bottom": 0.8, "silver.bottom": 0.6, "sky.bottom": 0.5,
             "green.all": -0.6, "brown.all": -0.4, "orange.all": -0.3, "detail": 0.2},
    "fog": {"grey.all": 0.7, "silver.all": 0.9, "contrast": -0.8, "colour": -0.7, "detail": -0.5},
    "monochrome": {"colour": -2.0, "grey.all": 0.4, "dark.all": 0.2, "silver.all": 0.2},
    "colourful": {"colour": 1.2, "red.all": 0.3, "yellow.all": 0.3, "blue.all": 0.3, "pink.all": 0.2, "purple.all": 0.2},
    "blue sky": {"sky.top": 1, "blue.top": 1.2, "sky.bottom": -0.3, "blue.bottom": -0.4},
    "cloudy": {"silver.top": 0.8, "grey.top": 0.6, "white.top": 0.4, "sky.top": 0.3, "black.top": -0.5},
    "foliage": {"green.all": 1, "lime.all": 0.7, "teal.all": 0.1},
    "grass": {"green.bottom": 1, "lime.bottom": 1},
    "autumn": {"orange.all": 0.8, "brown.all": 0.5, "yellow.all": 0.5, "red.all": 0.4, "detail": 0.6, "sky.all": -0.2, "blue.all": -0.3},
    "underwater": {"teal.all": 1, "blue.all": 0.8, "navy.all": 0.6, "teal.bottom": 0.5, "blue.bottom": 0.4, "brown.all": -0.4},
    "sea": {"blue.bottom": 0.8, "teal.bottom": 0.8, "navy.bottom": 0.4, "sky.bottom": 0.3, "green.bottom": -0.4},
    "sand": {"cream.bottom": 1, "cream.all": 0.6, "brown.bottom": 0.3},
    "red": {"red.all": 1, "red.centre": 1}, "orange": {"orange.all": 1, "orange.centre": 1},
    "yellow": {"yellow.all": 1, "yellow.centre": 1}, "green": {"green.all": 0.7, "lime.all": 0.7, "green.centre": 0.7, "lime.centre": 0.7},
    "blue": {"blue.all": 0.8, "navy.all": 0.4, "sky.all": 0.4, "blue.centre": 0.8, "navy.centre": 0.4},
    "purple": {"purple.all": 1, "purple.centre": 1}, "pink": {"pink.all": 1, "pink.centre": 1},
    "brown": {"brown.all": 1, "brown.centre": 1}, "black": {"black.centre": 1, "dark.centre": 0.5, "black.all": 0.3},
    "white": {"white.centre": 1, "silver.centre": 0.5, "white.all": 0.3}, "grey": {"grey.all": 1, "grey.centre": 1, "colour": -0.4},
}  # fmt: skip
NAMES = list(MOODS)

WORDS: dict[str, str] = {  # regular expression on a text -> moods (name or name*strength, separated by spaces)
    r"at night|night ?(time|sky|life|scene|view|photo\w*|shot|lights)?|nocturnal|after dark|midnight|starry|stars|milky way|moonlight|moonlit|aurora|northern lights|fireworks": "night",
    r"galaxy|nebula|universe|outer space|city lights|neon|candlelight|bonfire|campfire|lantern light": "night*0.7",
    r"dark|darkness|dim|shadowy|gloomy|silhouettes?": "dark",
    r"bright|sunny|sunshine|daylight|sunlit": "bright",
    r"sunset|sunrise|dusk|dawn|golden hour|alpenglow|evening sky|evening light|twilight|afterglow|sundown": "sunset",
    r"snow|snowy|snowfall|winter|wintry|ice|icy|frost|frosty|frozen|ski|skiing|skier|snowboard\w*|glacier|blizzard": "snow",
    r"fog|foggy|mist|misty|haze|hazy|smog": "fog",
    r"black and white|black-and-white|monochrome|greyscale|grayscale|b&w|desaturated": "monochrome",
    r"colou?rful|vivid|vibrant|rainbow|multicolou?red": "colourful",
    r"blue sky|clear sky|sunny day|clear day": "blue sky",
    r"cloudy|clouds?|overcast|storm|stormy|rain|rainy|grey sky|gray sky|thunderstorm": "cloudy",
    r"forest|jungle|woods|woodland|foliage|leaves|leaf|rainforest|greenery|trees?|plants?|garden": "foliage*0.6",
    r"grass|grassy|lawn|meadow|field|pasture|park": "grass*0.7",
    r"autumn|fall colou?rs|autumnal|fall leaves|fall foliage": "autumn",
    r"underwater|scuba|snorkel\w*|coral reef|diving|under the sea|aquarium": "underwater",
    r"sea|ocean|beach|lake|water|coast|seaside|seashore|bay|harbou?r": "sea*0.5",
    r"desert|dunes?|sandy|sand": "sand*0.8",
    r"red|crimson|scarlet": "red", r"orange (?=\w)|in orange|orange colou?r": "orange", r"yellow|golden": "yellow", r"green": "green",
    r"blue(?! sky)": "blue", r"purple|violet|lavender": "purple", r"pink|magenta": "pink", r"brown|sepia": "brown",
    r"black(?! and| &|-)|black (?=dog|cat|horse|car|bird)": "black", r"(?<!and )white(?! wine)": "white", r"gr[ea]y(?!scale| sky)": "grey",
}  # fmt: skip
PATTERNS = [(re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), moods) for pattern, moods in WORDS.items()]


def of_text(text: str) -> npt.NDArray[Any]:
    """Return how far a text speaks of each mood, float32 [moods] in 0..1."""
    strengths = np.zeros(len(NAMES), np.float32)
    for pattern, moods in PATTERNS:
        if pattern.search(text):
            name, _, strength = moods.partition("*")
            index = NAMES.index(name)
            strengths[index] = max(strengths[index], float(strength or 1))
    return strengths


def mood_matrix() -> npt.NDArray[Any]:
    """Return the weights of the standardised statistics in each mood, float32 [statistics,moods]."""
    matrix = np.zeros((len(STATISTICS), len(NAMES)), np.float32)
    for column, weights in enumerate(MOODS.values()):
        for name, weight in weights.items():
            matrix[STATISTICS.index(name), column] = weight
    return matrix


def standardise(statistics: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Fold the standardisation over ordinary photos [m,statistics] into one matrix and bias, so that moods = s @ matrix + bias."""
    matrix = mood_matrix() / (statistics.std(0) + 0.02)[:, None]
    moods = statistics @ matrix
    matrix = matrix / moods.std(0)
    return matrix.astype(np.float32), -(statistics @ matrix).mean(0).astype(np.float32)


def add_statistics(graph: Graph, pixels: str) -> str:
    """Add the statistics [n,len(STATISTICS)] of `pixels` [n,3,260,260], values about -1..1."""
    cells = graph.add("AveragePool", pixels, kernel_shape=[CELL, CELL], strides=[CELL, CELL])
    shares = _colour_shares(graph, cells)
    half = graph.add("AveragePool", shares, kernel_shape=[GRID // 2, GRID], strides=[GRID // 2, GRID])  # [n,c,2,1]
    inner = [_integers(graph, values) for values in ([13, 13], [39, 39], [2, 3])]
    parts = [
        graph.add("ReduceMean", half, axes=[2, 3], keepdims=0),
        *(_half(graph, half, index) for index in (0, 1)),
        graph.add("ReduceMean", graph.add("Slice", shares, *inner), axes=[2, 3], keepdims=0),
        *_scalars(graph, cells),
    ]
    return graph.add("Concat", *parts, axis=1)


def _colour_shares(graph: Graph, cells: str) -> str:
    """Softmax over colours of 2 x.c - |c|^2: the |x|^2 of the squared distance cancels."""
    colours = (np.array(list(COLOURS.values()), np.float32) - 127) / 128
    weight = graph.constant(SHARPNESS * 2 * colours[:, :, None, None])
    bias = graph.constant(-SHARPNESS * (colours**2).sum(1))
    return graph.add("Softmax", graph.add("Conv", cells, weight, bias, kernel_shape=[1, 1]), axis=1)


def _half(graph: Graph, half: str, index: int) -> str:
    return graph.add("Flatten", graph.add("Gather", half, _integers(graph, [index]), axis=2))


def _scalars(graph: Graph, cells: str) -> list[str]:
    """Return brightness, contrast, colourfulness, detail and glow (bright spots in the dark), each [n,1]."""
    grey = graph.add("ReduceMean", cells, axes=[1], keepdims=1)
    brightness = graph.add("ReduceMean", grey, axes=[2, 3], keepdims=1)
    deviation = graph.add("Sub", grey, brightness)
    contrast = graph.add(
        "Sqrt", graph.add("ReduceMean", graph.add("Mul", deviation, deviation), axes=[2, 3], keepdims=1)
    )
    tint = graph.add("ReduceMean", graph.add("Abs", graph.add("Sub", cells, grey)), axes=[1, 2, 3], keepdims=1)
    smooth = graph.add("AveragePool", grey, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    detail = graph.add("ReduceMean", graph.add("Abs", graph.add("Sub", grey, smooth)), axes=[2, 3], keepdims=1)
    peak = graph.add("Sub", graph.add("ReduceMax", grey, axes=[2, 3], keepdims=1), brightness)
    return [graph.add("Flatten", value) for value in (brightness, contrast, tint, detail, peak)]


def _integers(graph: Graph, values: list[int]) -> str:
    return graph.constant(values, np.int64)
