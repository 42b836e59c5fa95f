"""Whether Qt can show a window here, found out before Qt would end the process.

Without a screen, or without a library of the system, Qt does not raise: it prints and aborts. So what it is going
to load is tried first, with the error in hand.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

from clipsearch.errors import ClipsearchError

_WITHOUT_SCREEN = ("offscreen", "minimal")
_PACKAGES = {  # Debian's and Ubuntu's names
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
}


def has_display() -> bool:
    """Say whether there is a screen, or what stands for one; without asking Qt."""
    if sys.platform in ("win32", "darwin"):
        return True
    chosen = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]
    if chosen:
        return chosen not in _WITHOUT_SCREEN
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def check_qt() -> None:
    """Raise ClipsearchError with a sentence on what to install or start, if Qt would not come up here."""
    try:
        from PySide6 import QtWidgets  # noqa: F401
        from PySide6.QtCore import QLibraryInfo
    except ImportError as error:
        raise _error_of(str(error)) from error
    if sys.platform.startswith("linux"):
        plugins = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms"
        _check_platforms(plugins, _platforms())


def _platforms() -> list[str]:
    """The platform plugins that Qt is going to try, in order."""
    chosen = [name.split(":")[0] for name in os.environ.get("QT_QPA_PLATFORM", "").split(";") if name]
    if chosen:
        return chosen
    return (["wayland"] if os.environ.get("WAYLAND_DISPLAY") else []) + ["xcb"]


def _check_platforms(plugins: Path, names: list[str]) -> None:
    """Return if one of the platforms loads and finds its screen; else raise for the first of them."""
    failures = []
    for name in names:
        try:
            _check_platform(plugins, name)
            return
        except ClipsearchError as error:
            failures.append(error)
    raise failures[0]


def _check_platform(plugins: Path, name: str) -> None:
    library = plugins / f"libq{name}.so"
    if not library.exists():
        return  # a plugin from elsewhere: Qt knows better
    try:
        ctypes.CDLL(str(library))
    except OSError as error:
        raise _error_of(str(error)) from error
    if name == "xcb" and not _x11_answers():
        display = os.environ.get("DISPLAY", "")
        where = f"The screen {display} does not answer." if display else "There is no screen (DISPLAY is not set)."
        raise ClipsearchError("No window possible", f"{where} The commands of the terminal work without one.")


def _x11_answers() -> bool:
    """Connect to the X server for a moment; True where that cannot be tried."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    has_error = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not has_error


def _error_of(reason: str) -> ClipsearchError:
    """Turn the loader's message, which begins with the library's name, into a sentence to act on."""
    name = Path(reason.split(":", maxsplit=1)[0].strip()).name
    if ".so" not in name:
        message = f"The window's parts could not be loaded ({reason}). Please install clipsearch again."
        return ClipsearchError("No window possible", message)
    package = _PACKAGES.get(name)
    hint = f"on Debian and Ubuntu: sudo apt install {package}" if package else "with your system's package manager"
    return ClipsearchError("No window possible", f"The system library {name} is missing; please install it ({hint}).")
