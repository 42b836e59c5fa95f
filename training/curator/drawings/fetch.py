"""Downloads the drawings when the user wants them, and writes the table of pairs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

from training.curator import tables
from training.curator.drawings.drawing import Drawing
from training.curator.drawings.recipe import COLLECTIONS, Collection
from training.errors import TrainingError
from training.starter.downloads import Source, fetch

COLUMNS = ("filepath", "title", "keywords", "licence", "source")
SIDE = 224  # pixels of a rendered drawing
_UNSAFE = re.compile(r"[^\w.+-]")


def fetch_drawings(folder: Path, tell: Callable[[str], None], collections: Iterable[Collection] = COLLECTIONS) -> Path:
    """Fill `folder` and return its pairs.csv: filepath (in the folder), title, keywords, licence, source.

    Packages that cannot be had (no apt-get or npm, another version served) are told of and left out, and so are SVGs
    that are damaged, or all of them where the library resvg-py is not installed. What is there already is not
    fetched or rendered again. Raises TrainingError if nothing can be had.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "pairs.part.csv"
    with closing(tables.Writer(unfinished, COLUMNS)) as table:
        written = [_write(collection, folder, table, tell) for collection in collections]
    if not any(written):
        raise TrainingError("No package of drawings can be had; it takes npm, or apt-get on Debian, and a connection.")
    return unfinished.replace(folder / "pairs.csv")


def _write(collection: Collection, folder: Path, table: tables.Writer, tell: Callable[[str], None]) -> int:
    """Write a collection's drawings and return how many."""
    written = left_out = 0
    for drawing in _drawings(collection, folder, tell):
        if picture := _picture(drawing, collection, folder):
            table.write(_row(drawing, picture, collection, folder))
            written += 1
        else:
            left_out += 1
    why = "damaged" if _renderer() else "which need the package resvg-py"
    missing = f", without {left_out:,} SVGs, {why}" if left_out else ""
    tell(f"{collection.title}: {written:,} drawings ({collection.licence}){missing}")
    return written


def _drawings(collection: Collection, folder: Path, tell: Callable[[str], None]) -> Iterator[Drawing]:
    packages = folder / "packages"
    try:
        package, names = (_fetched(source, packages) for source in (collection.source, collection.names))
    except (OSError, ValueError, subprocess.SubprocessError, StopIteration) as error:
        tell(f"{collection.title} is left out: {error}")
        return
    yield from collection.read(package, names)


def _fetched(source: Source | None, packages: Path) -> Path:
    return fetch(source, packages) if source else packages


def _picture(drawing: Drawing, collection: Collection, folder: Path) -> Path | None:
    """Return the drawing's file, rendered if need be; None where that cannot be done."""
    if isinstance(drawing.picture, Path):
        return drawing.picture
    path = folder / "rendered" / _safe(collection.source.name) / f"{_safe(drawing.name)}.png"
    if not path.exists():
        rendered = _rendered(drawing.picture)
        if not rendered:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rendered)
    return path


def _rendered(svg: str) -> bytes:
    """Return an SVG as a PNG of `SIDE` pixels a side; empty for one that is damaged, or without resvg-py."""
    renderer = _renderer()
    if renderer is None:
        return b""
    try:
        return bytes(renderer.svg_to_bytes(svg_string=svg, width=SIDE, height=SIDE, skip_system_fonts=True))
    except ValueError:
        return b""


def _renderer() -> Any:
    try:
        return import_module("resvg_py")
    except ImportError:
        return None


def _safe(name: str) -> str:
    return _UNSAFE.sub("_", name)


def _row(drawing: Drawing, picture: Path, collection: Collection, folder: Path) -> dict[str, str]:
    return {
        "filepath": picture.relative_to(folder).as_posix(),
        "title": drawing.caption,
        "keywords": ", ".join(drawing.keywords),
        "licence": collection.licence,
        "source": collection.title,
    }
