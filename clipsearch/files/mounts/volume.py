"""A mounted volume, and a place on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

Kind = Literal["fixed", "removable", "network"]


@dataclass(frozen=True, slots=True)
class Volume:
    """A mounted volume. `id` stays the same wherever it is mounted; `name` is what people call it.

    `root` is the part of it that is mounted at `mount` (bind mounts, btrfs subvolumes), with "/" separators and none
    at its ends: "" for the whole. An id that begins with "mount:" is that of the mount point, for what has none.
    """

    id: str
    name: str
    mount: Path
    kind: Kind
    root: str = ""

    def path_of(self, inside: str) -> Path | None:
        """Return where a path on this volume is found now; None if that part of it is not mounted here."""
        if self.root and inside != self.root and not inside.startswith(f"{self.root}/"):
            return None
        return self.mount.joinpath(*filter(None, inside[len(self.root) :].split("/")))


class Location(NamedTuple):
    """A volume, and the path on it with "/" separators: "" is the volume's own root."""

    volume: Volume
    inside: str
