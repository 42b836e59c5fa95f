"""The command line end to end: real processes, the real model, exit codes and what stdout says."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from clipsearch import cli
from clipsearch.errors import CatalogError
from clipsearch.library import roots
from clipsearch.library.library import Library
from clipsearch.paths import resource_path
from tests.pictures import black_png, change_unseen, paint, truncated_jpeg

NOTHING = {"added": 0, "updated": 0, "moved": 0, "removed": 0, "unchanged": 0, "problems": 0, "seconds": 0}
DEMO = resource_path("demo")
SUBJECTS = {"dog.jpg": "a dog", "mountains.jpg": "mountains", "coffee.jpg": "a cup of coffee", "cat.jpg": "a cat"}
posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX names, users and signals")


def clipsearch(*arguments: object, prefix: Sequence[str] = (), **options: Any) -> subprocess.CompletedProcess[str]:
    command = [*prefix, sys.executable, "-m", "clipsearch", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_one_error(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


@pytest.fixture(autouse=True, scope="module")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's own settings and library out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
            patch.setenv(name, str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with four of the demo photos, one of them twice; nobody changes it."""
    folder, photos = tmp_path_factory.mktemp("library"), tmp_path_factory.mktemp("photos")
    for name in SUBJECTS:
        shutil.copy(DEMO / name, photos)
    shutil.copy(DEMO / "dog.jpg", photos / "the same dog.jpg")
    (counts,) = lines(clipsearch("index", photos, "--library", folder, "--json"))
    assert counts.pop("seconds") > 0
    assert counts | {"seconds": 0} == NOTHING | {"added": 5}
    return folder


# Answers


def test_index_says_which_engine_encodes_and_why(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    shutil.copy(DEMO / "dog.jpg", tmp_path / "photos")
    first, again = (clipsearch("index", tmp_path / "photos", "--library", tmp_path / "library") for _ in range(2))
    assert re.fullmatch(r"Encoded with (ONNX Runtime on the CPU|torch on the).+\.\n", first.stderr)
    assert again.stderr == ""


def test_search_answers_with_hits_best_first(library: Path) -> None:
    hits = lines(clipsearch("search", "a dog", "--library", library, "-n", 3, "--json"))
    assert [list(hit) for hit in hits] == [["query", "rank", "path", "score", "relevance"]] * 3
    assert [Path(hit["path"]).name for hit in hits[:2]] == ["dog.jpg", "the same dog.jpg"]
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    assert hits[0]["score"] >= hits[2]["score"]
    assert {hit["relevance"] for hit in hits} <= {"strong", "likely", "weak"}


def test_a_batch_asks_every_line(library: Path, tmp_path: Path) -> None:
    batch = tmp_path / "queries.txt"
    batch.write_text("\n".join(SUBJECTS.values()) + "\n\n", "utf-8-sig")
    from_file = lines(clipsearch("search", "--batch", batch, "--library", library, "-n", 1, "--json"))
    assert {hit["query"]: Path(hit["path"]).name for hit in from_file} == {
        query: name for name, query in SUBJECTS.items()
    }
    stdin = "\n".join(SUBJECTS.values())
    from_stdin = clipsearch("search", "--batch", "-", "--library", library, "-n", 1, "--json", input=stdin)
    assert lines(from_stdin) == from_file


def test_similar_answers_with_the_picture_itself_first(library: Path) -> None:
    hits = lines(clipsearch("similar", DEMO / "cat.jpg", "--library", library, "-n", 2, "--json"))
    assert Path(hits[0]["path"]).name == "cat.jpg"
    assert hits[0]["score"] > 0.99


def test_the_same_in_words(library: Path) -> None:
    assert "dog.jpg" in clipsearch("search", "a dog", "--library", library).stdout.splitlines()[0]
    assert "photos    4" in clipsearch("status", "--library", library).stdout
    assert clipsearch("verify", "--library", library).stdout == "Everything agrees.\n"
    assert clipsearch("problems", "--library", library).stdout == ""


def test_status_and_verify_in_json(library: Path) -> None:
    (status,) = lines(clipsearch("status", "--library", library, "--json"))
    assert status["model"].startswith("starter-")
    assert status.pop("model") == status.pop("chosen")
    assert status == {"photos": 4, "files": 5, "embedded": 4, "pending": 0, "problems": 0, "offline": 0, "note": ""}
    assert lines(clipsearch("verify", "--library", library, "--json")) == [{"ok": True, "findings": []}]


def test_the_demo_answers_without_a_display() -> None:
    hits = lines(clipsearch("demo", "a dog", "--json"))
    assert Path(hits[0]["path"]).name == "dog.jpg"
    assert len(hits) == 3


# Folders that are away


def test_folders_that_are_away_are_told_beside_the_data(tmp_path: Path) -> None:
    here, gone, library = tmp_path / "here", tmp_path / "gone", tmp_path / "library"
    for folder, names in ((here, ["dog.jpg"]), (gone, ["cat.jpg", "coffee.jpg"])):
        folder.mkdir()
        for name in names:
            shutil.copy(DEMO / name, folder)
    run = partial(clipsearch, "--library", library)
    lines(run("index", here, gone, "--json"))
    found, (counts,) = lines(run("search", "a dog", "--json")), lines(run("status", "--json"))
    assert run("status").stdout.splitlines()[-2:] == [f"folders   {gone}", f"          {here}"]
    gone.rename(tmp_path / "elsewhere")

    two = "2 of these lie in folders that are not connected now.\n"
    in_json = run("search", "a dog", "--json")
    assert (lines(in_json), in_json.stderr) == (found, two)
    assert run("search", "a dog", "-n", 1).stderr == ""
    one = "1 of these lies in a folder that is not connected now.\n"
    assert run("similar", DEMO / "cat.jpg", "-n", 1).stderr == one
    assert run("status").stdout.splitlines()[-2:] == [f"folders   {gone} (offline)", f"          {here}"]
    assert lines(run("status", "--json")) == [counts | {"offline": 2}]

    again = run("index", "--json")
    assert lines(again)[0] | {"seconds": 0} == NOTHING | {"unchanged": 1}
    assert again.stderr == f"Not connected: {gone}; its photos are kept.\n"
    named = run("index", gone)
    assert_one_error(named)
    assert "is not connected; its photos are kept" in named.stderr


def test_an_answer_stands_where_it_cannot_be_recorded_what_is_away(
    colours: Library, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(library: Library) -> None:
        raise CatalogError("The disk is full.")

    added = colours.catalog.folders.add(folder)
    colours.catalog.folders.set_offline(added.id, True)
    monkeypatch.setattr(roots, "check", fail)
    cli._tell_hits_away(colours, [folder / "a.jpg", folder.with_name("photos 2") / "b.jpg"])
    assert capsys.readouterr().err == "1 of these lies in a folder that is not connected now.\n"


# Mistakes


@pytest.mark.parametrize(
    "arguments",
    [("search",), ("search", "a", "--batch", "b"), ("search", "a", "-n", "0"), ("nonsense",)],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = clipsearch(*arguments, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path.cwd())})
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", " "),
        ("search", "--batch", "missing.txt"),
        ("similar", "missing.jpg"),
        ("index",),
        ("index", "missing folder"),
    ],
)
def test_what_cannot_be_done_is_1_with_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert_one_error(clipsearch(*arguments, "--library", tmp_path / "library"))


def test_bad_settings_and_catalogs_are_1_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"not a catalog" * 100)
    assert_one_error(clipsearch("status", "--library", tmp_path))


def test_a_busy_library_is_1_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with FileLock(tmp_path / "indexing.lock"):
        assert_one_error(clipsearch("index", tmp_path / "photos", "--library", tmp_path))


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv[1:] = ['--help']\nfrom clipsearch.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'PySide6', 'numpy', 'faiss', 'onnxruntime', 'sqlalchemy', 'PIL'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "index" in done.stdout


def test_a_search_loads_neither_torch_nor_the_window(library: Path) -> None:
    code = (
        f"import sys\nsys.argv[1:] = ['search', 'a dog', '--library', {str(library)!r}]\n"
        "from clipsearch.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.exit(', '.join({'torch', 'PySide6', 'alembic'} & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# The folder from hell


# Starts a program as a root (of Linux) for whom permissions count: without the capabilities 1 and 2, to override them.
UNPRIVILEGED = (
    sys.executable,
    "-c",
    "import ctypes, os, sys\n"
    "for capability in 1, 2:\n    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])",
)


def bound_by_permissions(closed: Path) -> tuple[str, ...]:
    """Return what to put before a command so that it cannot open the folder `closed`."""
    for prefix in ((), UNPRIVILEGED):
        attempt = [*prefix, sys.executable, "-c", "import os, sys; os.listdir(sys.argv[1])", closed]
        if b"PermissionError" in subprocess.run(attempt, capture_output=True, check=False).stderr:
            return prefix
    pytest.skip("no process here is bound by permissions")


@posix
def test_a_folder_of_good_and_bad_files(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    photos, library = tmp_path / "photos", tmp_path / "library"
    good = make_good_photos(photos)
    bad = make_bad_files(photos)
    (photos / "closed").mkdir()
    shutil.copy(DEMO / "owl.jpg", photos / "closed" / "another owl.jpg")
    (photos / "closed").chmod(0)
    request.addfinalizer(lambda: (photos / "closed").chmod(0o755))
    run = partial(clipsearch, prefix=bound_by_permissions(photos / "closed"))

    (counts,) = lines(run("index", photos, "--library", library, "--json"))
    assert counts | {"seconds": 0} == NOTHING | {"added": len(good), "problems": len(bad) + 1}

    problems = lines(run("problems", "--library", library, "--json"))
    reasons = {problem["path"]: problem["reason"] for problem in problems}
    assert reasons == bad | {str(photos / "closed"): "You do not have permission to open this folder."}

    hits = lines(run("search", "a dog", "--library", library, "-n", 99, "--json"))
    assert {os.fsencode(hit["path"]) for hit in hits} == {os.fsencode(path) for path in good}
    assert Path(hits[0]["path"]).name == "plain.jpg"
    plain = run("search", "a dog", "--library", library, "-n", 99)
    assert len(plain.stdout.splitlines()) == len(good)

    for path in good:
        change_unseen(path)
    (again,) = lines(run("index", photos, "--library", library, "--json"))
    assert again | {"seconds": 0} == NOTHING | {"unchanged": len(good), "problems": len(bad) + 1}
    (status,) = lines(run("status", "--library", library, "--json"))
    assert (status["files"], status["pending"], status["problems"]) == (len(good), 0, len(bad) + 1)
    assert lines(run("verify", "--library", library, "--json")) == [{"ok": True, "findings": []}]


def make_good_photos(photos: Path) -> list[Path]:
    names = [b"plain.jpg", "🐶 Hund ☀.jpg".encode(), b"two\nlines.jpg", b"caf\xe9.jpg", b"sub/folder/A.JPG"]
    paths = [photos / os.fsdecode(name) for name in names]
    for path, source in zip(paths, ["dog", "cat", "coffee", "boats", "owl"], strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy(DEMO / f"{source}.jpg", path)
        except OSError:
            pytest.skip(f"the file system does not take the name {path.name!r}")
    return paths


def make_bad_files(photos: Path) -> dict[str, str]:
    """Make files that are no good; return {path: the reason to expect}."""
    contents = {
        "empty.jpg": (b"", "The file is empty."),
        "cut.jpg": (truncated_jpeg(), "The file is cut short: a part of the picture is missing."),
        "text.jpg": (b"Dear diary", "This is not a picture, or of a kind that this program cannot read."),
        "huge.png": (
            black_png(30_000, 30_000),
            "The picture is very large (30000 x 30000 pixels); the limit is 250 megapixels.",
        ),
    }
    for name, (content, _) in contents.items():
        (photos / name).write_bytes(content)
    return {str(photos / name): reason for name, (_, reason) in contents.items()}


def test_status_and_verify_agree_through_a_librarys_life(tmp_path: Path) -> None:
    photos, library = tmp_path / "photos", tmp_path / "library"
    photos.mkdir()
    for name in SUBJECTS:
        shutil.copy(DEMO / name, photos)

    def index() -> None:
        lines(clipsearch("index", photos, "--library", library, "--json"))

    def assert_agrees(count: int) -> None:
        (status,) = lines(clipsearch("status", "--library", library, "--json"))
        assert (status["photos"], status["embedded"], status["pending"]) == (count, count, 0)
        assert lines(clipsearch("verify", "--library", library, "--json")) == [{"ok": True, "findings": []}]
        assert len(lines(clipsearch("search", "a dog", "--library", library, "--json"))) == count

    index()
    assert_agrees(4)
    (photos / "cat.jpg").unlink()
    done = clipsearch("verify", "--library", library, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["ok"] is False
    index()
    assert_agrees(3)
    (index_file,) = (library / "index").iterdir()
    index_file.unlink()
    assert_agrees(3)
    assert index_file.exists()


@posix
def test_an_interrupt_keeps_what_is_done_and_leaves_no_process(tmp_path: Path) -> None:
    photos, library = tmp_path / "photos", tmp_path / "library"
    for number in range(600):
        paint(photos / f"{number}.png", (number % 256, number // 256, 90), (300, 300))
    command = [sys.executable, "-m", "clipsearch", "index", photos, "--library", library]
    running = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (library / "catalog.sqlite").exists() or files(library) == 0:
        time.sleep(0.05)
        assert running.poll() is None
    os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert b"Traceback" not in errors
    assert group_ends(running.pid)
    done = files(library)
    assert 0 < done < 600
    assert lines(clipsearch("problems", "--library", library, "--json")) == []
    assert lines(clipsearch("verify", "--library", library, "--json"))[0]["ok"]


def group_ends(group: int) -> bool:
    """Wait some seconds for the last process of a group to end."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def files(library: Path) -> int:
    (status,) = lines(clipsearch("status", "--library", library, "--json"))
    return int(status["files"])


def test_the_library_may_be_named_before_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "clipsearch", "--library", str(tmp_path / "here"), "status", "--json"]
    assert subprocess.run(command, check=True, capture_output=True).stdout
    assert (tmp_path / "here" / "catalog.sqlite").exists()


def test_a_query_in_another_encoding_is_asked_all_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "clipsearch", "search", "--batch", "-", "--library", str(tmp_path)]
    assert subprocess.run(command, check=False, input=b"caf\xe9\n", capture_output=True).returncode in {0, 1}


def test_a_search_may_stay_inside_a_folder(tmp_path: Path) -> None:
    photo, library = paint(tmp_path / "photos" / "a.jpg"), tmp_path / "library"
    copy = photo.parent / "sub" / "copy.jpg"
    copy.parent.mkdir()
    shutil.copy(photo, copy)
    clipsearch("index", photo.parent, "--library", library)
    for command in (["search", "a photo"], ["similar", photo]):
        found = clipsearch(*command, "--in", copy.parent, "--json", "--library", library)
        assert [hit["path"] for hit in lines(found)] == [str(copy)]
    assert_one_error(clipsearch("search", "a photo", "--in", library, "--library", library))


def test_code_that_lies_among_the_photos_is_never_run(tmp_path: Path) -> None:
    photos, start = tmp_path / "photos", tmp_path / "start.py"
    paint(photos / "red.png")
    (photos / "pickle.py").write_text("open('was run', 'w').close()")
    start.write_text("from clipsearch.__main__ import main\nif __name__ == '__main__':\n    main()\n")
    command = [sys.executable, start, "index", ".", "--library", tmp_path / "library", "--json"]
    done = subprocess.run(command, cwd=photos, capture_output=True, text=True, check=False)
    assert lines(done)[0]["added"] == 1
    assert sorted(path.name for path in photos.iterdir()) == ["pickle.py", "red.png"]
