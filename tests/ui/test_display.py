from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clipsearch.errors import ClipsearchError
from clipsearch.ui import display


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="these systems always have a screen")
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({"DISPLAY": ":0", "QT_QPA_PLATFORM": "offscreen"}, False),
        ({"QT_QPA_PLATFORM": "minimal:enable_fonts"}, False),
        ({"QT_QPA_PLATFORM": "vnc"}, True),
    ],
)
def test_has_display(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: bool) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert display.has_display() is expected


def test_a_missing_library_is_named_with_its_package() -> None:
    error = display._error_of("libxcb-cursor.so.0: cannot open shared object file: No such file or directory")
    assert "libxcb-cursor.so.0" in error.message
    assert "apt install libxcb-cursor0" in error.message


def test_a_plugin_that_does_not_load_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "libqxcb.so").write_bytes(b"not a library")
    with pytest.raises(ClipsearchError, match="libqxcb"):
        display._check_platforms(tmp_path, ["xcb"])


def test_one_platform_that_works_is_enough(tmp_path: Path) -> None:
    (tmp_path / "libqwayland.so").write_bytes(b"not a library")
    display._check_platforms(tmp_path, ["wayland", "somewhere-else"])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11")
def test_a_screen_that_does_not_answer_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setenv("DISPLAY", ":5999")
    with pytest.raises(ClipsearchError):
        display.check_qt()


def test_offscreen_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    display.check_qt()
