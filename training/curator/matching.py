"""Which of many queries a caption holds.

A query matches where its words stand side by side in the caption, as in MetaCLIP's substring matching, whose entries
are bounded by spaces (Xu et al., Demystifying CLIP Data, 2023). From each word on, the run of words grows as long as
some query begins with it; all these beginnings are in one table. With 500,000 queries on captions of 12.5 words, one
core of two matches 80,000 pairs a second; an Aho-Corasick automaton in Rust (ahocorasick_rs) behind the same cutting
into words, which it needs since its matches may end anywhere, 115,000. That did not seem worth a dependency.
"""

from __future__ import annotations

from collections.abc import Sequence

from training.curator.words import words


class Matcher:
    """Finds queries in captions."""

    def __init__(self, queries: Sequence[str]) -> None:
        """Take queries in normal form, each once; a query's number is its place."""
        #: beginning of a query -> its number + 1 if it is one as well (else 0), doubled; + 1 if longer ones begin so
        self._beginnings: dict[str, int] = {}
        for number, text in enumerate(queries, 1):
            self._beginnings[text] = self._beginnings.get(text, 0) & 1 | number << 1
            end = text.rfind(" ")
            while end > 0:
                begun = self._beginnings.get(text[:end], 0)
                self._beginnings[text[:end]] = begun | 1
                end = text.rfind(" ", 0, end)

    def find(self, caption: str) -> list[int]:
        """Return the numbers of the queries that the caption holds, each once, in the order of their places."""
        known = self._beginnings.get
        parts = words(caption)
        found: dict[int, None] = {}
        for start, run in enumerate(parts, 1):
            state = known(run, 0)
            for following in parts[start:] if state & 1 else ():
                if state > 1:
                    found[(state >> 1) - 1] = None
                run = f"{run} {following}"  # noqa: PLW2901
                state = known(run, 0)
                if not state & 1:
                    break
            if state > 1:
                found[(state >> 1) - 1] = None
        return list(found)
