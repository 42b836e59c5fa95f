"""A curated set as WebDataset shards: the pictures' own files, captions, and what is known of each pair as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAIRS_A_SHARD = 10_000
BYTES_A_SHARD = 1_000_000_000


class Shards:
    """Writes pairs to `folder`/00000.tar and so on; a new shard begins after so many pairs or bytes."""

    def __init__(self, folder: Path, pairs: int = PAIRS_A_SHARD, size_bytes: int = BYTES_A_SHARD) -> None:
        from webdataset import ShardWriter

        folder.mkdir(parents=True, exist_ok=True)
        pattern = f"{folder.as_posix()}/%05d.tar"
        self._writer: Any = ShardWriter(pattern, maxcount=pairs, maxsize=size_bytes, verbose=0)
        self._count = 0

    def write(self, picture: Path, caption: str, fields: dict[str, str]) -> None:
        """Add a pair. Raises OSError where the picture has gone."""
        kind = picture.suffix.lower().lstrip(".") or "jpg"
        members = {kind: picture.read_bytes(), "txt": caption, "json": json.dumps(fields, ensure_ascii=False).encode()}
        self._writer.write({"__key__": f"{self._count:09d}", **members})
        self._count += 1

    def close(self) -> None:
        self._writer.close()
