"""Candidates -> pairs that stay: their pictures are read, scored against the captions, and doubles are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np
import numpy.typing as npt

from training.curator.candidates import Candidate
from training.curator.duplicates import SeenTexts, SeenVectors
from training.curator.pictures import PRINT_DIM, Look, LostError, ahead, look_at
from training.curator.report import Report
from training.curator.scores import BATCH, Judge
from training.curator.settings import Settings
from training.curator.words import normal_form

Tell = Callable[[str], None]
_TOLD_EVERY = 2_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A candidate whose picture was read.

    `vector` float32 [dim] is that by which doubles are found; `score` is None without a model.
    """

    pair: Candidate
    square: npt.NDArray[np.uint8] | None
    vector: npt.NDArray[np.float32]
    score: float | None = None


class Looker:
    """Reads the chosen pairs' pictures and keeps what passes. Raises PackageError for a model that cannot be read."""

    def __init__(self, settings: Settings, report: Report, tell: Tell) -> None:
        self._settings, self._report, self._tell = settings, report, tell
        self._judge = Judge(settings.model) if settings.model else None
        self._texts = SeenTexts(settings.same_text)
        self._pictures = _memory(settings, self._judge)

    def kept(self, pairs: Iterable[Candidate]) -> Iterator[Seen]:
        """Yield the pairs that stay, in order; the report is told of the others."""
        seen = self._seen(pairs)
        while batch := list(islice(seen, BATCH)):
            yield from self._new(self._scored(batch))

    def _seen(self, pairs: Iterable[Candidate]) -> Iterator[Seen]:
        for number, (pair, found) in enumerate(ahead(self._look, pairs, self._settings.workers), 1):
            if number % _TOLD_EVERY == 0:
                self._tell(f"{number:,} pictures read")
            if isinstance(found, LostError):
                self._report.lose("pictures", str(found), pair.place)
            else:
                yield Seen(pair, found.square, found.print)

    def _look(self, pair: Candidate) -> tuple[Candidate, Look | LostError]:
        try:
            return pair, look_at(pair.picture, self._settings, self._judge.preprocess if self._judge else None)
        except LostError as error:
            return pair, error

    def _scored(self, batch: Sequence[Seen]) -> list[Seen]:
        """Return what agrees well enough with its caption."""
        if self._judge is None:
            return list(batch)
        squares = [seen.square for seen in batch if seen.square is not None]
        result = self._judge.judge(squares, [seen.pair.caption for seen in batch])
        by_model = self._settings.duplicates == "vectors"
        scored = [
            replace(seen, square=None, vector=vector if by_model else seen.vector, score=float(score))
            for seen, vector, score in zip(batch, result.vectors, result.scores, strict=True)
        ]
        return [seen for seen in scored if self._agrees(seen)]

    def _agrees(self, seen: Seen) -> bool:
        least, score = self._settings.least_score, seen.score or 0.0
        self._report.score(score)
        if least is None or score >= least:
            return True
        self._report.lose("scores", "caption and picture disagree", seen.pair.place)
        return False

    def _new(self, batch: Sequence[Seen]) -> Iterator[Seen]:
        known = self._pictures
        fresh = known.new(np.stack([seen.vector for seen in batch])) if known and batch else [True] * len(batch)
        for seen, is_new in zip(batch, fresh, strict=True):
            if not is_new:
                self._report.lose("doubles", "picture is there already", seen.pair.place)
            elif not self._texts.new(normal_form(seen.pair.caption)):
                self._report.lose("doubles", "caption stands often enough", seen.pair.place)
            else:
                yield seen


def _memory(settings: Settings, judge: Judge | None) -> SeenVectors | None:
    if settings.duplicates == "none":
        return None
    if settings.duplicates == "vectors" and judge is not None:
        return SeenVectors(judge.dim, 2 - 2 * settings.same_cosine)
    return SeenVectors(PRINT_DIM, settings.same_print)
