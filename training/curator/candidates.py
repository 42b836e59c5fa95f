"""Rows -> candidates: pairs whose captions pass the filters and hold a query. No picture is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from training.curator.language import may_be
from training.curator.matching import Matcher
from training.curator.settings import Settings
from training.curator.tables import BadRow, Row
from training.curator.words import words

#: What is told of a pair that is not kept: the step, the reason, and the pair.
Lose = Callable[[str, str, str], None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pair that matched; `queries` are the numbers of those it holds."""

    row: Row
    picture: Path
    caption: str
    queries: list[int]

    @property
    def place(self) -> str:
        """The pair in messages."""
        return place(self.row, self.caption)


def place(row: Row, text: str) -> str:
    """Name a row in messages."""
    return f"row {row.number} ({text[:60]})"


def candidates(rows: Iterable[Row | BadRow], matcher: Matcher, settings: Settings, lose: Lose) -> Iterator[Candidate]:
    """Yield the pairs that pass; tell `lose` of the others."""
    for row in rows:
        if isinstance(row, BadRow):
            lose("reading", row.reason, row.place)
            continue
        caption, picture = row.fields.get(settings.text_column), row.fields.get(settings.picture_column)
        if caption is None or picture is None:
            lose("reading", "a column is missing", place(row, ", ".join(row.fields)))
        elif reason := _wrong(caption, picture, settings):
            lose("captions", reason, place(row, caption))
        elif queries := matcher.find(caption):
            yield Candidate(row, row.folder / picture, caption, queries)
        else:
            lose("queries", "no query in the caption", place(row, caption))


def _wrong(caption: str, picture: str, settings: Settings) -> str:
    """Say why a pair is not taken; empty if it is."""
    if not picture or "\0" in picture:
        return "no picture is named"
    if len(caption.strip()) < settings.least_characters:
        return "caption is too short"
    if settings.least_words > 1 and len(words(caption)) < settings.least_words:  # what has no word matches no query
        return "caption is too short"
    if len(caption) > settings.most_characters:
        return "caption is too long"
    if settings.language and not may_be(caption, settings.language):
        return "caption is of another language"
    return ""
