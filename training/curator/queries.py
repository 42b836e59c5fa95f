"""The list of queries: frequent words, pairs of words that belong together, names, and WordNet's entries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from training.curator.counting import MOST_AT_ONCE, Texts, by_information, count_bigrams, count_words
from training.curator.tables import lines
from training.curator.words import normal_form
from training.errors import TrainingError

Kind = Literal["word", "bigram", "name", "synset"]


@dataclass(frozen=True, slots=True)
class Query:
    """A query in normal form, why it is one, and how often it occurs in the texts (0 where that was not counted)."""

    text: str
    kind: Kind
    count: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes a query. The paper's (section 2.2): 500,000 in all, words that occur 100 times and more.

    It gives no figure for bi-grams ("high pointwise mutual information"); ours are a fifth of the list, of pairs
    that occur as often as words have to, above so many bits.
    """

    least_count: int = 100
    bigrams: int = 100_000
    least_bits: float = 3.0
    most: int = 500_000

    def check(self) -> None:
        """Raise TrainingError for a value that makes no sense."""
        limits = {"least_count": self.least_count >= 1, "bigrams": self.bigrams >= 0, "most_queries": self.most >= 1}
        if wrong := [name for name, right in limits.items() if not right]:
            raise TrainingError(f"The setting {wrong[0]} cannot be that low.")


def from_texts(texts: Texts, choice: Choice, most_at_once: int = MOST_AT_ONCE) -> Iterator[Query]:
    """Yield words, the most frequent first, then bi-grams, the highest information first. Reads the texts twice."""
    counts = count_words(texts(), most_at_once)
    frequent = counts.at_least(choice.least_count)
    for word, count in frequent.items():
        yield Query(word, "word", count)
    pairs = count_bigrams(texts(), frequent, most_at_once).at_least(choice.least_count)
    worth = by_information(pairs, frequent, counts.total)
    high = [pair for pair, bits in worth.items() if bits >= choice.least_bits]
    for pair in high[: choice.bigrams]:
        yield Query(pair, "bigram", pairs[pair])


def names(path: Path) -> Iterator[Query]:
    """Yield the names of a text file, one a line: titles of articles, say. Raises TrainingError."""
    for line in lines(path):
        yield Query(normal_form(line), "name")


def synsets(folder: Path) -> Iterator[Query]:
    """Yield the entries of WordNet's files index.noun, index.verb, index.adj and index.adv. Raises TrainingError."""
    for part in ("noun", "verb", "adj", "adv"):
        for line in lines(folder / f"index.{part}"):
            if line and not line.startswith(" "):  # the licence is indented
                yield Query(normal_form(line.split(" ", 1)[0].replace("_", " ")), "synset")


def first_of_each(queries: Iterable[Query], most: int) -> list[Query]:
    """Return at most so many queries, in order, each text once; what has no word is left out."""
    chosen: dict[str, Query] = {}
    for query in queries:
        if query.text:
            chosen.setdefault(query.text, query)
        if len(chosen) == most:
            break
    return list(chosen.values())


def write(queries: Iterable[Query], path: Path) -> None:
    """Write a line "text TAB kind TAB count" for each. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{query.text}\t{query.kind}\t{query.count}\n" for query in queries)


def read(path: Path) -> Iterator[Query]:
    """Yield what `write` wrote; a plain list, one query a line, is understood as well. Raises TrainingError."""
    for line in lines(path):
        text, kind, count, *_ = [*line.split("\t"), "", ""]
        known: Kind = kind if kind in get_args(Kind) else "name"  # type: ignore[assignment]
        yield Query(normal_form(text), known, int(count) if count.isdigit() else 0)
