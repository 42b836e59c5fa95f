"""`clipsearch models ...` end to end: real processes, the hub's real client library, a hub on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub_server import REVISION, Hub, serving
from tests.pictures import paint
from tests.tiny_models import DIM, SIZE, immich_files, write_files

NAME, REPOSITORY = "ViT-B-32__openai", "immich-app/ViT-B-32__openai"
posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX terminal")

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serving(**{REPOSITORY: immich_files()}) as hub:
        yield hub


@pytest.fixture
def environment(hub: Hub, tmp_path: Path) -> dict[str, str]:
    """A home, a models folder and a hub of its own."""
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"), str(tmp_path / "home"))
    return os.environ | homes | {"CLIPSEARCH_MODELS": str(tmp_path / "models"), "HF_ENDPOINT": hub.url}


@pytest.fixture
def command(environment: dict[str, str]) -> Command:
    """Run the program to its end."""

    def run(*arguments: object, stdin: int = subprocess.DEVNULL, **changed: str) -> subprocess.CompletedProcess[str]:
        process = start(arguments, environment | changed, stdin)
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run


def start(arguments: Iterable[object], environment: dict[str, str], stdin: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "clipsearch", *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=stdin, stdout=pipe, stderr=pipe, text=True, env=environment)


def lines(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_one_error(done: subprocess.CompletedProcess[str], reason: str) -> None:
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("error: ")
    assert reason in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_model_is_listed_installed_used_and_removed(command: Command, hub: Hub, tmp_path: Path) -> None:
    for colour in ("red", "lime", "blue"):
        paint(tmp_path / "photos" / f"{colour}.png", colour)
    command("index", tmp_path / "photos")

    before = {info["name"]: info for info in lines(command("models", "list", "--json"))}
    assert (before["starter"]["chosen"], before["starter"]["answering"]) == (True, True)
    assert (before[NAME]["installed"], before[NAME]["repository"]) == (False, REPOSITORY)
    assert hub.requests == []

    installed = command("models", "install", NAME, "--json")
    (info,) = lines(installed)
    assert (info["name"], info["revision"], info["dim"], info["size_px"]) == (NAME, REVISION, DIM, SIZE)
    assert "Licence: MIT" in installed.stderr
    assert f"MB from {REPOSITORY}" in installed.stderr

    assert lines(command("models", "use", NAME, "--json")) == [{"chosen": NAME, "answering": "starter"}]
    listed = command("models", "list").stdout
    assert next(line for line in listed.splitlines() if line.startswith(NAME)).split()[1:3] == ["installed,", "chosen"]
    caught_up = command("index", "--json")
    assert lines(caught_up)[0]["unchanged"] == 3
    assert f"{NAME} answers now." in caught_up.stderr
    assert Path(lines(command("search", "blue", "--json"))[0]["path"]).name == "blue.png"

    assert "is in use" in command("models", "remove", NAME).stderr
    assert command("models", "use", "starter").stdout == "starter answers now.\n"
    (gone,) = lines(command("models", "remove", NAME, "--json"))
    assert gone == {"name": NAME, "freed_bytes": info["disk_bytes"]}
    assert not (tmp_path / "models" / NAME).exists()


def test_use_says_when_the_model_will_answer(command: Command, tmp_path: Path) -> None:
    paint(tmp_path / "photos" / "red.png", "red")
    command("index", tmp_path / "photos")
    command("models", "import", write_files(immich_files(), tmp_path / "x"), "--name", "colours")
    said = command("models", "use", "colours").stdout
    assert "at the next `clipsearch index`; until then starter answers" in said


@pytest.mark.skipif(sys.platform != "linux", reason="knows where settings lie on Linux")
def test_a_mirror_in_the_settings_is_asked(command: Command, hub: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "clipsearch"
    write_files({"settings.toml": f'hub_mirror = "{hub.url}"\n'.encode()}, folder)
    done = command("models", "install", NAME, "--yes", HF_ENDPOINT="http://127.0.0.1:9")
    assert done.returncode == 0, done.stderr
    assert f"{NAME} is installed" in done.stdout


def test_what_goes_wrong_is_one_line(command: Command, hub: Hub, tmp_path: Path) -> None:
    offline = command("models", "install", NAME, HF_ENDPOINT="http://127.0.0.1:9")
    assert_one_error(offline, "127.0.0.1:9 cannot be reached")
    assert_one_error(command("models", "install", "nothing"), "No model on offer is called 'nothing'")
    assert_one_error(command("models", "install", "ViT-B-16-SigLIP2"), "does not have")
    assert_one_error(command("models", "use", "nothing"), "No model called 'nothing' is installed")
    assert_one_error(command("models", "remove", NAME), f"No model called {NAME!r} is installed")
    assert_one_error(command("models", "remove", "nothing"), "No model called 'nothing' is installed")
    assert_one_error(command("models", "remove", "starter"), "comes with the program")
    assert_one_error(command("models", "import", tmp_path / "nothing"), "There is no file or folder")
    hub.damaged.add("visual/model.onnx")
    assert_one_error(command("models", "install", NAME), "damaged")
    assert not (tmp_path / "models" / NAME).exists()


def test_a_folder_is_imported(command: Command, tmp_path: Path) -> None:
    folder = write_files(immich_files(), tmp_path / "My colours")
    (info,) = lines(command("models", "import", folder, "--json"))
    assert (info["name"], info["source"]) == ("My-colours", "imported")


def test_weights_that_leave_the_architecture_open_name_the_option(command: Command, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from clipsearch.model import create
    from tests.model.checkpoint_files import VIT, random_model

    shapes = create("ViT-B-32", "meta").state_dict().items()
    torch.save({name: torch.zeros(()).expand(tensor.shape) for name, tensor in shapes}, tmp_path / "mine.pt")
    done = command("models", "import", tmp_path / "mine.pt")
    assert_one_error(done, "do not tell their architecture")
    assert "--architecture" in done.stderr
    torch.save(random_model(VIT).state_dict(), tmp_path / "strange.pt")  # of a shape that no name fits
    done = command("models", "import", tmp_path / "strange.pt")
    assert_one_error(done, "attention heads")
    assert "--architecture" not in done.stderr


@posix
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_install_goes_on_where_it_stopped(
    command: Command, environment: dict[str, str], hub: Hub, tmp_path: Path, kind: signal.Signals
) -> None:
    hub.repositories[REPOSITORY] = immich_files(1.0, 1_000_000)
    hub.stall_after["visual/model.onnx"] = 2_000_000
    process = start(["models", "install", NAME], environment, subprocess.DEVNULL)
    while not any(path.stat().st_size > 1_000_000 for path in tmp_path.rglob("*.part")):
        time.sleep(0.05)
    process.send_signal(kind)
    _, said = process.communicate()
    assert process.returncode == (130 if kind == signal.SIGINT else -9)
    assert kind == signal.SIGKILL or "what is downloaded is kept" in said
    assert command("models", "use", NAME).returncode == 1
    hub.stall_after.clear()
    hub.requests.clear()
    before = hub.sent
    assert command("models", "install", NAME).returncode == 0
    assert hub.asked("visual/model.onnx")[0] is not None
    assert hub.sent - before < 3_000_000
    assert not list((tmp_path / "models").rglob("*.part"))


@posix
@pytest.mark.parametrize(("name", "reason"), [("mine", "mine is in use"), ("starter", "comes with the program")])
def test_on_a_terminal_nothing_is_asked_of_a_model_that_cannot_be_removed(
    command: Command, tmp_path: Path, name: str, reason: str
) -> None:
    command("models", "import", write_files(immich_files(), tmp_path / "mine"))
    command("models", "use", "mine")
    ours, theirs = os.openpty()
    try:
        done = command("models", "remove", name, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert_one_error(done, reason)
    assert "Delete" not in done.stderr


@posix
@pytest.mark.parametrize(("answer", "status"), [(b"y\n", 0), (b"n\n", 1)])
def test_on_a_terminal_the_licence_is_agreed_to_first(command: Command, hub: Hub, answer: bytes, status: int) -> None:
    ours, theirs = os.openpty()
    try:
        os.write(ours, answer)
        done = command("models", "install", NAME, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert done.returncode == status
    assert "Licence: MIT" in done.stderr
    assert "Download it?" in done.stderr
    assert bool(hub.sent > 10_000) == (status == 0)


def test_models_alone_shows_its_commands(command: Command) -> None:
    done = command("models")
    assert all(word in done.stdout + done.stderr for word in ("list", "install", "import", "use", "remove"))
