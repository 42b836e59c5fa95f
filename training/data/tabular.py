"""CSV, TSV and JSONL files, perhaps packed: what is in each line, whole or as damaged.

Text is UTF-8 or, with a byte order mark, UTF-16; a line that is not valid UTF-8 is read as Windows' Latin. CSV may
quote; in TSV, where captions are full of lone quotes, a quote is a character.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from contextlib import closing
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from training.errors import TrainingError

KINDS = (".csv", ".tsv", ".jsonl")
_PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def kind_of(path: Path) -> str:
    """Return the suffix of a file in small letters; of one packed with gzip, bzip2 or xz, that of what is in it."""
    inner = path.with_suffix("") if path.suffix.lower() in _PACKED else path
    return inner.suffix.lower()


def records(path: Path) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the lines of a CSV or TSV file with their numbers, first the columns' names; or what is wrong with one.

    Raises TrainingError.
    """
    is_tsv, width = kind_of(path) == ".tsv", 0
    text = lines(path)
    reader = csv.reader(text, delimiter="\t", quoting=csv.QUOTE_NONE) if is_tsv else csv.reader(text)
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # a quote that never ends, mostly
            yield reader.line_num, f"not CSV: {error}"
            continue
        if not record:
            continue
        if not width:
            width, record = len(record), [name.strip() for name in record]
        if len(record) == width:
            yield reader.line_num, record
        else:
            yield reader.line_num, "another number of fields than the header"


def objects(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield the objects of a JSONL file with the numbers of their lines, or what is wrong. Raises TrainingError."""
    for number, line in enumerate(lines(path), 1):
        if line.strip():
            yield number, _object(line)


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a text file, perhaps packed, with their ends. Raises TrainingError."""
    opener = _PACKED.get(path.suffix.lower(), open)
    try:
        with closing(opener(path, "rb")) as file:
            yield from _lines(file)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        raise TrainingError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error


def decoded(data: bytes) -> str:
    """Read text that should be UTF-8, and is Windows' Latin where it is not; never fails."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _lines(file: BinaryIO) -> Iterator[str]:
    head = file.read(3)
    file.seek(len(BOM_UTF8) if head == BOM_UTF8 else 0)
    is_wide = head.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    with closing(TextIOWrapper(file, "utf-16", "replace", newline="") if is_wide else file) as text:
        for line in text if isinstance(text, TextIOWrapper) else map(decoded, text):
            yield line.replace("\0", "")  # a NUL is no text, and csv gives up at one


def _object(line: str) -> dict[str, Any] | str:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):  # nested a thousand times
        return "not JSON"
    return values if isinstance(values, dict) else "not a JSON object"
