"""Real pictures as classes: a folder of folders, each named after what its pictures show."""

from __future__ import annotations

from pathlib import Path

from clipsearch.files.kinds import is_picture
from training.errors import TrainingError
from training.evaluation.exams import Exam, Question


def classes_of(folder: Path, templates: tuple[str, ...], count: int | None = None) -> Exam:
    """Ask which of its subfolders each picture is from; "_" in their names is read as a space.

    Hidden files and folders and what is no picture by its name are passed over. Of more than `count` pictures,
    as many are taken, evenly from all classes.

    Raises TrainingError where the folder cannot be read or holds no two folders with pictures.
    """
    try:
        inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        files = {path.name.replace("_", " "): pictures_in(path) for path in inner}
    except OSError as error:
        raise TrainingError(f"The folder of classes {folder} cannot be read ({error.strerror or error}).") from error
    names = tuple(name for name, inside in files.items() if inside)
    if len(names) < 2:
        message = "needs two folders or more, each named after what the pictures in it show"
        raise TrainingError(f"The folder of classes {folder} {message}.")
    return Exam("classes", templates, _dealt({name: files[name] for name in names}, count))


def pictures_in(folder: Path) -> list[Path]:
    """Return the files in a folder, at any depth, that are pictures by their names, but no hidden ones; by path."""
    named = (path for path in folder.rglob("*") if is_picture(path.name) and not path.name.startswith("."))
    return sorted(path for path in named if path.is_file())


def _dealt(files: dict[str, list[Path]], count: int | None) -> list[Question]:
    """Take the first picture of each class, then the second, and so on."""
    names = tuple(files)
    longest = max(map(len, files.values()))
    dealt = [
        Question(files[name][turn], names, place, name)
        for turn in range(longest)
        for place, name in enumerate(names)
        if turn < len(files[name])
    ]
    return dealt[:count]
