"""Where things lie on disk: the user's data, settings and cache folders, and the files shipped with the program."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path, PurePath, PureWindowsPath
from typing import TypeVar

from platformdirs import PlatformDirs

_AnyPath = TypeVar("_AnyPath", bound=PurePath)

_DIRS = PlatformDirs("clipsearch", appauthor=False, roaming=False)
_PACKAGE = Path(__file__).resolve().parent


def library_folder() -> Path:
    """Return the default library folder: `library` in the user's data folder (not created here)."""
    return Path(_DIRS.user_data_path) / "library"


def models_folder() -> Path:
    """Return the folder of installed models: `models` in the user's data folder (not created here).

    The environment variable CLIPSEARCH_MODELS names another one, say on a disk that several users share.
    """
    return Path(os.environ.get("CLIPSEARCH_MODELS") or Path(_DIRS.user_data_path) / "models").absolute()


def settings_file() -> Path:
    """Return the settings file's path (it need not exist)."""
    return Path(_DIRS.user_config_path) / "settings.toml"


def resource_path(name: str) -> Path:
    """Return the path of a file or folder under `resources/`, such as "models/starter".

    Works from a frozen program (resources beside the bundled modules), a wheel (resources inside the package)
    and a checkout or editable install (resources beside the package). Raises FileNotFoundError if it is nowhere.
    """
    for root in (Path(getattr(sys, "_MEIPASS", _PACKAGE)), _PACKAGE, _PACKAGE.parent):
        path = root / "resources" / name
        if path.exists():
            return path
    raise FileNotFoundError(f"The program's file resources/{name} is missing; please install clipsearch again.")


def extended(path: _AnyPath) -> _AnyPath:
    r"""Return the form of `path` with which Windows opens it even beyond 260 characters or with a name like "a. ".

    That is the prefix `\\?\`, or `\\?\UNC\` for a network share (Microsoft, "Maximum Path Length Limitation"). It takes
    paths as they stand, so a relative path, and one with ".." in it, is returned unchanged, as is any path elsewhere.
    """
    if not isinstance(path, PureWindowsPath) or not path.is_absolute() or ".." in path.parts:
        return path
    text = str(path)
    if text.startswith(("\\\\?\\", "\\\\.\\")):
        return path
    return type(path)("\\\\?\\UNC" + text[1:] if text.startswith("\\\\") else "\\\\?\\" + text)


def way_to(folder: Path, inner: Path) -> str | None:
    """Return the relative path, with "/", from a folder to itself or one in it; None where `inner` lies elsewhere.

    Folders are the same when their names are, as this system compares them, or when the system says so: a disk that
    does not tell large letters from small ones, a link, a mount.
    """
    around = [inner, *inner.parents]
    by_name = [os.path.normcase(path) for path in around]
    known = os.path.normcase(folder)
    steps = by_name.index(known) if known in by_name else _first_same(folder, around)
    return None if steps is None else "/".join(inner.parts[len(inner.parts) - steps :])


def _first_same(folder: Path, around: Sequence[Path]) -> int | None:
    return next((steps for steps, path in enumerate(around) if _is_same(folder, path)), None)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
