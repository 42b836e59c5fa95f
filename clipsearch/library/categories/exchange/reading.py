"""All keywords that other programs gave to one photo: in its file, and in the sidecars of all its places."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from clipsearch.errors import ClipsearchError
from clipsearch.files import sidecars
from clipsearch.files.keywords import read_keywords
from clipsearch.files.xmp.packet import Keywords, Packet, same
from clipsearch.library.categories.limits import DEEPEST, LONGEST_NAME
from clipsearch.records import Problem

_SEPARATOR = "|"

KeywordPath = tuple[str, ...]


class Places(NamedTuple):
    """A photo and the files to look into for keywords; sidecars may lie beside those in `beside`, too."""

    photo_id: int
    looked_into: tuple[Path, ...]
    beside: tuple[Path, ...]


class Tagged(NamedTuple):
    """The keywords of a photo, each from its outermost part, ("Animals", "Birds"); and what could not be read.

    `own` are those that only this program has put there, from a category that may be gone or another computer's.
    """

    paths: tuple[KeywordPath, ...]
    own: tuple[KeywordPath, ...]
    problems: tuple[Problem, ...]


def keywords_of(places: Places) -> Tagged:
    """Return the keywords of a photo, those that this program wrote apart. Runs in a worker."""
    found: list[Keywords] = []
    own: list[Keywords] = []
    problems: list[Problem] = []
    for path in places.looked_into:
        try:
            found.append(read_keywords(path))
        except ClipsearchError as error:
            problems.append(Problem(path, error.message))
    for sidecar in (sidecar for path in (*places.looked_into, *places.beside) for sidecar in sidecars.existing(path)):
        try:
            packet = sidecars.read_sidecar(sidecar)[1]
            found.append(_parted(packet, is_own=False))
            own.append(_parted(packet, is_own=True))
        except ClipsearchError as error:
            problems.append(Problem(sidecar, error.message))
    paths = paths_of(found)
    told = {same(part) for path in paths for part in path}
    ours = (path for path in paths_of(own) if not all(same(part) in told for part in path))
    return Tagged(tuple(paths), tuple(ours), tuple(problems))


def paths_of(found: Iterable[Keywords]) -> list[KeywordPath]:
    """Return keywords as paths, each once; a flat one that is a part of a nested one is told by that."""
    found = list(found)
    nested = list(_split(one for keywords in found for one in keywords.nested))
    flat = _split(one for keywords in found for one in keywords.flat)
    parts = {same(part) for path in nested for part in path}
    paths = [*nested, *(path for path in flat if len(path) > 1 or same(path[0]) not in parts)]
    return list({tuple(map(same, path)): path for path in reversed(paths)}.values())[::-1]


def _parted(packet: Packet, *, is_own: bool) -> Keywords:
    """Return the keywords that this program wrote, or the others."""
    keywords, own = packet.keywords, packet.own
    flat, nested = set(map(same, own.flat)), set(map(same, own.nested))
    return Keywords(
        tuple(one for one in keywords.flat if (same(one) in flat) is is_own),
        tuple(one for one in keywords.nested if (same(one) in nested) is is_own),
    )


def _split(keywords: Iterable[str]) -> Iterator[KeywordPath]:
    """Yield keywords as paths whose parts may be names of categories; what has no such part is passed over."""
    for keyword in keywords:
        if path := tuple(filter(None, map(_as_name, keyword.split(_SEPARATOR)))):
            yield path[:DEEPEST]


def _as_name(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", text))
    return " ".join(printable.split())[:LONGEST_NAME].strip()
