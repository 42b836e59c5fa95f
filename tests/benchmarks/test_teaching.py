"""Teaching a category by 1 to 16 examples, on real photos: mean average precision as a table and as a picture.

Ours starts from words and is never to fall below them. The peers get what favours them: their settings are the best of
some in hindsight, and the plain regression's negatives, the examples of all other categories, hold no mistake, while
ours has none.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from clipsearch.encode.encoder import Encoder
from clipsearch.encode.preprocess import to_square
from clipsearch.encode.prompts import SHORT, classifier, template_set
from clipsearch.files.decode import decode
from clipsearch.library.calibration import Background, Head, calibrated
from clipsearch.library.categories.learning import learn
from clipsearch.paths import resource_path
from tests.benchmarks.stamps import KINDS, of_kind, stamps
from tests.vector_worlds import average_precision

COUNTS = (1, 2, 4, 8, 16)
DRAWS = int(os.environ.get("CLIPSEARCH_BENCHMARK_DRAWS", "5"))
PICTURE = Path(os.environ.get("CLIPSEARCH_BENCHMARK_PICTURE", Path(__file__).with_name("teaching.png")))
LEFT = 3  # photos of a category that must be left to be found

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Photos:
    """Unit vectors float32 [n, dim], which belong to each category bool [c, n], and the zero-shot heads."""

    vectors: Vectors
    belongs: npt.NDArray[np.bool_]
    heads: list[Head]
    background: Background


@dataclass(frozen=True)
class Lesson:
    """A category, its examples, and those of each other category, rows of the photos."""

    category: int
    examples: Rows
    others: list[Rows]


Method = Callable[[Photos, Lesson], npt.NDArray[np.floating]]


@pytest.mark.benchmark
def test_teaching() -> None:
    photos = look_at_stamps()
    scores = {name: measured(photos, method) for name, method in METHODS.items()}
    best = {peer: max((n for n in scores if n.startswith(peer)), key=lambda n: total(scores[n])) for peer in PEERS}
    shown = [name for name in scores if not name.startswith(tuple(PEERS)) or name in best.values()]
    print(f"\n{len(photos.vectors)} photos, {DRAWS} draws\n" + table({name: scores[name] for name in shown}))
    print(losses(scores["ours"], scores["zero-shot"]))
    draw({name: scores[name] for name in shown})


def look_at_stamps() -> Photos:
    encoder = Encoder.from_folder(resource_path("models") / "starter", engine="onnx")
    paths = stamps()
    squares = [to_square(decode(path, encoder.preprocess.size, 100).image, encoder.preprocess) for path in paths]
    vectors = np.concatenate([encoder.encode_images(np.stack(squares[i : i + 8])) for i in range(0, len(squares), 8)])
    templates = template_set(SHORT)
    background = Background(encoder.background, vectors, classifier(encoder, ["thing", "scene"], templates))
    belongs = np.array([[of_kind(path, kind) for path in paths] for kind in KINDS])
    enough = belongs.sum(axis=1) > LEFT
    texts = classifier(encoder, list(KINDS), templates)[enough]
    return Photos(vectors, belongs[enough], calibrated(texts, background), background)


def lessons(photos: Photos, draw: int, count: int) -> list[Lesson]:
    """Return a lesson for each category that has enough photos; the examples of a larger count hold the smaller's."""
    random = np.random.default_rng(draw)
    drawn = [random.permutation(np.flatnonzero(belongs)) for belongs in photos.belongs]
    return [
        Lesson(c, rows[:count], [np.setdiff1d(o[:count], rows[:count]) for i, o in enumerate(drawn) if i != c])
        for c, rows in enumerate(drawn)
        if len(rows) >= count + LEFT
    ]


def measured(photos: Photos, method: Method) -> dict[int, npt.NDArray[np.float64]]:
    """Return the average precision over the photos left, float64 [draws, categories], for each count."""
    return {
        count: np.array([[graded(photos, method, one) for one in lessons(photos, d, count)] for d in range(DRAWS)])
        for count in COUNTS
    }


def graded(photos: Photos, method: Method, lesson: Lesson) -> float:
    left = np.delete(np.arange(len(photos.vectors)), lesson.examples)
    return average_precision(method(photos, lesson)[left], photos.belongs[lesson.category][left])


def zero_shot(photos: Photos, lesson: Lesson) -> npt.NDArray[np.floating]:
    return photos.heads[lesson.category].log_odds(photos.vectors)


def ours(photos: Photos, lesson: Lesson) -> npt.NDArray[np.floating]:
    examples = photos.vectors[lesson.examples]
    head = learn(photos.heads[lesson.category], examples, np.ones(len(examples), bool), photos.background).head
    return head.log_odds(photos.vectors)


def tip_adapter(photos: Photos, lesson: Lesson, *, share: float, sharpness: float) -> npt.NDArray[np.floating]:
    """Words and a cache of examples (Zhang et al. 2022, Tip-Adapter, equation 5), less the mean picture."""
    centred = photos.vectors - photos.background.pictures.mean(axis=0)
    units = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    words = zero_shot(photos, lesson)
    return words / words.std() + share * np.exp(-sharpness * (1 - units @ units[lesson.examples].T)).sum(axis=1)


def plain_regression(photos: Photos, lesson: Lesson, *, ridge: float) -> npt.NDArray[np.floating]:
    """Logistic regression without words, both sides weighed alike (the CLIP paper's linear probe), in dual form."""
    strangers = np.unique(np.concatenate(lesson.others))
    rows = np.concatenate([lesson.examples, strangers[~photos.belongs[lesson.category][strangers]]])
    targets = np.arange(len(rows)) < len(lesson.examples)
    counts = len(rows) / 2 / np.where(targets, targets.sum(), (~targets).sum())
    inputs = np.column_stack([photos.vectors - photos.background.pictures.mean(axis=0), np.ones(len(photos.vectors))])
    kernel, dual = inputs[rows] @ inputs[rows].T / ridge, np.zeros(len(rows))
    for _ in range(30):
        likely = 1 / (1 + np.exp(-kernel @ dual))
        bends = counts * likely * (1 - likely) + 1e-9
        step = np.linalg.solve(np.eye(len(rows)) + bends[:, None] * kernel, counts * (targets - likely) - dual)
        dual += step
        if np.abs(step).max() < 1e-4:
            break
    return inputs @ (inputs[rows].T @ dual) / ridge


PEERS = ("Tip-Adapter", "plain regression")
METHODS: dict[str, Method] = {
    "zero-shot": zero_shot,
    "ours": ours,
    **{
        f"Tip-Adapter ({share:g}, {sharpness:g})": partial(tip_adapter, share=share, sharpness=sharpness)
        for share, sharpness in ((1, 1), (1, 5), (3, 5), (3, 10))
    },
    **{f"plain regression ({ridge:g})": partial(plain_regression, ridge=ridge) for ridge in (1e-3, 1e-2, 0.1, 1)},
}


def total(scores: dict[int, npt.NDArray[np.float64]]) -> float:
    return float(sum(one.mean() for one in scores.values()))


def table(scores: dict[str, dict[int, npt.NDArray[np.float64]]]) -> str:
    """Return mean and standard deviation over draws, and in brackets the least gain of a draw over zero-shot."""
    words = scores["zero-shot"]
    categories = ", ".join(f"{count}: {words[count].shape[1]}" for count in COUNTS)
    lines = [f"categories {categories}", "| method | " + " | ".join(map(str, COUNTS)) + " |", "|---" * 6 + "|"]
    for name, by_count in scores.items():
        cells = []
        for count, one in by_count.items():
            draws, gains = one.mean(axis=1), (one - words[count]).mean(axis=1)
            cells.append(f"{draws.mean():.3f} ± {draws.std():.3f} ({gains.min():+.3f})")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def losses(scores: dict[int, npt.NDArray[np.float64]], words: dict[int, npt.NDArray[np.float64]]) -> str:
    """Return how many single categories fall below their words alone, and how deep the deepest falls."""
    gains = {count: one - words[count] for count, one in scores.items()}
    told = [f"{count}: {(one < 0).mean():.0%}, at worst {one.min():+.2f}" for count, one in gains.items()]
    return "ours below zero-shot, of all categories and draws: " + "; ".join(told)


def draw(scores: dict[str, dict[int, npt.NDArray[np.float64]]]) -> None:
    """Draw each method's gain over zero-shot: the mean, and the least and the greatest of the draws."""
    plot = pytest.importorskip("matplotlib.figure").Figure((7, 4.2), layout="constrained")
    axes = plot.subplots()
    for number, (name, by_count) in enumerate(scores.items()):
        gains = [(one - scores["zero-shot"][count]).mean(axis=1) for count, one in by_count.items()]
        means = np.array([one.mean() for one in gains])
        reach = np.abs(np.array([[one.min() for one in gains], [one.max() for one in gains]]) - means)
        places = np.arange(len(COUNTS)) + 0.04 * (number - 2)
        axes.errorbar(places, means, reach, marker="o", capsize=3, label=name, linestyle="-" if number else "--")
    axes.set_xticks(range(len(COUNTS)), [str(count) for count in COUNTS])
    axes.set_xlabel("examples of a category")
    axes.set_ylabel("mean average precision, less zero-shot's")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    plot.savefig(PICTURE, dpi=110)
