from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from clipsearch import paths


def test_the_library_and_the_settings_belong_to_the_user() -> None:
    assert paths.library_folder().is_absolute()
    assert paths.settings_file().is_absolute()
    assert paths.library_folder().name == "library"


def test_installed_models_lie_with_the_users_data_or_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLIPSEARCH_MODELS", raising=False)
    assert paths.models_folder() == paths.library_folder().parent / "models"
    monkeypatch.setenv("CLIPSEARCH_MODELS", str(tmp_path))
    assert paths.models_folder() == tmp_path


def test_a_resource_is_found_beside_the_package() -> None:
    assert (paths.resource_path("models/starter") / "model.json").is_file()


def test_a_resource_within_the_package_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path / "clipsearch")
    for root in (tmp_path, tmp_path / "clipsearch"):
        (root / "resources").mkdir(parents=True)
        (root / "resources" / "a.txt").touch()
    assert paths.resource_path("a.txt") == tmp_path / "clipsearch" / "resources" / "a.txt"


def test_a_frozen_program_finds_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    (tmp_path / "resources" / "models" / "starter").mkdir(parents=True)
    assert paths.resource_path("models/starter") == tmp_path / "resources" / "models" / "starter"


def test_a_missing_resource_says_what_to_do() -> None:
    with pytest.raises(FileNotFoundError, match="install clipsearch again"):
        paths.resource_path("no/such/thing")


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        (r"C:\photos\a.jpg", r"\\?\C:\photos\a.jpg"),
        ("C:/photos/a.jpg", r"\\?\C:\photos\a.jpg"),
        (r"C:\photos\trip. \a.jpg ", r"\\?\C:\photos\trip. \a.jpg "),
        (r"\\nas\share\a.jpg", r"\\?\UNC\nas\share\a.jpg"),
        (r"\\?\C:\photos", r"\\?\C:\photos"),
        (r"\\?\UNC\nas\share\a.jpg", r"\\?\UNC\nas\share\a.jpg"),
        (r"\\.\PhysicalDrive0", r"\\.\PhysicalDrive0"),
        (r"photos\a.jpg", r"photos\a.jpg"),
        (r"\photos\a.jpg", r"\photos\a.jpg"),
        (r"C:a.jpg", r"C:a.jpg"),
        (r"C:\photos\..\a.jpg", r"C:\photos\..\a.jpg"),
    ],
)
def test_windows_opens_any_length_by_the_extended_form(path: str, wanted: str) -> None:
    extended = paths.extended(PureWindowsPath(path))
    assert extended == PureWindowsPath(wanted)
    assert str(extended).startswith("\\\\?\\") == wanted.startswith("\\\\?\\")


def test_elsewhere_a_path_is_what_it_is() -> None:
    assert paths.extended(PurePosixPath("/photos/a.jpg")) == PurePosixPath("/photos/a.jpg")


def test_the_way_from_a_folder_to_one_in_it_is_relative(tmp_path: Path) -> None:
    assert paths.way_to(tmp_path, tmp_path) == ""
    assert paths.way_to(tmp_path, tmp_path / "not there" / "now") == "not there/now"
    assert paths.way_to(tmp_path / "in", tmp_path) is None
    assert paths.way_to(tmp_path / "photos", tmp_path / "photos 2") is None


@pytest.mark.skipif(os.name == "nt", reason="links need no permission elsewhere")
def test_a_folder_by_another_name_is_the_same_folder(tmp_path: Path) -> None:
    (tmp_path / "photos" / "in").mkdir(parents=True)
    (tmp_path / "Photos").symlink_to("photos")  # as on a disk that takes large letters for small ones
    assert paths.way_to(tmp_path / "photos", tmp_path / "Photos") == ""
    assert paths.way_to(tmp_path / "photos", tmp_path / "Photos" / "in") == "in"
    assert paths.way_to(tmp_path / "Photos", tmp_path / "photos" / "in") == "in"
    assert paths.way_to(tmp_path / "photos" / "in", tmp_path / "Photos") is None


def test_names_are_compared_as_the_system_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "normcase", lambda path: os.fspath(path).lower())
    assert paths.way_to(Path("/Photos"), Path("/photos/Trip")) == "Trip"
