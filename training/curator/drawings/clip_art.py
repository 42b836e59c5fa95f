"""The Open Clip Art Library: pictures in one package, what they show in the metadata of another one's SVGs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from training.curator.drawings.drawing import Drawing
from training.curator.words import words

_PICTURES, _SOURCES = "usr/share/openclipart/png", "usr/share/openclipart/svg"
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_AUTHOR = re.compile(r"^clip ?art by .*? - ", re.IGNORECASE)
#: Keywords that say nothing of the picture.
_EMPTY = {"hash", "unsorted", "theme", "icons", "clip_art", "clipart", "misc", "image", "media", "externalsource"}
_MOST_ALIKE = 3  # pictures with one title; more are a series, named by their files


@dataclass(frozen=True, slots=True)
class _Told:
    title: str
    keywords: tuple[str, ...]
    creators: frozenset[str]


def drawings(package: Path, names: Path) -> Iterator[Drawing]:
    """Yield the pictures in the public domain, each once; the captions hold title and keywords."""
    told = {path: _told(names / _SOURCES / path) for path in _paths(package / _PICTURES)}
    titles = Counter(one.title.lower() for one in told.values() if one)
    for path, one in told.items():
        if one:
            shown = one.title if titles[one.title.lower()] <= _MOST_ALIKE else _named(path, one.creators)
            keywords = tuple(key for key in one.keywords if key not in words(shown))
            caption = ", ".join(part for part in (shown, *keywords) if part)
            yield Drawing("_".join(path.with_suffix("").parts), package / _PICTURES / path, caption, one.keywords)


def _paths(folder: Path) -> list[Path]:
    """Return the pictures' places with the ending of their SVGs' names; links are other names of the same picture."""
    return [path.relative_to(folder) for path in sorted(folder.rglob("*.png")) if not path.is_symlink()]


def _told(svg: Path) -> _Told | None:
    """Read an SVG's metadata; None where there is none, or another licence."""
    try:
        root = ElementTree.parse(svg.with_suffix(".svg")).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    if not any("publicdomain" in str(node.attrib).lower().replace(" ", "") for node in root.iter() if _licence(node)):
        return None
    titles = [_AUTHOR.sub("", _text(node)) for node in root.iter(f"{_DUBLIN_CORE}title")]  # the rest: whose it is
    subjects = [_text(item) for node in root.iter(f"{_DUBLIN_CORE}subject") for item in node.iter(f"{_RDF}li")]
    creators = frozenset(words(" ".join(titles[1:])))
    said = [key.replace("_", " ") for key in subjects if key not in _EMPTY and not key.isdigit()]
    keywords = tuple(dict.fromkeys(key for key in said if set(words(key)) - creators))
    return _Told(titles[0] if titles else "", keywords, creators)


def _licence(node: ElementTree.Element) -> bool:
    return node.tag.rpartition("}")[2].lower() == "license"


def _text(node: ElementTree.Element) -> str:
    return " ".join((node.text or "").split())


def _named(path: Path, creators: frozenset[str]) -> str:
    """Return what a file's name says, without numbers and the parts of its creator's name."""
    return " ".join(word for word in words(path.stem) if word.isalpha() and not _of(word, creators))


def _of(word: str, creators: frozenset[str]) -> bool:
    """Say whether a word is a creator's, perhaps cut short as these file names are."""
    return any(name.startswith(word) for name in creators) and len(word) > 2
