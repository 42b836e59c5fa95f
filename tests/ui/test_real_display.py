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
    for _ in range(20):  # a busy machine is slow to open it
        time.sleep(0.1)
        if "dog.jpg" in xdotool("search", "--name", "dog.jpg", "getwindowname"):
            return True
    xdotool("key", "Escape")
    xdotool("key", "ctrl+f")
    xdotool("key", "Return")
    return False
