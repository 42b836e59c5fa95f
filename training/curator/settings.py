"""What decides which pairs a curated set keeps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from training.errors import TrainingError


@dataclass(frozen=True)
class Settings:
    """20,000 pairs a query are the paper's (section 2.2). It names no filters; ours keep out what cannot be learned.

    `duplicates`: pictures are the same by their fingerprints (at most `same_print` apart: see `pictures.fingerprint`),
    or by the model's vectors (cosine at least `same_cosine`). A caption in normal form may stand `same_text` times
    (0: always), since what is said of hundreds of pictures describes none. `least_score` and "vectors" need `model`,
    a folder of an installed package; what a good score is depends on the model: the report tells how they are spread.
    """

    picture_column: str = "filepath"
    text_column: str = "title"
    pairs_per_query: int = 20_000
    balance: Literal["reservoir", "probability"] = "reservoir"
    seed: int = 0
    least_characters: int = 3
    most_characters: int = 2000
    least_words: int = 1
    language: str = ""
    least_side: int = 32
    most_aspect: float = 6.0
    duplicates: Literal["print", "vectors", "none"] = "print"
    same_print: float = 3.0
    same_cosine: float = 0.96
    same_text: int = 20
    least_score: float | None = None
    model: Path | None = None
    workers: int = 2


def check(settings: Settings) -> None:
    """Raise TrainingError for a value that makes no sense."""
    limits = {
        "pairs_per_query": settings.pairs_per_query >= 0,
        "least_characters": settings.least_characters >= 0,
        "most_characters": settings.most_characters >= max(1, settings.least_characters),
        "least_words": settings.least_words >= 0,
        "least_side": settings.least_side >= 0,
        "most_aspect": settings.most_aspect >= 1,
        "same_print": settings.same_print >= 0,
        "same_cosine": -1 <= settings.same_cosine <= 1,
        "same_text": settings.same_text >= 0,
        "workers": settings.workers >= 1,
    }
    if wrong := [name for name, right in limits.items() if not right]:
        raise TrainingError(f"The setting {wrong[0]} cannot be {getattr(settings, wrong[0])}.")
    if settings.model is None and (settings.duplicates == "vectors" or settings.least_score is not None):
        raise TrainingError("Scores, and doubles by vectors, need a model: name a package with --model.")
