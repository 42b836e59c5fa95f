"""The file of an index: a line of JSON (kind, model, generation of the catalog, checksum), then FAISS's own bytes.

It is written through Python, since FAISS's own file functions fail on non-ASCII paths on Windows
(facebookresearch/faiss #3073).
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Header:
    """What the bytes are: the kind of index, the model, and the catalog's generation that they follow."""

    kind: str
    model: str
    generation: int


def read(path: Path) -> tuple[Header, bytes] | None:
    """Return what the file holds, None when it is missing, damaged or of another format."""
    try:
        with path.open("rb") as stream:
            fields = json.loads(stream.readline())
            data = stream.read()
        if (fields.pop("format"), fields.pop("crc")) != (_FORMAT, zlib.crc32(data)):
            return None
        return Header(str(fields["kind"]), str(fields["model"]), int(fields["generation"])), data
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


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
