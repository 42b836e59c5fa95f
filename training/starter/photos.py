"""Captioned real photos from the registries' packages: which they are, and where they lie.

data/photos.tsv names each photo by package, path and SHA-256; the pictures themselves are fetched, never
stored here.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from training.starter.downloads import Source, fetch

DATA = Path(__file__).parent / "data"
PICTURES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class CaptionedPhoto:
    """A line of photos.tsv; `part` is train or dev."""

    package: str
    sha256: str
    caption: str
    keywords: tuple[str, ...]
    part: str


def read_photos(path: Path = DATA / "photos.tsv") -> list[CaptionedPhoto]:
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [_parse(line) for line in lines]


def read_queries(photos: list[CaptionedPhoto], path: Path = DATA / "queries.tsv") -> dict[str, set[int]]:
    """Return each query of queries.tsv with the rows of `photos` that answer it (absent photos left out)."""
    row_of = {photo.sha256[:8]: row for row, photo in enumerate(photos)}
    queries = {}
    for line in path.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            query, _, answers = line.partition("\t")
            queries[query] = {row_of[answer] for answer in answers.split(",") if answer in row_of}
    return {query: rows for query, rows in queries.items() if rows}


def fetch_pictures(photos: list[CaptionedPhoto], cache: Path) -> dict[str, Path]:
    """Return {sha256: file} of every photo that can be had; says which packages cannot."""
    wanted = {photo.sha256 for photo in photos}
    folder = cache / "photos"
    folder.mkdir(parents=True, exist_ok=True)
    for package in sorted({photo.package for photo in photos if not (folder / photo.sha256).exists()}):
        try:
            _collect(fetch(_source(package), cache), wanted, folder)
        except (subprocess.CalledProcessError, StopIteration):
            print(f"photos of {package} are left out: the package cannot be fetched")
    return {sha256: folder / sha256 for sha256 in wanted if (folder / sha256).exists()}


def _parse(line: str) -> CaptionedPhoto:
    package, _, sha256, caption, keywords, part = line.split("\t")
    return CaptionedPhoto(package, sha256, caption, tuple(keywords.split(", ")), part)


def _source(package: str) -> Source:
    registry, name, version = package.split(" ")
    return Source(registry.lower(), name, version, None)


def _collect(package: Path, wanted: set[str], folder: Path) -> None:
    """Copy the wanted pictures of an unpacked package into `folder`, named by their hash."""
    for data in _pictures(package):
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 in wanted:
            (folder / sha256).write_bytes(data)


def _pictures(package: Path) -> Iterator[bytes]:
    for path in sorted(package.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix.lower() in PICTURES:
            yield path.read_bytes()
        elif path.suffix == ".rcc":
            yield from resource_files(path.read_bytes())


def resource_files(bundle: bytes) -> Iterator[bytes]:
    """Yield the uncompressed files of a Qt resource bundle ("qres", version, tree, data, names; big-endian)."""

    def number(offset: int, size: int = 4) -> int:
        return int.from_bytes(bundle[offset : offset + size], "big")

    version, tree, data = number(4), number(8), number(12)
    entry_size = 14 if version == 1 else 22
    folders = [0]
    for entry in folders:
        first = tree + entry * entry_size
        for child in range(number(first + 10), number(first + 10) + number(first + 6)):
            at = tree + child * entry_size
            flags = number(at + 4, 2)
            if flags & 2:
                folders.append(child)
            elif not flags:
                start = data + number(at + 10)
                yield bundle[start + 4 : start + 4 + number(start)]
