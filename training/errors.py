"""What training tells its user in one sentence."""

from __future__ import annotations

from clipsearch.errors import ClipsearchError


class TrainingError(ClipsearchError):
    """A run that cannot begin or go on; the message says what to change."""

    def __init__(self, message: str) -> None:
        super().__init__("Training not possible", message)
