"""Real pictures as classes: a folder of folders, each named after what its pictures show."""

from __future__ import annotations

from pathlib import Path

from training.errors import TrainingError
from training.evaluation.exams import Exam, Question


def classes_of(folder: Path, templates: tuple[str, ...], count: int | None = None) -> Exam:
    """Ask which of its subfolders each picture is from; "_" in their names is read as a space.

    Hidden files and folders are passed over. Of more than `count` pictures, as many are taken, evenly from all classes.
    Raises TrainingError where the folder cannot be read or holds no two folders with files.
    """
    try:
        inner = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        files = {path.name.replace("_", " "): _files(path) for path in inner}
    except OSError as error:
        raise TrainingError(f"The folder of classes {folder} cannot be read ({error.strerror or error}).") from error
    names = tuple(name for name, inside in files.items() if inside)
    if len(names) < 2:
        message = "needs two folders or more, each named after what the pictures in it show"
        raise TrainingError(f"The folder of classes {folder} {message}.")
    return Exam("classes", templates, _dealt({name: files[name] for name in names}, count))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


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
