"""The file of an index: a line of JSON (kind, model, generation of the catalog, checksum), then FAISS's own bytes.

It is written through Python, since FAISS's own file functions fail on non-ASCII paths on Windows
(facebookresearch/faiss #3073).
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

_FORMAT = 2
_PIECE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Header:
    """What the bytes are: the kind of index, the model, and the catalog's generation that they follow."""

    kind: str
    model: str
    generation: int


@contextmanager
def opened(path: Path) -> Iterator[tuple[Header, BinaryIO] | None]:
    """Yield what the file holds, the stream standing at FAISS's bytes; None if it is missing, damaged or of another
    format. It is read twice, since FAISS must not see damaged bytes and two copies of a million photos need memory."""
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(path.open("rb"))
            header = _checked(stream)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            header = None
        yield None if header is None else (header, stream)


def _checked(stream: BinaryIO) -> Header | None:
    """Return the header of a file whose checksum is right, and go back to what follows it."""
    fields = json.loads(stream.readline())
    start, crc = stream.tell(), 0
    while piece := stream.read(_PIECE_BYTES):
        crc = zlib.crc32(piece, crc)
    stream.seek(start)
    if (fields["format"], fields["crc"]) != (_FORMAT, crc):
        return None
    return Header(str(fields["kind"]), str(fields["model"]), int(fields["generation"]))


def write(path: Path, header: Header, data: npt.NDArray[np.uint8]) -> None:
    """Write the file, whole or not at all. Raises OSError."""
    line = json.dumps({"format": _FORMAT, "crc": zlib.crc32(data.data), **asdict(header)}).encode() + b"\n"
    scratch = path.with_name(f"{path.stem}.{os.getpid()}.new")  # two processes may save at once
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_through(scratch, line, data)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


def _write_through(path: Path, *parts: Any) -> None:
    with path.open("wb") as stream:
        for part in parts:
            stream.write(part)
        stream.flush()
        os.fsync(stream.fileno())
