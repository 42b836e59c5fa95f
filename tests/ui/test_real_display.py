"""The demo in a real window on a virtual screen, driven by the keyboard from outside."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable

from tests.ui.real_display import needed, screen, wait_until

__all__ = ["screen"]


@needed
def test_the_demo_opens_answers_a_typed_query_and_closes(screen: dict[str, str]) -> None:
    def xdotool(*arguments: str) -> str:
        return subprocess.run(["xdotool", *arguments], env=screen, capture_output=True, text=True, check=False).stdout

    with subprocess.Popen([sys.executable, "-m", "clipsearch", "demo"], env=screen) as program:
        try:
            wait_until(lambda: xdotool("search", "--onlyvisible", "--name", "clipsearch") != "")
            wait_until(lambda: finds_the_dog(xdotool), seconds=120)
            program.send_signal(signal.SIGINT)  # without a window manager no shortcut reaches the menus
            assert program.wait(30) == 0
        finally:
            program.kill()


def finds_the_dog(xdotool: Callable[..., str]) -> bool:
    """Ask for a dog and open the first hit; the window is named after the photo it shows.

    Keys that come before the window is ready are lost, so all of it may have to be done again.
    """
    xdotool("key", "Escape", "ctrl+f", "ctrl+a")
    xdotool("type", "a dog")
    xdotool("key", "Return")
    time.sleep(1)
    xdotool("key", "Down", "Return")
    for _ in range(30):  # a busy machine is slow to open it
        time.sleep(0.1)
        if "dog.jpg" in xdotool("search", "--name", "dog.jpg", "getwindowname"):
            return True
    return False
