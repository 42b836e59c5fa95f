from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from clipsearch.encode import shelf
from clipsearch.errors import ClipsearchError

_WEEK_S = 8 * 24 * 3600


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("CLIPSEARCH_MODELS", str(tmp_path / "models"))
    yield tmp_path / "models"


def install(name: str, content: bytes = b"12345") -> Path:
    with shelf.staging(name) as staged:
        (staged / "model.json").write_bytes(content)
        return shelf.put(staged, name)


def left(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.suffix != ".lock")


def test_nothing_is_there_before_anything_is_installed(root: Path) -> None:
    assert shelf.names() == []
    assert not root.exists()
    assert shelf.find("starter").name == "starter"
    assert shelf.is_installed("starter")
    assert not shelf.is_installed("a")


def test_an_installed_package_is_found_by_its_name_in_any_case(root: Path) -> None:
    assert install("Model-1") == root / "Model-1"
    assert shelf.names() == ["Model-1"]
    assert shelf.find("model-1") == root / "Model-1"
    assert left(root) == [".staging", "Model-1", "Model-1/model.json"]


def test_a_package_is_invisible_until_it_is_put(root: Path) -> None:
    with shelf.staging("a") as staged:
        (staged / "model.json").touch()
        assert shelf.names() == []
        assert not shelf.is_installed("a")
        shelf.put(staged, "a")
        assert shelf.names() == ["a"]


def test_what_an_interrupted_install_left_is_there_the_next_time() -> None:
    with pytest.raises(RuntimeError), shelf.staging("a") as staged:
        (staged / "sub").mkdir()
        (staged / "sub" / "half.part").write_bytes(b"12")
        raise RuntimeError
    with shelf.staging("a") as again:
        assert (again / "sub" / "half.part").read_bytes() == b"12"


def test_an_install_that_brought_nothing_leaves_nothing(root: Path) -> None:
    with shelf.staging("a") as staged:
        (staged / "empty").mkdir()
    assert left(root) == [".staging"]


def test_other_leftovers_are_deleted_after_a_week(root: Path) -> None:
    for name in ("old", "busy", "new", ".removed-1"):
        (root / ".staging" / name).mkdir(parents=True)
        (root / ".staging" / name / "x.part").touch()
    for name in ("old", "busy"):
        os.utime(root / ".staging" / name, (time.time() - _WEEK_S,) * 2)
    with FileLock(root / ".staging" / ".busy.lock"), shelf.staging("a"):
        assert {path.name for path in (root / ".staging").iterdir() if path.is_dir()} == {"a", "busy", "new"}


def test_two_installs_of_one_model_do_not_meet() -> None:
    with (
        shelf.staging("a"),
        pytest.raises(ClipsearchError, match="a is being installed by another"),
        shelf.staging("a"),
    ):
        pass
    with shelf.staging("a"), shelf.staging("b"):
        pass


@pytest.mark.parametrize("name", ["a.lock", "removed-1"])
def test_no_name_meets_the_shelfs_own(name: str) -> None:
    with shelf.staging("a"), shelf.staging(name) as staged, shelf.staging("b"):
        assert staged.is_dir()


def test_what_another_program_deletes_meanwhile_is_passed_over(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / ".staging").mkdir(parents=True)
    gone = [root / ".staging" / "gone", root / ".staging" / "gone too"]
    monkeypatch.setattr(Path, "iterdir", lambda self: iter(gone))
    monkeypatch.setattr(Path, "is_dir", lambda self, **options: True)
    with shelf.staging("a"):
        pass


def test_removing_frees_its_bytes(root: Path) -> None:
    install("a", b"x" * 1000)
    (root / "a" / "sub").mkdir()
    (root / "a" / "sub" / "more").write_bytes(b"y" * 500)
    assert shelf.size_bytes(root / "a") == 1500
    assert shelf.remove("A") == 1500
    assert left(root) == [".staging"]


def test_the_starter_and_what_is_not_there_cannot_be_removed() -> None:
    with pytest.raises(ClipsearchError, match="starter model comes with the program"):
        shelf.remove("Starter")
    with pytest.raises(ClipsearchError, match="No model called 'a' is installed"):
        shelf.remove("a")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".staging", "a/b", "a\\b", "C:", "CON", "nul.onnx", "com1", "a.", "a b", "é", "x" * 101, "a\n"],
)
def test_a_name_that_some_disk_cannot_keep_is_refused(name: str) -> None:
    with pytest.raises(ClipsearchError, match="cannot be a model's name"), shelf.staging(name):
        pass


@pytest.mark.parametrize("name", ["a", "A", "starter", "Starter"])
def test_a_name_in_use_is_refused(name: str) -> None:
    install("a")
    with pytest.raises(ClipsearchError, match="installed already"):
        shelf.check_name(name)


def test_folders_that_are_no_packages_are_passed_over(root: Path) -> None:
    install("a")
    (root / "notes").mkdir()
    (root / "file").touch()
    assert shelf.names() == ["a"]


def test_a_models_folder_that_cannot_be_written_is_one_sentence(root: Path) -> None:
    root.write_bytes(b"a file where the folder should be")
    with pytest.raises(ClipsearchError, match=r"models folder .* cannot be written"), shelf.staging("a"):
        pass
