"""Whether a folder can be made, asked before the work whose results go into it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

from training.errors import TrainingError


def check_writable(folder: Path) -> None:
    """Raise TrainingError where nothing can be written into a folder, which need not be there; leave nothing."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise TrainingError(f"Nothing can be written into {folder}: {error.strerror or error}.") from error
