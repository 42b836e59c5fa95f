"""WordNet 3.0 nouns: lemmas, glosses, hypernyms, and which ImageNet classes lie below each noun.

Source: the Debian package wordnet-base. An ImageNet class id such as n02119789 is "n" and the noun's offset in
data.noun.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

UP = {"@", "@i"}
PART = {"%p", "#p", "%m", "#m", "%s", "#s"}


@dataclass
class Noun:
    """One noun synset."""

    offset: str
    lemmas: list[str]
    gloss: str
    topic: int  # lexicographer file: 5 animal, 6 artifact, 13 food, 15 location, 18 person, 20 plant...
    up: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)


class WordNet:
    """All noun synsets by offset."""

    def __init__(self, package: Path) -> None:
        folder = package / "usr/share/wordnet"
        lines = (folder / "data.noun").read_text("latin-1").splitlines()
        self.nouns = {noun.offset: noun for noun in map(_parse, lines) if noun is not None}
        self.uses = _read_uses(folder / "cntlist.rev")
        self.senses = _read_senses(folder / "index.noun")

    @cached_property
    def down(self) -> dict[str, list[str]]:
        """Hyponyms of each noun."""
        below: dict[str, list[str]] = {offset: [] for offset in self.nouns}
        for noun in self.nouns.values():
            for parent in noun.up:
                below[parent].append(noun.offset)
        return below

    def ancestors(self, offset: str) -> dict[str, int]:
        """Return every hypernym of a noun (itself included) with the smallest number of steps to it."""
        steps = {offset: 0}
        queue = [offset]
        for current in queue:
            for parent in self.nouns[current].up:
                if parent not in steps:
                    steps[parent] = steps[current] + 1
                    queue.append(parent)
        return steps

    def sense_rank(self, lemma: str, offset: str) -> int:
        """Return 0 when `offset` is the most common noun sense of `lemma`, 1 for the second, and so on."""
        senses = self.senses.get(lemma.lower().replace(" ", "_"), [])
        return senses.index(offset) if offset in senses else 99


def classes_below(wordnet: WordNet, class_offsets: list[str]) -> dict[str, list[int]]:
    """Return, for each noun that is or has below it an ImageNet class, the indices of those classes."""
    below: dict[str, list[int]] = {}
    for index, offset in enumerate(class_offsets):
        for ancestor in wordnet.ancestors(offset):
            below.setdefault(ancestor, []).append(index)
    return below


def _parse(line: str) -> Noun | None:
    if line.startswith("  "):  # the licence at the head of the file
        return None
    data, _, gloss = line.partition(" | ")
    fields = data.split(" ")
    count = int(fields[3], 16)
    lemmas = [word.replace("_", " ") for word in fields[4 : 4 + 2 * count : 2]]
    noun = Noun(fields[0], lemmas, gloss.strip(), int(fields[1]))
    pointers = fields[5 + 2 * count :]
    for symbol, target, part_of_speech in zip(pointers[0::4], pointers[1::4], pointers[2::4], strict=False):
        if part_of_speech == "n" and symbol in UP:
            noun.up.append(target)
        elif part_of_speech == "n" and symbol in PART:
            noun.parts.append(target)
    return noun


def _read_senses(path: Path) -> dict[str, list[str]]:
    """Return the noun offsets of each lemma, most common sense first."""
    senses = {}
    for line in path.read_text("latin-1").splitlines():
        if not line.startswith("  "):
            fields = line.split()
            senses[fields[0]] = fields[-int(fields[2]) :]
    return senses


def _read_uses(path: Path) -> dict[str, int]:
    """Return how often each noun lemma was counted in WordNet's tagged texts, all senses together."""
    uses: dict[str, int] = {}
    for line in path.read_text("latin-1").splitlines():
        key, _, count = line.split()[:3]
        lemma, _, sense = key.partition("%")
        if sense.startswith("1"):
            uses[lemma] = uses.get(lemma, 0) + int(count)
    return uses
