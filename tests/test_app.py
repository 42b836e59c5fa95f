"""The window as a program of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_closes_the_window_as_the_user_would(tmp_path: Path, number: signal.Signals) -> None:
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(tmp_path))
    environment = os.environ | homes | {"QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "clipsearch", "--library", str(tmp_path / "library")]
    with subprocess.Popen(command, env=environment) as program:
        try:
            deadline = time.monotonic() + 60
            while not (tmp_path / "library" / "catalog.sqlite").exists():
                assert time.monotonic() < deadline, "the library was not opened"
                time.sleep(0.05)
            program.send_signal(number)
            assert program.wait(60) == 0
        finally:
            program.kill()
    left = {path.name for path in (tmp_path / "library").iterdir()}
    assert not left & {"catalog.sqlite-wal", "indexing.json"}
    assert list(tmp_path.rglob("window.ini"))


_ASKED_AT_ONCE = """
import os, signal, sys
from pathlib import Path
from clipsearch.app import run_window
from clipsearch.ui.session import Session
start = Session.start
def asked(self):
    os.kill(os.getpid(), signal.SIGTERM)
    start(self)
Session.start = asked
sys.exit(run_window(Path(sys.argv[1])))
"""


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
def test_a_signal_while_the_program_starts_closes_it_too(tmp_path: Path) -> None:
    homes = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), str(tmp_path))
    environment = os.environ | homes | {"QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", _ASKED_AT_ONCE, str(tmp_path / "library")]
    assert subprocess.run(command, env=environment, timeout=60, check=False).returncode == 0
