"""python -m training scenes: the first scenes of a seed as a folder of pictures with a table of their captions."""

from __future__ import annotations

import csv
from pathlib import Path

from PIL import Image

from training.errors import TrainingError
from training.scenes import scene

TABLE = "captions.csv"
LEAST_SIZE = 16


def write(folder: Path, count: int, seed: int, held_out: bool, size: int) -> None:
    """Write PNG files and `captions.csv` with the columns filepath (relative) and title, as a run's table wants them.

    Raises TrainingError where the folder has anything in it or cannot be written, and where that is too little to see.
    """
    if count < 1 or size < LEAST_SIZE:
        raise TrainingError(f"Please ask for one scene or more, of {LEAST_SIZE} pixels a side or more.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise TrainingError(f"{folder} is not empty; please name a new folder.")
        with (folder / TABLE).open("w", encoding="utf-8", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(("filepath", "title"))
            rows.writerows(_saved(folder, seed, index, held_out, size) for index in range(count))
    except OSError as error:
        raise TrainingError(f"The scenes cannot be written to {folder} ({error.strerror or error}).") from error


def _saved(folder: Path, seed: int, index: int, held_out: bool, size: int) -> tuple[str, str]:
    pair = scene(seed, index, held_out, size)
    name = f"{pair.key}.png"
    assert isinstance(pair.picture, Image.Image)  # scenes are drawn, never read
    pair.picture.save(folder / name)
    return name, pair.text
