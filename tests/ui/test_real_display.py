"""The demo in a real window on a virtual screen, driven by the keyboard from outside."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

needed = pytest.mark.skipif(not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool")


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Start an X server on a free display; yield the environment for programs on it.

    It must not start anew when its last client leaves, as it would while programs come and go.
    """
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as stream:  # up to the line's end: the server dies if it cannot write that
            display = stream.readline().strip()
        environment = {
            key: value for key, value in os.environ.items() if key not in {"QT_QPA_PLATFORM", "WAYLAND_DISPLAY"}
        }
        yield environment | {"DISPLAY": f":{display}", "XDG_CONFIG_HOME": str(tmp_path)}
        server.terminate()


@needed
def test_the_demo_opens_answers_a_typed_query_and_closes(screen: dict[str, str]) -> None:
    def xdotool(*arguments: str) -> str:
        return subprocess.run(["xdotool", *arguments], env=screen, capture_output=True, text=True, check=False).stdout

    with subprocess.Popen([sys.executable, "-m", "clipsearch", "demo"], env=screen) as program:
        try:
            wait_until(lambda: xdotool("search", "--onlyvisible", "--name", "clipsearch") != "")
            xdotool("key", "ctrl+f")
            xdotool("type", "a dog")
            xdotool("key", "Return")
            wait_until(lambda: opens_the_dog(xdotool))
            program.send_signal(signal.SIGINT)  # without a window manager no shortcut reaches the menus
            assert program.wait(30) == 0
        finally:
            program.kill()


def opens_the_dog(xdotool: Callable[..., str]) -> bool:
    """Go from the search bar to the first hit and open it; the window is named after the photo it shows."""
    xdotool("key", "Down")
    xdotool("key", "Return")
    time.sleep(0.5)
    if "dog.jpg" in xdotool("search", "--name", "dog.jpg", "getwindowname"):
        return True
    xdotool("key", "Escape")
    xdotool("key", "ctrl+f")
    xdotool("key", "Return")
    return False


def wait_until(done: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
