"""Which folder the user is looking at: its photos are read first."""

from __future__ import annotations

from pathlib import Path


class Priority:
    """A wish that the window may change while a run is under way. Safe to use from several threads."""

    def __init__(self) -> None:
        self._preferred: Path | None = None

    @property
    def preferred(self) -> Path | None:
        """The folder to be read first, None for no wish."""
        return self._preferred

    def prefer(self, folder: Path | None) -> None:
        """Ask for the photos in this folder, and below it, to be read before all others."""
        self._preferred = folder
